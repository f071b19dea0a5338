"""Addresses without what varies from visit to visit."""

import pytest

from storage.canonical import canonical_url
from storage.profiles import is_profile_url


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://Forum.Example:443/t/1", "https://forum.example/t/1"),
        ("http://forum.example:8080/t/1", "http://forum.example:8080/t/1"),
        ("https://f.example/viewtopic.php?t=1&sid=ab12", "https://f.example/viewtopic.php?t=1"),
        (
            "https://f.example/showthread.php?s=0123456789abcdef0123456789abcdef&t=2",
            "https://f.example/showthread.php?t=2",
        ),
        ("https://img.example/a.jpg?s=640", "https://img.example/a.jpg?s=640"),
        ("https://e.example/?utm_source=a&utm_medium=b&q=1#part", "https://e.example/?q=1#part"),
        ("https://e.example/?aside=1", "https://e.example/?aside=1"),
        ("https://[broken", "https://[broken"),
        ("mailto:office@e.example", "mailto:office@e.example"),
    ],
)
def test_canonical(url: str, canonical: str):
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize(
    ("url", "profile"),
    [
        ("https://f.example/members/some.name.123/", True),
        ("https://f.example/index.php?members/name.5/", True),
        ("https://www.reddit.com/user/NAME", True),
        ("https://old.reddit.com/u/NAME/comments", True),
        ("https://f.example/memberlist.php?mode=viewprofile&u=4", True),
        ("https://f.example/profile/12-name/", True),
        ("https://f.example/index.php?action=profile;u=7", True),
        ("https://society.example/members/guidelines", False),
        ("https://f.example/threads/user-guide.12/", False),
        ("https://www.reddit.com/r/medicine/comments/1abc/", False),
    ],
)
def test_profile(url: str, profile: bool):
    assert is_profile_url(url) is profile
