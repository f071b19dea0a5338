"""Lists of topics and of categories as NodeBB's API gives them."""

from collections.abc import Iterator

from crawler.engines.html import absolute, inline_text
from crawler.engines.json_fields import text_of
from crawler.engines.json_text import Json
from crawler.engines.nodebb.fields import Fields, count_of, escaped, id_of, records
from crawler.engines.nodebb.topics import thread_of
from crawler.records import Board, Thread


def read_topics(data: Fields, site: str, root: str) -> tuple[list[Thread], int]:
    """The topics that a page lists, and how many entries its list has; of doubles, the first."""
    entries = records(data.get("topics"))
    rows: dict[str, Thread] = {}
    named = 0
    for fields in entries:
        thread = thread_of(fields, site, root)
        if thread is not None:
            named += 1
            rows.setdefault(thread.thread_id, thread)
    return list(rows.values()), len(entries) - named


def read_found(data: Fields, site: str, root: str) -> list[Thread]:
    """The topics of the posts that a search has found."""
    rows: dict[str, Thread] = {}
    for fields in records(data.get("posts")):
        if isinstance(topic := fields.get("topic"), dict):
            thread = thread_of({"tid": fields.get("tid"), **topic}, site, root)
            if thread is not None:
                rows.setdefault(thread.thread_id, thread)
    return list(rows.values())


def read_boards(entries: Json, site: str, root: str, parent: str | None = None) -> list[Board]:
    """The categories of an array with those in them, each before what stands in it."""
    return list(_boards(entries, site, root, parent))


def _boards(entries: Json, site: str, root: str, parent: str | None) -> Iterator[Board]:
    waiting = [(fields, parent) for fields in reversed(records(entries))]
    seen: set[str] = set()
    while waiting:
        fields, above = waiting.pop()
        board = board_of(fields, site, root, above)
        if board is None or board.board_id in seen:
            continue
        seen.add(board.board_id)
        yield board
        waiting += [(child, board.board_id) for child in reversed(records(fields.get("children")))]


def board_of(fields: Fields, site: str, root: str, parent: str | None = None) -> Board | None:
    """A category's record, counting what is in its sub-categories as the site does; None where it has no id."""
    number = id_of(fields.get("cid"))
    if number is None:
        return None
    slug, link = text_of(fields.get("slug")), text_of(fields.get("link"))
    said = inline_text(text_of(fields.get("descriptionParsed")) or "") or escaped(fields.get("description"))
    threads, posts = fields.get("totalTopicCount", fields.get("topic_count")), fields.get("totalPostCount")
    return Board(
        site=site,
        board_id=number,
        title=escaped(fields.get("name")),
        description=said or None,
        parent_id=id_of(fields.get("parentCid")) or parent,
        thread_count=count_of(threads),
        post_count=count_of(posts if posts is not None else fields.get("post_count")),
        url=absolute(f"{root}/", link) if link else f"{root}/category/{slug or number}",
    )
