"""What a page says of itself instead of topics: errors, boards that are closed, forms to log in or register."""

import re

from crawler.engines.html import inline_text, plain_text
from crawler.engines.invision.document import Document
from crawler.engines.invision.markup import Part, part, parts

_ERROR_CODE = re.compile(r"\[#?\s?(\d{4,6}(?:[-\w]*))\]|\b(\d[A-Z]\d{3,4}/[\w]+)\b")
_CODE = re.compile(r"(?<![\w/.-])[1-5][A-Z]\d{3}/[0-9A-Z]{1,3}(?![\w/])")
# The heading and message of a board of IP.Board 3 that is closed, above the link for those who may enter.
_OFFLINE = re.compile(
    r"<h1 class=[\"']ipsType_pagetitle[\"']>[^<]*+</h1>\s*+<div class=[\"']ipsType_pagedesc[\"']>.{0,5000}?</div>\s*+"
    r"(?=<br />\s*+<br />\s*+<p>\s*+<a href=[\"'][^\"'>]*section=login[\"'])",
    re.DOTALL,
)
_FORUM_PASSWORD = re.compile(r"<input\b[^<>]{0,500}\sname=[\"']f_password[\"']")
_LOGIN_APPS = frozenset({"login", "register", "lostpass"})
_IPB_LOGIN = re.compile(
    r"section=login&amp;do=process|section=login&do=process|do=process_login|act=Login&amp;CODE=01"
    r"|<form\b[^<>]{0,1000}section=register"
)
# The form of a forum of 4 and 5 that has a password.
_PASSWORD_FORM = re.compile(r"<form\b[^<>]{0,1000}[?&;]passForm=1")
_INLINE_LOGIN = re.compile(r"\sid=[\"']inline_login_form[\"']")


def error_of(document: Document) -> str | None:
    """What the software's own message page says; None where the page is none."""
    if document.generation >= 4:
        return _error(document)
    markup, start = document.markup, document.body_start
    if "ipb.topic.topic_id" in markup or "tid-link-" in markup:
        return None
    for word in ("ipsType_sectiontitle", "error", "errorwrap"):
        for box in parts(markup, word, start):
            said = _said(markup[box.start : box.end])
            if said and _is_error(document, word, box):
                return said
    heading = markup.find("ipsType_pagetitle", start)
    offline = _OFFLINE.search(markup, max(heading - 30, 0), heading + 8_000) if heading >= 0 else None
    return _said(offline[0]) if offline else None


def _error(document: Document) -> str | None:
    markup, start = document.markup, document.body_start
    row = markup.find("data-row", start)
    is_list = row >= 0 or markup.find("data-forum", start) >= 0
    for word in ("elError",) if is_list else ("elError", "cOfflineBox"):
        at = markup.find(word, start, row if row >= 0 else len(markup))
        box = part(markup, word, max(at - 500, start)) if at >= 0 else None
        if box is not None:
            inner = part(markup, "elErrorMessage", box.start, box.end) or box
            code = _ERROR_CODE.search(inline_text(markup[box.start : box.end]))
            said = _said(markup[inner.start : inner.end])
            return f"{said} ({code[0]})" if code and code[0] not in said else said or "an error page"
    code = None if is_list else _CODE.search(markup, start)
    if code or document.controller == "error":
        title = document.heading_text or document.title or "the site shows an error page"
        return f"{title} ({code[0]})" if code else title
    return None


def _is_error(document: Document, word: str, box: Part) -> bool:
    """Whether a box of IP.Board that holds `word` is that of its error page."""
    markup, start = document.markup, document.body_start
    if _is_for_no_scripts(document, box):
        return False
    around = inline_text(markup[max(box.opened - 300, start) : min(box.end + 100, len(markup))])
    if word == "errorwrap" or _ERROR_CODE.search(around):
        return True
    if word == "error":
        return "message" in box.tag
    return "function contact_admin()" in markup  # an error without a code


def _is_for_no_scripts(document: Document, box: Part) -> bool:
    """Whether only browsers without scripts show the box: IP.Board 3 has such a message on every page."""
    markup, start = document.markup, document.body_start
    return markup.rfind("<noscript", start, box.opened) > markup.rfind("</noscript", start, box.opened)


def is_login(document: Document) -> bool:
    """Whether the page is a form to log in, to register, or to enter a forum with a password."""
    markup = document.markup
    if document.generation >= 4:
        if document.controller in _LOGIN_APPS:
            return True
        row = markup.find("data-row", document.body_start)
        at = markup.find("passForm=1", document.body_start, row if row >= 0 else len(markup))
        return at >= 0 and _PASSWORD_FORM.search(markup, document.body_start) is not None
    if "tid-link-" in markup or "category_block" in markup:
        return False
    if "f_password" in markup and _FORUM_PASSWORD.search(markup, document.body_start):
        return True
    inline = _INLINE_LOGIN.search(markup)
    form = _IPB_LOGIN.search(markup, document.body_start, inline.start() if inline else len(markup))
    return form is not None and "password" in markup[form.end() : form.end() + 6_000].lower()


def message_of(document: Document) -> str | None:
    """What the page tells its reader, in its own words."""
    for word in ("ipsMessage_error", "ipsMessage--error", "ipsMessage", "message"):
        for box in parts(document.markup, word, document.body_start):
            said = _said(document.markup[box.start : box.end])
            if said and not _is_for_no_scripts(document, box):
                return said
    return None


def _said(markup: str) -> str:
    """What a box tells its reader, on one line and not too long."""
    return " ".join(plain_text(markup).split())[:300]
