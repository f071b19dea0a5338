"""What a link of a feed says: the forum software, the thread, and whether it leads to a reply.

The forms are those of the software's own addresses; see the engines of that software for where they come from.
"""

import re
from functools import lru_cache

from msgspec import Struct


class Target(Struct, frozen=True):
    """Where a link leads."""

    software: str
    thread_id: str
    is_reply: bool = False
    """The link names a post, or a place within the thread."""
    post_id: str | None = None


# Software, and the form of its addresses: <ID> is the thread's, <POST> a post's where the link names one.
_NUMBER = r"\d+"
_IDS = {"reddit": "[0-9a-z]{2,13}"}
_FORMS = (
    ("reddit", r"(?:/(?:r|u|user)/[^/]+|reddit\.com)/comments/<ID>(?:/[^/?#]*(?:/<POST>)?)?/?(?:[.?#]|$)"),
    ("xenforo", r"[/?]threads/(?:[^/?#&]*\.)?<ID>(?:/(?:post-<POST>|page-\d+|latest|unread)?)?(?:$|[?#&/])"),
    ("vbulletin", r"/showthread\.php(?:\?(?:[^#]*?[?&;])?t=|[?/])<ID>(?:.*?(?:[?&;]p=|#post)<POST>)?"),
    ("vbulletin", r"[/?]threads/<ID>(?:-[^/?#]*)?(?:.*?(?:[?&;]p=|#post)<POST>)?"),
    ("mybb", r"/showthread\.php\?(?:[^#]*?[?&;])?tid=<ID>(?:.*?(?:[?&;]pid=|#pid)<POST>)?"),
    ("mybb", r"/thread-<ID>(?:-(?:post|page)-\d+)?\.html(?:#pid<POST>)?"),
    ("phpbb", r"/viewtopic\.php\?(?:[^#]*?[?&;])?t=<ID>(?:.*?(?:[?&;]p=|#p)<POST>)?"),
    ("smf", r"[/?&;]topic[=,]<ID>(?:\.(?:msg<POST>|\d+|new))?"),
    ("invision", r"[?&;]showtopic=<ID>(?:.*?[?&;]p=<POST>)?"),
    ("invision", r"[/?]topic/<ID>-[^/?#]*/?(?:.*?(?:comment=|#comment-|#entry)<POST>)?"),
    ("nodebb", r"/topic/<ID>(?:/[^/?#]*(?:/<POST>)?)?/?(?:\.rss)?(?:$|[?#])"),
    ("discourse", r"/t/(?:[^/?#]*[^/?#\d][^/?#]*/)?<ID>(?:/<POST>)?/?(?:\.rss)?(?:$|[?#])"),
    ("vanilla", r"/discussion/<ID>(?:/[^?#]*?)?(?:#Comment_<POST>)?(?:$|[?#])"),
    ("flarum", r"/d/<ID>(?:-[^/?#]*)?(?:/<POST>)?/?(?:$|[?#])"),
    ("drupal", r"/node/<ID>(?:#comment-<POST>)?"),
    ("bbpress", r"[?&]post_type=topic&(?:amp;)?p=<ID>"),
    ("stackexchange", r"/questions/<ID>(?:/[^/?#]*(?:/<POST>)?)?"),
)
# What an address of each form holds: looked for first, as it costs a fraction of the pattern.
_SIGNS = {
    "reddit": "/comments/",
    "xenforo": "threads/",
    "vbulletin": "thread",
    "mybb": "thread",
    "phpbb": "/viewtopic",
    "smf": "topic",
    "invision": "topic",
    "nodebb": "/topic/",
    "discourse": "/t/",
    "vanilla": "/discussion/",
    "flarum": "/d/",
    "drupal": "/node/",
    "bbpress": "post_type",
    "stackexchange": "/questions/",
}
_PATTERNS = [
    (
        software,
        _SIGNS[software],
        re.compile(
            form.replace("<ID>", f"(?P<thread>{_IDS.get(software, _NUMBER)})").replace(
                "<POST>", f"(?P<post>{_IDS.get(software, _NUMBER)})"
            )
        ),
    )
    for software, form in _FORMS
]
_GUIDS = (
    ("discourse", re.compile(r"-topic-(?P<thread>\d+)$")),
    ("discourse", re.compile(r"-post-(?P<thread>\d+)-(?P<post>\d+)$")),
    ("vanilla", re.compile(r"^(?P<thread>\d+)@/discussions$")),
    ("drupal", re.compile(r"^(?P<thread>\d+) at https?://")),
    ("reddit", re.compile(r"^t3_(?P<thread>[0-9a-z]{2,13})$")),
)
# XenForo whose administrators renamed the route of threads.
_RENAMED = re.compile(r"/[\w%-]+/[^/?#&.]*\.(?P<thread>\d+)/?(?:$|[?#])")
_BOARD = re.compile(
    r"[/?](?:forums|categories)/(?:[^/?#&]*?\.)?(\d+)(?:$|[/?#&.-])|/forumdisplay\.php\?(?:[^#]*[?&;])?f(?:id)?=(\d+)"
    r"|/viewforum\.php\?(?:[^#]*[?&;])?f=(\d+)|[?&;/]board[=,](\d+)|[/?]forum/(\d+)-|/forum-(\d+)\.html"
    r"|/c/(?:[^?#]*/)?(\d+)(?:\.rss|$|[?#/])|/r/(\w{2,25})/?(?:$|[.?#]|\w+\.rss)"
)
_SECOND_POST = 2
_LONGEST = 2_000


@lru_cache(maxsize=1024)
def target_of(url: str, guid: str = "", *, xenforo: bool = False) -> Target | None:
    """Where an entry's link leads, by the address forms of forum software; None where it has none of them."""
    url = url[:_LONGEST]
    for software, sign, pattern in _PATTERNS:
        if sign in url and (found := pattern.search(url)) is not None:
            # Discourse, NodeBB and Flarum number the posts of a thread; the first is the thread's own.
            post = found["post"] if "post" in pattern.groupindex else None
            numbered = software in {"discourse", "nodebb", "flarum"}
            reply = post is not None and not (numbered and int(post) < _SECOND_POST)
            return Target(software, found["thread"], reply, None if numbered else post)
    for software, pattern in _GUIDS:
        if (found := pattern.search(guid)) is not None:
            return Target(software, found["thread"], "post" in pattern.groupindex and found["post"] != "1")
    if xenforo and (found := _RENAMED.search(url)) is not None:
        return Target("xenforo", found["thread"])
    return None


def board_of(url: str) -> str | None:
    """Id of the board that an address of a board or of its feed names."""
    found = _BOARD.search(url[:_LONGEST])
    return next((group for group in found.groups() if group), None) if found else None
