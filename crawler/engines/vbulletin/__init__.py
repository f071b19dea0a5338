"""vBulletin, the forum software of vbulletin.com: versions 3, 4, 5 and 6, any skin and language.

Recognised by its generator, `<html id="vbulletin_html">`, its scripts (clientscript/vbulletin_*), or its posts' ids.
Read: threads, single posts, boards, results of searches, index and categories; live pages, pages saved by a browser,
mirrors; vBSEO's and DBSEO's addresses. Printable and archive pages name no post: they are `unknown`, with the thread.

Forum, category, channel = Board; thread, topic = Thread; post, comment (with `parent_id`) = Post; prefix = prefix;
thanks and likes = reactions; "has been deleted by" = removed, by its author = deleted; ignored = hidden.

Versions 3 and 4 write dates as text only, all at one offset that the foot of the page states; 5 and 6 add the epoch.
The page is read where it stands, by finding and cutting text around the ids that the software's own scripts rely on.
"""

import re

from crawler.engines.html import COMMENT, absolute, challenge_reason, element, inline_text, tidy
from crawler.engines.page import Page, Recognition
from crawler.engines.vbulletin import addresses, boards, listing, nodes, posts, threads, topics
from crawler.engines.vbulletin.document import Document, read_date
from crawler.engines.vbulletin.posts import ReadPost, Setting
from crawler.records import Board, Link, PageKind, ParsedPage

_SIGNS = (
    (re.compile(r'<meta\b[^<>]*name="?generator"?[^<>]*content="?vBulletin', re.IGNORECASE), 0.99, "the generator"),
    (re.compile(r"<html\b[^<>]*\sid=[\"']?vbulletin_html", re.IGNORECASE), 0.99, '<html id="vbulletin_html">'),
    (
        re.compile(r"clientscript/vbulletin[_\w-]{0,30}(?:\.js|/)|vBulletin_init\(\)|vb_meta_bburl", re.IGNORECASE),
        0.99,
        "its scripts",
    ),
    (re.compile(r'window\.vBulletin = window\.vBulletin|"baseurl_core":'), 0.99, "its scripts (version 5)"),
    (re.compile(r'\sid=["\']?post_message_\d|<!-- / post #\d+ -->', re.IGNORECASE), 0.9, "posts with post_message_N"),
    (re.compile(r'\sdata-node-publishdate="\d'), 0.9, "posts with data-node-publishdate"),
    (re.compile(r"vBulletin(?:&reg;|®|&#174;),? (?:v|Version )\d"), 0.7, "its copyright line"),
    (
        re.compile(r'\sid="(?:td_threadtitle_|thread_title_)\d|class="postbit(?:legacy)? postbitim'),
        0.7,
        "rows of threads",
    ),
)
_REWRITTEN = re.compile(r"<HTML\b|\sid=(?:'|)(?:post_message_|td_threadtitle_|thread_title_)\d|<(?:TABLE|DIV|LI)\b")
_SCRIPT = re.compile(r'THIS_SCRIPT = "(\w+)"')
_SEARCH = re.compile(r"search\.php\?|/search(?:/|\?|$)")
_LOGIN_FORM = re.compile(
    r'name="vb_login_username"|action="[^"]*login\.php\?do=login|class="[^"]*login-form|auth/login-form'
)
# The form in the page's own text; the one at its head calls its field navbar_username.
_OWN_LOGIN = re.compile(r'<input\b(?![^<>]*\sid="navbar)[^<>]*\sname="vb_login_username"')
_FORMS = ('id="registerform"', 'value="addmember"', 'name="do" value="emailpassword"')
_REGISTER = re.compile(r"/register(?:\.php|/|\?|$)|/login(?:\.php|/|\?|$)|/lostpw|auth/login")


class VBulletin:
    """Pure parser of vBulletin pages."""

    @property
    def name(self) -> str:
        """Name in site files and records."""
        return "vbulletin"

    def recognise(self, page: Page) -> Recognition | None:
        """Whether the page is vBulletin's, and what says so."""
        text = page.text()
        for sign, confidence, evidence in _SIGNS:
            if sign.search(text):
                version = Document(page, text).version
                return Recognition(engine=self.name, version=version, confidence=confidence, evidence=evidence)
        return None

    def page_url(self, url: str, page: int) -> str:
        """Address of page number `page` (from 1) of the thread or board whose first page is `url`."""
        return addresses.page_url(url, page)

    def post_url(self, url: str, post_id: str) -> str | None:
        """Address that shows the page with that post: showthread.php?p=N; version 5 redirects from node/N."""
        script = re.match(r"(.*?/)(?:showthread|forumdisplay)\.php", url)
        if script is not None:
            return f"{script[1]}showthread.php?p={post_id}#post{post_id}"
        return absolute(url, f"/node/{post_id}") if addresses.thread_id_of(url) is None else None

    def request_url(self, url: str) -> str:
        """The same, without the session."""
        return addresses.bare(url)

    def parse(self, page: Page) -> ParsedPage:
        """Everything the page holds; `unknown` with a reason where it is none of this engine's pages."""
        text = page.text()
        if "\x00" in text:
            text = text.replace("\x00", "")
        document = Document(page, text)
        if document.is_rewritten and (tidied := tidy(text)):
            return _Reading(self.name, Document(page, tidied)).parsed()
        parsed = _Reading(self.name, document).parsed()
        if parsed.page_kind is PageKind.UNKNOWN and _REWRITTEN.search(document.markup) and (tidied := tidy(text)):
            return _Reading(self.name, Document(page, tidied)).parsed()
        return parsed


class _Reading:
    """One page being read."""

    def __init__(self, engine: str, document: Document) -> None:
        self.engine = engine
        self.document = document
        at = document.text.find("THIS_SCRIPT =")
        found = _SCRIPT.match(document.text, at) if at >= 0 else None
        self.script = found[1] if found else ""

    def parsed(self) -> ParsedPage:
        """The page, by what is on it."""
        document = self.document
        if document.is_nodes:
            places = nodes.containers(document.markup, document.body_start)
            if places and not nodes.is_stream(document.markup, places):
                first = places[0].start - len(places[0].tag)
                document.content = first, places[-1].start
                setting = self._setting(places[0].post_id, nodes=True)
                read = [nodes.read_node(document.markup, place, setting) for place in places]
                return self._thread(setting, read, [place.post_id for place in places], first, nodes=True)
            return self._channel(places)
        found = posts.containers(document.markup, document.body_start)
        if found and not self._is_search():
            document.content = found[0].start, found[-1].start
            setting = self._setting(found[0].post_id, nodes=False)
            posts_read: list[ReadPost | None] = []
            counted = 0
            for place in found:
                read_post = posts.read_post(document.markup, place, setting, counted)
                posts_read.append(read_post)
                counted += read_post is not None and read_post.post.status not in posts.GONE
            return self._thread(setting, posts_read, [place.post_id for place in found], found[0].start, nodes=False)
        return self._listing()

    def _is_search(self) -> bool:
        if self.script:
            return self.script == "search"
        return _SEARCH.search(self.document.page.url) is not None and "post_message_" not in self.document.markup

    def _setting(self, post_id: str, *, nodes: bool) -> Setting:
        document = self.document
        newest_first = re.search(r"[?&](?:order|sort)=(?:desc|newest)", document.page.url) is not None
        return Setting(
            site=document.site,
            thread_id=threads.thread_id(document, post_id, nodes=nodes) or "",
            base=document.base,
            address=document.declared_url or document.page.url,
            page=None if newest_first or "showpost" in document.page.url else document.pages[0],
        )

    # -- threads --------------------------------------------------------------------------------------------------

    def _thread(
        self, setting: Setting, read: list[ReadPost | None], ids: list[str], first: int, *, nodes: bool
    ) -> ParsedPage:
        document = self.document
        if not setting.thread_id:
            return self._page(PageKind.UNKNOWN, reason=f"{len(read)} posts of no thread: the page names none")
        found = [post for post in read if post is not None]
        if len(found) < len(read):
            lost = ids[[post is None for post in read].index(True)]
            return self._page(PageKind.UNKNOWN, reason=f"the post {lost} could not be read: its place holds no message")
        self._date(found, nodes=nodes)
        parsed = self._page(PageKind.THREAD, paged=True)
        parsed.containers, parsed.posts = len(found), [post.post for post in found]
        parsed.thread_id = setting.thread_id
        thread = threads.read_thread(document, setting.thread_id, parsed.posts, first)
        parsed.threads, parsed.board_id = [thread], thread.board_id
        return parsed

    def _date(self, read: list[ReadPost], *, nodes: bool) -> None:
        """Gives posts their instants, where the page states a zone and proves an order of day and month."""
        samples = [text for post in read for text in (post.post.created_text, post.edited_text) if text]
        dates = self.document.dates(samples)
        if dates is None:
            return
        if nodes:  # the epochs tell whether the dates shown are at the offset stated
            for post in read:
                shown, instant = read_date(dates, post.post.created_text), post.post.created_at
                if shown and instant and abs((instant - shown).total_seconds()) >= 60:
                    return
        for post in read:
            if post.post.created_at is None:
                post.post.created_at = read_date(dates, post.post.created_text)
            post.post.edited_at = read_date(dates, post.edited_text)

    # -- lists ----------------------------------------------------------------------------------------------------

    def _channel(self, places: list[nodes.Container]) -> ParsedPage:
        """A page of versions 5 and 6 that is no topic."""
        document = self.document
        own = document.own_board
        rows = topics.read_topics(document, own) or topics.read_streamed(document, places)
        found = topics.read_channels(document, own)
        if rows or topics.has_topics(document):
            if own is not None and not places:
                found.insert(0, topics.own_channel(document, own))
            return self._board(rows, found, None if places else own)
        if found:
            parsed = self._page(PageKind.INDEX)
            parsed.boards, parsed.board_id = found, own
            return parsed
        return self._other()

    def _listing(self) -> ParsedPage:
        """A page of versions 3 and 4 without posts."""
        document = self.document
        is_search = self._is_search()
        rows = listing.read_rows(document, is_search=is_search)
        is_board = bool(rows) or (not is_search and listing.has_list(document))
        own = None if is_search else document.own_board if is_board else document.addressed_board
        if own is not None:
            for row in rows:
                row.thread.board_id = own
        first = document.content[0] if document.content else len(document.markup)
        found = boards.read_boards(document, own, first)
        if own is not None and (is_board or found):
            found.insert(0, boards.own_board(document, own))
        if is_board:
            return self._board(rows, found, own)
        if found:
            parsed = self._page(PageKind.INDEX)
            parsed.boards, parsed.board_id = found, own
            return parsed
        return self._other()

    def _board(self, rows: list[listing.Row], found: list[Board], own: str | None) -> ParsedPage:
        dates = self.document.dates([text for row in rows for text in (row.created_text, row.last_text) if text])
        for row in rows:
            row.thread.created_at = read_date(dates, row.created_text)
            if row.thread.last_post_at is None:
                row.thread.last_post_at = read_date(dates, row.last_text)
        parsed = self._page(PageKind.BOARD, paged=True)
        parsed.threads, parsed.boards, parsed.board_id = [row.thread for row in rows], found, own
        parsed.links = [
            Link(rel="redirect", url=row.thread.url, thread_id=row.thread.thread_id)
            for row in rows
            if row.thread.thread_type == "redirect"
        ]
        return parsed

    # -- the rest -------------------------------------------------------------------------------------------------

    def _other(self) -> ParsedPage:
        document = self.document
        message, region = self._message()
        url = document.page.url
        if message is None and (reason := challenge_reason(document.page)):
            return self._page(PageKind.CHALLENGE, reason=reason)
        if (region and _LOGIN_FORM.search(region)) or _OWN_LOGIN.search(document.markup, document.body_start):
            return self._page(PageKind.LOGIN, reason=message or "the page asks to log in")
        if (
            self.script in {"login", "register"}
            or _REGISTER.search(url)
            or any(sign in document.markup for sign in _FORMS)
        ):
            return self._page(PageKind.LOGIN, reason=message or "the page is a form to log in or register")
        if message is not None:
            return self._page(PageKind.ERROR, reason=message)
        if document.page.status >= 400:
            return self._page(PageKind.ERROR, reason=f"the site answered {document.page.status}")
        if document.is_nodes and "registration-widget" in document.markup:
            return self._page(PageKind.LOGIN, reason="the page is a form to register")
        if self._is_search():
            return self._page(PageKind.EMPTY, reason="the search found nothing that the page lists as a thread")
        return self._without_posts()

    def _without_posts(self) -> ParsedPage:
        document = self.document
        number = threads.thread_id(document, "", nodes=document.is_nodes)
        parsed = self._page(PageKind.UNKNOWN, reason="a vBulletin page without thread or board")
        if re.search(r"/archive/(?:index\.php|.*t-\d+)|printthread\.php|-print\.html", document.page.url):
            parsed.reason = "a page for printing or archive: it names no post by its id"
            parsed.thread_id = number
        elif self.script == "showthread" or "showthread.php" in document.page.url:
            parsed.reason = "a thread page of vBulletin without any post that could be read"
        elif not any(sign.search(document.text) for sign, _, _ in _SIGNS):
            parsed.reason = "the page is none of vBulletin"
        return parsed

    def _message(self) -> tuple[str | None, str]:
        """What the software tells the reader in place of content, and the markup around it."""
        markup = self.document.markup
        for sign in ("<!-- main error message -->", "<!-- permission error message"):
            at = markup.find(sign, self.document.body_start)
            if at >= 0:
                end = markup.find("<!-- / main error", at)
                form = markup[at : at + 8_000]
                said = inline_text(COMMENT.sub("", markup[at : end if end >= 0 else at + 2_500]))
                return said[:300] or "the site shows a message", form
        names = ("standard_error", "standard_message", "page-error", "error-page")
        found = next((part for name in names if (part := element(markup, name)) is not None), None)
        if found is not None:
            body = element(found[1], "blockrow") or element(found[1], "message") or ("", found[1])
            return inline_text(COMMENT.sub("", body[1]))[:300] or "the site shows a message", found[1]
        titled = re.search(
            r'class="tcat"[^<>]*>\s*([^<>]{3,60})</td>\s*</tr>\s*<tr>\s*<td class="panelsurround"', markup
        )
        if titled is not None and "vbulletin" in titled[1].lower():
            panel = element(markup, "panel", titled.start())
            return inline_text(COMMENT.sub("", panel[1]))[:300] if panel else titled[1], panel[1] if panel else ""
        return None, ""

    def _page(self, kind: PageKind, *, paged: bool = False, reason: str | None = None) -> ParsedPage:
        parsed = ParsedPage(page_kind=kind, engine=self.engine, engine_version=self.document.version, reason=reason)
        if paged:
            parsed.page, parsed.last_page, parsed.next_url = self.document.pages
        return parsed


__all__ = ["VBulletin"]
