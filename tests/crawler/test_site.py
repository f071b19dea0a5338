"""Site files: what five lines are enough for, and what a wrong one is told."""

from pathlib import Path

import pytest

from crawler.errors import SiteFileError, SitePausedError, UsageError
from crawler.site import Site, find_site, load_site, refuse_if_paused, registry, usable_sites, why_paused


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
    ],
)
def test_a_wrong_file_is_told_where(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SiteFileError) as raised:
        load_site(written(tmp_path, text))
    assert told in str(raised.value)
    assert "clinic.yaml" in str(raised.value)


def test_an_unknown_site_is_told_which_there_are() -> None:
    with pytest.raises(UsageError, match="reddit, studentdoctor"):
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


def test_shipped_sites_wait_for_a_contact_and_say_so() -> None:
    site = find_site("studentdoctor", {})
    with pytest.raises(SitePausedError, match="MEDTHREADS_CONTACT"):
        refuse_if_paused(site, {})
    assert why_paused(site, {"MEDTHREADS_CONTACT": "archive@clinic.example"}) is None


def test_reddit_waits_for_credentials_too() -> None:
    site = find_site("reddit", {})
    environ = {"MEDTHREADS_CONTACT": "/u/someone"}
    assert "REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET" in (why_paused(site, environ) or "")
    environ |= {"REDDIT_CLIENT_ID": "id", "REDDIT_CLIENT_SECRET": "secret"}
    assert why_paused(site, environ) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081/", "http://localhost/", "http://[::1]/"])
def test_a_site_on_this_machine_needs_no_contact(url: str) -> None:
    assert why_paused(Site(name="local", url=url), {}) is None
