"""Site files: what five lines are enough for, and what a wrong one is told."""

from pathlib import Path

import pytest

from crawler.engines import ENGINES
from crawler.errors import SiteFileError, SitePausedError, UsageError
from crawler.site import (
    ENGINE_NAMES,
    Site,
    contact_of,
    find_site,
    load_site,
    paused_state,
    refuse_if_paused,
    registry,
    usable_sites,
    why_paused,
)

FORUM = "name: clinic\nurl: https://forum.example/\n"
CREDENTIALS = {"REDDIT_CLIENT_ID": "id", "REDDIT_CLIENT_SECRET": "secret"}


def written(folder: Path, text: str, name: str = "clinic") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_name_and_url_are_enough(tmp_path: Path) -> None:
    site = load_site(written(tmp_path, "name: clinic\nurl: https://forum.example/\n"))
    assert (site.engine, site.delay, site.boards, site.privacy) == ("auto", 5.0, [], "pseudonymise")


def test_delays_may_have_a_unit_and_boards_may_be_bare_addresses(tmp_path: Path) -> None:
    text = (
        "name: clinic\nurl: https://forum.example/\ndelay: 500ms\nboards: [forums/cardiology.1/, {name: Radiology}]\n"
    )
    site = load_site(written(tmp_path, text))
    assert site.delay == 0.5
    assert [(board.url, board.name) for board in site.boards] == [("forums/cardiology.1/", None), (None, "Radiology")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: clinic\n", "field `url`"),
        ("name: Clinic 1\nurl: https://forum.example/\n", "field `name`"),
        ("name: clinic\nurl: file:///etc/passwd\n", "must be an http or https address"),
        ("name: clinic\nurl: https://forum.example/\nbords: []\n", "field `bords`"),
        ("name: clinic\nurl: https://forum.example/\nboards: [{}]\n", "the board's `url` or its `name`"),
        ("name: [\n", "is not valid YAML"),
        ("- just\n- a list\n", "it holds no mapping"),
        ("name: clinic\nurl: https://forum.example/\ndelay: soon\n", "field `delay`"),
        ("name: clinic\nurl: http://127.0.0.1:99999/\n", "field `url`: must be an http or https address"),
        ("name: clinic\nurl: 'http://[::1'\n", "field `url`: must be an http or https address"),
        (FORUM + "engine: yabb\n", "field `engine`: no engine is called 'yabb'; there are auto, discourse, "),
        (FORUM + "delay: .inf\n", "field `delay`"),
        (FORUM + "delay: .nan\n", "field `delay`"),
        (FORUM + "delay: 2d\n", "field `delay`"),
        (FORUM + "schedule: garbage\n", "field `schedule`: 'garbage' is no schedule"),
        (FORUM + "schedule: 99 3 * * *\n", "is no schedule"),
        (FORUM + "schedule: '@reboot'\n", "is no schedule"),
        (FORUM + "boards: ['http://[::1']\n", "field `boards.0.url`"),
        (FORUM + "engine: reddit\n", "field `boards`: Reddit is never crawled whole"),
        (FORUM + "engine: reddit\nboards: [/]\n", "field `boards`: '/' names no subreddit"),
        (FORUM + "engine: reddit\nboards: [{name: Internal Medicine}]\n", "names no subreddit"),
        (FORUM + "contact: me\n", "field `contact`: 'me' is nothing that the site's staff can write to"),
    ],
)
def test_a_wrong_file_is_told_where(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SiteFileError) as raised:
        load_site(written(tmp_path, text))
    assert told in str(raised.value)
    assert "clinic.yaml" in str(raised.value)
    assert "Value error" not in str(raised.value)


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = "name: clinic\nurl: nowhere\nengine: yabb\ndelay: .inf\nschedule: x\n"
    with pytest.raises(SiteFileError) as raised:
        load_site(written(tmp_path, text))
    assert [field in str(raised.value) for field in ("`url`", "`engine`", "`delay`", "`schedule`")] == [True] * 4
    assert raised.value.__suppress_context__


def test_the_engines_that_a_file_may_name_are_those_there_are() -> None:
    assert set(ENGINE_NAMES) == {"auto"} | ENGINES.keys()


@pytest.mark.parametrize(
    "schedule", ["15 3 * * *", "*/20 0-6,22 1 jan-mar MON-FRI", "0 0 * * 7", "@hourly", "@weekly", None]
)
def test_schedules(schedule: str | None) -> None:
    assert Site(name="clinic", url="https://forum.example/", schedule=schedule).schedule == schedule


@pytest.mark.parametrize(
    "board", ["r/Cardiology", "/r/Cardiology/", "Cardiology", "https://www.reddit.com/r/Cardiology"]
)
def test_subreddits_may_be_written_in_several_ways(tmp_path: Path, board: str) -> None:
    assert load_site(written(tmp_path, FORUM + f"engine: reddit\nboards: [{board}]\n")).boards[0].url == board


def test_an_unknown_site_is_told_which_there_are() -> None:
    with pytest.raises(UsageError, match=r"reddit, .*studentdoctor"):
        find_site("studentdoktor", {})


def test_a_folder_of_ones_own_adds_to_the_shipped_sites(tmp_path: Path) -> None:
    written(tmp_path, "name: clinic\nurl: https://forum.example/\n")
    assert {"clinic", "reddit", "studentdoctor"} <= registry({"MEDTHREADS_SITES": str(tmp_path)}).keys()


def test_a_broken_file_is_told_and_takes_no_other_site_along(tmp_path: Path) -> None:
    written(tmp_path, "name: clinic\nurl: https://forum.example/\n")
    written(tmp_path, "name: ward\n", name="ward")
    environ = {"MEDTHREADS_SITES": str(tmp_path)}
    sites, faults = usable_sites(environ)
    assert "clinic" in sites
    assert ["ward.yaml" in str(fault) for fault in faults] == [True]
    assert find_site("clinic", environ).name == "clinic"
    with pytest.raises(SiteFileError, match=r"ward\.yaml, field `url`"):
        find_site("ward", environ)
    with pytest.raises(UsageError, match="No site is called 'ard'"):
        find_site("ard", environ)


def test_shipped_sites_wait_for_a_contact_and_say_so() -> None:
    site = find_site("studentdoctor", {})
    with pytest.raises(SitePausedError, match="MEDTHREADS_CONTACT"):
        refuse_if_paused(site, {})
    assert why_paused(site, {"MEDTHREADS_CONTACT": "archive@clinic.example"}) is None


def test_reddit_waits_for_credentials_too() -> None:
    site = find_site("reddit", {})
    environ = {"MEDTHREADS_CONTACT": "/u/someone"}
    assert "REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET" in (why_paused(site, environ) or "")
    assert why_paused(site, environ | CREDENTIALS) is None


def test_all_that_is_missing_is_told_at_once_and_in_short() -> None:
    site = find_site("reddit", {})
    told = why_paused(site, {}) or ""
    assert "MEDTHREADS_CONTACT" in told
    assert "REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET" in told
    assert paused_state(site, {}) == "paused: no contact, no credentials"
    assert paused_state(site, CREDENTIALS) == "paused: no contact"
    assert paused_state(site, {"MEDTHREADS_CONTACT": "/u/someone"} | CREDENTIALS) == "ready"
    closed = site.model_copy(update={"paused": "The moderators asked us to."})
    assert paused_state(closed, CREDENTIALS) == "paused: The moderators asked us to"


def test_reddit_needs_credentials_whether_its_file_names_them_or_not(tmp_path: Path) -> None:
    text = "name: sub-r\nurl: http://127.0.0.1:8791/\nengine: reddit\nboards: [r/DemoMedicine]\n"
    site = load_site(written(tmp_path, text, "sub-r"))
    assert site.credentials == "sub-r"
    assert "SUB_R_CLIENT_ID and SUB_R_CLIENT_SECRET" in (why_paused(site, {}) or "")


@pytest.mark.parametrize("contact", ["archive@clinic.example", "/u/someone", "u/someone", "https://clinic.example/bot"])
def test_contacts(contact: str) -> None:
    site = find_site("studentdoctor", {})
    assert contact_of(site, {"MEDTHREADS_CONTACT": contact}) == contact
    assert why_paused(site, {"MEDTHREADS_CONTACT": contact}) is None


@pytest.mark.parametrize("contact", ["x", "someone", "@", "https://", "a@clinic.example\nCookie: b"])
def test_what_nobody_can_write_to_is_no_contact(contact: str) -> None:
    site = find_site("studentdoctor", {})
    assert contact_of(site, {"MEDTHREADS_CONTACT": contact}) is None
    told = why_paused(site, {"MEDTHREADS_CONTACT": contact}) or ""
    assert f"{contact!r} is no contact" in told
    assert "an e-mail address, /u/name or a web address" in told


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081/", "http://localhost/", "http://[::1]/"])
def test_a_site_on_this_machine_needs_no_contact(url: str) -> None:
    assert why_paused(Site(name="local", url=url), {}) is None
