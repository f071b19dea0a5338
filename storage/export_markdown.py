"""A thread as CommonMark (GitHub's flavour included) that renders as its posts were written."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

_ADDRESS = re.compile(
    r"(?:https?|ftp)://(?:\([^\s<>()]*\)|[^\s<>()])*(?:\([^\s<>()]*\)|[^\s<>().,;:!?'\"\[\]*_~])", re.IGNORECASE
)
"""An address without the punctuation behind it; parentheses in it come in pairs."""
_ENTITY = re.compile(r"&#?\w+;")
_INLINE = re.compile(r"[\\`*_{}\[\]<>&|~$]")
_WWW = re.compile(r"\b(www)\.", re.IGNORECASE)
"""GitHub makes a link of it and would show the backslashes inside."""
_BLOCK_MARK = re.compile(r"[#+=-]")
_NUMBERED = re.compile(r"([0-9]+)([.)])")


def markdown_thread(thread: Row, posts: Sequence[Row], names: Mapping[str, str] | None) -> str:
    """The thread as one document: title, facts as a list, a section per post with its quotes as block quotes.

    Args:
        thread: a row of `threads`, instants as text.
        posts: rows of `posts` in the order wanted, instants as text.
        names: author names by `author_key`, or None for pseudonyms.
    """
    author = _author(thread, names)
    facts = {
        "Site": thread["site"],
        "Board": thread.get("board_id"),
        "Thread": thread["thread_id"],
        "Author": author,
        "Opened": thread.get("created_at") or thread.get("created_text"),
        "Replies": thread.get("reply_count"),
        "Score": thread.get("score"),
        "Tags": ", ".join(thread.get("tags") or ()) or None,
        "URL": thread.get("url"),
        "Collected": thread.get("observed_at"),
    }
    title = " ".join((thread.get("title") or f"Thread {thread['thread_id']}").split())
    blocks = [
        f"# {_line(title)}",
        "\n".join(f"- {fact}: {_line(str(value))}" for fact, value in facts.items() if value is not None),
    ]
    places = {post["post_id"]: post.get("position") or number for number, post in enumerate(posts, 1)}
    for post in posts:
        blocks += _section(post, places, names)
    return "\n\n".join(blocks) + "\n"


def _section(post: Row, places: Mapping[str, int], names: Mapping[str, str] | None) -> list[str]:
    date = post.get("created_at") or post.get("created_text") or "date unknown"
    heading = f"{_author(post, names) or 'unknown author'}, {date}"
    blocks = [f"## #{places[post['post_id']]} {_line(' '.join(heading.split()))}"]
    for quote in post.get("quotes") or ():
        place = places.get(quote.get("post_id") or "")
        said = [part for part in (_author(quote, names), f"#{place}" if place else None) if part]
        said_by = [f"Quoting {_inline(', '.join(said))}:", ""] if said else []
        blocks.append("\n".join(f"> {line}".rstrip() for line in [*said_by, *_text(quote["text"]).split("\n")]))
    body = _text(post.get("body_text") or "")
    if body:
        blocks.append(body)
    else:
        blocks.append("*no text*" if post.get("status") in {None, "visible"} else f"*{post['status']}*")
    counts = {"Score": post.get("score"), "Reactions": post.get("reactions")}
    notes = [f"{what}: {count}" for what, count in counts.items() if count is not None]
    notes += ["edited"] if post.get("edited") else []
    if notes:
        blocks.append(f"*{', '.join(notes)}*")
    return blocks


def _author(row: Row, names: Mapping[str, str] | None) -> str | None:
    key: str | None = row.get("author_key")
    return key if key is None or names is None else names.get(key, key)


def _text(text: str) -> str:
    """Paragraphs and line breaks as written; a backslash at a line's end keeps the break."""
    lines = text.strip("\n").split("\n")
    rendered = [_line(line) for line in lines]
    ended = [
        f"{line}\\" if line and number + 1 < len(rendered) and rendered[number + 1] else line
        for number, line in enumerate(rendered)
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(ended))


def _line(line: str) -> str:
    """One line with nothing left that Markdown interprets; whole addresses become links that read as themselves."""
    bare = line.rstrip()
    text = bare.lstrip(" \t")
    indent = "&nbsp;" * len(bare[: len(bare) - len(text)].expandtabs(4))
    parts: list[str] = []
    position = 0
    for address in _ADDRESS.finditer(text):
        parts += [_inline(text[position : address.start()]), _link(address[0])]
        position = address.end()
    parts.append(_inline(text[position:]))
    escaped = "".join(parts)
    if _BLOCK_MARK.match(escaped):
        escaped = f"\\{escaped}"
    return indent + _NUMBERED.sub(r"\1\\\2", escaped, count=1) if _NUMBERED.match(escaped) else indent + escaped


def _link(address: str) -> str:
    """The address as a link, or, where Markdown would decode something inside it, as plain text."""
    return _inline(address).replace(":", "\\:", 1) if _ENTITY.search(address) else f"<{address}>"


def _inline(text: str) -> str:
    return _WWW.sub(r"\1\\.", _INLINE.sub(r"\\\g<0>", text))
