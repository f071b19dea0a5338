"""Addresses of members' profiles, in the forms of every engine: they hold a name or an identity. Pure."""

import re
from typing import NamedTuple
from urllib.parse import unquote_plus


class Profile(NamedTuple):
    """Whose profile an address leads to, as far as it tells."""

    member_id: str | None
    name: str | None
    """As the address has it; `is_exact` tells whether that is the name itself."""
    is_exact: bool = False


_NO_NAME = r"(?!(?:guides?|manuals?|login|logout|register|agreement|help|settings|sign[_-]?(?:in|up)|search)\b)"
_FORMS = re.compile(
    r"[/?]members/(?:(?P<xenforo>[^/?#]*)\.)?(?P<xenforo_id>[0-9]+)(?:[/?#]|$)"
    r"|/(?:members?|tagok|mitglieder)/(?P<vbulletin_id>[0-9]+)-(?P<vbulletin>[^/?#]+)"
    r"|/members?/(?P<vbseo>[^/?#]+?)(?:-(?P<vbseo_id>[0-9]+))?\.html"
    r"|/member[^/?#]{0,14}\.php/(?P<slash_id>[0-9]+)"
    r"|/(?:member|memberlist|profile)\.(?:php|html?)(?:\?|%3F)(?:[^#]*?[?;&]?(?:u|uid|userid)=(?P<php_id>[0-9]+))?"
    r"(?:(?P<php4_id>[0-9]+)-)?"
    r"|/profile\.php/(?P<profile_php>[^/?#]+)"
    r"|[?;&]action=(?:view)?profile(?:[;&]u(?:id)?=(?P<smf_id>[0-9]+))?"
    r"|[?;&]showuser=(?P<ipboard_id>[0-9]+)"
    r"|/(?:profile|user)/(?P<invision_id>[0-9]+)-(?P<invision>[^/?#]+)"
    r"|/profile/(?:(?:comments|discussions)/)?(?P<vanilla_id>[0-9]+)(?:/(?P<vanilla>[^/?#]+)|[/?#]|$)"
    rf"|/profile/{_NO_NAME}(?P<profile>[^/?#]+)"
    r"|/uid/(?P<nodebb_id>[0-9]+)"
    r"|/user-(?P<mybb_id>[0-9]+)\.html"
    r"|(?-i:/User-)(?P<mybb>[^/?#.]+)(?:[?#]|$)"
    r"|/(?:u|member|user)(?P<phpbb_id>[0-9]+)\.html"
    r"|reddit\.com/r/u_(?P<reddit_board>[\w-]+)"
    rf"|/(?:u|user|users)/{_NO_NAME}(?P<named>[^/?#]+)",
    re.IGNORECASE,
)
"""XenForo, vBulletin (with vBSEO), phpBB and MyBB, SMF, Invision, Vanilla, NodeBB; Reddit, Discourse, Flarum by name.

Held against the addresses of the engines (crawler/engines/*/addresses.py).
"""
_WORDS = ("member", "profile", "/r/u_", "tagok", "mitglieder")
_EXACT = frozenset({"named", "reddit_board", "vanilla", "profile"})
_SUFFIX = re.compile(r"\.(?:json|rss|html?)$")


def profile_of(url: str) -> Profile | None:
    """Whose profile the address leads to; None where it leads to something else."""
    found = _FORMS.search(url) if _may_be_profile(url) else None
    if found is None:
        return None
    told = {form: value for form, value in found.groupdict().items() if value}
    member_id = next((value for form, value in told.items() if form.endswith("_id")), None)
    form, name = next(((form, value) for form, value in told.items() if not form.endswith("_id")), ("", None))
    if name is not None:
        name = _SUFFIX.sub("", unquote_plus(name))
    if form == "named" and name and name.isdigit():
        return Profile(name, None)
    return Profile(member_id, name, form in _EXACT)


def is_profile_url(url: str) -> bool:
    """Whether the address is a member's profile, so that it holds a name or an identity."""
    return _may_be_profile(url) and _FORMS.search(url) is not None


def without_name(url: str, instead: str) -> str | None:
    """The address with something else in the name's place; None where the profile is told by its member's number."""
    profile, found = profile_of(url), _FORMS.search(url)
    if profile is None or found is None:
        return url
    if profile.member_id is not None or profile.name is None:
        return None
    start, end = next(found.span(form) for form, value in found.groupdict().items() if value)
    return url[:start] + instead + url[end:]


def _may_be_profile(url: str) -> bool:
    """A look that costs a twentieth of the forms."""
    lowered = url.lower()
    return "/u" in lowered or "user" in lowered or any(word in lowered for word in _WORDS)
