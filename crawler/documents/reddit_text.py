"""Reddit threads as text: one submission, then its comments as numbered lines.

Recognised by the fields `Thread ID:` and `Subreddit:` above a ruler of equals signs. Subreddit = Board,
submission = Thread and its opening Post, comment = Post. The form:

    Thread ID, Subreddit, Title, Author, Created UTC, Score, Num Comments, URL, Canonical URL, Collected
    a ruler, a blank line, the submission's text, a blank line, `---`, `## Comments`
    `1. u/NAME [score=S, created=INSTANT]: TEXT`, one line a comment

Instants are in UTC though none says so itself: `Created UTC` does by its name, comments agree with it, and
`Collected` is taken likewise. `&`, `<` and `>` of texts stand escaped, as Reddit's API gives them without
`raw_json`. Whoever wrote the form put each comment on one line, its paragraphs joined by spaces: a quoted line at the
start of a comment can no longer be told from the reply, so such comments stay whole. Where a text does have several
lines, its `>` lines become quotes. The form has neither comment ids nor the tree of replies: comments are numbered by
their place. Fields that are not listed above are left unread.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from crawler.documents.document import Document
from crawler.engines.markdown import find_links, read_markdown
from crawler.engines.reddit.fields import absolute
from crawler.errors import UsageError
from crawler.records import PageKind, ParsedPage, Post, Quote, Status, Thread

SITE = "reddit"
BASE = "https://www.reddit.com"

_HEADER_REACH = 40
_FIELD = re.compile(r"(?P<name>[A-Za-z][A-Za-z ]*): ?(?P<value>.*)")
_RULER = re.compile(r"={10,}\s*")
_THREAD_ID = re.compile(r"(?:t3_)?(?P<id>[0-9a-z]{1,13})")
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_UNSTATED = frozenset({"", "None", "unknown"})
_COMMENT = re.compile(r"(?P<number>[0-9]{1,9})\. u/(?P<author>\S+) \[score=(?P<score>[^,\]]*), (?P<rest>.*)")
_CREATED = re.compile(r"created=(?P<created>[^\]]*)\]:(?: (?P<text>.*))?")
_COMMENT_START = re.compile(r"[0-9]{1,9}\. u/\S+ \[score=")
_PLACEHOLDERS = {"[deleted]": Status.DELETED, "[removed]": Status.REMOVED}


def is_reddit_text(lines: Sequence[str]) -> bool:
    """Whether the form's own field names stand at the top."""
    names = {line.partition(":")[0] for line in lines[:_HEADER_REACH]}
    return {"Thread ID", "Subreddit"} <= names


def read_reddit_text(lines: Sequence[str], name: str, observed_at: datetime) -> Document:
    """The submission, its opening post and its comments.

    Raises:
        UsageError: a part of the form is missing or cannot be read; the message names the line.
    """
    return _RedditText(lines, name, observed_at).read()


class _RedditText:
    """One document on its way into records; holds what messages need."""

    def __init__(self, lines: Sequence[str], name: str, observed_at: datetime) -> None:
        end = max((number for number, line in enumerate(lines, 1) if line.strip()), default=0)
        self._lines = lines[:end]
        self._name = name
        self._observed_at = observed_at
        self._ruler = next((number for number, line in enumerate(lines) if _RULER.fullmatch(line)), end)
        self._fields = self._header()

    def read(self) -> Document:
        marks = [n for n, pair in enumerate(zip(self._lines, self._lines[1:], strict=False)) if _is_mark(pair)]
        if self._ruler == len(self._lines):
            raise self._problem(self._ruler, "the ruler of equals signs under the header is missing")
        if not marks or marks[-1] < self._ruler:
            raise self._problem(len(self._lines), "the lines `---` and `## Comments` under the text are missing")
        thread, opening = self._submission("\n".join(_framed(self._lines[self._ruler + 1 : marks[-1]])))
        comments = self._comments(thread.thread_id, marks[-1] + 2)
        parsed = ParsedPage(
            page_kind=PageKind.THREAD,
            engine="reddit-text",
            page=1,
            last_page=1,
            board_id=thread.board_id,
            thread_id=thread.thread_id,
            containers=len(comments) + 1,
            threads=[thread],
            posts=[opening, *comments],
        )
        number, collected = self._fields.get("Collected", (0, ""))
        return Document(parsed=parsed, observed_at=self._instant(collected, number) or self._observed_at)

    def _header(self) -> dict[str, tuple[int, str]]:
        """Number of the line and value of each field above the ruler."""
        fields: dict[str, tuple[int, str]] = {}
        for number, line in enumerate(self._lines[: self._ruler]):
            if not line.strip():
                continue
            found = _FIELD.fullmatch(line)
            if found is None:
                raise self._problem(number, "a header line must read `Field: value`")
            fields.setdefault(found["name"], (number, found["value"]))
        for needed in ("Thread ID", "Subreddit", "Title"):
            if not fields.get(needed, (0, ""))[1].strip():
                raise self._problem(fields.get(needed, (0, ""))[0], f"the field `{needed}` is missing or empty")
        return fields

    def _submission(self, text: str) -> tuple[Thread, Post]:
        number, stated_id = self._fields["Thread ID"]
        thread_id = _THREAD_ID.fullmatch(stated_id.strip())
        if thread_id is None:
            raise self._problem(number, "`Thread ID` must be an id of Reddit, such as 1abc2de")
        author = self._value("Author").strip().removeprefix("u/") or None
        created_line, created = self._fields.get("Created UTC", (0, ""))
        created_at, created_text = self._created(created, created_line)
        score = self._number("Score")
        address = self._value("URL").strip() or None
        canonical = self._value("Canonical URL").strip() or address
        elsewhere = address is not None and f"/{thread_id['id']}" not in address
        post = self._post(thread_id["id"], thread_id["id"], 1, text)
        post.author, post.created_at, post.created_text, post.score = author, created_at, created_text, score
        post.is_opening = True
        post.url = canonical if elsewhere else address
        if elsewhere and address is not None:
            post.links = [address, *(link for link in post.links if link != address)]
        thread = Thread(
            site=SITE,
            thread_id=thread_id["id"],
            title=unescape(self._value("Title")),
            author=author,
            board_id=self._value("Subreddit").strip().removeprefix("r/"),
            created_at=created_at,
            created_text=created_text,
            reply_count=self._number("Num Comments"),
            score=score,
            thread_type="link" if elsewhere else None,
            status=post.status,
            url=canonical,
        )
        return thread, post

    def _comments(self, thread_id: str, start: int) -> list[Post]:
        read: list[tuple[int, re.Match[str], re.Match[str], list[str]]] = []
        for number, line in enumerate(self._lines[start:], start):
            head = _COMMENT.fullmatch(line)
            tail = _CREATED.fullmatch(head["rest"]) if head else None
            if head and tail and (not read or int(head["number"]) > int(read[-1][1]["number"])):
                read.append((number, head, tail, [tail["text"] or ""]))
            elif _COMMENT_START.match(line) or (not read and line.strip()):
                wanted = "`N. u/NAME [score=S, created=INSTANT]: TEXT`, numbered upwards"
                raise self._problem(number, f"a comment must read {wanted}")
            elif read:
                read[-1][3].append(line)
        return [self._comment(thread_id, *parts) for parts in read]

    def _comment(self, thread_id: str, number: int, head: re.Match[str], tail: re.Match[str], text: list[str]) -> Post:
        place = int(head["number"])
        post = self._post(thread_id, f"{thread_id}~{place}", place + 1, "\n".join(text).rstrip("\n"))
        post.author = head["author"]
        post.score = self._whole(head["score"], number)
        post.created_at, post.created_text = self._created(tail["created"], number)
        return post

    def _post(self, thread_id: str, post_id: str, position: int, escaped: str) -> Post:
        text = unescape(escaped)
        status = _PLACEHOLDERS.get(text.strip(), Status.VISIBLE)
        own, quotes = _split_quotes(text) if status is Status.VISIBLE else ("", [])
        links = (absolute(BASE, link) for link in find_links(own))
        return Post(
            site=SITE,
            thread_id=thread_id,
            post_id=post_id,
            position=position,
            body_text=own,
            quotes=quotes,
            links=[link for link in dict.fromkeys(links) if link],
            status=status,
        )

    def _value(self, field: str) -> str:
        return self._fields.get(field, (0, ""))[1]

    def _number(self, field: str) -> int | None:
        number, value = self._fields.get(field, (0, ""))
        return self._whole(value, number)

    def _whole(self, value: str, number: int) -> int | None:
        if value.strip() in _UNSTATED:
            return None
        if not _NUMBER.fullmatch(value.strip()):
            raise self._problem(number, f"{value.strip()[:40]!r} is no whole number")
        return int(value)

    def _created(self, value: str, number: int) -> tuple[datetime | None, str | None]:
        return self._instant(value, number), value.strip() or None

    def _instant(self, value: str, number: int) -> datetime | None:
        if value.strip() in _UNSTATED:
            return None
        try:
            stated = datetime.fromisoformat(value.strip())
            return stated.replace(tzinfo=UTC) if stated.tzinfo is None else stated.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self._problem(number, f"{value.strip()[:40]!r} is no instant such as 2024-12-29T13:10:41") from error

    def _problem(self, number: int, what: str) -> UsageError:
        line = min(number, len(self._lines) - 1) + 1
        return UsageError(f"{self._name}, line {line}: {what}; correct the document and import it again.")


def unescape(text: str) -> str:
    """Text as its author typed it: the three characters that Reddit escapes, decoded once."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _split_quotes(text: str) -> tuple[str, list[Quote]]:
    """Own words and quotes. Without quotes the text stays to the letter, so that it can be written back."""
    if "\n" not in text:
        return text, []
    reading = read_markdown(text)
    if not reading.quotes:
        return text, []
    return reading.own, [Quote(text=quoted) for quoted in reading.quotes]


def _is_mark(pair: tuple[str, str]) -> bool:
    return pair[0].strip() == "---" and pair[1].strip() == "## Comments"


def _framed(lines: Sequence[str]) -> Sequence[str]:
    """Lines without the one blank line that the form puts before and after a text."""
    if lines and not lines[0].strip():
        lines = lines[1:]
    if lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
