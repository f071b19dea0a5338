"""`up`, `demo`: Airflow with everything on this machine, and the demo sites."""

from pathlib import Path
from typing import Annotated

import typer

from crawler.errors import UsageError
from medthreads.commands.options import ArchiveOption


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("up")(up_command)
    app.add_typer(_demo, name="demo")


def up_command(
    port: Annotated[int, typer.Option(help="Port of the Airflow UI; the next free one where it is taken.")] = 8080,
    archive: ArchiveOption = None,
    demo: Annotated[bool, typer.Option(help="Start the demo sites and crawl them first.")] = True,
    exit_after_first_crawl: Annotated[bool, typer.Option(help="Stop when the demo is crawled (for tests).")] = False,
) -> None:
    """Start Airflow on loopback with all sites, crawl the demo, and stay until Ctrl-C."""
    from medthreads.up import up

    up(port=port, archive=archive, demo=demo, exit_after_first_crawl=exit_after_first_crawl)


_demo = typer.Typer(no_args_is_help=True, help="The demo sites: a small live forum and a Reddit-like API.")


@_demo.command("serve")
def demo_serve(
    forum_port: Annotated[int, typer.Option(help="Port of the forum.")] = 8790,
    reddit_port: Annotated[int, typer.Option(help="Port of the Reddit-like API.")] = 8791,
    seed: Annotated[int, typer.Option(help="The content follows from it.")] = 7,
    threads: Annotated[int, typer.Option(help="How many threads the forum has in the end.")] = 120,
    speed: Annotated[float, typer.Option(help="Seconds of demo time that pass in one second.")] = 1.0,
    now: Annotated[str | None, typer.Option(metavar="TIME", help="Where its clock starts; else the real time.")] = None,
    sites_folder: Annotated[Path | None, typer.Option(help="Write the demo's two site files there.")] = None,
) -> None:
    """Serve the demo sites on loopback until Ctrl-C."""
    from demo.server import Demo, main
    from demo.sites import demo_sites
    from medthreads.commands.options import instant

    def ready(demo: Demo) -> None:
        print(f"The demo forum: {demo.forum_url}/\nThe Reddit-like API: {demo.reddit_url}/", flush=True)
        if sites_folder is not None:
            demo_sites(demo.forum_url, demo.reddit_url, sites_folder)

    start = instant("--now", now)
    ports = {"forum_port": forum_port, "reddit_port": reddit_port}
    try:
        main(seed=seed, threads=threads, speed=speed, now=start, ready=ready, **ports)
    except OSError as error:
        where = f"127.0.0.1:{forum_port} and :{reddit_port}"
        hint = "choose others with --forum-port and --reddit-port"
        raise UsageError(f"Cannot serve the demo on {where} ({error.strerror}); {hint}.") from error
