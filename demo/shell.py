"""What all pages of the demo forum share: the XenForo 2.3 page around the content, dates, names, page navigation."""

import json
import re
import time
from collections.abc import Iterable
from functools import lru_cache
from html import escape

from demo.plan import DAY, Member
from demo.world import SITE_OFFSET

TITLE = "Bedside Board"
_OFFSET = int(SITE_OFFSET.total_seconds())
_ZONE = "-0500"
STYLE = """body { font: 15px/1.5 sans-serif; margin: 0; background: #eef2f5; color: #1d2733 }
a { color: #1f5f8b; text-decoration: none } h1 { font-size: 22px }
.p-header, .p-nav { background: #1f5f8b; padding: 8px 5% } .p-header a, .p-nav a { color: #fff }
.p-nav-list, .p-breadcrumbs, .listInline, .structItem-parts, .pageNav-main { list-style: none; padding: 0 }
.p-nav-list li, .p-breadcrumbs li, .listInline li, .structItem-parts li, .pageNav-main li { display: inline }
.pageNav-main li, .p-breadcrumbs li { margin: 0 6px }
.p-body-inner { max-width: 1100px; margin: 12px auto; padding: 0 12px }
.block-container { background: #fff; margin: 10px 0 }
.structItem, .node-body { display: flex; gap: 14px; padding: 8px 12px; border-top: 1px solid #dde4ea }
.structItem-cell--main, .node-main { flex: 1 } .message-inner { display: flex; border-top: 6px solid #eef2f5 }
.message-cell { padding: 10px } .message-cell--user { width: 130px; background: #f6f9fb }
.message-cell--main { flex: 1 }
.avatar { display: inline-block; width: 32px; text-align: center; border-radius: 16px } .label { background: #d8e6f0 }
dl { margin: 0 } dt, dd { display: inline; margin: 0 4px 0 0 } h3, h4, h5 { margin: 2px 0 }
.structItem-statuses, .message-attribution ul, .listPlain { list-style: none; padding: 0; margin: 0; color: #889 }
.node-statsMeta { display: none } .structItem-cell--meta, .structItem-cell--latest { width: 140px }
.message-attribution { display: flex; justify-content: space-between; color: #667 } .message-lastEdit { color: #889 }
.bbCodeBlock { border-left: 3px solid #d08a2e; margin: 8px 0; padding: 6px 10px; background: #faf6ef }
.u-srOnly, .menu, .pageNavSimple, .js-selectToQuoteEnd, .u-hidden, .bbCodeBlock-expandLink, noscript { display: none }
"""
_COLORS = ("#c2f0f0", "#d9b3e6", "#ebadad", "#c2d6d6", "#99d6ff", "#f0d9c2")


@lru_cache(maxsize=65_536)
def slug(text: str) -> str:
    """The readable part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("é", "e").replace("µ", "u")).strip("-") or "-"


def link(kind: str, title: str, number: int, rest: str = "") -> str:
    """A root-relative address such as `/threads/some-title.12/page-2`."""
    return f"/{kind}/{slug(title)}.{number}/{rest}"


@lru_cache(maxsize=65_536)
def clock_words(at: int) -> tuple[str, str]:
    """Date and time of an instant as the forum words them: "Feb 11, 2026", "6:09 PM"."""
    parts = time.gmtime(at + _OFFSET)
    return f"{time.strftime('%b', parts)} {parts.tm_mday}, {parts.tm_year}", time.strftime("%I:%M %p", parts).lstrip(
        "0"
    )


def time_words(at: int, day: int) -> str:
    """An instant as the page words it on the forum's day number `day`."""
    date, hour = clock_words(at)
    days = day - (at + _OFFSET) // DAY
    if days <= 0:
        return f"Today at {hour}"
    if days == 1:
        return f"Yesterday at {hour}"
    if days < 7:
        return f"{time.strftime('%A', time.gmtime(at + _OFFSET))} at {hour}"
    return date


def time_tag(at: int, day: int, css: str = "", more: str = "") -> str:
    """XenForo 2.3's `<time>`: the epoch is in data-timestamp, data-time is words."""
    date, hour = clock_words(at)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at + _OFFSET))
    return (
        f'<time  class="{css}u-dt" dir="auto" datetime="{stamp}{_ZONE}" data-timestamp="{at}" data-date="{date}" '
        f'data-time="{hour}" data-short="{date[:-6]}" title="{date} at {hour}"{more}>{time_words(at, day)}</time>'
    )


def short(number: int) -> str:
    """A count as XenForo abbreviates it: 947, 1.2K, 17K."""
    if number < 1000:
        return str(number)
    if number < 10_000:
        return f"{number // 100 / 10:.1f}".removesuffix(".0") + "K"
    return f"{number // 1000}K"


def shown(number: int) -> int:
    """The count that `short` still tells."""
    return number if number < 1000 else number // 100 * 100 if number < 10_000 else number // 1000 * 1000


def username(member: Member, css: str = "", itemprop: str = "") -> str:
    """A member's name with link, or a guest's without."""
    name = escape(member.name)
    inner = f"<span{itemprop}>{name}</span>" if itemprop else name
    if not member.user_id:
        return f'<span class="username {css}" dir="auto" data-user-id="0">{inner}</span>'
    return (
        f'<a href="{link("members", member.name, member.user_id)}" class="username {css}" dir="auto" '
        f'data-user-id="{member.user_id}" data-xf-init="member-tooltip">{inner}</a>'
    )


def avatar(member: Member, size: str) -> str:
    """The letter in a circle that stands for a member without picture."""
    style = f'style="background-color: {_COLORS[member.user_id % len(_COLORS)]}; color: #33cccc"'
    letter = f'<span class="avatar-u{member.user_id}-{size[0]}" role="img" aria-label="{escape(member.name)}">'
    letter += f"{escape(member.name[0].upper())}</span>"
    css = f"avatar avatar--{size} avatar--default avatar--default--dynamic"
    if not member.user_id:
        return f'<span class="{css}" data-user-id="0" {style}>{letter}</span>'
    return (
        f'<a href="{link("members", member.name, member.user_id)}" class="{css}" data-user-id="{member.user_id}" '
        f'data-xf-init="member-tooltip" {style}>\n\t\t\t{letter}\n\t\t</a>'
    )


def page_nav(base: str, page: int, last: int, query: str = "") -> str:
    """XenForo's page navigation; nothing where there is one page."""
    if last < 2:
        return ""

    def url(number: int) -> str:
        return escape(base + (f"page-{number}" if number > 1 else "") + query)

    def item(number: int) -> str:
        css = "pageNav-page--current " if number == page else "pageNav-page--later" if number > page else ""
        if number < page:
            css = "pageNav-page--earlier"
        return f'\t<li class="pageNav-page {css}"><a href="{url(number)}">{number}</a></li>\n'

    def skip(side: str) -> str:
        return (
            f'\t<li class="pageNav-page pageNav-page--skip pageNav-page--skip{side}">\n\t\t<a data-xf-init="tooltip" '
            'title="Go to page" data-xf-click="menu" role="button" tabindex="0" aria-expanded="false" '
            f'aria-haspopup="true">…</a>\n\t\t{_jump(base, page, last)}\n\t</li>\n'
        )

    first, final = max(2, page - 2), min(last - 1, page + 2)
    items = item(1) + ("" if first <= 2 else item(2) if first == 3 else skip("Start"))
    items += "".join(item(number) for number in range(first, final + 1))
    items += ("" if final >= last - 1 else item(last - 1) if final == last - 2 else skip("End")) + item(last)
    back = f'<a href="{url(page - 1)}" class="pageNav-jump pageNav-jump--prev">Prev</a>' if page > 1 else ""
    forth = f'<a href="{url(page + 1)}" class="pageNav-jump pageNav-jump--next">Next</a>' if page < last else ""
    simple = "" if page == last else (
        f'<a href="{url(page + 1)}" class="pageNavSimple-el pageNavSimple-el--next">Next <i aria-hidden="true"></i></a>'
        f'<a href="{url(last)}" class="pageNavSimple-el pageNavSimple-el--last" data-xf-init="tooltip" title="Last">'
        '<i aria-hidden="true"></i> <span class="u-srOnly">Last</span></a>'
    )  # fmt: skip
    return (
        '<nav class="pageNavWrapper pageNavWrapper--mixed ">\n<div class="pageNav ">\n\t'
        f'{back}\n\t<ul class="pageNav-main">\n{items}\t</ul>\n\t{forth}\n</div>\n<div class="pageNavSimple">\n\t'
        '<a class="pageNavSimple-el pageNavSimple-el--current" data-xf-init="tooltip" title="Go to page" '
        f'data-xf-click="menu" role="button" tabindex="0">\n\t\t{page} of {last}\n\t</a>\n\t{simple}\n</div>\n</nav>'
    )


def _jump(base: str, page: int, last: int) -> str:
    return (
        '<div class="menu menu--pageJump" data-menu="menu" aria-hidden="true"><div class="menu-content">'
        '<h4 class="menu-header">Go to page</h4><div class="menu-row" data-xf-init="page-jump" '
        f'data-page-url="{base}page-%page%"><div class="inputGroup inputGroup--numbers"><input type="number" '
        f'class="input input--number js-numberBoxTextInput js-pageJumpPage" value="{page}" min="1" max="{last}" '
        'step="1" required="required" /></div></div></div></div>'
    )


def breadcrumbs(base: str, trail: Iterable[tuple[str, str]]) -> str:
    """The way back: Forums > category > board."""
    crumbs = "".join(
        '\n\t<li itemprop="itemListElement" itemscope itemtype="https://schema.org/ListItem">\n\t\t'
        f'<a href="{base}{href}" itemprop="item"><span itemprop="name">{escape(name)}</span></a>\n\t\t'
        f'<meta itemprop="position" content="{place}" />\n\t</li>'
        for place, (name, href) in enumerate([("Forums", "/"), *trail], 1)
    )
    return (
        '<ul class="p-breadcrumbs " itemscope itemtype="https://schema.org/BreadcrumbList">'
        f"{crumbs}\n</ul>"
    )  # fmt: skip


_TOP = f"""<div class="p-pageWrapper" id="top">
<header class="p-header" id="header"><div class="p-header-inner"><div class="p-header-content">
\t<div class="p-header-logo p-header-logo--image"><a href="/">{TITLE}</a></div>
</div></div></header>
<div class="p-navSticky p-navSticky--primary" data-xf-init="sticky-header"><nav class="p-nav"><div class="p-nav-inner">
\t<ul class="p-nav-list js-offCanvasNavSource">
\t\t<li><div class="p-navEl is-selected"><a href="/" class="p-navEl-link" data-nav-id="forums">Forums</a></div></li>
\t\t<li><div class="p-navEl"><a href="/whats-new/" class="p-navEl-link" data-nav-id="whatsNew">What's new</a></div></li>
\t</ul>
\t<div class="p-nav-opposite"><div class="p-navgroup p-account p-navgroup--guest">
\t\t<a href="/login/" class="p-navgroup-link p-navgroup-link--textual p-navgroup-link--logIn" data-xf-click="overlay">
\t\t\t<span class="p-navgroup-linkText">Log in</span></a>
\t\t<a href="/register/" class="p-navgroup-link p-navgroup-link--textual p-navgroup-link--register">
\t\t\t<span class="p-navgroup-linkText">Register</span></a>
\t</div></div>
</div></nav></div>
<div class="p-body"><div class="p-body-inner">
<!--XF:EXTRA_OUTPUT-->
"""
_WARNINGS = """<noscript class="js-jsWarning">\
<div class="blockMessage blockMessage--important blockMessage--iconic u-noJsOnly">\
JavaScript is disabled. For a better experience, please enable JavaScript in your browser before proceeding.</div>\
</noscript>
<div class="blockMessage blockMessage--important blockMessage--iconic js-browserWarning" style="display: none">\
You are using an out of date browser.</div>
"""
_FOOT = """<footer class="p-footer" id="footer"><div class="p-footer-inner"><div class="p-footer-row">
\t<ul class="p-footer-linkList"><li><a href="/help/terms/">Terms and rules</a></li><li><a href="/help/">Help</a></li>
\t<li><a href="/forums/-/index.rss" target="_blank" class="p-footer-rssLink" title="RSS">RSS</a></li></ul>
</div><div class="p-footer-copyright">
\t<a href="https://xenforo.com" class="u-concealed" dir="ltr" target="_blank" rel="sponsored noopener">\
Community platform by XenForo<sup>&reg;</sup> <span class="copyright">&copy; 2010-2025 XenForo Ltd.</span></a>
</div></div></footer>
</div>
</body>
"""


def document(
    template: str,
    *,
    title: str,
    content: str,
    heading: str | None = None,
    description: str = "",
    container: str = "",
    content_key: str = "",
    head: str = "",
    crumbs: str = "",
    ld: object = None,
) -> str:
    """A whole page: `template` is XenForo's name of it, `content` what is in the middle."""
    data = json.dumps(ld).replace("</", "<\\/")
    structured = f'\n<script type="application/ld+json">\n{data}\n</script>' if ld else ""
    full = title if title == TITLE else f"{title} | {TITLE}"
    return f"""<!DOCTYPE html>
<html id="XF" lang="en-US" dir="LTR"
\tdata-xf="2.3"
\tdata-app="public"
\t
\tdata-template="{template}"
\tdata-container-key="{container}"
\tdata-content-key="{content_key}"
\tdata-logged-in="false"
\tdata-cookie-prefix="xf_"
\tdata-csrf="1700000000,00000000000000000000000000000000"
\tclass="has-no-js template-{template}"
\t>
<head>
\t<meta charset="utf-8" />
\t<title>{escape(full)}</title>
\t<link rel="manifest" href="/webmanifest.php">
\t<meta http-equiv="X-UA-Compatible" content="IE=Edge" />
\t<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
\t{head}
\t<meta property="og:site_name" content="{TITLE}" />
\t<meta property="og:type" content="website" />
\t<meta property="og:title" content="{escape(title)}" />
\t<link rel="stylesheet" href="/css.php?css=public%3Anormalize.css%2Cpublic%3Acore.less&amp;s=1&amp;l=1&amp;d=1" />
\t<script src="/js/xf/preamble.min.js?_v=demo2300"></script>{structured}
</head>
<body data-template="{template}">
{_TOP}{crumbs}
{_WARNINGS}<div class="p-body-header">
\t<div class="p-title "><h1 class="p-title-value">{heading or escape(title)}</h1></div>
\t{description}
</div>
<div class="p-body-main  "><div class="p-body-contentCol"></div><div class="p-body-content">\
<div class="p-body-pageContent">
{content}
</div></div></div>
</div></div>
{_FOOT}</html>
"""
