"""Engines: forum software, and our pure parsers of it. `parse` is the one way in."""

from crawler.engines.discourse import Discourse
from crawler.engines.feed import Feed
from crawler.engines.flarum import Flarum
from crawler.engines.generic import Generic
from crawler.engines.html import challenge_reason
from crawler.engines.invision import Invision
from crawler.engines.mybb import MyBB
from crawler.engines.nodebb import NodeBB
from crawler.engines.page import Engine, Page, Recognition
from crawler.engines.phpbb import PhpBB
from crawler.engines.reddit import Reddit
from crawler.engines.smf import Smf
from crawler.engines.vanilla import Vanilla
from crawler.engines.vbulletin import VBulletin
from crawler.engines.xenforo1 import XenForo1
from crawler.engines.xenforo2 import XenForo2
from crawler.errors import UsageError
from crawler.records import PageKind, ParsedPage

FEED = Feed()
ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        *(XenForo2(), XenForo1(), VBulletin(), PhpBB(), Discourse(), Invision(), Smf(), MyBB(), Vanilla(), NodeBB()),
        *(Flarum(), Reddit(), FEED, Generic()),
    )
}


def engine_named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return ENGINES[name]
    except KeyError:
        raise UsageError(f"No engine is called {name!r}; there are: auto, {', '.join(sorted(ENGINES))}.") from None


def recognise(page: Page) -> Recognition | None:
    """The engine that the page is of, with the evidence; None where no engine knows it."""
    return next(iter(candidates(page)), None)


def candidates(page: Page) -> list[Recognition]:
    """Every engine that claims the page, the surest first."""
    found = [recognition for engine in ENGINES.values() if (recognition := engine.recognise(page))]
    return sorted(found, key=lambda recognition: -recognition.confidence)


def parse(page: Page, engine: str = "auto") -> ParsedPage:
    """Everything that the page holds, read by the named engine or by the one that recognises it.

    A feed is read as one whatever engine is named: every forum software has them.

    Raises:
        UsageError: no engine has that name. Never because of the page.
    """
    if engine != "auto":
        parsed = engine_named(engine).parse(page)
        if parsed.page_kind is PageKind.UNKNOWN and FEED.recognise(page):
            return FEED.parse(page)
        return parsed
    recognition = recognise(page)
    if recognition is None and (challenge := challenge_reason(page)):
        return ParsedPage(page_kind=PageKind.CHALLENGE, reason=challenge)
    if recognition is None:
        return ParsedPage(page_kind=PageKind.UNKNOWN, reason="no known forum software made this page")
    return ENGINES[recognition.engine].parse(page)


__all__ = ["ENGINES", "Engine", "Page", "Recognition", "candidates", "engine_named", "parse", "recognise"]
