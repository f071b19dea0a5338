"""Mentions in running text become pseudonyms, and names again where these are held."""

import pytest

from storage.mentions import MentionedNames, show

KEYS = {"Dr. May": "a" + "b" * 26, "May": "a" + "c" * 26, "ward_7": "a" + "d" * 26}
NAMES = MentionedNames([*KEYS, None])


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("@May I agree.", f"@{KEYS['May']} I agree."),
        ("As @Dr. May, said", f"As @{KEYS['Dr. May']}, said"),
        ("(@ward_7)", f"(@{KEYS['ward_7']})"),
        ("thanks /u/ward_7!", f"thanks /u/{KEYS['ward_7']}!"),
        ("see u/ward_7", f"see u/{KEYS['ward_7']}"),
    ],
)
def test_a_mention_becomes_the_pseudonym_and_a_name_again(written: str, kept: str) -> None:
    assert NAMES.hide(written, KEYS.get) == kept
    assert show(kept, {key: name for name, key in KEYS.items()}) == written


@pytest.mark.parametrize(
    "text", ["mail may@May.example", "@Mayor of the town", "May I ask?", "2 mg @ 8 h", "a@", "you/me"]
)
def test_what_is_no_mention_stays(text: str) -> None:
    assert NAMES.hide(text, KEYS.get) == text


def test_somebody_without_a_pseudonym_is_nobody() -> None:
    assert NAMES.hide("@May and u/somebody", lambda _: None) == "@[name] and u/[name]"
