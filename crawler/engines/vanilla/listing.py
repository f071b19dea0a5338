"""Lists of discussions, as a list (`li.ItemDiscussion`) or as a table (`tr.ItemDiscussion`)."""

import re
from datetime import datetime

from crawler.engines.html import (
    TAG,
    absolute,
    attribute,
    closing,
    decoded,
    element,
    elements,
    from_iso,
    inline_text,
    instant_of,
    number_of,
    tag_at,
)
from crawler.engines.vanilla.addresses import category_of, discussion_id_of, page_url, user_id_of
from crawler.engines.vanilla.document import Document
from crawler.records import Thread

_ANCHOR = re.compile(r"<a\b([^<>]*)>(.*?)</a>", re.DOTALL)
_TITLE = re.compile(r'<a\b[^<>]*\shref="([^"<>]*\bdiscussion/(\d+)[^"<>]*)"[^<>]*>([^<]*)(</a)?')
_USER = re.compile(r"<a\b([^<>]*)>([^<]+)</a>")
_PHOTO = re.compile(r'<a\b(?=[^<>]*\btitle="[^"<>]*\S)(?=[^<>]*profile)[^<>]*\bPhotoWrap\b[^<>]*>')
_TIME = re.compile(r"<time\b([^<>]*)>([^<]*)")
# As all versions since 2.1 write a date, and a number behind the class of its cell or entry; others are looked for.
_USUAL_TIME = re.compile(r'<time title="[^"<>]*" datetime="([^"<>]*)">([^<]+)')
_USUAL_NUMBER = re.compile(r'[^<>]*>\s*(?:<div class="Wrap">\s*)?<span title="(\d[\d,]*) ')
_NUMBER = re.compile(r'\stitle="\s*(?:(-?[\d,]*\d)\s[^"<>\d]*|([^"<>]*\d[^"<>]*))"|>\s*(-?\d[^<]{0,30})')
_CATEGORY = re.compile(r'\shref="([^"<>]*\bcategories/[^"<>]*)"')
_CLASS = re.compile(r'\sclass="([^"]*)"')
_HREF = re.compile(r'\shref="([^"]*)"')
_ROW_ID = re.compile(r'\sid="Discussion_(\d+)"')
_ROW = re.compile(r'<(?:li|tr|div)\b[^<>]*\sclass="(?:[^"<>]* )?Item(?: [^"<>]*)?"[^<>]*>')
_PLAIN_ROW = 'class="ItemContent Discussion'
_RESULTS = ("DataList-Search", "SearchResults")
_PAGED = re.compile(r"/p\d+(?:\.html?)?/?$")
_PAGE_NUMBER = re.compile(r"/p(\d+)(?:[#/?.]|$)")
_TYPES = (("QnA-Tag-", "question"), ("Tag-Question", "question"), ("Tag-Poll", "poll"), ("Tag-Idea", "suggestion"))
_FIRST = ("FirstUser", "FirstCommentDate", "DiscussionDate", "DateCreated")
_LAST = ("LastUser", "LastCommentDate", "LatestPost", "LastestPost")
_MOVED = ("Tag-Moved", "Tag-Redirect")


def read_rows(document: Document, board_id: str | None) -> list[Thread]:
    """Every discussion that the page lists, in page order; `board_id` is the page's own category."""
    starts = _row_starts(document.markup, document.body_start)
    if not starts:
        return []
    document.limit = starts[0][0]
    rows: dict[str, Thread] = {}
    markup = document.markup
    for index, (_, behind, tag) in enumerate(starts):
        if index + 1 < len(starts):
            end = starts[index + 1][0]
        else:
            name = TAG.match(tag)
            end = closing(markup, name[2] if name else "li", behind, len(markup))
        thread = _Row(document, tag, markup[behind:end]).read(board_id)
        if thread is not None:
            rows.setdefault(thread.thread_id, thread)
    return list(rows.values())


def _row_starts(markup: str, start: int) -> list[tuple[int, int, str]]:
    """(start, end of the start tag, start tag) of each row of the page's own lists; those of panels are left out."""
    found = []
    panels = _panels(markup, start)
    mark = 'id="Discussion_'
    at = markup.find(mark, start)
    while at >= 0:
        bounds = tag_at(markup, at) if markup[at - 1].isspace() else None
        if bounds is not None and "Item" in (attribute(markup[bounds[0] : bounds[1]], "class") or ""):
            found.append((*bounds, markup[bounds[0] : bounds[1]]))
        at = markup.find(mark, at + len(mark))
    if not found and _PLAIN_ROW in markup:
        # 2.0 gives its rows no id.
        found = [
            (row.start(), row.end(), row[0])
            for row in _ROW.finditer(markup, start)
            if _PLAIN_ROW in markup[row.end() : row.end() + 600]
        ]
    return [row for row in found if not any(first <= row[0] < last for first, last in panels)]


def _panels(markup: str, start: int) -> list[tuple[int, int]]:
    """Bounds of the lists in boxes at the side ("Recent Discussions", bookmarks), whose rows have the same ids."""
    found = []
    at = markup.find("PanelInfo", start)
    while at >= 0:
        bounds = tag_at(markup, at)
        name = TAG.match(markup, bounds[0]) if bounds else None
        end = at
        if bounds is not None and name is not None:
            end = closing(markup, name[2], bounds[1], len(markup))
            found.append((bounds[0], end))
        at = markup.find("PanelInfo", max(end, at + 1))
    return found


def read_linked(document: Document) -> list[Thread]:
    """The discussions in the plain links that pages for scripts (Higher Logic's layouts) hold for search engines."""
    return _linked(document, "linkList")


def read_found(document: Document) -> tuple[list[Thread], int] | None:
    """The discussions among the results of a search, and how many results there are; None where the page has no place
    for results.

    Comments among them are at /discussion/comment/34, which does not tell their discussion.
    """
    for name in _RESULTS:
        if name in document.markup and (found := element(document.markup, name, document.body_start)) is not None:
            return _linked(document, name), found[1].count('<li class="')
    return None


def _linked(document: Document, class_name: str) -> list[Thread]:
    """The discussions that are linked to in the elements of a class, each once."""
    rows: dict[str, Thread] = {}
    for _, content in elements(document.markup, class_name, document.body_start):
        for found in _TITLE.finditer(content):
            if title := inline_text(found[3]):
                url = absolute(document.base, decoded(found[1]))
                thread = Thread(site=document.site, thread_id=found[2], title=title, url=url)
                rows.setdefault(found[2], thread)
    return list(rows.values())


class _Row:
    """One row of a list of discussions: its cells or entries are found by their classes."""

    def __init__(self, document: Document, tag: str, content: str) -> None:
        self.document = document
        self.content = content
        named = _CLASS.search(tag)
        self.words = named[1].split() if named else []
        number = _ROW_ID.search(tag)
        self.number = number[1] if number else None

    def read(self, board_id: str | None) -> Thread | None:
        """The thread of the row; None where it names none."""
        content = self.content
        title, href = self._title()
        number = self.number or discussion_id_of(href or "")
        if number is None:
            return None
        comments = self._count("CommentCount", "CountComments", "CountReplies")
        first, last = self._time(_FIRST), self._time(_LAST)
        author, author_id = self._starter(alone=comments == 0)
        if comments is not None and self.document.is_before_2_1:
            comments = max(comments - 1, 0)
        if comments == 0:
            first = first or last
            last = last or first
        prefix = element(content, "PrefixDiscussion") if "PrefixDiscussion" in content else None
        return Thread(
            site=self.document.site,
            thread_id=number,
            title=title,
            prefix=inline_text(prefix[1]).strip("[] ") or None if prefix else None,
            author=author,
            author_id=author_id,
            board_id=self._category() or board_id,
            created_at=first[0] if first else None,
            created_text=first[1] if first else None,
            last_post_at=last[0] if last else None,
            reply_count=comments,
            view_count=self._count("ViewCount", "CountViews"),
            score=self._count("DiscussionScore"),
            tags=self._tags() if "/discussions/tagged" in content else [],
            is_sticky="Announcement" in self.words or "Tag-Announcement" in content,
            is_locked="Closed" in self.words or "Tag-Closed" in content,
            thread_type=self._type(),
            page_count=self._page_count() if "MiniPager" in content else None,
            url=self._address(href),
        )

    def _bounds(self, name: str) -> tuple[int, int] | None:
        """Where the cell or entry of that class begins and what it can reach at most."""
        content = self.content
        at = content.find(name)
        while at >= 0:
            behind = content[at + len(name) : at + len(name) + 1]
            if behind in {'"', " "} and content[at - 1] in {'"', " "}:
                opened = content.rfind("<", 0, at)
                end = content.find("</td" if content.startswith("<td", opened) else "</span", at)
                return at, end if end >= 0 else len(content)
            at = content.find(name, at + 1)
        return None

    def _title(self) -> tuple[str | None, str | None]:
        """Title, and address as written: the first link to the discussion that is no picture."""
        for found in _TITLE.finditer(self.content):
            words, plain = found[3], found[4]
            if not plain:  # the text of the link holds tags
                end = self.content.find("</a", found.end())
                words = self.content[found.start(3) : end if end >= 0 else None]
            if (shown := inline_text(words)) and "PhotoWrap" not in found[0]:
                return shown, decoded(found[1])
        return None, None

    def _starter(self, *, alone: bool) -> tuple[str | None, str | None]:
        """Who began the discussion: named in a cell or entry of its own, else by the picture.

        The last entry names the latest author, who is the first one where there is no comment.
        """
        content = self.content
        for name in ("FirstUser", "DiscussionAuthor", "Author", *(("LastCommentBy",) if alone else ())):
            if (bounds := self._bounds(name)) is not None:
                for found in _USER.finditer(content, *bounds):
                    if shown := inline_text(found[2]):
                        return shown, _member(found[1])
        if (photo := _PHOTO.search(content)) is not None and (title := attribute(photo[0], "title")):
            return title.strip() or None, _member(photo[0])
        return None, None

    def _count(self, *names: str) -> int | None:
        """A number with its thousands, from the title of an abbreviated one."""
        for name in names:
            if (bounds := self._bounds(name)) is not None:
                usual = _USUAL_NUMBER.match(self.content, bounds[0])
                if usual is not None:
                    return number_of(usual[1])
                found = _NUMBER.search(self.content, *bounds)
                said = (found[1] or found[2] or found[3]).strip() if found else ""
                if said and (number := number_of(said)) is not None:
                    return number
        return None

    def _time(self, names: tuple[str, ...]) -> tuple[datetime | None, str | None] | None:
        for name in names:
            if (bounds := self._bounds(name)) is not None:
                usual = _USUAL_TIME.search(self.content, *bounds)
                if usual is not None and (instant := from_iso(usual[1])) is not None:
                    return instant, inline_text(usual[2]) or None
                found = _TIME.search(self.content, *bounds)
                if found is not None:
                    return instant_of(found[1]), inline_text(found[2]) or None
        return None

    def _category(self) -> str | None:
        bounds = self._bounds("Category")
        found = _CATEGORY.search(self.content, *bounds) if bounds else None
        return category_of(found[1]) if found else None

    def _tags(self) -> list[str]:
        names = (inline_text(found[2]) for found in _ANCHOR.finditer(self.content) if "/tagged" in found[1])
        return list(dict.fromkeys(filter(None, names)))

    def _address(self, href: str | None) -> str | None:
        if href is None:
            return None
        url = absolute(self.document.base, href).partition("#")[0]
        return page_url(url, 1) if "?" in url or _PAGED.search(url) else url

    def _type(self) -> str:
        if "Tag-" not in self.content:
            return "discussion"
        if any(sign in self.content for sign in _MOVED):
            return "redirect"
        return next((kind for sign, kind in _TYPES if sign in self.content), "discussion")

    def _page_count(self) -> int | None:
        found = element(self.content, "MiniPager")
        numbers = [int(number) for number in _PAGE_NUMBER.findall(found[1].replace('"', "#"))] if found else []
        return max(numbers, default=None)


def _member(tag: str) -> str | None:
    number = attribute(tag, "data-userid") if "data-userid" in tag else None
    if number and number.isdecimal() and number != "0":
        return number
    found = _HREF.search(tag)
    return user_id_of(found[1]) if found else None
