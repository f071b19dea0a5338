"""Posts of a phpBB topic page."""

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct

from crawler.engines.dates import LocalDates
from crawler.engines.html import (
    attribute,
    closing,
    decoded,
    element,
    elements,
    holds,
    inline_text,
    instant_of,
    number_of,
)
from crawler.engines.phpbb.addresses import resolved, user_id_of
from crawler.engines.phpbb.body import Body
from crawler.engines.phpbb.clock import plain_date
from crawler.engines.phpbb.places import Parts
from crawler.records import Attachment, Post, Status

_TIME = re.compile(r"<time\b([^<>]*)>([^<]{0,200})</time>")
_USERNAME = re.compile(
    r'<(a|span|strong|b)\b([^<>]*\sclass="(?:[^"<>]*\s)?username(?:-coloured)?[\s"][^<>]*)>'
    r"\s*(?:<(?:span|strong|b|em|i|font|bdi)\b[^<>]*>\s*)*([^<]*[^<\s][^<]*)<"
)
_BOLD = re.compile(r"<(?:strong|b|dt|h4)\b[^<>]*>\s*([^<]*[^<\s][^<]*)</")
_HREF = re.compile(r'\shref="([^"]*)"')
_STRONG = re.compile(r"<(strong|b)\b[^<>]*>((?:[^<]++|<(?!/?(?:strong|b)\b)){1,600})</\1>")
_NAME_CELLS = (
    re.compile(
        r'<(?:b|span|strong|div|td)\b[^<>]*\sclass="postauthor"[^<>]*>((?:[^<]++|<(?!/(?:b|span|strong|div|td)>)){1,600})<'
    ),
    re.compile(
        r'<span\b[^<>]*\sclass="name"[^<>]*>(?:\s|&nbsp;|<a\b[^<>]*></a>)*((?:[^<]++|<(?!/span>)){1,600})</span>'
    ),
)
_PROFILE = re.compile(r'<a\b[^<>]*\shref="([^"<>]*)"[^<>]*>\s*((?:[^<]++|<(?!/a>)){0,400})')
_ICON = re.compile(r'<a\b[^<>]*\shref="([^"<>]*\bu(?:=|%3D)\d+[^"<>]*)"[^<>]*>\s*(?:<img|<i\b|<span)')
_POSTED = re.compile(r"<b>[^<]{2,40}</b>\s*([^<]*\d[^<]*)")
_DETAILS = re.compile(r'class="(?:postdetails|gensmall|genmed|small)"[^<>]*>\s*([^<]*\d{1,2}[:.]\d\d[^<]*)')
_DATED = re.compile(r'<\w+[^<>]*\sclass="[^"<>]*date\w*"[^<>]*>(?:\s|<img[^<>]*>|<i\b[^<>]*></i>)*+([^<]*\d[^<]*)<')
_TEXT = re.compile(r">(?<!</strong>)(?<!</b>)([^<>]*\d{1,2}[:.h]\d\d[^<>]*)<")
_LABEL = re.compile(r"^[^\W\d_][^\d:：]{1,30}[:：]\s+(?=\S*.*\d)")  # noqa: RUF001
_DIGIT = re.compile(r"\d")
_THREE_DIGITS = re.compile(r"(?:\D*+\d){3}")
_GAP = re.compile(r"(?:&nbsp;|\xa0|\s){3,}")
_NUMBER = re.compile(r">\s*(?:Post\s+)?#\s?(\d{1,7})\s*<")
_EDITED = re.compile(
    r'<(?:span|p|div|td|em|small)\b[^<>]*\sclass="[^"<>]*\b(?:gensmall|edited|editedmessage|post-edited|small)\b[^"<>]*"[^<>]*>'
)
_BUMPED = re.compile(r"^\s*<br ?/?>\s*<br ?/?>|bump", re.IGNORECASE)
_TOTAL = re.compile(r"\([^()\d]{0,30}(\d{1,6})\)")
_LIKES = re.compile(
    r'class="[^"<>]*\b(?:postlove[\w-]*|post-likes?[\w-]*|likes?[-_]count|reaction[\w-]*count|post_like_count)\b[^"<>]*"[^<>]*>'
    r"(?:\s|<(?:i|span)\b[^<>]*>|</(?:i|span)>){0,6}(\d{1,6})"
)
_DELETED_BY = re.compile(r'<(?:a|span)\b[^<>]*\sclass="username[^<>]*>([^<]+)<')
_LEFT_COLUMN = ("postprofile", "post-profile", "profile", "author-info")


class Setting(Struct, frozen=True):
    """What the posts of one page have in common."""

    site: str
    thread_id: str
    base: str
    first_position: int | None
    dates: LocalDates
    shape: re.Pattern[str] | None
    """Finds a date of this page within a sentence."""
    authors: Collection[str]


class Head(Struct, frozen=True):
    """Author and date of a post, read before its text: other posts' texts and dates are understood by them."""

    author: str | None
    author_id: str | None
    created_at: datetime | None
    created_text: str | None


def read_head(parts: Parts) -> Head:
    """Author and date as the post's markup states them; the instant only where an attribute does."""
    line = _author_line(parts.before)
    author, author_id = _author(parts, line)
    created_at, created_text = _created(parts, line)
    return Head(author, author_id, created_at, created_text)


def _author_line(before: str) -> str | None:
    """Content of `p.author`: "by NAME » DATE"."""
    if not holds(before, "author"):
        return None
    at = before.find('<p class="author">')
    if at >= 0:
        end = before.find("</p>", at)
        return before[at + 18 : end if end >= 0 else len(before)]
    found = element(before, "author")
    return found[1] if found is not None else None


def _created(parts: Parts, line: str | None) -> tuple[datetime | None, str | None]:
    """Instant, where an attribute states it, and wording of a post's date."""
    if line is not None:
        if (time := _TIME.search(line)) is not None:
            return instant_of(time[1]), inline_text(time[2]) or None
        if (text := _behind_raquo(line) or _worded(line)) is not None:
            return None, text
    for head in _heads(parts):
        if holds(head, "<time") and (time := _TIME.search(head)) is not None:
            return instant_of(time[1]), inline_text(time[2]) or None
        if (text := _worded(head)) is not None:
            return None, text
    return None, None


def _heads(parts: Parts) -> Iterable[str]:
    """Where a post's date may stand."""
    yield _without_profile(parts.before)
    if parts.content is not None and not parts.is_table:
        yield _without_quotes(parts.after)


def username_in(markup: str, limit: int | None = None) -> re.Match[str] | None:
    """The first name in an element of class `username`: group 1 is the element, 2 its attributes, 3 the name."""
    limit = len(markup) if limit is None else limit
    at = markup.find("username", 0, limit)
    while at >= 0:
        opened = markup.rfind("<", max(at - 2_000, 0), at)
        if opened >= 0 and (found := _USERNAME.match(markup, opened, limit)) is not None:
            return found
        at = markup.find("username", at + 8, limit)
    return None


def _behind_raquo(line: str) -> str | None:
    """The date behind the last "»" of the author's line."""
    at = max(line.rfind("&raquo;") + 7, line.rfind("\u00bb") + 1, line.rfind("&#187;") + 6)
    if at < 8 and "\u00bb" not in line[:1]:
        return None
    text = plain_date(line[at:])
    return text if any(character.isdigit() for character in text) else None


def _worded(region: str) -> str | None:
    """The date of a head that no element marks as such; never that of a member's joining, which panels show first."""
    if holds(region, "<b>"):  # subSilver 2: "Post subject: ...", "Posted: DATE", then the panel
        posted = [plain_date(text) for text in _POSTED.findall(region.partition('class="profile"')[0])]
        if posted and _is_dated(posted[-1]):
            return posted[-1]
    for found in _dated(region):
        if _is_dated(text := plain_date(found[1])):
            return _LABEL.sub("", text).strip()
    for pattern, digits in ((_DETAILS, 3), (_TEXT, 6)):
        texts = [inline_text(_GAP.split(found.strip())[0]) for found in pattern.findall(region)]
        dated = [text for text in texts if len(_DIGIT.findall(text)) >= digits]
        if dated:
            return _LABEL.sub("", plain_date(dated[-1])).strip()
    return None


def _is_dated(text: str) -> bool:
    return _THREE_DIGITS.match(text) is not None


def _dated(region: str) -> Iterable[re.Match[str]]:
    at = region.find("date")
    while at >= 0:
        opened = region.rfind("<", max(at - 2_000, 0), at)
        if opened >= 0 and (found := _DATED.match(region, opened)) is not None:
            yield found
        at = region.find("date", at + 4)


def _without_profile(before: str) -> str:
    """A post's head without the panel on its author, which has dates of its own."""
    for name in _LEFT_COLUMN[:2]:
        at = before.find(f'class="{name}') if holds(before, name) else -1
        if at < 0:
            continue
        opened, behind = before.rfind("<", 0, at), before.find(">", at) + 1
        tag = re.match(r"<(\w+)", before[opened:at])
        if tag is None or not behind:
            continue
        end = closing(before, tag[1], behind, len(before))
        return before[:opened] + before[end:]
    return before


def _without_quotes(after: str) -> str:
    """What follows a text, up to notices and signature."""
    stops = [at for sign in ('class="notice', 'class="signature', "list_thanks") if (at := after.find(sign)) >= 0]
    return after[: min(stops)] if stops else after


def _author(parts: Parts, line: str | None) -> tuple[str | None, str | None]:
    """Name as shown and id of a post's author; a guest has no id."""
    before, after = parts.before, "" if parts.is_table else parts.after
    if line is not None and (named := username_in(line)) is not None and named[1] == "a":
        href = _HREF.search(named[2])
        if href is not None and (user := user_id_of(decoded(href[1]))) is not None:
            return inline_text(named[3]) or None, user
    regions = [line] if line is not None else []
    for part in (before, after):
        if holds(part, 'class="postprofile'):
            regions += [content for _, content in elements(part, "postprofile")][:1]
    regions.append(before)
    for region in regions:
        if (named := username_in(region)) is not None:
            href = _HREF.search(named[2])
            user = user_id_of(decoded(href[1])) if href and named[1] == "a" else None
            return inline_text(named[3]) or None, user or _user_in(regions if href is not None else regions[:0])
    if line is not None and (strong := _STRONG.search(line)) is not None and (name := inline_text(strong[2])):
        link = _HREF.search(strong[2])
        return name, user_id_of(decoded(link[1])) if link else None
    for pattern in _NAME_CELLS:
        if (found := pattern.search(before)) is not None and (name := inline_text(found[1])):
            return name, _user_in([found[0]]) or _user_below(parts) or _user_in([before])
    for region in regions:
        for found in _PROFILE.finditer(region):
            user = user_id_of(decoded(found[1]))
            if user is not None and (name := inline_text(found[2])):
                return name, user
    return _without_sign(parts), _user_below(parts) if parts.is_table else _user_in(regions)


def _without_sign(parts: Parts) -> str | None:
    """A name in bold letters, where nothing else says which text is the name."""
    profile = element(parts.before, "postprofile") or element(parts.after, "postprofile")
    for region in (profile[1] if profile else "", parts.before):
        found = _BOLD.search(region)
        if found is not None and (name := inline_text(found[1])) and not name.endswith((":", "\uff1a")):
            return name
    return None


def _user_in(regions: list[str]) -> str | None:
    for region in regions:
        for href in _HREF.findall(region):
            if (user := user_id_of(decoded(href))) is not None and "viewtopic" not in href:
                return user
    return None


def _user_below(parts: Parts) -> str | None:
    """The id in the row of buttons below a post in a table."""
    found = _ICON.search(parts.after)
    return user_id_of(decoded(found[1])) if found else None


def read_post(parts: Parts, head: Head, setting: Setting, index: int) -> Post:
    """The post of these parts, with `index` posts of its page before it."""
    place = parts.place
    author, author_id = head.author, head.author_id
    status = _status(parts, author)
    prose = Body(setting.authors)
    if parts.content is not None and status not in {Status.DELETED, Status.REMOVED}:
        prose.read(parts.content)
    _read_attachments(parts, prose)
    created_at, created_text = head.created_at, head.created_text
    if created_at is None and created_text is not None:
        created_at = setting.dates.read(created_text)
    edited, edited_at = _edited(parts, setting)
    position = setting.first_position + index if setting.first_position is not None else _shown(parts)
    return Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=author,
        author_id=author_id,
        created_at=created_at,
        created_text=created_text,
        edited=edited,
        edited_at=edited_at,
        body_text=prose.result(),
        quotes=prose.quotes,
        reactions=_reactions(parts.after),
        attachments=[Attachment(url=resolved(setting.base, file.url), name=file.name) for file in prose.attachments],
        links=list(dict.fromkeys(resolved(setting.base, link) for link in prose.links)),
        is_opening=position == 1,
        status=status,
        url=_address(parts.before, place.post_id, setting.base),
    )


def _read_attachments(parts: Parts, prose: Body) -> None:
    after = parts.after
    if "attachbox" in after:
        for _, content in elements(after, "attachbox"):
            prose.read_files(content)
    elif parts.is_table and ("file.php" in after or "download.php" in after):
        stop = after.find("_________")
        prose.read_files(after if stop < 0 else after[:stop])


def _status(parts: Parts, author: str | None) -> Status:
    tag = parts.place.tag
    words = (attribute(tag, "class") or "").split() if " deleted" in tag or "unapproved" in tag else []
    deleted = element(parts.after, "post_deleted_msg") if "post_deleted_msg" in parts.after else None
    if "deleted" in words or deleted is not None:
        said = (deleted or element(parts.before, "ignore") or ("", ""))[1]
        by = _DELETED_BY.search(said)
        by_another = by is not None and author is not None and inline_text(by[1]) != author
        return Status.REMOVED if by_another else Status.DELETED
    if "unapproved" in words or 'class="post-notice unapproved' in parts.before:
        return Status.HIDDEN
    return Status.HIDDEN if parts.content is None else Status.VISIBLE


def _edited(parts: Parts, setting: Setting) -> tuple[bool, datetime | None]:
    """Whether and when a post was edited."""
    for said in _edit_notes(parts, setting.shape):
        time = _TIME.search(said)
        if time is not None:
            return True, instant_of(time[1]) or setting.dates.read(inline_text(time[2]))
        text = inline_text(said)
        date = setting.shape.search(text) if setting.shape else None
        if date is not None:
            return True, setting.dates.read(date[0])
        # "Yesterday, 3:21 pm" is worded unlike the dates of the posts; it stands behind the editor's name.
        named = username_in(said)
        behind = inline_text(said[said.find(">", named.end()) + 1 :]) if named is not None else ""
        return True, setting.dates.read(behind) if behind else None
    return False, None


def _edit_notes(parts: Parts, shape: re.Pattern[str] | None) -> Iterable[str]:
    if parts.note and _DIGIT.search(inline_text(parts.note)):
        yield parts.note
    after = parts.after
    if "notice" in after:
        for tag, content in elements(after, "notice"):
            if "post_deleted_msg" in tag or "<dl" in content or "thank" in tag or _BUMPED.search(content):
                continue
            if _DIGIT.search(inline_text(content)):
                yield content
    if parts.is_table or "edited" in after:
        for found in _edit_tags(after):
            content = after[found.end() : found.end() + 1_000].partition("</span>")[0].partition("</td>")[0]
            text = inline_text(content)
            date = shape.search(text) if shape is not None else None
            # Not a date in brackets: that of somebody's thanks.
            dated = date is not None and len(text) > 24 and text[date.start() - 1 : date.start()] != "("
            if ("edited" in found[0] and text) or (dated and not _BUMPED.search(content)):
                yield content


def _edit_tags(after: str) -> Iterable[re.Match[str]]:
    """Start tags behind a text whose class is one of edit notes."""
    for sign in ("gensmall", "edited"):
        at = after.find(sign, 0, 20_000)
        while at >= 0:
            opened = after.rfind("<", max(at - 2_000, 0), at)
            if opened >= 0 and (found := _EDITED.match(after, opened)) is not None:
                yield found
            at = after.find(sign, at + len(sign), 20_000)


def _shown(parts: Parts) -> int | None:
    """The number that a style or an extension shows beside the date ("#12")."""
    found = _NUMBER.search(parts.before)
    return int(found[1]) if found is not None and found[1] != parts.place.post_id else None


def _reactions(after: str) -> int | None:
    """Thanks (Thanks for posts) or likes (Post Love and the like); None where the site has neither."""
    at = after.find("list_thanks")
    if at >= 0:
        stop = after.find("div_post_reput", at)
        block = after[at : stop if stop >= 0 else at + 6_000]
        heading = block.partition("</dt>")[0]
        if (total := _TOTAL.search(inline_text(heading[heading.find(">") :]))) is not None:
            return int(total[1])
        return len(_USERNAME.findall(block.partition("</dt>")[2]))
    if ("like" in after or "love" in after or "reaction" in after) and (likes := _LIKES.search(after)) is not None:
        return number_of(likes[1])
    return None


def _address(before: str, post_id: str, base: str) -> str:
    """The post's own link in its head, or else its place on the page."""
    for ending in (f'#p{post_id}"', f'#{post_id}"'):
        at = before.find(ending)
        while at >= 0:
            opened = before.rfind('"', 0, at) + 1
            if opened < at and before.endswith("href=", 0, opened - 1):
                return resolved(base, decoded(before[opened : at + len(ending) - 1]))
            at = before.find(ending, at + 1)
    return resolved(base, f"#p{post_id}")
