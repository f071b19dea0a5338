"""What a crawl's rows are kept as: names hidden as the site's privacy asks, identifiers masked. Pure.

Rows are hidden after the hash of their content was made, so that better masks, and whom a later crawl has met, make no
versions.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Literal
from unicodedata import is_normalized, normalize

from msgspec import structs

from crawler.records import Poll
from storage.batch import Batch
from storage.identifiers import KINDS, mask, mask_address
from storage.known import Row, ThreadRecord
from storage.mentions import NOBODY, MentionedNames, RunningNames, without_profiles
from storage.profiles import without_name

Privacy = Literal["keep", "pseudonymise", "drop"]
Pseudonym = Callable[[str, datetime], str | None]
"""An author's pseudonym by name, and by when the name was met."""
_ELSEWHERE = ("mailto:", "tel:", "sms:", "callto:", "whatsapp:")
"""Links that are an identifier themselves."""


class Hiding:
    """Hides names and identifiers of one crawl's rows."""

    def __init__(self, batch: Batch, met: set[str | None], privacy: Privacy, pseudonym: Pseudonym) -> None:
        """`met` are the names of everybody whom the crawl, or the archive before it, has met."""
        self._batch, self._privacy, self._pseudonym = batch, privacy, pseudonym
        self._met = MentionedNames(met, _names_by_id(batch))
        self._participants: dict[str, set[str]] | None = None
        self._running: dict[str, RunningNames] = {}

    def post(self, row: Row, seen_at: datetime) -> Row:
        """The row as it is kept, with `masked`: the kind of each identifier, in order."""
        text = _Text(self, row["thread_id"], seen_at)
        kept = {
            **row,
            "author": self._author(row["author"]),
            "body_text": text.kept(row["body_text"]),
            "created_text": text.kept_or_none(row["created_text"]),
            "quotes": [{**quote, "text": text.kept(quote["text"])} for quote in row["quotes"]],
            "attachments": [
                {"url": text.address(entry["url"]), "name": text.kept_or_none(entry["name"])}
                for entry in row["attachments"]
            ],
            "links": text.links(row["links"]),
            "url": text.page(row["url"]),
        }
        kept["masked"] = text.masked
        return kept

    def thread(self, thread_id: str, record: ThreadRecord, seen_at: datetime) -> ThreadRecord:
        """The thread's lasting values as they are kept."""
        text = _Text(self, thread_id, seen_at)
        return structs.replace(
            record,
            author=self._author(record.author),
            author_key=None if self._privacy == "drop" else record.author_key,
            title=text.kept_or_none(record.title),
            prefix=text.kept_or_none(record.prefix),
            tags=[text.kept(tag) for tag in record.tags],
            created_text=text.kept_or_none(record.created_text),
            poll=_poll(record.poll, text),
            url=text.page(record.url),
        )

    def board(self, row: Row) -> Row:
        """The board's row as it is kept. Whom the crawl has met plays no part: that would make rows without end."""
        return {**row, **{name: row[name] and mask(row[name])[0] for name in ("title", "description")}}

    def gone(self, row: Row) -> Row:
        """The last row of a post that is gone, as the site's privacy has it today."""
        dropped = {"author_key": None} if self._privacy == "drop" else {}
        return {**row, "author": self._author(row.get("author")), **dropped}

    def names(self, text: str, thread_id: str, seen_at: datetime) -> str:
        """The text without names, unless the site's are kept."""
        if self._privacy == "keep":
            return text
        pseudonym = partial(self._named, seen_at=seen_at)
        plain = text if is_normalized("NFC", text) else normalize("NFC", text)
        hidden = self.running(thread_id).hide(self._met.hide(plain, pseudonym), pseudonym)
        return hidden if hidden != plain else text

    @property
    def keeps_names(self) -> bool:
        """Whether names stay as they are written."""
        return self._privacy == "keep"

    def address(self, url: str, thread_id: str) -> str:
        """The address without names, unless the site's are kept."""
        if self._privacy == "keep":
            return url
        return self._met.hide_no_words(self.running(thread_id).hide_in_address(url), lambda _: None)

    def running(self, thread_id: str) -> RunningNames:
        """The names of the thread's participants, as far as the crawl has met them."""
        found = self._running.get(thread_id)
        if found is None:
            if self._participants is None:
                self._participants = _participants(self._batch)
            found = self._running[thread_id] = RunningNames(self._participants.get(thread_id, ()))
        return found

    def _named(self, name: str, seen_at: datetime) -> str | None:
        return self._pseudonym(name, seen_at)

    def _author(self, name: str | None) -> str | None:
        return name if self._privacy == "keep" else None


def masked_in(record: ThreadRecord) -> list[str]:
    """The kinds of the identifiers that are masked in a thread's kept values, in order."""
    poll = record.poll
    options = [option.text for option in poll.options] if poll else []
    values = [record.title, record.prefix, *record.tags, poll and poll.question, *options]
    text = "\n".join(value for value in values if value and "[" in value)
    found = sorted((at, kind) for kind in KINDS for at in _places(text, f"[{kind}]")) if text else []
    return [kind for _, kind in found]


class _Text:
    """Hides the texts of one row and counts what was masked."""

    def __init__(self, hiding: Hiding, thread_id: str, seen_at: datetime) -> None:
        self._hiding, self._thread_id, self._seen_at = hiding, thread_id, seen_at
        self.masked: list[str] = []

    def kept(self, text: str) -> str:
        # Identifiers first: a name may be part of an e-mail address.
        text, kinds = mask(text)
        self.masked += kinds
        return self._hiding.names(text, self._thread_id, self._seen_at)

    def kept_or_none(self, text: str | None) -> str | None:
        return text and self.kept(text)

    def address(self, url: str) -> str:
        url, kinds = mask_address(url)
        self.masked += kinds
        return self._hiding.address(url, self._thread_id)

    def page(self, url: str | None) -> str | None:
        """The address of the post or thread itself; None where it is on a profile that is told by a number."""
        if url is None or self._hiding.keeps_names:
            return url
        nameless = without_name(url, NOBODY)
        return nameless and self.address(nameless)

    def links(self, links: list[str]) -> list[str]:
        elsewhere = [link for link in links if link.lower().startswith(_ELSEWHERE)]
        self.masked += ["e-mail" if link.lower().startswith("mailto:") else "phone" for link in elsewhere]
        others = [link for link in links if link not in elsewhere] if elsewhere else links
        return [self.address(link) for link in (others if self._hiding.keeps_names else without_profiles(others))]


def _poll(poll: Poll | None, text: _Text) -> Poll | None:
    if poll is None:
        return None
    options = [structs.replace(option, text=text.kept(option.text)) for option in poll.options]
    return structs.replace(poll, question=text.kept_or_none(poll.question), options=options)


def _names_by_id(batch: Batch) -> dict[str, str]:
    told = [(post.author_id, post.author) for post, _ in batch.posts.values()]
    told += [(thread.author_id, thread.author) for thread, _ in batch.threads.values()]
    return {author_id: name for author_id, name in told if author_id and name}


def _participants(batch: Batch) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for post, _ in batch.posts.values():
        names = {post.author, *(quote.author for quote in post.quotes)}
        found.setdefault(post.thread_id, set()).update(name for name in names if name)
    for thread_id, (thread, _) in batch.threads.items():
        if thread.author:
            found.setdefault(thread_id, set()).add(thread.author)
    return found


def _places(text: str, sign: str) -> list[int]:
    places, at = [], text.find(sign)
    while at >= 0:
        places.append(at)
        at = text.find(sign, at + 1)
    return places
