"""Rows of topics of Invision Community 4 and 5: `li.ipsDataItem[data-rowid]`, 5 `li.ipsData__item[data-rowid]`."""

import re

from crawler.engines.html import TAG, absolute, closing, inline_text, number_of, tag_at
from crawler.engines.invision import addresses
from crawler.engines.invision.document import Document, title_text
from crawler.engines.invision.markup import ANCHOR, first_time, highest_page, href_of, last_time, part, parts
from crawler.engines.invision.threads import prefix_of, tags_of
from crawler.records import Link, Status, Thread

_ROW = re.compile(r"data-row(?:id|ID|Id)=[\"'](\d+)[\"']")
_MOVED = ('<i class="fa fa-arrow-left', "<i class='fa fa-arrow-left", "fa-solid fa-arrow-left")
_STAT = re.compile(r"data-stat[tT]ype=[\"'](\w+)[\"']")
# The same as the templates of 4 write it, with its number.
_CELL = re.compile(
    r"data-stat[tT]ype=[\"'](\w+)[\"'][^<>]*+>\s*+<span class=[\"']ipsDataItem_stats_number[\"']>([^<]*+)</span>"
)
_STAT_VALUE = re.compile(r"data-stat-value=[\"']([^\"']*)[\"']")
_NUMBER_CELL = re.compile(r"(?:stats_number|stats-number)[^>]*+>([^<]*+)<")
_REPLIES = ("forums_comments", "answers_no_number", "answers", "comments")
# Where the parts of a row begin: title, byline, counts, last post.
_CELLS = (
    ("ipsDataItem_title", "ipsDataItem_meta", "ipsDataItem_stats", "ipsDataItem_lastPoster"),
    ("ipsData__title", "ipsData__meta", "ipsData__stats", "ipsData__last"),
)
_PREFIX = re.compile("ips(?:Tag_prefix|Badge--prefix|Tags__prefix)")


def read_rows(document: Document, board_id: str | None) -> tuple[list[Thread], list[Link]]:
    """Every topic that the page lists in its own list, and where those went that were moved away."""
    markup = document.markup
    starts: list[tuple[int, int, str, str]] = []
    first = markup.find("data-row", document.body_start)
    for found in _ROW.finditer(markup, first) if first >= 0 else ():
        bounds = tag_at(markup, found.start())
        name = TAG.match(markup, bounds[0]) if bounds else None
        if bounds is not None and name is not None:
            starts.append((bounds[0], bounds[1], found[1], name[2]))
    rows: dict[str, Thread] = {}
    for index, (opened, start, number, element) in enumerate(starts):
        last = index + 1 == len(starts)
        end = closing(markup, element, start, len(markup)) if last else starts[index + 1][0]
        thread = _Row(document, markup[opened:start], markup[start:end], number).read(board_id)
        if thread is not None:
            rows.setdefault(number, thread)
    if starts:
        document.content_start = starts[0][0]
    return list(rows.values()), _moved(document, starts[0][0] if starts else document.body_start)


def _moved(document: Document, first: int) -> list[Link]:
    """Rows without a number of their own, which lead to where a topic went."""
    markup, links = document.markup, []
    if markup.find("fa-arrow-left", max(first - 20_000, document.body_start)) < 0:
        return []
    for sign in _MOVED:
        at = markup.find(sign, max(first - 20_000, document.body_start))
        while at >= 0:
            found = ANCHOR.search(markup, at, at + 3_000)
            href = href_of(found[1]) if found else None
            if href and (number := addresses.topic_id_of(href)) is not None:
                url = addresses.first_page(absolute(document.base, href))
                links.append(Link(rel="redirect", url=url, thread_id=number))
            at = markup.find(sign, at + len(sign))
    return links


def read_stream(document: Document) -> list[Thread]:
    """The topics of which a stream of activity, or the results of a search, show a post."""
    markup = document.markup
    rows: dict[str, Thread] = {}
    words = ("ipsStreamItem_title", "ipsStreamItem__title")
    headings = next((titles for word in words if (titles := list(parts(markup, word, document.body_start)))), [])
    for index, heading in enumerate(headings):
        limit = headings[index + 1].opened if index + 1 < len(headings) else min(heading.end + 3_000, len(markup))
        links = [(href_of(found[1]), found[2]) for found in ANCHOR.finditer(markup, heading.start, limit)]
        for href, content in links:
            number, title = addresses.topic_id_of(href), title_text(content)
            if number is not None and title is not None:
                rows[number] = rows.get(number) or Thread(
                    site=document.site,
                    thread_id=number,
                    title=title,
                    board_id=next((found for link, _ in links if (found := addresses.forum_id_of(link))), None),
                    url=addresses.first_page(absolute(document.base, href)),
                )
                break
    return list(rows.values())


class _Row:
    """One row of a list of topics: its cells, each looked through for what it holds."""

    def __init__(self, document: Document, tag: str, content: str, number: str) -> None:
        self.document = document
        self.tag = tag
        self.number = number
        self.title = self.byline = self.stats = self.latest = content  # of a skin with cells of its own
        for words in _CELLS:
            title = content.find(words[0])
            byline = content.find(words[1], title)
            stats = content.find(words[2], byline)
            latest = content.find(words[3], stats)
            if 0 <= title < byline < stats < latest:
                self.title, self.byline = content[title:byline], content[byline:stats]
                self.stats, self.latest = content[stats:latest], content[latest:]
                break

    def read(self, board_id: str | None) -> Thread | None:
        """The topic; None where the row is of something else, such as a file or a member."""
        name, url = self._title()
        if url is None or ("/topic/" not in url and addresses.topic_id_of(url) is None and self._is_other(url)):
            return None
        author, author_id, board = self._author(board_id)
        created = first_time(self.byline) or (None, None)
        replies, views = self._counts()
        title = self.title
        return Thread(
            site=self.document.site,
            thread_id=self.number,
            title=name,
            prefix=prefix_of(title),
            author=author,
            author_id=author_id,
            board_id=board,
            created_at=created[0],
            created_text=created[1],
            last_post_at=last_time(self.latest),
            reply_count=replies,
            view_count=views,
            tags=tags_of(title) + (tags_of(self.byline) if self.byline is not title else []),
            is_sticky="fa-thumb" in title or "ipsBadge--pinned" in title,
            is_locked="fa-lock" in title or "ipsBadge--locked" in title,
            thread_type="poll" if "fa-question" in title or "ipsBadge--poll" in title else "discussion",
            page_count=self._page_count(),
            status=Status.HIDDEN if "ipsModerated" in self.tag else Status.VISIBLE,
            url=url,
        )

    def _is_other(self, url: str) -> bool:
        return self.document.app not in {"", "forums"} or not addresses.numbered(url)

    def _title(self) -> tuple[str | None, str | None]:
        """Title and address."""
        for found in ANCHOR.finditer(self.title):
            href = href_of(found[1])
            if self.number not in href or "getNewComment" in href or _PREFIX.search(found[1]):
                continue
            if (name := title_text(found[2])) is not None:
                return name, addresses.first_page(absolute(self.document.base, href))
        return None, None

    def _author(self, board: str | None) -> tuple[str | None, str | None, str | None]:
        """Name and id of who opened the topic; and its forum: that of the list, else the one that the row names."""
        author, author_id = None, None
        for found in ANCHOR.finditer(self.byline):
            href = href_of(found[1])
            if author is None and (number := addresses.member_id_of(href)):
                author, author_id = inline_text(found[2]) or None, number
            else:
                board = board or addresses.forum_id_of(href)
            if author and board:
                break
        return author or self._guest(), author_id, board

    def _guest(self) -> str | None:
        """A name without a link: "By Ada, Monday at ..."."""
        line = self.byline[self.byline.find(">") + 1 :]
        at = line.find("<time")
        words = inline_text(line[:at]) if 0 <= at < 2_000 else ""
        _, space, name = words.rstrip(", ").partition(" ")
        return name if space else None

    def _counts(self) -> tuple[int | None, int | None]:
        counted = {name: number_of(shown.strip()) for name, shown in _CELL.findall(self.stats)}
        if self.stats.count("data-stat") == len(counted):
            return self._replies_and_views(counted)
        cells = list(_STAT.finditer(self.stats))
        for index, found in enumerate(cells):
            limit = cells[index + 1].start() if index + 1 < len(cells) else found.end() + 1_500
            cell = self.stats[found.end() : limit]
            shown = _STAT_VALUE.search(cell) or _NUMBER_CELL.search(cell)
            text = shown[1] if shown else inline_text(cell[cell.find(">") + 1 : cell.find("</li")])
            counted[found[1]] = number_of(text.strip())
        return self._replies_and_views(counted)

    @staticmethod
    def _replies_and_views(counted: dict[str, int | None]) -> tuple[int | None, int | None]:
        replies = next((counted[name] for name in _REPLIES if name in counted), None)
        return replies, counted.get("num_views", counted.get("views"))

    def _page_count(self) -> int | None:
        if "agination" not in self.title:
            return None
        mini = part(self.title, "ipsPagination_mini") or part(self.title, "ipsPagination--mini")
        return highest_page(self.title[mini.start : mini.end]) if mini else None
