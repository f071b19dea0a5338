"""The topic that a phpBB topic page shows: its id, title, poll, and whether it is locked."""

import re

from crawler.engines.html import attribute, decoded, element, holds, inline_text, number_of
from crawler.engines.phpbb.addresses import board_id_of, first_page, named_thread, post_id_of, resolved, thread_id_of
from crawler.engines.phpbb.document import PREFIX, Document
from crawler.engines.phpbb.places import Parts
from crawler.records import Poll, PollOption, Post, Thread

_HIDDEN = re.compile(r'<input\b[^<>]*\sname="t"[^<>]*>')
_OWN_LINKS = re.compile(r'\shref="([^"<>]*(?:mode=(?:reply|quote)|view=(?:print|next|previous)|watch=topic)[^"<>]*)"')
_LOCKED = ("topic_locked", "reply-locked", "locked-icon", "topic-locked", "button-locked", "button_locked", "fa-lock ")
_TITLE_WORDS = re.compile(
    r"^(?:.{1,120}? (?:\u2022|::|&bull;) )?(?:View topic|Thema anzeigen|Consulter le sujet|Ver Tema|Leggi argomento|"
    r"Bekijk onderwerp|Zobacz wątek|Просмотр темы|Voir le sujet|Affichage du sujet|Ver tópico|Visa tråd)\s*(?:-|:)\s*",
    re.IGNORECASE,
)
_RE = re.compile(r"^(?:Re|Aw|Odp|Sv|Antw|RE)\s?:\s*")
_TAG = re.compile(r'<a\b[^<>]*\sclass="[^"<>]*\b(?:rh_tag|topic-?tag|tag-link)\b[^"<>]*"[^<>]*>([^<]+)<')
_POLL_ROW = re.compile(r"<dl\b([^<>]*)>((?:[^<]++|<(?!/dl>)){0,4000})</dl>")
_DT = re.compile(r"<dt\b[^<>]*>((?:[^<]++|<(?!/dt>)){0,2000})</dt>")
_BAR = re.compile(r'class="(?:resultbar|pollbar\d?)[^<>]*>(?:\s*<div\b[^<>]*>)?\s*([\d.,]+)\s*<')
_TOTAL = re.compile(r'class="poll_total_vote_cnt"[^<>]*>\s*([\d.,]+)')
_CELL = re.compile(r"<td\b[^<>]*>((?:[^<]++|<(?!/?td\b)){0,1500})</td>")
_BARS = re.compile(
    r"<table\b[^<>]*>\s*<tr>(?:\s*<td\b[^<>]*>\s*(?:<img\b[^<>]*>\s*)?</td>){1,5}\s*</tr>\s*</table>", re.IGNORECASE
)
_NEAR = 8_000
_VOTES = re.compile(r"\[\s*([\d.,]+)\s*\]")


def thread_id(document: Document, post_ids: set[str]) -> str | None:
    """Id of the topic: from its title's link, the addresses, forms and buttons of the page, or its posts' links."""
    before = document.before
    for url in (document.declared_url, document.page.url):
        if url and (found := named_thread(url)):
            return found
    for _, href, _ in reversed(document.topic_links):  # the title is the nearest to the posts
        if found := thread_id_of(href):
            return found
    for url in (document.declared_url, document.page.url):
        if url and (found := thread_id_of(url)):
            return found
    for part in (before, document.behind):
        if (field := _HIDDEN.search(part)) is not None and (value := attribute(field[0], "value") or "").isdecimal():
            return value
        for href in _OWN_LINKS.findall(part):
            if found := thread_id_of(decoded(href)):
                return found
    for found_link in re.finditer(r'\shref="([^"<>]*[?&@;]t=\d[^"<>]*#p?\d+)"', document.markup):
        href = decoded(found_link[1])
        if post_id_of(href) in post_ids:
            return thread_id_of(href)
    return None


def read_thread(document: Document, number: str, posts: list[Post], first: Parts) -> Thread:
    """The topic's record; `first` are the parts of the first post on the page."""
    prefix, title = _title(document, number, first.before)
    opening = next((post for post in posts if post.is_opening), None)
    page, last_page, _ = document.pages
    total = document.total
    poll = read_poll(document.before, in_tables=not first.place.tag.startswith(("<div", "<article")))
    return Thread(
        site=document.site,
        thread_id=number,
        title=title,
        prefix=prefix,
        author=opening.author if opening else None,
        author_id=opening.author_id if opening else None,
        board_id=board_of(document, number),
        created_at=opening.created_at if opening else None,
        created_text=opening.created_text if opening else None,
        last_post_at=posts[-1].created_at
        if page is not None and page == last_page and document.first_position
        else None,
        reply_count=max(total - 1, 0) if total is not None else None,
        tags=_tags(document.before),
        is_locked=_locked(document),
        thread_type="poll" if poll else "discussion",
        poll=poll,
        page_count=max(page, last_page) if page is not None and last_page is not None else None,
        url=_address(document, number),
    )


def _tags(before: str) -> list[str]:
    near = before[-_NEAR:]
    if "tag" not in near:
        return []
    return list(dict.fromkeys(inline_text(name) for name in _TAG.findall(near)))


def board_of(document: Document, number: str) -> str | None:
    """Id of the forum that the topic is in."""
    crumb = document.parent_board
    if crumb is not None:
        return crumb
    for _, href, _ in document.topic_links:
        if thread_id_of(href) == number and (found := board_id_of(href)):
            return found
    return None


def _title(document: Document, number: str, sample: str) -> tuple[str | None, str | None]:
    for _, href, name in document.topic_links:
        if thread_id_of(href) == number and inline_text(name):
            prefix, title = _split(name)
            heading = element(document.before, "topic-title") if prefix is None and "refix" in document.before else None
            return (_split(heading[1])[0] if heading is not None else prefix), title
    for name in ("topic-title", "topic--title", "topictitle", "maintitle", "titles"):
        found = element(document.before, name) if holds(document.before, name) else None
        if found is not None and inline_text(found[1]) and len(found[1]) < 2_000:
            return _split(found[1])
    if (subject := re.search(r"<h3\b[^<>]*>((?:[^<]++|<(?!/h3>)){1,2000})</h3>", sample)) and inline_text(subject[1]):
        return None, _RE.sub("", inline_text(subject[1]))
    title = document.title or document.meta("og:title")
    if title is None:
        return None, None
    if (known := _TITLE_WORDS.match(title)) is not None:
        return None, title[known.end() :] or None
    return None, title.rpartition(" - ")[0] or title


def _split(markup: str) -> tuple[str | None, str | None]:
    found = PREFIX.search(markup)
    if found is None:
        return None, inline_text(markup) or None
    rest = inline_text(markup[: found.start()] + markup[found.end() :])
    return inline_text(found[2]).strip("[] ") or None, rest or None


def _locked(document: Document) -> bool | None:
    """What the button for replies says."""
    for part in (document.before, document.behind):
        at = part.find("mode=reply")
        if at >= 0:
            stop = part.find("</a>", at)
            button = part[max(part.rfind("<a", 0, at), 0) : stop if stop >= 0 else at + 600]
            return any(sign in button for sign in _LOCKED)
    for part in (document.before[-6_000:], document.behind[:6_000]):
        if holds(part, "lock") and any(holds(part, sign) for sign in _LOCKED):
            return True
    return None


def _address(document: Document, number: str) -> str:
    declared = document.declared_url
    if declared and thread_id_of(declared) == number:
        return first_page(declared)
    for _, href, _ in document.topic_links:
        url = resolved(document.base, href)
        if thread_id_of(url) == number and url.startswith(("http://", "https://")):
            return first_page(url)
    return first_page(document.page.url)


def read_poll(before: str, *, in_tables: bool) -> Poll | None:
    """The poll above the posts: as results, or as the form of somebody who may still vote."""
    at = before.find('class="polls')
    if at < 0:
        return _table_poll(before) if in_tables else None
    stop = before.find("</fieldset", at)
    block = before[at : stop if stop >= 0 else at + 40_000]
    heads = list(
        re.finditer(r"<h[1-4]\b[^<>]*>((?:[^<]++|<(?!/h[1-4]>)){1,2000})</h[1-4]>", before[max(at - 4_000, 0) : at])
    )
    options = []
    voters = None
    for tag, content in _POLL_ROW.findall(block):
        name = _DT.search(content)
        text = inline_text(name[1]) if name else ""
        votes = _BAR.search(content)
        if "poll_total_votes" in tag or (not text and "resultbar" in content):
            total = _TOTAL.search(content)
            voters = number_of(total[1]) if total else number_of(inline_text(content))
        elif text and text != "\xa0":
            options.append(PollOption(text=text, votes=number_of(votes[1]) if votes else None))
    if not options:
        return None
    return Poll(question=(inline_text(heads[-1][1]) or None) if heads else None, options=options, voters=voters)


def _table_poll(before: str) -> Poll | None:
    """subSilver: a table whose rows are answer, bar, percentage, [ votes ]; or answers with radio buttons."""
    at = max(
        before.find("voting_bar"), before.find("vote_lcap"), before.find("poll_center"), before.find('name="vote_id')
    )
    if at < 0:
        return None
    start = max(before.rfind('class="tablebg"', 0, at), before.rfind('class="forumline"', 0, at), at - 6_000, 0)
    block = _BARS.sub("", before[start : at + 20_000])
    question = re.search(r'class="(?:gen|genmed)"[^<>]*>(?:\s|<br ?/?>)*<b>([^<]+)</b>', block)
    options: list[PollOption] = []
    for row in block.split("<tr")[1:]:
        cells = [inline_text(cell) for cell in _CELL.findall(row)]
        votes = next((found for cell in cells if (found := _VOTES.search(cell))), None)
        radio = 'type="radio"' in row or 'type="checkbox"' in row
        words = next((cell for cell in cells if cell and not _VOTES.fullmatch(cell) and "%" not in cell), None)
        if words and (votes is not None or radio):
            options.append(PollOption(text=words, votes=number_of(votes[1]) if votes else None))
    if not options:
        return None
    total = re.search(r">\s*[^<>\d]{3,40}:\s*(\d+)\s*<", block)
    return Poll(
        question=inline_text(question[1]) if question else None,
        options=options,
        voters=int(total[1]) if total else None,
    )
