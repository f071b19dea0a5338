"""What Reddit sends instead of JSON: pages that block, ask for a check or a login, or name an error."""

import re

from crawler.engines.page import Page
from crawler.records import PageKind

_TITLE = re.compile(r"<title[^>]{0,200}>(?P<title>[^<]{0,1000})", re.IGNORECASE)
_PARDNER = re.compile(r"<h1[^>]{0,200}>\s{0,100}whoa there, pardner!", re.IGNORECASE)
_WAIT = re.compile(r"please wait (?P<wait>\d+) second", re.IGNORECASE)
_CLOUDFLARE = re.compile(r"_cf_chl_opt|cf-browser-verification|id=\"challenge-form\"", re.IGNORECASE)
_CLOUDFLARE_NOTICE = re.compile(r"cf-error-details", re.IGNORECASE)
_REFUSED = re.compile(
    r"you have been blocked|access denied|you are being rate limited|error code:? 10\d\d", re.IGNORECASE
)
_CONTENT = re.compile(r"data-fullname=|<shreddit-(?:post|comment)\b|class=\"\s{0,9}thing\b", re.IGNORECASE)
_ERROR_TITLE = re.compile(
    r"(?:page not found|forbidden|subreddit not found|private|banned|you broke reddit|error)", re.IGNORECASE
)
_LOGIN_PATH = re.compile(r"^https?://[^/?#]+/(?:account/)?(?:login|register)\b", re.IGNORECASE)

_CHALLENGE_TITLES = {
    "reddit - please wait for verification": "Reddit wants the browser verified",
    "reddit - prove your humanity": "Reddit wants proof of a human",
    "blocked": "Reddit has blocked the request",
    "too many requests": "Reddit has had too many requests from us",
    "just a moment...": "Cloudflare wants the browser checked",
    "attention required! | cloudflare": "Cloudflare has blocked the request or wants a check",
    "reddit.com: over 18?": "Reddit asks for the reader's age before it shows anything",
}
_CHALLENGE_WORDS = {
    "please wait for verification": "Reddit wants the browser verified",
    "prove your humanity": "Reddit wants proof of a human",
    "blocked by network security": "Reddit's network security has blocked the request",
    "blocked due to a network policy": "Reddit has blocked the request by a network policy",
    "whoa there, pardner": "Reddit has had too many requests from us",
}
_LOGIN_TITLES = {"reddit.com: log in", "reddit.com: login or register", "reddit - log in", "log in - reddit", "login"}
_USE_THE_API = "HTML pages of Reddit are not read; use its API (JSON)"


def is_reddit(url: str) -> bool:
    """Whether the address is one of Reddit's own."""
    host = re.match(r"https?://(?:[^/?#@]*@)?([^/?#:]+)", url, re.IGNORECASE)
    name = host[1].lower() if host else ""
    return name in {"reddit.com", "redd.it"} or name.endswith((".reddit.com", ".redd.it"))


def shows_content(page: Page) -> bool:
    """Whether it is a page that Reddit makes for people, with submissions or comments."""
    text = page.text()
    return ("redditstatic.com" in text or "reddit.com" in text[:20_000]) and _CONTENT.search(text) is not None


def judge(page: Page) -> tuple[PageKind, str]:
    """What a body that is no JSON is, and why; `unknown` for pages with content, which are not read here."""
    text = page.text()
    title = title_of(text)
    if blocked := challenge_reason(text, title):
        return PageKind.CHALLENGE, blocked
    if _LOGIN_PATH.match(page.url) or title.lower() in _LOGIN_TITLES:
        return PageKind.LOGIN, "Reddit shows its login page instead of what was asked for"
    if text.lstrip("\ufeff \t\r\n").startswith("<?xml") or "<feed" in text[:500] or "<rss" in text[:500]:
        return PageKind.UNKNOWN, "feeds of Reddit are not read; use its API (JSON)"
    if _CLOUDFLARE_NOTICE.search(text):
        if _REFUSED.search(text):
            return PageKind.CHALLENGE, f"Cloudflare has refused the request: {title[:100]}"
        return PageKind.ERROR, f"Cloudflare answers in the site's place: {title[:100]}"
    if _CONTENT.search(text):
        return PageKind.UNKNOWN, _USE_THE_API if "<" in text[:1000] else "the body is neither JSON nor HTML"
    if page.status in {403, 429}:
        return PageKind.CHALLENGE, f"Reddit refuses the request with status {page.status} and a page of HTML"
    if page.status >= 400:
        return PageKind.ERROR, f"the server answers with status {page.status} and a page of HTML"
    if is_reddit(page.url) and title.lower().startswith("reddit.com:") and _ERROR_TITLE.search(title):
        return PageKind.ERROR, f"Reddit shows an error page: {title[:100]}"
    return PageKind.UNKNOWN, _USE_THE_API if "<" in text[:1000] else "the body is neither JSON nor HTML"


def challenge_reason(text: str, title: str) -> str | None:
    """Why the page is a block or a check and not content; None where it is neither."""
    if _PARDNER.search(text) and not _CONTENT.search(text):
        reason = _CHALLENGE_TITLES.get(title.lower(), _CHALLENGE_WORDS["whoa there, pardner"])
        wait = _WAIT.search(text)
        return f"{reason} (whoa there, pardner!{'; wait ' + wait['wait'] + ' s' if wait else ''})"
    if reason := _CHALLENGE_TITLES.get(title.lower(), ""):
        # "Blocked" alone could be a thread's title; a page of content is no block page.
        return None if _CONTENT.search(text) else reason
    if _CLOUDFLARE.search(text):
        return "Cloudflare has blocked the request or wants a check"
    lowered = text.lower()
    for words, reason in _CHALLENGE_WORDS.items():
        if words in lowered:
            return None if _CONTENT.search(text) else reason
    return None


def title_of(text: str) -> str:
    """The page's title; empty where it has none."""
    match = _TITLE.search(text)
    return " ".join(match["title"].split()) if match else ""
