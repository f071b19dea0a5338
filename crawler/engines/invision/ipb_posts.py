"""Posts of a topic of IP.Board 3 (`div.post_block#post_id_N`) and 2 (`<!--Begin Msg Number N-->`).

`post_block#similar_topics` is none; neither are those of announcements and search results, which bear no number.
"""

import re
from datetime import datetime

from crawler.engines.html import TAG, absolute, closing, inline_text, number_of, tag_at
from crawler.engines.invision.addresses import member_id_of
from crawler.engines.invision.body import Body
from crawler.engines.invision.markup import ANCHOR, double_quoted, instant, part, plain_href, stated
from crawler.engines.invision.posts import Container, Setting
from crawler.records import Attachment, Post, Status

_MARK = re.compile(r"post_id_(\d+)[\"']")
_OLD_MARK = re.compile(r"<!--\s?Begin Msg Number (\d+)\s?-->")
_TITLE = re.compile(r"\stitle=[\"']([^\"']+)[\"']")
_POSITION = re.compile(r">\s*+#\s?(\d[\d.,]*+)\s*+<")
_HREF = re.compile(r"\shref=[\"']([^\"']*+)[\"']")
_CARD = re.compile(r"\shovercard-id=[\"'](\d+)[\"']")
_LEFT_OF_NAME = re.compile(
    r"<span\b[^>]*\bclass=[\"'](?:post_id|ip|right|post_mod)\b.{0,2000}?</span>|<label\b.{0,500}?</label>"
    r"|<script\b.{0,5000}?</script>",
    re.DOTALL,
)
_REPUTATION = re.compile(r"<span\b[^>]*\bclass=[\"']reputation\b[^>]*+>\s*+([+-]?[\d.,]+)\s*+</span>")
_EDIT = re.compile(r"<(p|span|div)\b[^>]*\bclass=[\"']edit[\"'][^>]*+>.{0,2000}?</\1>", re.DOTALL)
_NUMBER_SHOWN = re.compile(r">\s*+\d")
_DIGIT = re.compile(r"\d")
_OTHERS = re.compile(r"^(\d{1,6})\s+\D")
_DATES = ("published", "commentTime", "post_date")
_ENTRY = ("entry-content", "commentText")
_OLD_DATE = re.compile(r"<span class=[\"']postdetails[\"']>(?:[^<\d]{0,40}+<[^<>]{0,300}+>){0,6}+([^<]*\d[^<]*)<")
# 1.x, whose posts live on in boards of 2.x: a quote is a table between two elements of the post's text.
_OLD_QUOTE = re.compile(r"<!--QuoteBegin[^>]*--></(?:div|span)>(.{0,2000}?)<!--QuoteEBegin-->", re.DOTALL)
_OLD_QUOTE_END = re.compile(
    r"<!--QuoteEnd-->(?:\s*+</\w+>){0,6}+\s*+<(?:div|span) class=[\"']postcolor[\"']>\s*+<!--QuoteEEnd-->"
)
_OLD_NUMBER = re.compile(r"link_to_post\((\d+)\)[^>]*>\s*#?(\d+)")


def containers(markup: str, generation: int) -> list[Container]:
    """The posts' elements, in page order; one that is repeated counts once."""
    if generation == 2:
        marks = list(_OLD_MARK.finditer(markup))
        ends = [*(mark.start() for mark in marks[1:]), len(markup)]
        return [Container(mark[1], "", mark.end(), end) for mark, end in zip(marks, ends, strict=False)]
    found: list[tuple[str, str, int]] = []
    seen: set[str] = set()
    at = markup.find("post_id_")
    while at >= 0:
        mark = _MARK.match(markup, at)
        bounds = tag_at(markup, at) if mark is not None and markup[at - 4 : at - 1] == "id=" else None
        if mark is not None and bounds is not None and mark[1] not in seen and markup[at - 5].isspace():
            seen.add(mark[1])
            found.append((mark[1], markup[bounds[0] : bounds[1]], bounds[1]))
        at = markup.find("post_id_", at + 8)
    places = []
    for index, (post_id, tag, start) in enumerate(found):
        limit = found[index + 1][2] - len(found[index + 1][1]) if index + 1 < len(found) else len(markup)
        if index + 1 == len(found):
            name = TAG.match(tag)
            limit = closing(markup, name[2] if name else "div", start, limit)
        places.append(Container(post_id, tag, start, limit))
    return places


def read_post(markup: str, place: Container, setting: Setting, position: int | None) -> Post | None:
    """The post in a container of IP.Board 3; None where it holds none that can be read."""
    entry = part(markup, _ENTRY[0], place.start, place.limit) or part(markup, _ENTRY[1], place.start, place.limit)
    if entry is None:
        return None
    head, tail = markup[place.start : entry.opened], markup[entry.end : place.limit]
    mark = head.find("post_id")
    link = head[mark : mark + 1_200] if mark >= 0 else ""
    shown = _POSITION.search(link)
    if shown and shown[1] != place.post_id:  # search results show the id there
        position = number_of(shown[1]) or position
    removed = "postsDelete_" in head
    if removed and not shown:
        position = None  # the site does not count it
    prose = Body(setting.authors)
    if not removed:
        prose.read(double_quoted(markup[entry.start : entry.end]))
    created_at, created_text = _created(head)
    if created_at is None and created_text is None:  # some skins put it below
        created_at, created_text = _created(tail)
    author, author_id = author_of(head)
    edited_below = "class='edit'" in tail or 'class="edit"' in tail
    if edited_below and not removed and (line := _EDIT.search(tail)) is not None:  # some skins put it below
        prose.read(double_quoted(line[0]))
    if prose.edited:
        setting.edit_lines[place.post_id] = prose.edit_line
    box = part(tail, "attach_wrap") if "attach_wrap" in tail else None
    if box is not None and not removed:
        prose.read(double_quoted(tail[box.opened : box.end]))
    status = Status.REMOVED if removed else Status.HIDDEN if "moderated" in place.tag else Status.VISIBLE
    return Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=author,
        author_id=author_id,
        created_at=created_at,
        created_text=created_text,
        edited=prose.edited,
        body_text=prose.result(),
        quotes=prose.quotes,
        reactions=_likes(tail),
        score=_score(tail) if not removed else None,
        attachments=[Attachment(url=absolute(setting.base, known.url), name=known.name) for known in prose.attachments],
        links=list(dict.fromkeys(absolute(setting.base, link) for link in prose.links)),
        is_opening=position == 1,
        status=status,
        url=_address(link, place.post_id, setting.base) or absolute(setting.base, f"#entry{place.post_id}"),
    )


def _created(head: str) -> tuple[datetime | None, str | None]:
    for word in _DATES:
        at = head.find(word)
        opened, behind = head.rfind("<", 0, max(at, 0)), head.find(">", at)
        if at < 0 or opened < 0 or behind < 0:
            continue
        text = inline_text(head[behind + 1 : head.find("<", behind)])
        title = _TITLE.search(head, opened, behind)
        moment = stated(title[1]) if title else instant(head[opened:behind])
        if moment is not None or text:
            return moment, text or None
    return None, None


def author_of(head: str) -> tuple[str | None, str | None]:
    """Name and id in the head of a post; of guests (no card) the name is the heading's own text."""
    card = part(head, "vcard")
    if card is not None and (name := inline_text(head[card.start : card.end])):
        number = _CARD.search(head, card.start, card.end)
        link = _HREF.search(head, card.start, card.end)
        return name, number[1] if number and number[1] != "0" else member_id_of(plain_href(link[1])) if link else None
    start = head.find("<h3")
    end = head.find("</h3", start)
    if start < 0 or end < 0:
        return None, None
    name = inline_text(_LEFT_OF_NAME.sub("", head[start:end]))
    return name or None, None


def _likes(tail: str) -> int | None:
    """How many like the post: names shown, plus the number of others; None where the site has no likes."""
    bar = part(tail, "ipsLikeBar_info") if "ipsLikeBar" in tail else None
    if bar is None:
        return 0 if "ipsLikeBar" in tail else None
    content = tail[bar.start : bar.end]
    names = content.count("<a ")
    if not names:
        said = inline_text(content)
        return (number_of(said) or 1) if said else 0
    # "Ada, Bea and 3 others like this": the others are a number in a link that opens the list, or behind the last name.
    if _NUMBER_SHOWN.search(content):
        texts = [inline_text(text) for _, text in ANCHOR.findall(content)]
        others = [int(found[1]) for text in texts if (found := _OTHERS.match(text))]
        if others:
            return len(texts) - len(others) + sum(others)
    behind = content.rfind("</a>")
    return names + (number_of(inline_text(content[behind:])) or 0 if _DIGIT.search(content, behind) else 0)


def _score(tail: str) -> int | None:
    found = _REPUTATION.search(tail) if "reputation" in tail else None
    return number_of(found[1].lstrip("+")) if found else None


def _address(head: str, post_id: str, base: str) -> str | None:
    for found in _HREF.finditer(head):
        href = found[1]
        if post_id in href and ("entry" in href or "findpost" in href or "p=" in href) and "do=" not in href:
            return absolute(base, plain_href(href))
    return None


def read_old_post(markup: str, place: Container, setting: Setting, position: int | None) -> Post | None:
    """The post in a container of IP.Board 2; None where it holds none that can be read."""
    markup = _OLD_QUOTE.sub(_quoted, _OLD_QUOTE_END.sub("</div>", markup[place.start : place.limit]))
    entry = part(markup, "postcolor")
    if entry is None:
        return None
    head = double_quoted(markup[: entry.opened])
    name = part(head, "normalname") or part(head, "unreg")
    link = _HREF.search(head, name.start, name.end) if name else None
    number, date = _OLD_NUMBER.search(head), _OLD_DATE.search(head)
    prose = Body(setting.authors)
    prose.read(double_quoted(markup[entry.start : entry.end]))
    position = int(number[2]) if number else position
    return Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=(inline_text(head[name.start : name.end]) or None) if name else None,
        author_id=member_id_of(plain_href(link[1])) if link else None,
        created_text=inline_text(date[1]) if date else None,
        edited=prose.edited,
        body_text=prose.result(),
        quotes=prose.quotes,
        attachments=[Attachment(url=absolute(setting.base, known.url), name=known.name) for known in prose.attachments],
        links=list(dict.fromkeys(absolute(setting.base, found) for found in prose.links)),
        is_opening=position == 1,
        url=absolute(setting.base, f"#entry{place.post_id}"),
    )


def _quoted(begin: re.Match[str]) -> str:
    """The beginning of a quote of 1.x as 2.x writes it."""
    return f'<div class="quotetop">{TAG.sub("", begin[1])}</div><div class="quotemain">'
