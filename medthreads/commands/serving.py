"""`up`, `demo`: Airflow with everything on this machine, and the demo sites."""

from pathlib import Path
from typing import Annotated

import typer

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
    forum_port: Annotated[int, typer.Option(help="Port of the forum.")] = 8081,
    reddit_port: Annotated[int, typer.Option(help="Port of the Reddit-like API.")] = 8082,
    seed: Annotated[int, typer.Option(help="The content follows from it.")] = 7,
    threads: Annotated[int, typer.Option(help="How many threads the forum has in the end.")] = 120,
    speed: Annotated[float, typer.Option(help="Seconds of demo time that pass in one second.")] = 1.0,
    now: Annotated[str | None, typer.Option(metavar="TIME", help="Where its clock starts; else the real time.")] = None,
    sites_folder: Annotated[Path | None, typer.Option(help="Write the demo's two site files there.")] = None,
) -> None:
    """Serve the demo sites on loopback until Ctrl-C."""
    from demo.server import serve

    from medthreads.commands.options import instant

    serve(
        forum_port=forum_port,
        reddit_port=reddit_port,
        seed=seed,
        threads=threads,
        speed=speed,
        now=instant("--now", now),
        sites_folder=sites_folder,
    )
