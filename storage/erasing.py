"""What rows, staged pages and receipts become when something is erased: pure functions of them and the marks."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import msgspec
import pyarrow as pa
from msgspec import structs

from crawler.receipt import StagedPage
from crawler.records import Link, ParsedPage, Post, Quote, Thread
from storage.dedupe import post_hash
from storage.known import Row, ThreadRecord
from storage.suppressions import ERASED, Suppression

_IDS = {"post_id": Suppression.has_post, "thread_id": Suppression.has_thread, "author_key": Suppression.has_key}
_REFERENCES = {
    **dict.fromkeys(("last_post_id", "parent_id", "solution_post_id"), Suppression.has_post),
    **dict.fromkeys(("crosspost_of", "moved_to"), Suppression.has_thread),
}
Address = TypeVar("Address", str, str | None)
_SLUG = re.compile(r"(?!\w+-\d+$)[^\W\d]\w*(?:-\w+)+|\w*[^\W\d_]\w*(?:_\w+){2,}|[^\W\d]\w*(?:-\w+){2,}\.html?")
_PLAIN_WORDS = ("thread", "topic", "threads", "showthread", "viewtopic", "t", "f", "html", "htm", "php")
RowChange = Callable[[Row, Suppression], Row | None]


def rows_without(table: str, rows: pa.Table, gone: Suppression) -> pa.Table:
    """The rows of a table (or published or derived one) without what was erased; the very same where nothing was."""
    change = _CHANGES.get(table, derived_row)
    before = rows.to_pylist()
    gone.spare(row["author"] for row in before if row.get("author"))
    # Marks are a site's own: the same number elsewhere is another post.
    after = [change(row, gone) if row.get("site") in {None, gone.site} else row for row in before]
    if after == before:
        return rows
    return pa.Table.from_pylist([row for row in after if row is not None], rows.schema)


def is_erased(row: Row, gone: Suppression) -> bool:
    """Whether a post's row is to go: by its own id, its thread or its author."""
    return any(has(gone, row.get(name)) for name, has in _IDS.items())


def _post_row(row: Row, gone: Suppression) -> Row | None:
    if is_erased(row, gone):
        return None
    thread_id = row["thread_id"]
    kept = dict(row)
    kept["body_text"] = gone.text(row["body_text"], thread_id)
    kept["quotes"] = [_quote_row(quote, thread_id, gone) for quote in row["quotes"] or []]
    if gone.has_post(row["parent_id"]):
        kept["parent_id"] = None
    if gone.has_title(thread_id) and row["url"]:
        kept["url"] = plain_address(row["url"], thread_id)
    if (kept["body_text"], kept["quotes"]) != (row["body_text"], row["quotes"] or []):
        # What the next crawl makes of the page, so that it is no new version.
        kept["content_hash"] = post_hash(kept)
    return kept if kept != row else row


def _quote_row(quote: Row, thread_id: str, gone: Suppression) -> Row:
    is_theirs = gone.has_post(quote["post_id"]) or gone.has_key(quote["author_key"])
    if is_theirs or (not quote["post_id"] and gone.has_quote(quote["text"], thread_id)):
        return {name: "" if name == "text" else None for name in quote}
    return {**quote, "text": gone.text(quote["text"], thread_id)}


def _thread_row(row: Row, gone: Suppression) -> Row | None:
    thread_id = row["thread_id"]
    if gone.has_thread(thread_id):
        return None
    kept = dict(row)
    if gone.has_title(thread_id) or gone.has_key(row["author_key"]):
        kept = blank_thread(row)
    elif row["title"]:
        kept["title"] = gone.text(row["title"], None)
    for name in ("solution_post_id", "crosspost_of"):
        if _REFERENCES[name](gone, row[name]):
            kept[name] = None
    return row if kept == row else _hashed(kept)


def blank_thread(row: Row) -> Row:
    """A thread's row without the words of who opened it."""
    blank: Row = {name: None for name in ("poll", "author_key", "author", "created_text") if name in row}
    url = row["url"] and plain_address(row["url"], row["thread_id"])
    return _hashed({**row, **blank, "title": ERASED, "url": url})


def plain_address(url: str, thread_id: str) -> str:
    """A thread's or post's address without the title, which most forums put into it and none needs.

    `threads/some-title.12/post-9` becomes `threads/12/post-9`, `comments/1ab/some_title/` `comments/1ab/_/`,
    `t/some-title/12` `t/-/12`.
    """
    parts = urlsplit(url)
    pieces = parts.path.split("/")
    for at, piece in enumerate(pieces):
        before = pieces[at - 1] if at else ""
        words = [word for word in re.split(r"[.\-_]", piece) if word]
        if thread_id in words and not {*words, thread_id} <= {thread_id, *_PLAIN_WORDS}:
            pieces[at] = thread_id
        elif before == thread_id and "comments" in pieces[: at - 1] and piece:
            pieces[at] = "_"
        elif (before == "t" and thread_id in pieces[at + 1 :]) or _SLUG.fullmatch(piece):
            pieces[at] = "-"
    return urlunsplit((parts.scheme, parts.netloc, "/".join(pieces), parts.query, parts.fragment))


def _hashed(row: Row) -> Row:
    """With the hash that the next crawl makes of it, so that it is no new version."""
    fields = {name: row[name] for name in ThreadRecord.__struct_fields__ if name in row}
    return {**row, "content_hash": msgspec.convert(fields, ThreadRecord).content_hash()}


def _observation(row: Row, gone: Suppression) -> Row | None:
    return None if gone.has_thread(row["thread_id"]) or gone.has_post(row["post_id"]) else row


def _author(row: Row, gone: Suppression) -> Row | None:
    return None if gone.has_key(row["author_key"]) else row


def _crawl(row: Row, gone: Suppression) -> Row:
    if not row.get("receipt"):
        return row
    receipt = json_without(row["receipt"].encode(), gone)
    return row if receipt is None else {**row, "receipt": receipt.decode()}


def derived_row(row: Row, gone: Suppression) -> Row | None:
    """Of a derived table: what is made of anything erased goes; it is made anew from what is left."""
    for name, value in row.items():
        if name.endswith("thread_id") and (gone.has_thread(value) or gone.is_touched(value)):
            return None
        if name.endswith("post_id") and gone.has_post(value):
            return None
        if name.endswith("author_key") and gone.has_key(value):
            return None
    return row


_CHANGES: dict[str, RowChange] = {
    **dict.fromkeys(("post_versions", "posts"), _post_row),
    **dict.fromkeys(("thread_versions", "threads"), _thread_row),
    "observations": _observation,
    "authors": _author,
    "crawls": _crawl,
    **dict.fromkeys(("boards", "activity"), lambda row, _: row),
}


def json_without(content: bytes, gone: Suppression) -> bytes | None:
    """A receipt, plan or list of checks as JSON without what was erased; None where it holds nothing of it."""
    before = msgspec.json.decode(content)
    after = _json(before, gone)
    return None if after == before else msgspec.json.encode(after)


def _json(value: object, gone: Suppression) -> object:
    if isinstance(value, dict):
        kept = {key: _named(key, held, gone) for key, held in value.items()}
        thread_id = value.get("thread_id")
        if isinstance(thread_id, str) and gone.has_title(thread_id):
            url = kept.get("url")
            plain = plain_address(url, thread_id) if isinstance(url, str) else None
            blank = {"title": ERASED, "author": None, "url": plain}
            kept |= {key: held for key, held in blank.items() if kept.get(key)}
        return kept
    if isinstance(value, list):
        return [_json(one, gone) for one in value if not _is_of_erased(one, gone)]
    if isinstance(value, str):
        return gone.text(value, None)
    return value


def _named(key: str, value: object, gone: Suppression) -> object:
    if isinstance(value, str) and key in _REFERENCES and _REFERENCES[key](gone, value):
        return None
    return _json(value, gone)


def _is_of_erased(value: object, gone: Suppression) -> bool:
    if isinstance(value, str):
        return "://" in value and gone.names_record(value)
    if not isinstance(value, dict):
        return False
    return gone.has_thread(value.get("thread_id")) or gone.has_post(value.get("post_id"))


def titles_of_erased(pages: Iterable[StagedPage], gone: Suppression) -> set[str]:
    """Threads that an erased author opened, as far as the pages tell."""
    return {thread.thread_id for page in pages for thread in page.parsed.threads if gone.has_author(thread.author)}


def names_of(parsed: ParsedPage) -> Iterator[str]:
    """Names of the people on a page."""
    for post in parsed.posts:
        yield from (name for name in (post.author, *(quote.author for quote in post.quotes)) if name)
    yield from (thread.author for thread in parsed.threads if thread.author)


def page_without(page: StagedPage, gone: Suppression) -> StagedPage | None:
    """A staged page without what was erased, the very same where it holds nothing of it; None where nothing is left."""
    parsed = page.parsed
    if gone.has_thread(parsed.thread_id):
        return None
    posts = [_post(post, gone) for post in parsed.posts if not _is_gone(post, gone)]
    threads = [_thread(thread, gone) for thread in parsed.threads if not gone.has_thread(thread.thread_id)]
    links = [_link(link, gone) for link in parsed.links if not gone.has_thread(link.thread_id)]
    removed = len(parsed.posts) - len(posts)
    containers = max(parsed.containers - removed, 0)
    plain = gone.has_title(parsed.thread_id)
    next_url = _plain(parsed.next_url, parsed.thread_id) if plain else parsed.next_url
    kept = structs.replace(parsed, posts=posts, threads=threads, links=links, containers=containers, next_url=next_url)
    url = _plain(page.url, parsed.thread_id) if plain else page.url
    if gone.names_record(page.url):
        url = _without_path(page.url)
    return page if kept == parsed and url == page.url else structs.replace(page, url=url, parsed=kept)


def _plain(url: Address, thread_id: str | None) -> Address:
    return plain_address(url, thread_id) if url and thread_id else url


def _without_path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/{ERASED}"


def _is_gone(post: Post, gone: Suppression) -> bool:
    return gone.has_post(post.post_id) or gone.has_thread(post.thread_id) or gone.has_author(post.author)


def _post(post: Post, gone: Suppression) -> Post:
    thread_id = post.thread_id
    return structs.replace(
        post,
        body_text=gone.text(post.body_text, thread_id),
        quotes=[_quote(quote, thread_id, gone) for quote in post.quotes],
        parent_id=None if gone.has_post(post.parent_id) else post.parent_id,
        url=_plain(post.url, thread_id) if gone.has_title(thread_id) else post.url,
    )


def _quote(quote: Quote, thread_id: str, gone: Suppression) -> Quote:
    if gone.has_post(quote.post_id) or gone.has_author(quote.author):
        return Quote(text="")
    if not quote.post_id and gone.has_quote(quote.text, thread_id):
        return Quote(text="")
    return structs.replace(quote, text=gone.text(quote.text, thread_id))


def _thread(thread: Thread, gone: Suppression) -> Thread:
    if gone.has_title(thread.thread_id) or gone.has_author(thread.author):
        # As of somebody who has left: a title and author that are missing would be taken for a changed layout.
        author = thread.author and "[deleted]"
        url = _plain(thread.url, thread.thread_id)
        thread = structs.replace(
            thread, title=ERASED, author=author, author_id=None, url=url, poll=None, created_text=None
        )
    return structs.replace(
        thread,
        title=thread.title and gone.text(thread.title, None),
        solution_post_id=None if gone.has_post(thread.solution_post_id) else thread.solution_post_id,
        crosspost_of=None if gone.has_thread(thread.crosspost_of) else thread.crosspost_of,
    )


def _link(link: Link, gone: Suppression) -> Link:
    return structs.replace(
        link,
        ids=[one for one in link.ids if not gone.has_post(one)],
        parent_id=None if gone.has_post(link.parent_id) else link.parent_id,
        url=None if link.url and gone.names_record(link.url) else _plain_link(link, gone),
    )


def _plain_link(link: Link, gone: Suppression) -> str | None:
    return _plain(link.url, link.thread_id) if gone.has_title(link.thread_id) else link.url
