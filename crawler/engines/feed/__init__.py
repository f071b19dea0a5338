"""RSS 2.0, RSS 1.0 and Atom feeds of any forum: which threads are new, and of Reddit also their posts.

Recognised by the root element. An entry of a board's feed is a thread; entries that lead to replies give the thread
they stand in, without what only its opening post would tell. A thread's id is the one that the forum's own pages have,
taken from the link by the address forms of its software; else the guid's or the path's words.

An entry's date is that of the thread's last post on XenForo and of its opening on Discourse, MyBB, Vanilla and Drupal;
Atom's `published` is that of the opening. What other RSS means by `pubDate` is not known: it is kept in `created_text`.
Replies of phpBB and others give no title or author, as theirs may not be the thread's.
 channel or feed = Board; item or entry = Thread; Reddit's t1 and t3 entries = Post.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import structs

from crawler.engines.feed.addresses import Target, board_of, target_of
from crawler.engines.feed.entries import Document, Entry, Field, is_feed
from crawler.engines.feed.entries import read_feed as entries_of
from crawler.engines.html import Prose, absolute, attribute, challenge_reason, decoded, from_iso, number_of
from crawler.engines.page import Page, Recognition
from crawler.records import PageKind, ParsedPage, Post, Status, Thread

_OPENING_DATES = frozenset({"discourse", "drupal", "mybb", "reddit", "vanilla"})
_NAMED_ADDRESS = re.compile(r"^[^\s()]*@[^\s()]*\s*\((.+)\)$")
_USER_ID = re.compile(r"[?&;](?:uid|u)=(\d+)|/profile/(\d+)|/members/(?:[^/]*\.)?(\d+)")
_DISCOURSE_COUNT = re.compile(r"<small>\s*(\d{1,7})\s[^<]{1,60}\s-\s\d{1,7}\s[^<]{1,60}</small>")
_PHPBB_BOARD = re.compile(r"^.{0,200}? • ")
# phpBB's feeds whose entries are threads, though their links name the opening post.
_PHPBB_THREADS = re.compile(r"feed(?:\.php\?(?:[^#]{0,99}&)?mode=|/)(?:topics|topics_new|news)(?:$|[&?#])")
_REDDIT_TEXT = ("<!-- SC_OFF -->", "<!-- SC_ON -->")
_REDDIT_LINK = re.compile(r'<a href="([^"]+)">\[link\]</a>')
_GONE = {"[deleted]": Status.DELETED, "[removed]": Status.REMOVED}
_WORDS = re.compile(r"^https?://[^/]+/|[?#].*$")


class Feed:
    """Pure parser of feeds."""

    @property
    def name(self) -> str:
        """Name in site files and records."""
        return "feed"

    def recognise(self, page: Page) -> Recognition | None:
        """Whether the page is a feed. An engine that knows the feeds of its own software is surer."""
        text = page.text()
        if not is_feed(text):
            return None
        kind = "an Atom feed" if re.search(r"<(?:\w{1,20}:)?feed\s", text[:4_000]) else "an RSS feed"
        generator = re.search(r"<generator(?:\s[^>]*)?>([^<]{1,80})</generator>", text[:8_000])
        made = f" made by {generator[1].strip()}" if generator else ""
        return Recognition(engine=self.name, confidence=0.5, evidence=f"the root element is that of {kind}{made}")

    def page_url(self, url: str, page: int) -> str | None:
        """The same address for page 1; a feed has no other pages that it does not link to."""
        return url if page <= 1 else None

    def post_url(self, url: str, post_id: str) -> str | None:  # noqa: ARG002 - the protocol's signature
        """None: feeds have no page of a post."""
        return None

    def request_url(self, url: str) -> str:
        """The same."""
        return url

    def parse(self, page: Page) -> ParsedPage:
        """The threads of the feed; `unknown` with a reason where the page is none."""
        text = page.text().replace("\x00", "")
        if not is_feed(text):
            if (reason := challenge_reason(page)) is not None:
                return ParsedPage(page_kind=PageKind.CHALLENGE, engine=self.name, reason=reason)
            return ParsedPage(page_kind=PageKind.UNKNOWN, engine=self.name, reason="the page is no RSS or Atom feed")
        feed = entries_of(text)
        threads, posts = read_entries(page.site, page.url, feed)
        parsed = ParsedPage(page_kind=PageKind.FEED, engine=self.name, threads=threads, posts=posts)
        if not threads:
            parsed.page_kind = PageKind.EMPTY
            parsed.reason = (
                "the feed has no entries" if not feed.entries else "no entry of the feed has a link or an id"
            )
        own = _own_address(page.url, feed)
        following = feed.head.link("next")
        parsed.next_url = absolute(page.url, following) if following else None
        parsed.board_id = board_of(own)
        whole = target_of(own)
        if whole is not None and {thread.thread_id for thread in threads} <= {whole.thread_id}:
            parsed.thread_id = whole.thread_id
        parsed.containers = len(posts)
        return parsed


def threads_of(site: str, url: str, text: str) -> list[Thread]:
    """The threads of a feed, for an engine that knows its software's feeds."""
    return read_entries(site, url, entries_of(text))[0]


def read_entries(site: str, url: str, feed: Document) -> tuple[list[Thread], list[Post]]:
    """Threads and posts of a feed that was read from `url`, each thread once."""
    xenforo = any("bbWrapper" in child.content for entry in feed.entries[:3] for child in entry.fields)
    phpbb_threads = _PHPBB_THREADS.search(_own_address(url, feed)) is not None
    threads: dict[str, Thread] = {}
    posts: dict[str, Post] = {}
    for entry in feed.entries:
        reader = _Reader(site, url, entry, xenforo=xenforo)
        if phpbb_threads and reader.target is not None and reader.target.software == "phpbb":
            reader.target = structs.replace(reader.target, is_reply=False)
        thread = reader.thread()
        if thread is None:
            continue
        known = threads.get(thread.thread_id)
        if known is None or (known.title is None and thread.title is not None):
            threads[thread.thread_id] = thread
        if (post := reader.reddit_post()) is not None:
            posts.setdefault(post.post_id, post)
    return list(threads.values()), list(posts.values())


class _Reader:
    """One entry being read."""

    def __init__(self, site: str, base: str, entry: Entry, *, xenforo: bool) -> None:
        self.site, self.entry = site, entry
        self.guid = entry.text("guid", "id")
        link = entry.text("feedburner:origLink") or entry.link()
        if not link and self.guid.startswith(("http://", "https://")):
            link = self.guid
        self.url = absolute(base, link) if link else None
        target = target_of(self.url or "", self.guid, xenforo=xenforo)
        self.target = target or (Target("", named) if (named := self._named()) else None)

    def _named(self) -> str:
        """What stands for an id where no software's address form does: the guid, or the path of the link."""
        return _WORDS.sub("", self.guid or self.url or "").strip("/")[:200]

    def thread(self) -> Thread | None:
        """The thread that the entry is, or leads into."""
        target = self.target
        if target is None:
            return None
        thread = Thread(site=self.site, thread_id=target.thread_id, board_id=self._board(), url=self._thread_url())
        title = self.entry.text("title") or None
        if target.software == "phpbb" and title:
            title = _PHPBB_BOARD.sub("", title)
        if target.is_reply:
            start = f"/u/{self._author()[0]} on "  # of Reddit's comments
            thread.title = title.removeprefix(start) if title and title.startswith(start) else None
            return thread
        thread.title = title
        thread.author, thread.author_id = self._author()
        thread.reply_count = self._replies()
        thread.is_sticky = self._flag("discourse:topicPinned")
        thread.is_locked = self._flag("discourse:topicClosed")
        published = self.entry.text("published", "issued")
        stated = published or self.entry.text("pubDate", "dc:date", "created")
        thread.created_text = stated or None
        if target.software == "xenforo":
            thread.created_text, thread.last_post_at = None, instant_of(stated)
        elif published or target.software in _OPENING_DATES:
            thread.created_at = instant_of(stated)
        return thread

    def reddit_post(self) -> Post | None:
        """The post of an entry of Reddit: a submission (t3) or a comment (t1)."""
        target, kind = self.target, self.guid[:3]
        if target is None or target.software != "reddit" or kind not in {"t1_", "t3_"} or self.url is None:
            return None
        opening = kind == "t3_"
        if opening is target.is_reply:
            return None
        content = self.entry.first("content")
        markup = content.markup() if content else ""
        _, start, rest = markup.partition(_REDDIT_TEXT[0])
        written = rest.partition(_REDDIT_TEXT[1])[0] if start else ""
        prose = Prose().read(written)
        body = prose.result()
        status = _GONE.get(body, Status.VISIBLE)
        shared = _REDDIT_LINK.search(markup) if opening else None
        links = [decoded(shared[1])] if shared and not start else []
        # A comment's only date is that of its writing: edits leave it as it is.
        stated = self.entry.text("published") or self.entry.text("updated")
        return Post(
            site=self.site,
            thread_id=target.thread_id,
            post_id=self.guid[3:],
            author=self._author()[0],
            created_at=instant_of(stated),
            created_text=stated or None,
            body_text=body if status is Status.VISIBLE else "",
            status=status,
            links=[absolute(self.url, link) for link in [*links, *prose.links]],
            is_opening=opening,
            position=1 if opening else None,
            url=self.url,
        )

    def _thread_url(self) -> str | None:
        if self.url is None or self.target is None:
            return None
        if self.target.software == "reddit" and self.target.is_reply:
            return self.url[: self.url.index(self.target.thread_id)] + self.target.thread_id + "/"
        return self.url.partition("#")[0]

    def _author(self) -> tuple[str | None, str | None]:
        """(name, id) of the author."""
        field = self.entry.first("dc:creator", "author")
        if field is None:
            # Reddit names a deleted account in the title alone.
            return ("[deleted]" if self.entry.text("title").startswith("/u/[deleted] on ") else None), None
        inner = Entry(list(_inner(field))) if "<name" in field.content else None
        name_field = (inner.first("name") if inner else None) or field
        name = name_field.text()
        if (mail := _NAMED_ADDRESS.match(name)) is not None:
            name = mail[1]
        elif "@" in name[1:] and " " not in name:
            return None, None  # an address of mail is no name
        if self.target is not None and self.target.software == "reddit":
            name = name.removeprefix("/u/")
        page = (inner.text("uri") if inner else "") or attribute(decoded(name_field.content), "href") or ""
        number = _USER_ID.search(page)
        return name or None, next((group for group in number.groups() if group), None) if number else None

    def _board(self) -> str | None:
        for category in self.entry.named("category"):
            address = category.attribute("domain") or category.attribute("scheme") or ""
            if board := board_of(decoded(address)):
                return board
            label = category.attribute("label") or ""
            if self.target is not None and self.target.software == "reddit" and label.startswith(("r/", "u/")):
                return category.attribute("term")
        return None

    def _replies(self) -> int | None:
        stated = self.entry.text("slash:comments", "thr:total")
        if stated.isdecimal():
            return int(stated[:9])
        if self.target is not None and self.target.software == "discourse":
            body = self.entry.first("description")
            counts = _DISCOURSE_COUNT.findall(body.markup()) if body else []
            posts = number_of(counts[-1]) if counts else None
            return posts - 1 if posts else None
        return None

    def _flag(self, name: str) -> bool | None:
        return {"yes": True, "no": False}.get(self.entry.text(name).lower())


def _inner(field: Field) -> list[Field]:
    return entries_of(f"<entry>{field.content}</entry>").entries[0].fields


def _own_address(url: str, feed: Document) -> str:
    """The address that the feed is known under."""
    for link in (feed.head.link("self"), *(field.attribute("href") for field in feed.head.named("atom:link"))):
        if link:
            return absolute(url, link)
    return url


def instant_of(text: str) -> datetime | None:
    """The instant of RFC 822 (RSS) or ISO 8601 (Atom) with its offset, in UTC; None without one."""
    if (instant := from_iso(text)) is not None:
        return instant
    try:
        stated = parsedate_to_datetime(text)
        return stated.astimezone(UTC) if stated.tzinfo else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
