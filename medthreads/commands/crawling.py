"""`crawl`, `parse`: from a site to records."""

import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crawler.engines import Page, parse
from crawler.errors import UsageError
from crawler.receipt import Receipt
from crawler.records import ParsedPage
from crawler.site import find_site, registered_name, usable_sites
from crawler.state import CrawlScope
from medthreads.commands.options import ArchiveOption, JsonOption, SinceOption, SiteArgument, UntilOption, instant
from medthreads.commands.printing import Output
from medthreads.commands.saved_page import host_of, read_page
from medthreads.location import archive_location


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("crawl")(crawl_command)
    app.command("parse")(parse_command)


def crawl_command(
    site: SiteArgument,
    since: SinceOption = None,
    until: UntilOption = None,
    full: Annotated[bool, typer.Option(help="Read every thread again, moved or not.")] = False,
    archive: ArchiveOption = None,
    crawl_id: Annotated[str | None, typer.Option(help="Name of the landing; the same name goes on with it.")] = None,
    land_only: Annotated[bool, typer.Option(help="Stop when the pages are landed; commit nothing.")] = False,
    watch_stdin: Annotated[bool, typer.Option(help="Stop when standard input ends (for supervisors).")] = False,
    as_json: JsonOption = False,
) -> None:
    """Crawl a site: land, dedupe, check, commit, publish; prints the receipt.

    Run again after an interruption it goes on where it was.
    """
    from medthreads import pipeline

    if watch_stdin:
        end_with_stdin()
    scope = CrawlScope(since=instant("--since", since), until=instant("--until", until), full=full)
    if scope.since and scope.until and scope.since >= scope.until:
        raise UsageError(f"--since {since} is not before --until {until}: nothing can lie between them.")
    declared = find_site(site)
    location = archive_location(archive)
    landing = pipeline.crawl(declared, location, scope, crawl_id)
    if not land_only:
        pipeline.store(location, landing)
    receipt = pipeline.receipt_of(landing)
    if as_json:
        # The receipt's lists go with the landing; one line of figures is what travels.
        print(msgspec.json.encode({"landing": str(landing), "receipt": figures(receipt)}).decode())
    else:
        print_receipt(receipt)


def end_with_stdin() -> None:
    """Has this process end in order when its standard input does: whoever started it is gone then."""

    descriptor = sys.stdin.fileno()

    def wait() -> None:
        # Not sys.stdin: its lock, held here, would keep the interpreter from ending in order.
        while os.read(descriptor, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def figures(receipt: Receipt) -> dict[str, object]:
    """The receipt without its lists of threads."""
    whole: dict[str, object] = msgspec.to_builtins(receipt)
    return {name: value for name, value in whole.items() if name not in {"coverage", "shortfalls"}} | {
        "difference": receipt.difference,
        "threads_short_of_their_count": len(receipt.shortfalls),
    }


def print_receipt(receipt: Receipt) -> None:
    """The receipt for people."""
    table = Table(show_header=False, box=None, pad_edge=False)
    took = (receipt.finished_at or datetime.now(UTC)) - receipt.started_at
    rows: list[tuple[str, str]] = [
        ("outcome", receipt.outcome.value + (f": {receipt.reason}" if receipt.reason else "")),
        ("crawl", f"{receipt.site}/{receipt.crawl_id}, {took.total_seconds():,.0f} s, {receipt.requests:,} requests"),
        ("pages", f"{receipt.discovered:,} planned = {_balance(receipt)} (difference {receipt.difference})"),
        ("threads", _threads(receipt)),
        ("posts", f"{receipt.posts:,} read"),
    ]
    if receipt.shortfalls:
        rows.append(("counts", f"{len(receipt.shortfalls):,} threads gave another number of posts than stated"))
    rows += [("", f"{count:,} x {reason}") for reason, count in receipt.reasons.items()]
    for name, value in rows:
        table.add_row(name, value)
    Output(soft_wrap=True, highlight=False).print(table)


def _threads(receipt: Receipt) -> str:
    passed = f"{receipt.threads_unchanged:,} unchanged or not wanted"
    return f"{receipt.threads_listed:,} listed, {passed}, {receipt.threads_opened:,} opened"


def _balance(receipt: Receipt) -> str:
    parts = [(receipt.parsed, "read"), (receipt.quarantined, "not understood"), (receipt.pending, "pending")]
    parts += [(count, reason) for reason, count in (*receipt.refused.items(), *receipt.failed.items())]
    return " + ".join(f"{count:,} {reason}" for count, reason in parts if count) or "0"


def parse_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A saved page or API response; - for standard input.")],
    url: Annotated[str, typer.Option(help="Address that the page came from.")],
    engine: Annotated[str, typer.Option(help="Forum software; auto recognises it.")] = "auto",
    header: Annotated[
        list[str] | None, typer.Option(metavar="'K: V'", help="A response header; may be repeated.")
    ] = None,
    fetched_at: Annotated[str | None, typer.Option(metavar="TIME", help="When it was fetched (UTC).")] = None,
    site: Annotated[str | None, typer.Option(help="Name for the records; else that of the registered site.")] = None,
) -> None:
    """Print what an engine reads from one saved page: JSON, one object a line."""
    body = read_page(file)
    host = host_of(url)
    page = Page(
        url=url,
        body=body,
        site=site or _site_of(host),
        headers=dict(_header(line) for line in header or []),
        fetched_at=instant("--fetched-at", fetched_at),
    )
    parsed = parse(page, engine)
    out = sys.stdout.buffer
    report = {name: value for name, value in msgspec.to_builtins(parsed).items() if name not in ParsedPage.LISTS}
    for line in (report, *parsed.records()):
        out.write(msgspec.json.encode(line) + b"\n")
    out.flush()


def _site_of(host: str) -> str:
    return registered_name(host, usable_sites()[0]) or host


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise UsageError(f"--header {line!r} must be written 'Name: value'.")
    return name.strip().lower(), value.strip()
