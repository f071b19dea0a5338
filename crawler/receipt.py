"""What a crawl leaves behind, as data: staged pages, and the account of everything it met."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from crawler.records import ParsedPage

IMPORT_PREFIX = "import-"
"""How the ids of imports begin, and those of crawls never do."""
REPARSE_PREFIX = "reparse-"
"""How the ids of reparses begin: landed pages read again, which is no look at the site."""
BACKFILL_PREFIX = "backfill-"
"""How the ids of a backfill's plan and parts begin: they are gone on with by the backfill only."""


class StagedPage(Struct, kw_only=True):
    """One fetched page with all that its engine read from it; a line of `pages.jsonl`."""

    url: str
    """Address that answered."""
    fetched_at: datetime
    """When the response came (aware, UTC)."""
    parsed: ParsedPage
    reservations: list[str] = field(default_factory=list)
    """Uses that the page's author reserves, by their word: noai, noimageai, tdm-reservation."""


class BoardState(Struct, kw_only=True, frozen=True):
    """A board as the site's index showed it, and how far down its listing is known."""

    last_post_at: datetime | None = None
    """Its last post by the index; None also where that cannot tell whether a later walk is needed."""
    thread_count: int | None = None
    post_count: int | None = None
    watermark: datetime | None = None
    """The newest activity that its listing showed: every thread whose last post is older has been read."""
    whole_at: datetime | None = None
    """When its listing was last walked to its very end."""
    rows: int = 0
    """Threads on a full page of its listing, without pinned ones; 0 where no page was followed by another."""

    def is_as(self, before: "BoardState") -> bool:
        """Whether the index says of it what it said before; False where it does not date the board's last post.

        Counts alone prove nothing, as many skins round them; where they differ, something has happened.
        """
        same_counts = all(
            now is None or then is None or now == then
            for now, then in ((self.thread_count, before.thread_count), (self.post_count, before.post_count))
        )
        return self.last_post_at is not None and self.last_post_at == before.last_post_at and same_counts


class Coverage(Struct, kw_only=True, frozen=True):
    """A thread, or the tail of one, that this crawl read without a gap.

    A post known from before that belongs to the covered part and was not met is gone. What the site said of the
    thread at that moment is kept (`SiteState.threads`): the next crawl opens the thread again only where it differs.
    Only a coverage may set these, never a listing row: a row seen of a thread that could not be opened is no reading.
    """

    thread_id: str
    since: datetime | None = None
    """Covered are the posts created at or after this instant; the whole thread where it is None."""
    reply_count: int | None = None
    """Replies by the site's own count when it was read."""
    last_post_at: datetime | None = None
    """The thread's last post by the site's listing when it was read."""
    page_count: int | None = None
    """Pages that the thread had when it was read."""
    last_post_id: str | None = None
    """Its last post then: where a later reading of the tail has to join on."""
    last_position: int | None = None
    """Place of that post in the thread, from 1, where the page states it."""
    proves_deletions: bool = True
    """Whether a known post that was not met counts as missing (storage.absences says when it is gone)."""
    is_short: bool = False
    """Whether the thread was new and gave fewer posts than the site states, so that another look may find the rest."""
    until: datetime | None = None
    """Covered are the posts created before this instant; to the thread's end where it is None."""
    reaches_end: bool = True
    """Whether its end was read, so that the next crawl may go on from there; a part of it, for some days, does not."""
    url: str | None = None
    board_id: str | None = None
    read_at: datetime | None = None
    """When the last of these pages was fetched."""
    is_revisit: bool = False
    """Whether it was looked at although no listing showed a change, as far back as changes are still likely."""


class Unavailable(Struct, kw_only=True, frozen=True):
    """A known thread that was asked for and not shown."""

    thread_id: str
    cause: str
    """gone (the forum says that there is no such thread), moved (it is another thread now), login needed, blocked."""
    seen_at: datetime
    moved_to: str | None = None
    """Id of the thread that it became part of."""


GONE = frozenset({"gone", "moved"})
"""Causes by which a thread is no longer where it was; the others say nothing of the thread."""


class Shortfall(Struct, kw_only=True, frozen=True):
    """A thread that was read whole, and gave another number of posts than the site states."""

    thread_id: str
    stated: int
    captured: int


class Outcome(StrEnum):
    """How a crawl ended."""

    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    """Complete but for pages that failed, were refused, or lie beyond the budget; the receipt says which."""
    BLOCKED = "blocked"
    LOGIN_WALL = "login wall"
    LAYOUT_CHANGED = "layout changed"
    EMPTY = "empty"
    UNREACHABLE = "unreachable"
    DISK_FULL = "disk full"
    INTERRUPTED = "interrupted"
    PLANNED = "planned"
    """Nothing was to be read but listings: what a range of days will cost. The same crawl, begun again, goes on."""


class Receipt(Struct, kw_only=True):
    """The account of one crawl. Every request that was ever planned stands in exactly one of the counts."""

    site: str
    crawl_id: str
    engine: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    full: bool = False
    """Whether every thread was to be read again, moved or not."""
    started_at: datetime
    finished_at: datetime | None = None
    last_request_at: datetime | None = None
    """When the site was last asked for anything; the next crawl of its host keeps the gap to it."""
    outcome: Outcome = Outcome.RUNNING
    reason: str | None = None
    """One sentence for people, where the outcome is not `complete`."""
    requests: int = 0
    """Requests sent to the site in this run, robots.txt, redirects and retries included."""
    replayed: int = 0
    """Pages taken from the landing of an earlier, interrupted try instead of the site."""
    discovered: int = 0
    """Pages that the crawl decided to read."""
    parsed: int = 0
    """Of these: read into records, or told apart as a login, error or empty page."""
    quarantined: int = 0
    """Of these: landed, but not understood (page kind `unknown` or `challenge`); kept in the WARC."""
    quarantined_pages: list[str] = field(default_factory=list)
    """Addresses of the first few of these, for people to look at."""
    refused: dict[str, int] = field(default_factory=dict)
    """Of these: not asked for, by reason (robots, address, budget)."""
    failed: dict[str, int] = field(default_factory=dict)
    """Of these: asked for without a usable answer, by reason (HTTP status, timeout)."""
    pending: int = 0
    """Of these: not reached before the crawl ended."""
    page_kinds: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    """Reasons given for unknown, error, login, challenge and empty pages."""
    boards_walked: list[str] = field(default_factory=list)
    """Boards whose listing was read to its end, or down to what the last crawl had read."""
    boards_lost: list[str] = field(default_factory=list)
    """Boards of which something could not be read; the next crawl walks their listing to the end again."""
    boards_missing: list[str] = field(default_factory=list)
    """Boards that the site file names and the site's index does not show."""
    boards_closed: dict[str, str] = field(default_factory=dict)
    """Subreddits that Reddit does not show, with its word for why: private, banned, quarantined, gated, not found."""
    boards_cut: dict[str, str] = field(default_factory=dict)
    """Boards whose listing ended before what was wanted of it, with the reason: Reddit lists about 1,000 only."""
    boards_unchanged: int = 0
    """Boards of which the index showed nothing new since their listing was walked, so that it was not walked."""
    boards_by_latest: int = 0
    """Boards whose lists were not read, as the site's one list of all their threads was read instead."""
    threads_listed: int = 0
    threads_unchanged: int = 0
    """Listed threads that had not moved since the last crawl, so were not opened."""
    threads_opened: int = 0
    posts: int = 0
    bytes: int = 0
    """Bytes of the responses as they came over the wire."""
    revisits_due: int = 0
    """Known threads (Reddit: posts) that were due to be looked at again although no listing showed a change."""
    revisited: int = 0
    """Of these: looked at; the others are beyond the budget of the run."""
    waited_seconds: float = 0.0
    """Time that the crawl stood still because the site asked for it, or refused."""
    reservations: dict[str, int] = field(default_factory=dict)
    """Pages on which the site reserves a use, by its word: noarchive, noai, noimageai, tdm-reservation."""
    tries: int = 1
    """How often the crawl was begun, this time included; more than 1 after an interruption."""
    epoch: int = 0
    """Number of the host's lease under which it ran last; tells which of two is the later one whatever the clock."""
    unavailable: list[Unavailable] = field(default_factory=list)
    boards_at: dict[str, BoardState] = field(default_factory=dict)
    """What the index said of the boards whose listing was walked, or needed no walk."""
    coverage: list[Coverage] = field(default_factory=list)
    shortfalls: list[Shortfall] = field(default_factory=list)

    def gone(self) -> list[Unavailable]:
        """Threads that the site says are gone, or part of another one, oldest finding first."""
        return sorted(
            (finding for finding in self.unavailable if finding.cause in GONE), key=lambda finding: finding.seen_at
        )

    @property
    def is_of_backfill(self) -> bool:
        """Whether it is a backfill's plan, or one of its parts."""
        return self.crawl_id.startswith(BACKFILL_PREFIX)

    @property
    def is_import(self) -> bool:
        """Whether it is no crawl, but a document that somebody had already."""
        return self.crawl_id.startswith(IMPORT_PREFIX)

    @property
    def difference(self) -> int:
        """Pages unaccounted for; anything but 0 is our own fault."""
        accounted = self.parsed + self.quarantined + sum(self.refused.values()) + sum(self.failed.values())
        return self.discovered - accounted - self.pending
