"""The documents of a release: counts and gaps in the README, metadata by the rules of Frictionless."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from msgspec import structs
from ward_forum import SITE, Forum, on_day

from crawler.receipt import Outcome
from crawler.records import Board
from storage.archive import Archive
from storage.release import make_release
from storage.release_tables import RELEASED, table_of

# Patterns and words of the profiles of Data Package 2.0 (datapackage.org/profiles/2.0/datapackage.json).
PATH = re.compile(r"^((?=[^./~])(?!file:)((?!\/\.\.\/)(?!\\)(?!:\/\/).)*|(http|ftp)s?:\/\/.*)$")
MEDIATYPE = re.compile(r"^(.+)/(.+)$")
FIELD_TYPES = {"string", "number", "integer", "boolean", "object", "array", "list", "datetime", "date", "time", "year"}
FIELD_TYPES |= {"yearmonth", "duration", "geopoint", "geojson", "any"}


@pytest.fixture
def gappy(archive: Archive, forum: Forum) -> Path:
    """The release of two crawls that could not read everything."""
    forum.threads["2"].title = "Odd | title\nof two lines"
    forum.posts["2002"].created_at = None
    forum.posts["3001"].author = None
    forum.crawl("c1", on_day(0), open_threads=["1", "2", "3"]).store(archive)
    crawl = forum.crawl(
        "c2", on_day(5), open_threads=["1"], unavailable={"2": "login needed", "3": "blocked"}, since=on_day(-30)
    )
    crawl.receipt = structs.replace(
        crawl.receipt,
        since=on_day(-30),
        outcome=Outcome.PARTIAL,
        refused={"robots": 3},
        failed={"HTTP 500": 2, "timeout": 1},
        quarantined=4,
        quarantined_pages=["https://ward9.example/odd/page"],
        pending=7,
        discovered=crawl.receipt.discovered + 17,
        boards_cut={"ir": "the listing ends after 1,000"},
        boards_walked=["ir"],
        reservations={"noai": 6},
    )
    lounge = Board(site=SITE, board_id="lounge", title="Lounge")
    crawl.pages[0].parsed.boards.append(lounge)
    crawl.pages[0].parsed.threads[0].reply_count = 40
    crawl.store(archive)
    return Path(make_release(archive).location)


def gaps(readme: str) -> dict[str, int]:
    """What the README's table of gaps says."""
    section = readme.split("## Known gaps")[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith(f"| {SITE}")]
    return {what: int(count.replace(",", "")) for _, what, count in cells}


def test_the_readme_names_what_is_missing(gappy: Path):
    assert gaps((gappy / "README.md").read_text()) == {
        "threads known from listings only, none of their posts read": 1,
        "threads of which the site counts more posts than are here": 1,
        "posts that it counts beyond those here": 36,
        "threads that the site did not show when last asked: blocked": 1,
        "threads that the site did not show when last asked: login needed": 1,
        "pages not asked for: robots": 3,
        "pages that failed: HTTP 500": 2,
        "pages that failed: timeout": 1,
        "pages kept, but not understood": 4,
        "pages not reached": 7,
        "pages read that reserve a use: noai": 6,
        "boards not read, or in part, by the last crawl: the listing ends after 1,000": 1,
        "crawls that ended before they had read all of the days from 2024-05-02 to the end": 1,
        "posts whose instant no page states": 1,
        "posts whose author is not held": 1,
        "boards never walked: lounge": 1,
    }


def test_the_gaps_can_be_asked_of_the_crawls(gappy: Path):
    crawl = pq.read_table(gappy / "crawls.parquet").to_pylist()[-1]
    assert crawl["failed_by"] == [{"reason": "HTTP 500", "pages": 2}, {"reason": "timeout", "pages": 1}]
    assert crawl["boards_in_part"] == [{"board_id": "ir", "why": "the listing ends after 1,000"}]
    assert [(found["thread_id"], found["cause"]) for found in crawl["unavailable"]] == [
        ("2", "login needed"),
        ("3", "blocked"),
    ]
    assert b"odd/page" not in (gappy / "crawls.parquet").read_bytes()


def test_the_readme_counts_by_site_and_board(gappy: Path):
    readme = (gappy / "README.md").read_text()
    assert f"| {SITE} | xenforo2 | 4 | 15 | 0 | 4 | 2024-03-21 | 2024-04-30 | 2 | 2024-06-01 | 2024-06-06 |" in readme
    assert f"| {SITE} | cardio | CARDIO | 2 | 5 | 0 | 4 | 2024-04-10 | 2024-04-10 |" in readme
    assert f"| {SITE} | ir | IR | 2 | 10 | 0 | 4 | 2024-03-21 | 2024-04-30 |" in readme


def test_a_site_without_gaps_is_said_to_have_none(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).store(archive)
    readme = (Path(make_release(archive).location) / "README.md").read_text()
    assert gaps(readme) == {}
    assert f"Of {SITE} none is known." in readme


def test_the_readme_counts_what_was_masked(archive: Archive, forum: Forum):
    forum.reply("1", on_day(-1), body="Write to jane.roe@clinic.example or j.roe@clinic.example.")
    forum.crawl("c1", on_day(0)).store(archive)
    readme = (Path(make_release(archive).location) / "README.md").read_text()
    assert f"| {SITE} | e-mail | 2 |" in readme


def test_the_metadata_keep_the_rules_of_the_standard(gappy: Path):
    package: dict[str, Any] = json.loads((gappy / "datapackage.json").read_bytes())
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert re.fullmatch(r"[-a-z0-9._/]+", package["name"])
    assert package["resources"]
    names = [resource["name"] for resource in package["resources"]]
    assert len({*names}) == len(names)
    for resource in package["resources"]:
        paths = resource["path"] if isinstance(resource["path"], list) else [resource["path"]]
        assert paths
        assert all(PATH.fullmatch(path) for path in paths)
        assert "data" not in resource  # either path or data
        assert resource["type"] == "table"
        assert MEDIATYPE.fullmatch(resource["mediatype"])
        assert resource["bytes"] == sum((gappy / path).stat().st_size for path in paths)
        fields = resource["schema"]["fields"]
        assert {field["type"] for field in fields} <= FIELD_TYPES
        assert {*resource["schema"].get("primaryKey", [])} <= {field["name"] for field in fields}
        # Without `fieldsMatch` the fields are those of the data, in their order.
        assert all(pq.read_schema(gappy / path).names == [field["name"] for field in fields] for path in paths)


def test_the_metadata_name_every_parquet_file_once_with_its_types(gappy: Path):
    package = json.loads((gappy / "datapackage.json").read_bytes())
    named = [one["path"] for one in package["resources"]]
    paths = [path for one in named for path in ([one] if isinstance(one, str) else one)]
    assert sorted(paths) == sorted(path.relative_to(gappy).as_posix() for path in gappy.rglob("*.parquet"))
    types = {
        one["name"]: {field["name"]: field["type"] for field in one["schema"]["fields"]} for one in package["resources"]
    }
    wanted = {"post_id": "string", "position": "integer", "edited": "boolean", "created_at": "datetime"}
    assert {name: types["posts"][name] for name in wanted} == wanted
    assert (types["posts"]["quotes"], types["posts"]["links"], types["threads"]["poll"]) == ("array", "array", "object")
    posts = next(one for one in package["resources"] if one["name"] == "posts")
    assert (posts["partitionColumns"], posts["rowCount"]) == (["site", "month"], 15)


def test_the_data_dictionary_describes_every_column(gappy: Path):
    dictionary = (gappy / "data-dictionary.md").read_text()
    assert [line[3:] for line in dictionary.splitlines() if line.startswith("## ")] == list(RELEASED)
    for path in gappy.rglob("*.parquet"):
        table = table_of(path.relative_to(gappy).as_posix())
        assert table is not None
        section = dictionary.split(f"## {table.name}\n")[1].split("\n## ")[0]
        assert all(f"| `{name}` |" in section for name in pq.read_schema(path).names)
