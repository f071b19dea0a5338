"""Names in running text become pseudonyms where a sign or their looks tell them, and names again where held."""

import pytest

from storage.mentions import MentionedNames, RunningNames, show
from storage.profiles import Profile, profile_of, without_name
from storage.unusual_names import is_unusual

KEYS = {
    "Dr. May": "a" + "b" * 26,
    "May": "a" + "c" * 26,
    "ward_7": "a" + "d" * 26,
    "Quillon Vexworth": "a" + "e" * 26,
    "tack_1962": "a" + "f" * 26,
    "Hope": "a" + "g" * 26,
}
NAMES = MentionedNames([*KEYS, None], {"11": "Quillon Vexworth"})
RUNNING = RunningNames(["Quillon Vexworth", "ward_7", "Hope", "May"])
VEXWORTH = f"@{KEYS['Quillon Vexworth']}"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("@May I agree.", f"@{KEYS['May']} I agree."),
        ("As @Dr. May, said", f"As @{KEYS['Dr. May']}, said"),
        ("(@ward_7)", f"(@{KEYS['ward_7']})"),
        ("thanks /u/ward_7!", f"thanks /u/{KEYS['ward_7']}!"),
        ("see u/ward_7", f"see u/{KEYS['ward_7']}"),
        ("@Quillon Vexworth's wire", f"{VEXWORTH}'s wire"),
        ("nobody but tack_1962 did", f"nobody but {KEYS['tack_1962']} did"),
    ],
)
def test_a_mention_becomes_the_pseudonym_and_a_name_again(written: str, kept: str) -> None:
    assert NAMES.hide(written, KEYS.get) == kept
    assert show(kept, {key: name for name, key in KEYS.items()}) == written


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("@quillon vexworth: yes", f"{VEXWORTH}: yes"),
        ('@"Quillon Vexworth"#p12 yes', f'@"{KEYS["Quillon Vexworth"]}"#p12 yes'),
        ("see https://f.example/members/quillon-vexworth.11/#about", f"see {VEXWORTH}"),
        ("[him](https://f.example/members/quillon-vexworth.11/)", VEXWORTH),
        ("[Quillon](https://f.example/u/quillon%20vexworth) said so", f"{VEXWORTH} said so"),
        ("https://f.example/member.php?u=11", VEXWORTH),
        ("Hope said:\nyes", f"{KEYS['Hope']} said:\nyes"),
        ("> Quillon Vexworth wrote:\nyes", f"> {KEYS['Quillon Vexworth']} wrote:\nyes"),
        ("Originally Posted by May View Post", f"Originally Posted by {KEYS['May']} View Post"),
        ("Quote from: Hope on March 3", f"Quote from: {KEYS['Hope']} on March 3"),
        ("Originally posted by Somebody Else", "Originally posted by [name]"),
        ("@never_met_1 and https://f.example/members/never-met.99/", "@[name] and @[name]"),
    ],
)
def test_headers_of_quotes_and_profiles(written: str, kept: str) -> None:
    assert NAMES.hide(written, KEYS.get) == kept
    assert NAMES.hide(kept, KEYS.get) == kept


@pytest.mark.parametrize(
    "text",
    [
        "mail may@May.example",
        "@Mayor of the town",
        "May I ask?",
        "2 mg @ 8 h",
        "a@",
        "you/me",
        "My doctor said: rest",
        "There is Hope. doc said it may be COVID19",
        "https://example.org/members-only/guide",
        "[paper](https://example.org/threads/user-guide.12/)",
    ],
)
def test_what_is_no_mention_stays(text: str) -> None:
    assert RUNNING.hide(NAMES.hide(text, KEYS.get), KEYS.get) == text


def test_somebody_without_a_pseudonym_is_nobody() -> None:
    assert NAMES.hide("@May and u/somebody", lambda _: None) == "@[name] and u/[name]"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Quillon Vexworth is right, WARD_7 too", f"{KEYS['Quillon Vexworth']} is right, {KEYS['ward_7']} too"),
        ("ward_77 and ward_7.", f"ward_77 and {KEYS['ward_7']}."),
        ("there is hope, May said", "there is hope, May said"),
    ],
)
def test_unusual_names_of_participants_need_no_sign(written: str, kept: str) -> None:
    assert RUNNING.hide(written, KEYS.get) == kept


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://f.example/threads/thanks-quillon-vexworth.12/", "https://f.example/threads/thanks-[name].12/"),
        ("https://f.example/a/ward_7.png", "https://f.example/a/[name].png"),
        ("https://f.example/threads/hope.13/", "https://f.example/threads/hope.13/"),
    ],
)
def test_names_in_addresses(url: str, kept: str) -> None:
    assert RUNNING.hide_in_address(url) == kept


@pytest.mark.parametrize(
    "name",
    ["ward_7x", "JaneDoe", "Quillon Vexworth", "angio2009girl", "Alicia von Gryphon", "xX_neph_Xx", "Obadiah-77"],
)
def test_unusual_names(name: str) -> None:
    assert is_unusual(name)


@pytest.mark.parametrize(
    "name",
    [
        "Hope",
        "doc",
        "hopeful",
        "COVID19",
        "COVID-19",
        "HbA1c",
        "mRNA",
        "iPhone",
        "IL-6",
        "500mg",
        "T2D",
        "PubMed",
        "YouTube",
        "type2",
        "stage4",
        "1234567",
        "just me",
        "My Doctor",
        "The Doctor",
        "",
    ],
)
def test_names_that_may_be_words(name: str) -> None:
    assert not is_unusual(name)


@pytest.mark.parametrize(
    ("url", "profile"),
    [
        ("https://f.example/members/some.name.123/", Profile("123", "some.name")),
        ("https://f.example/index.php?members/name.5/", Profile("5", "name")),
        ("https://f.example/member.php?u=7", Profile("7", None)),
        ("https://f.example/member.php?5-Name", Profile("5", None)),
        ("https://f.example/member/5-name", Profile("5", "name")),
        ("https://f.example/members/name-5.html", Profile("5", "name")),
        ("https://f.example/memberlist.php?mode=viewprofile&u=4&sid=1", Profile("4", None)),
        ("https://f.example/member.php?action=profile&uid=9", Profile("9", None)),
        ("https://f.example/user-9.html", Profile("9", None)),
        ("https://f.example/User-Some-Name", Profile(None, "Some-Name")),
        ("https://f.example/index.php?action=profile;u=7", Profile("7", None)),
        ("https://f.example/profile/12-name/", Profile("12", "name")),
        ("https://f.example/index.php?showuser=12", Profile("12", None)),
        ("https://f.example/profile/34/ann", Profile("34", "ann", True)),
        ("https://f.example/profile/ann", Profile(None, "ann", True)),
        ("https://f.example/u/ann/summary", Profile(None, "ann", True)),
        ("https://f.example/users/ann.json", Profile(None, "ann", True)),
        ("https://f.example/user/ann", Profile(None, "ann", True)),
        ("https://f.example/uid/3", Profile("3", None)),
        ("https://www.reddit.com/r/u_ann/comments/1/", Profile(None, "ann", True)),
        ("https://f.example/user/guide.pdf", None),
        ("https://f.example/threads/user-guide.12/", None),
        ("https://f.example/t/members-of-the-board/12", None),
        ("https://f.example/viewtopic.php?u=3", None),
    ],
)
def test_profiles_of_every_engine(url: str, profile: Profile | None) -> None:
    assert profile_of(url) == profile


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://www.reddit.com/user/ann/comments/1abc/", "https://www.reddit.com/user/[name]/comments/1abc/"),
        ("https://www.reddit.com/r/u_ann/comments/1abc/", "https://www.reddit.com/r/u_[name]/comments/1abc/"),
        ("https://f.example/members/ann.5/#profile-post-3", None),
        ("https://f.example/threads/stents.5/", "https://f.example/threads/stents.5/"),
    ],
)
def test_pages_on_profiles(url: str, kept: str | None) -> None:
    assert without_name(url, "[name]") == kept
