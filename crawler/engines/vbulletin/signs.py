"""What on a page says that vBulletin wrote it."""

import re

# What to look for, what it must look like there, how sure that makes it, and what it is.
# Finding text first keeps the look cheap: patterns would each take milliseconds over a whole page.
_SIGNS = (
    (
        ("vBulletin",),
        re.compile(r'<meta\b[^<>]*name="?generator"?[^<>]*content="?vBulletin', re.IGNORECASE),
        0.99,
        "the generator",
    ),
    (
        ("vbulletin_html",),
        re.compile(r"<html\b[^<>]*\sid=[\"']?vbulletin_html", re.IGNORECASE),
        0.99,
        "its root element",
    ),
    (
        ("clientscript/vbulletin", "vBulletin_init()", "vb_meta_bburl"),
        re.compile(r"clientscript/vbulletin[\w-]{0,30}(?:\.js|/)|vBulletin_init\(\)|vb_meta_bburl"),
        0.99,
        "its scripts",
    ),
    (
        ("window.vBulletin = ", '"baseurl_core":'),
        re.compile(r'window\.vBulletin = window\.vBulletin|"baseurl_core":'),
        0.99,
        "its scripts (version 5)",
    ),
    (
        ("post_message_", "<!-- / post #"),
        re.compile(r"\sid=[\"']?post_message_\d|<!-- / post #\d+ -->", re.IGNORECASE),
        0.9,
        "posts with post_message_N",
    ),
    (
        ("data-node-publishdate",),
        re.compile(r'\sdata-node-publishdate="\d'),
        0.9,
        "posts with data-node-publishdate",
    ),
    (("vBulletin",), re.compile(r"vBulletin(?:&reg;|®|&#174;),? (?:v|Version )\d"), 0.7, "its copyright line"),
    (
        ("td_threadtitle_", "thread_title_", "postbit postbitim", "postbitlegacy postbitim"),
        re.compile(r'\sid="(?:td_threadtitle_|thread_title_)\d|class="postbit(?:legacy)? postbitim'),
        0.7,
        "rows of threads",
    ),
)
_MOST_TRIES = 20


def sign_of(text: str) -> tuple[float, str] | None:
    """How sure it is that the software wrote the page (0 to 1), and by what, for people; None where nothing says so."""
    for signs, pattern, confidence, evidence in _SIGNS:
        for sign in signs:
            at, tries = text.find(sign), 0
            while at >= 0 and tries < _MOST_TRIES:
                if pattern.search(text, max(0, at - 300), at + 80) is not None:
                    return confidence, evidence
                at, tries = text.find(sign, at + 1), tries + 1
    return None
