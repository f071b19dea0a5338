"""One thread out of the archive, as text, Markdown, JSON, CSV or Parquet.

Pure: rows of the tables `threads` and `posts` in, bytes out; the same rows give the same bytes. Authors appear under
their pseudonyms unless names are given. Posts come in the order of their positions.

- text: Reddit threads in the form that `crawler.documents.reddit_text` reads, byte for byte where the thread came
  from such a document; other threads in a form made for reading only.
- markdown: CommonMark that renders as the text was written: whatever Markdown would interpret is escaped.
- json: `{"thread": {...}, "posts": [...]}`; keys in the order of the data dictionary, instants ISO 8601 in UTC.
  Here, in csv and in parquet, `author` stands behind each `author_key` where names are given.
- csv: the posts, RFC 4180 (commas, CRLF), UTF-8, columns always the same; lists and structs as JSON, absent values
  empty. Values are never altered, so that a machine reads what was written: a spreadsheet program may take a text
  that starts with `=`, `+`, `-` or `@` for a formula; have it import such columns as text.
- parquet: the posts with the types of the archive, zstd.

Limits of the Reddit form, which has one line a comment and no quotes of its own: paragraphs of a comment are joined
by a space, and quotes stand in front of the own words as `> ` lines, wherever they stood before.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crawler.errors import UsageError
from storage.export_markdown import markdown_thread
from storage.schema import arrow_schema

Row = Mapping[str, Any]
Names = Mapping[str, str]

_RULER = "=" * 79
_PLACEHOLDERS = {"deleted": "[deleted]", "removed": "[removed]"}
_JOIN = re.compile(r"[^\S\n]*\n\s*")


def export_thread(thread: Row, posts: Sequence[Row], form: str, names: Names | None = None) -> bytes:
    """The thread in one of the `FORMATS`.

    Args:
        thread: a row of `threads`.
        posts: its rows of `posts`, in any order.
        form: text, markdown, json, csv or parquet.
        names: author names by `author_key`; pseudonyms stand in for all that are not in it.

    Raises:
        UsageError: there is no such format.
    """
    if form not in FORMATS:
        raise UsageError(f"No export format is called {form!r}; choose {', '.join(FORMATS)}.")
    return FORMATS[form](thread, sorted(posts, key=_place), names)


def _place(post: Row) -> tuple[bool, int, str, str]:
    position = post.get("position")
    return position is None, position or 0, _iso(post.get("created_at")) or "", str(post.get("post_id"))


def _text(thread: Row, posts: Sequence[Row], names: Names | None) -> bytes:
    lines = _reddit_lines(thread, posts, names) if _is_reddit(thread) else _forum_lines(thread, posts, names)
    return "".join(f"{line}\n" for line in lines).encode()


def _is_reddit(thread: Row) -> bool:
    """Whether the thread is a Reddit submission, by its site or the shape of its address."""
    return thread["site"] == "reddit" or f"/comments/{thread['thread_id']}" in (thread.get("url") or "")


def _reddit_lines(thread: Row, posts: Sequence[Row], names: Names | None) -> list[str]:
    opening = next((post for post in posts if post.get("is_opening")), {})
    address = opening.get("url") or thread.get("url") or ""
    if thread.get("thread_type") == "link" and opening.get("links"):
        address = opening["links"][0]
    lines = [
        f"Thread ID: {thread['thread_id']}",
        f"Subreddit: {thread.get('board_id') or ''}",
        f"Title: {_escape(_JOIN.sub(' ', thread.get('title') or ''))}",
        f"Author: {_name(thread.get('author_key'), names) or '[deleted]'}",
        f"Created UTC: {_naive(thread.get('created_at'))}",
        f"Score: {thread.get('score')}",
        f"Num Comments: {thread.get('reply_count')}",
        f"URL: {address}",
        f"Canonical URL: {thread.get('url') or address}",
        f"Collected: {_naive(thread.get('observed_at'))}",
        _RULER,
        "",
        _escape(_reddit_body(opening)),
        "",
        "---",
        "## Comments",
    ]
    comments = (post for post in posts if not post.get("is_opening"))
    for number, post in enumerate(comments, 1):
        head = f"u/{_name(post.get('author_key'), names) or '[deleted]'}"
        facts = f"[score={post.get('score')}, created={_naive(post.get('created_at'))}]"
        lines.append(f"{number}. {head} {facts}: {_escape(_JOIN.sub(' ', _reddit_body(post)))}")
    return lines


def _reddit_body(post: Row) -> str:
    """Quotes as Markdown's `> ` lines, then the own words; Reddit's placeholder where both are gone."""
    quotes = [_quoted(quote["text"]) for quote in post.get("quotes") or ()]
    body = post.get("body_text") or ""
    if not body and not quotes:
        return _PLACEHOLDERS.get(str(post.get("status")), "")
    return "\n\n".join([*quotes, body] if body else quotes)


def _escape(text: str) -> str:
    """The three characters that Reddit's API escapes; `&` first, or the others would be escaped twice."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _forum_lines(thread: Row, posts: Sequence[Row], names: Names | None) -> list[str]:
    facts = {
        "URL": thread.get("url"),
        "Site": thread["site"],
        "Board": thread.get("board_id"),
        "Replies": thread.get("reply_count"),
        "Collected": _iso(thread.get("observed_at")),
    }
    lines = [_JOIN.sub(" ", thread.get("title") or f"Thread {thread['thread_id']}")]
    lines += [f"{fact}: {value}" for fact, value in facts.items() if value is not None]
    lines.append(_RULER)
    for number, post in enumerate(posts, 1):
        author = _name(post.get("author_key"), names) or "unknown author"
        date = _iso(post.get("created_at")) or post.get("created_text") or "date unknown"
        lines += ["", f"#{post.get('position') or number} {author}, {date}"]
        for quote in post.get("quotes") or ():
            lines += [*_quoted(quote["text"]).split("\n"), ""]
        lines += [post.get("body_text") or f"[{_absent(post)}]"]
        notes = [f"Reactions: {post['reactions']}"] if post.get("reactions") else []
        notes += ["Edited"] if post.get("edited") else []
        lines += [f"[{'; '.join(notes)}]"] if notes else []
    return lines


def _absent(post: Row) -> str:
    """Why a post shows no words."""
    return "no text" if post.get("status") in {None, "visible"} else str(post["status"])


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _markdown(thread: Row, posts: Sequence[Row], names: Names | None) -> bytes:
    return markdown_thread(_plain_row(thread), [_plain_row(post) for post in posts], names).encode()


def _json(thread: Row, posts: Sequence[Row], names: Names | None) -> bytes:
    rows = _rows([thread], arrow_schema("threads"), names), _rows(posts, arrow_schema("posts"), names)
    whole = {"thread": _plain_row(rows[0][0]), "posts": [_plain_row(row) for row in rows[1]]}
    return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()


def _csv(_thread: Row, posts: Sequence[Row], names: Names | None) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    rows = _rows(posts, arrow_schema("posts"), names)
    writer.writerow(_post_schema(names).names)
    for row in rows:
        writer.writerow([_cell(value) for value in _plain_row(row).values()])
    return target.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parquet(_thread: Row, posts: Sequence[Row], names: Names | None) -> bytes:
    table = pa.Table.from_pylist(_rows(posts, arrow_schema("posts"), names), schema=_post_schema(names))
    target = pa.BufferOutputStream()
    pq.write_table(table, target, compression="zstd", compression_level=3)
    return target.getvalue().to_pybytes()


def _post_schema(names: Names | None) -> pa.Schema:
    schema = arrow_schema("posts")
    if names is None:
        return schema
    fields = {column.name: column.type for column in schema}
    quote = fields["quotes"].value_type
    fields["quotes"] = pa.list_(
        pa.struct(list(_widened({part.name: part.type for part in quote}, pa.string()).items()))
    )
    return pa.schema(_widened(fields, pa.string()))


def _rows(rows: Sequence[Row], schema: pa.Schema, names: Names | None) -> list[dict[str, Any]]:
    """Rows with all columns of their table and no other, each in its place; lists are never null."""
    shaped = []
    for row in rows:
        whole = {column.name: row.get(column.name) for column in schema}
        for column in schema:
            if pa.types.is_list(column.type):
                whole[column.name] = _items(whole[column.name], column.type.value_type, names)
        shaped.append(_with_author(whole, names))
    return shaped


def _items(items: Sequence[Any] | None, kind: pa.DataType, names: Names | None) -> list[Any]:
    if not pa.types.is_struct(kind):
        return list(items or ())
    return [_with_author({part.name: item.get(part.name) for part in kind}, names) for item in items or ()]


def _with_author(row: Row, names: Names | None) -> dict[str, Any]:
    """The row with `author` behind `author_key`, where it has one and names are given."""
    if names is None or "author_key" not in row:
        return dict(row)
    return _widened(row, names.get(row["author_key"], row.get("author")))


def _widened(row: Row, author: object) -> dict[str, Any]:
    widened: dict[str, Any] = {}
    for column, content in row.items():
        if column != "author":
            widened[column] = content
        if column == "author_key":
            widened["author"] = author
    return widened


def _name(author_key: str | None, names: Names | None) -> str | None:
    if author_key is None or names is None:
        return author_key
    return names.get(author_key, author_key)


def _plain_row(row: Row) -> dict[str, Any]:
    return {column: _plain(value) for column, value in row.items()}


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, Mapping):
        return _plain_row(value)
    if isinstance(value, list | tuple):
        return [_plain(content) for content in value]
    return value


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else _utc(instant).isoformat().replace("+00:00", "Z")


def _naive(instant: datetime | None) -> str:
    """An instant as the Reddit form has it: UTC without saying so; `None` where it is not known."""
    return "None" if instant is None else _utc(instant).replace(tzinfo=None).isoformat()


FORMATS: dict[str, Callable[[Row, Sequence[Row], Names | None], bytes]] = {
    "text": _text,
    "markdown": _markdown,
    "json": _json,
    "csv": _csv,
    "parquet": _parquet,
}
"""What a thread can be exported as."""
