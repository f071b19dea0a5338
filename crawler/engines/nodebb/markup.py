"""Topics and lists of NodeBB from their markup, for pages saved without scripts and for versions before 1.0.

Themes write what NodeBB's scripts rely on: `component="post"` with `data-pid`, `data-uid`, `data-username`,
`data-index` and `data-timestamp`, `component="post/content"`; `component="category/topic"` with `data-tid`;
`component="categories/category"` with `data-cid`.
"""

import re
from datetime import datetime

from crawler.engines.frame import Frame
from crawler.engines.html import (
    TAG,
    absolute,
    attribute,
    closing,
    decoded,
    element,
    from_epoch,
    from_iso,
    inline_text,
    number_of,
    tag_at,
)
from crawler.engines.nodebb.addresses import category_of, page_url, topic_of
from crawler.engines.nodebb.body import Body
from crawler.engines.nodebb.topics import Draft
from crawler.records import Attachment, Board, Post, Status, Thread

_POST = re.compile(r'<(li|div|article)\b(?=[^<>]*\sdata-pid="[^"<>]+")(?=[^<>]*\s(?:data-index|data-uid)=)[^<>]*>')
_TOPIC = re.compile(r'<(li|div|tr|article)\b(?=[^<>]*\scomponent="category/topic")[^<>]*>')
_CATEGORY = re.compile(r'<(li|div|tr)\b(?=[^<>]*\scomponent="categories/category")[^<>]*>')
_META = re.compile(r'<meta\s+itemprop="(datePublished|dateModified)"\s+content="([^"]*)"')
# NodeBB's scripts put words for the instant in `title`, and the instant itself in `datetime`.
_STAMP = re.compile(r'\b(?:title|datetime)="(\d{4}-\d\d-\d\dT[\d:.]+Z)"')
_VOTES = re.compile(r'data-votes="(?<=\sdata-votes=")(-?\d+)"')
# Versions since 3 say when in the reader's own words only; the sign is hidden where nobody has edited.
_EDITED = re.compile(r'<(?:i|span)\b[^<>]*\scomponent="post/edit-indicator"[^<>]*\sclass="(?![^"<>]*\bhidden\b)[^<>]*>')
_PARENT = re.compile(r'component="post/parent"[^<>]*\sdata-(?:topid|parent-pid)="(\d+)"')
_LINK = re.compile(r'<a\b[^<>]*\shref="([^"]*)"[^<>]*>(.*?)</a>', re.DOTALL)
_NUMBER = re.compile(r'class="[^"<>]*human-readable-number[^"<>]*"[^<>]*\stitle="(\d+)"')
_EXACT = re.compile(r'\stitle="(-?\d+)"')
_USER = re.compile(r'<a\b[^<>]*\shref="[^"]*/user/[^"]*"[^<>]*>')
_NAMED = re.compile(r'\s(?:title|alt)="([^"]+)"')
_PAGE = re.compile(r'\sdata-page="(\d+)"')
_BODY_TOPIC = re.compile(r"\bpage-topic-(\d+)\b")
_BODY_CATEGORY = re.compile(r"\bpage-(?:topic-)?category-(\d+)\b")
_ID = re.compile(r'\scomponent="topic"[^<>]*\sdata-tid="(\d+)"|template-variable="tid"\s+value="(\d+)"')


class Markup(Frame):
    """A page of NodeBB without its data."""

    @property
    def template(self) -> str:
        """Name of the template that the body's class tells, such as "topic"; "" where it does not."""
        found = re.search(r'<body\b[^<>]*\sclass="(?:[^"\s]+\s+){0,40}?page-([a-z\d]+)\b', self.markup)
        return found[1] if found else ""

    def posts_at(self) -> list[tuple[str, int, int]]:
        """(start tag, where its content starts, what it can reach) of each post."""
        found = list(_POST.finditer(self.markup, self.body_start))
        starts = [one.start() for one in found[1:]] + [len(self.markup)]
        return [
            (one[0], one.end(), closing(self.markup, one[1], one.end(), limit))
            for one, limit in zip(found, starts, strict=False)
        ]

    def topic_id(self) -> str | None:
        """Id of the topic that the page shows."""
        for url in (self.declared_url, self.page.url):
            if url and (number := topic_of(url)[0]):
                return number
        found = _BODY_TOPIC.search(self.markup) or _ID.search(self.markup)
        return next((group for group in found.groups() if group), None) if found else None

    def draft(self, tag: str, start: int, end: int, topic: str, root: str, *, in_order: bool) -> Draft | None:
        """The post in that place; None where it holds no content."""
        markup = self.markup
        number = decoded(attribute(tag, "data-pid") or "")
        bounds = _component(markup, "post/content", start, end) or _older_content(markup, number, start, end)
        if bounds is None or not number:
            return None
        body = Body()
        status = Status.DELETED if "deleted" in (attribute(tag, "class") or "").split() else Status.VISIBLE
        text = body.read(markup[slice(*bounds)]).result().rstrip("\n")
        around = markup[start : bounds[0]] + markup[bounds[1] : end]
        dates = dict(_META.findall(around))
        stamp, index = attribute(tag, "data-timestamp") or "", attribute(tag, "data-index") or ""
        edited_at = from_iso(dates.get("dateModified", "")) or _edit_of(around)
        member, parent, votes = attribute(tag, "data-uid") or "", _PARENT.search(around), _VOTES.search(around)
        position = int(index) + 1 if index.isdecimal() and len(index) < 9 and in_order else None
        written = dates.get("datePublished", "")
        if not written and not stamp and (shown := _STAMP.search(around)) is not None:
            written = shown[1]
        epoch = from_epoch(int(stamp) // 1000) if stamp.isdecimal() and len(stamp) < 16 else None
        post = Post(
            site=self.site,
            thread_id=topic,
            post_id=number,
            parent_id=parent[1] if parent and parent[1] != "0" else None,
            position=position,
            author=attribute(tag, "data-username") or _name(around),
            author_id=member if member.isdecimal() and member != "0" else None,
            created_at=from_iso(written) or epoch,
            created_text=written or None,
            edited=edited_at is not None or _is_marked_as_edited(around),
            edited_at=edited_at,
            body_text=text if status is Status.VISIBLE else "",
            score=int(votes[1]) if votes else None,
            attachments=[Attachment(url=absolute(self.base, known.url), name=known.name) for known in body.attachments],
            links=[absolute(self.base, link) for link in body.links],
            is_opening=position == 1,
            status=status,
            url=f"{root}/post/{number}",
        )
        return Draft(post, body.quoted if status is Status.VISIBLE else [])

    def thread(self, topic: str, posts: list[Post]) -> Thread:
        """The topic's record."""
        bounds = _component(self.markup, "topic/title", self.body_start, len(self.markup))
        title = inline_text(self.markup[slice(*bounds)]) if bounds else inline_text(self.meta("og:title") or "")
        opening = next((post for post in posts if post.is_opening), None)
        up = self.link("up")
        board = category_of(up) if up else None
        if board is None and (found := _BODY_CATEGORY.search(self.markup)) is not None:
            board = found[1]
        page, last_page, _ = self.pages()
        return Thread(
            site=self.site,
            thread_id=topic,
            title=title or self.title,
            author=opening.author if opening else None,
            author_id=opening.author_id if opening else None,
            board_id=board,
            created_at=opening.created_at if opening else None,
            created_text=opening.created_text if opening else None,
            reply_count=self._replies(),
            score=opening.score if opening else None,
            thread_type="discussion",
            page_count=max(page, last_page),
            url=(self.declared_url or self.page.url).partition("?")[0],
        )

    def _replies(self) -> int | None:
        """The topic's own count of posts, less the main post."""
        at = self.markup.find('component="topic/post-count"', self.body_start)
        found = _EXACT.search(self.markup, at, self.markup.find(">", at)) if at >= 0 else None
        return max(int(found[1][:9]) - 1, 0) if found else None

    def pages(self) -> tuple[int, int, str | None]:
        """Number of this page, of the last one, and address of the next one."""
        at = self.markup.find('component="pagination"', self.body_start)
        bounds = tag_at(self.markup, at) if at >= 0 else None
        tag = TAG.match(self.markup, bounds[0]) if bounds else None
        navigation = (
            self.markup[bounds[1] : closing(self.markup, tag[2], bounds[1], len(self.markup))]
            if (bounds and tag)
            else ""
        )
        active = re.search(r'<li\b[^<>]*\bactive\b[^<>]*>\s*<a\b[^<>]*\sdata-page="(\d+)"', navigation)
        current = int(active[1][:9]) if active else 1
        last = max([current, *(int(number[:9]) for number in _PAGE.findall(navigation))])
        following = self.link("next")
        if following is None:
            named = re.search(rf'<a\b[^<>]*\shref="([^"]*)"[^<>]*\sdata-page="{current + 1}"', navigation)
            following = absolute(self.base, decoded(named[1])) if named else None
        return current, last, following

    def threads(self) -> list[Thread]:
        """The topics that the page lists."""
        rows: dict[str, Thread] = {}
        for found in _TOPIC.finditer(self.markup, self.body_start):
            content = self.markup[found.end() : closing(self.markup, found[1], found.end(), len(self.markup))]
            titled = element(content, "title") or element(content, "topic-title")
            links = [link for link in _LINK.findall(titled[1] if titled else content) if topic_of(link[0])[0]]
            links = links or [link for link in _LINK.findall(content) if topic_of(link[0])[0] and inline_text(link[1])]
            number = attribute(found[0], "data-tid") or (topic_of(links[0][0])[0] if links else None)
            if number is None:
                continue
            words = (attribute(found[0], "class") or "").split()
            posts, stamps = _stat(content, "stats-postcount"), _STAMP.findall(content)
            rows[number] = Thread(
                site=self.site,
                thread_id=number,
                title=inline_text(links[0][1]) or None if links else None,
                board_id=attribute(found[0], "data-cid") or category_of(self.declared_url or self.page.url),
                author=_starter(content),
                created_at=from_iso(stamps[0]) if stamps else None,
                created_text=stamps[0] if stamps else None,
                last_post_at=from_iso(stamps[-1]) if len(stamps) > 1 else None,
                reply_count=max(posts - 1, 0) if posts is not None else None,
                view_count=_stat(content, "stats-viewcount"),
                score=_stat(content, "stats-votes"),
                thread_type="discussion",
                is_sticky="pinned" in words,
                is_locked="locked" in words,
                status=Status.DELETED if "deleted" in words else Status.VISIBLE,
                url=page_url(absolute(self.base, decoded(links[0][0])), 1) if links else None,
            )
        return list(rows.values())

    def boards(self) -> list[Board]:
        """The categories that the page lists."""
        rows: dict[str, Board] = {}
        for found in _CATEGORY.finditer(self.markup, self.body_start):
            content = self.markup[found.end() : closing(self.markup, found[1], found.end(), len(self.markup))]
            number = attribute(found[0], "data-cid")
            links = [link for link in _LINK.findall(content) if category_of(link[0]) == number]
            if not number:
                continue
            said = element(content, "description")
            counts = [number_of(value) for value in _NUMBER.findall(content)[:2]]
            named = next((link for link in links if inline_text(link[1])), None)
            parent = attribute(found[0], "data-parent-cid")
            rows[number] = Board(
                site=self.site,
                board_id=number,
                title=inline_text(named[1]) if named else None,
                description=(inline_text(said[1]) or None) if said else None,
                parent_id=parent if parent and parent != "0" else None,
                thread_count=counts[0] if len(counts) == 2 else None,
                post_count=counts[1] if len(counts) == 2 else None,
                url=absolute(self.base, decoded(links[0][0])) if links else None,
            )
        return list(rows.values())


def _starter(content: str) -> str | None:
    """Who began the topic of a row: the first member that it shows, if only by a picture with a title."""
    user = _USER.search(content)
    if user is None:
        return None
    inside = content[user.end() : content.find("</a", user.end())]
    named = _NAMED.search(user[0]) or _NAMED.search(inside)
    return (decoded(named[1]).strip() if named else inline_text(inside)) or None


def _stat(content: str, name: str) -> int | None:
    """A number with its class, exact from its title."""
    found = element(content, name) if name in content else None
    if found is None:
        return None
    exact = _EXACT.search(found[0] + found[1])
    return number_of(exact[1]) if exact else number_of(inline_text(found[1]))


def _component(markup: str, name: str, start: int, limit: int) -> tuple[int, int] | None:
    """Bounds of the content of the first element with that `component`."""
    at = markup.find(f'component="{name}"', start, limit)
    bounds = tag_at(markup, at) if at >= 0 else None
    tag = TAG.match(markup, bounds[0]) if bounds else None
    if bounds is None or tag is None:
        return None
    return bounds[1], closing(markup, tag[2], bounds[1], limit)


def _older_content(markup: str, number: str, start: int, limit: int) -> tuple[int, int] | None:
    """Bounds of the content as versions before 0.6 wrote it: an element with the post's number, or its only text."""
    for sign in (f'id="content_{number}"', 'itemprop="articleBody"', 'itemprop="text"'):
        at = markup.find(sign, start, limit)
        bounds = tag_at(markup, at) if at >= 0 else None
        tag = TAG.match(markup, bounds[0]) if bounds else None
        if bounds is not None and tag is not None:
            return bounds[1], closing(markup, tag[2], bounds[1], limit)
    return None


def _is_marked_as_edited(around: str) -> bool:
    """Whether the sign of an edit is shown."""
    at = around.find("post/edit-indicator")
    return at >= 0 and _EDITED.match(around, around.rfind("<", 0, at)) is not None


def _edit_of(around: str) -> datetime | None:
    """The instant in the line "last edited by"; the line is there, but its date is empty, where nobody has edited."""
    at = around.find('component="post/editor"')
    dated = around.find("timeago", at, at + 1_000) if at >= 0 else -1
    found = _STAMP.search(around, around.rfind("<", at, dated), around.find(">", dated)) if dated >= 0 else None
    return from_iso(found[1]) if found else None


def _name(around: str) -> str | None:
    found = re.search(r'\sitemprop="author"[^<>]*>([^<]+)<', around)
    return inline_text(found[1]) or None if found else None
