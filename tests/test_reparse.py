"""Landed pages read again: nothing where the engines are as they were, new versions where they read otherwise."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from crawler.engines import Page, parse
from crawler.errors import CheckFailedError, UsageError
from crawler.landing import Landing
from crawler.receipt import Coverage
from crawler.records import PageKind, ParsedPage, Status
from demo.server import running_demo
from demo.world import World
from medthreads import landed_pages, reparsing
from medthreads.reparsing import Reparsed, Scope, reparse
from storage.archive import Archive
from storage.batch import Batch
from storage.dedupe import dedupe
from storage.tables import Tables
from tests.conftest import Medthreads

CREDENTIALS = {"DEMOREDDIT_CLIENT_ID": "demo", "DEMOREDDIT_CLIENT_SECRET": "demo"}
FORUM, REDDIT = "demoforum", "demoreddit"
ANYTIME = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of both demo sites, the forum crawled twice with a day between."""
    medthreads = Medthreads(tmp_path_factory.mktemp("crawled"))
    with running_demo(World(seed=11, threads=5)) as demo:
        boards = [f"r/{board.board_id}" for board in demo.reddit_truth().boards]
        sites = [
            medthreads.site_file(FORUM, f"{demo.forum_url}/"),
            medthreads.site_file(
                REDDIT, f"{demo.reddit_url}/", engine="reddit", boards=boards, credentials="demoreddit"
            ),
        ]
        for site in [*sites, sites[0]]:
            done = medthreads("crawl", site, "--archive", "archive", **CREDENTIALS)
            assert done.returncode == 0, done.stderr
            demo.advance(timedelta(hours=12))
    return medthreads.folder


@pytest.fixture
def location(crawled: Path, tmp_path: Path) -> str:
    """A copy of that archive for one test."""
    shutil.copytree(crawled, tmp_path, dirs_exist_ok=True)
    return str(tmp_path / "archive")


def read(location: str, site: str = FORUM, **options: Any) -> Reparsed:
    [done] = reparse(location, Scope(site=site), environ={}, **options)
    return done


def rows(location: str, query: str, *values: object) -> list[dict[str, Any]]:
    with Archive.open(location, create=False, environ={}).connect() as connection:
        found: list[dict[str, Any]] = connection.sql(query, params=list(values)).to_arrow_table().to_pylist()
    return found


def differing(done: Reparsed) -> dict[str, tuple[int, int, int]]:
    """By field: gained, lost, changed."""
    return {f"{entry.kind}.{entry.field}": (entry.gained, entry.lost, entry.changed) for entry in done.fields}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[ParsedPage], ParsedPage]], None]:
    """Makes every engine read pages otherwise from now on."""

    def make(improve: Callable[[ParsedPage], ParsedPage]) -> None:
        def improved(page: Page, name: str = "auto") -> ParsedPage:
            return improve(parse(page, name))

        monkeypatch.setattr(landed_pages, "parse", improved)

    return make


def with_signature_cut(parsed: ParsedPage) -> ParsedPage:
    """An engine that finds the post's place no more, and other words in opening posts."""
    for post in parsed.posts:
        post.position = None
        if post.is_opening and post.body_text:
            post.body_text = f"Better: {post.body_text}"
    return parsed


@pytest.mark.parametrize(("site", "landings"), [(FORUM, 2), (REDDIT, 1)])
def test_engines_as_they_were_change_nothing(location: str, site: str, landings: int) -> None:
    before = rows(location, "FROM crawls")
    done = read(location, site, commit=True)
    assert done.landings == landings
    assert done.posts >= rows(location, "SELECT count(*) AS n FROM posts WHERE site = ?", site)[0]["n"] > 0
    assert (done.fields, done.new_posts, done.new_threads, done.lost_pages, done.missing_posts) == ([], 0, 0, 0, 0)
    assert (done.damaged, done.snapshot) == (0, None)
    assert rows(location, "FROM crawls") == before


def test_without_commit_the_differences_are_only_shown(location: str, engine) -> None:
    before = rows(location, "FROM post_versions ORDER BY ALL")
    engine(with_signature_cut)
    done = read(location)
    held = rows(location, "SELECT is_opening AND body_text <> '' AS opens FROM posts WHERE site = ?", FORUM)
    posts, openings = len(held), sum(row["opens"] for row in held)
    assert differing(done)["post.body_text"] == (0, 0, openings)
    assert differing(done)["post.position"] == (0, posts, 0)
    assert differing(done).keys() == {"post.body_text", "post.position"}
    assert all(entry.values is None and len(entry.examples) == 3 for entry in done.fields)
    assert rows(location, "FROM post_versions ORDER BY ALL") == before
    [shown] = [entry for entry in read(location, show=True).fields if entry.field == "body_text"]
    assert shown.values is not None
    assert [f"Better: {was}" for was, _ in shown.values] == [now for _, now in shown.values]


def test_a_commit_adds_marked_versions_and_keeps_the_ones_before(location: str, engine) -> None:
    before = {row["post_id"]: row for row in rows(location, f"FROM posts WHERE site = '{FORUM}'")}
    sightings, state = rows(location, "FROM observations ORDER BY ALL"), Archive.open(location, environ={}).state(FORUM)
    engine(with_signature_cut)
    start = datetime.now(UTC)
    done = read(location, commit=True)

    after = {row["post_id"]: row for row in rows(location, f"FROM posts WHERE site = '{FORUM}'")}
    assert after.keys() == before.keys()
    for post_id, row in after.items():
        was = before[post_id]
        if row["status"] != Status.VISIBLE:
            assert row == was
            continue
        assert (row["version"], row["change"], row["position"]) == (was["version"] + 1, "reparsed", None)
        assert row["observed_at"] >= start
        assert row["crawl_id"].startswith("reparse-")
        assert row["body_text"] == (f"Better: {was['body_text']}" if row["is_opening"] else was["body_text"])
        same = row.keys() - {"version", "change", "position", "observed_at", "crawl_id", "body_text", "content_hash"}
        assert {name: row[name] for name in same} == {name: was[name] for name in same}
    # Nobody has seen anything since; what a crawl goes on from is as it was.
    assert rows(location, "FROM observations ORDER BY ALL") == sightings
    assert Archive.open(location, environ={}).state(FORUM) == state
    held = {row["post_id"]: row for row in rows(location, f"FROM posts_asof('{start}') WHERE site = '{FORUM}'")}
    assert {post_id: (row["version"], row["body_text"]) for post_id, row in held.items()} == {
        post_id: (row["version"], row["body_text"]) for post_id, row in before.items()
    }
    snapshot = Archive.open(location, environ={}).snapshots()[-1]
    assert (snapshot.number, snapshot.counts["new"], snapshot.counts["edited"]) == (done.snapshot, 0, 0)
    assert snapshot.counts["reparsed"] == done.committed["reparsed"] > 0
    assert not read(location, commit=True).differs


def test_the_index_made_anew_is_the_same(location: str, engine) -> None:
    engine(with_signature_cut)
    read(location, commit=True)
    archive = Archive.open(location, environ={})
    archive.state(FORUM)
    kept = archive.index.contents()
    archive.index.remove()
    archive.state(FORUM)
    assert archive.index.contents() == kept


def test_a_thread_title_read_otherwise_is_a_version_of_the_thread(location: str, engine) -> None:
    def louder(parsed: ParsedPage) -> ParsedPage:
        parsed.threads = [structs.replace(one, title=one.title and one.title.upper()) for one in parsed.threads]
        return parsed

    titles = {row["thread_id"]: row["title"] for row in rows(location, f"FROM threads WHERE site = '{FORUM}'")}
    engine(louder)
    done = read(location, commit=True)
    assert differing(done).keys() == {"thread.title"}
    after = rows(location, f"FROM threads WHERE site = '{FORUM}' AND change = 'reparsed'")
    assert len(after) == done.committed["threads_changed"] == sum(title != title.upper() for title in titles.values())
    assert all(row["title"] == titles[row["thread_id"]].upper() for row in after)
    assert not read(location).differs


def test_posts_that_an_engine_had_missed_are_added_as_seen_then(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not in the archive, but on the landed pages: as if the crawls had been by an engine that missed it."""
    missed = rows(location, f"SELECT post_id, thread_id, last_seen_at FROM posts WHERE site = '{FORUM}' "  # noqa: S608
                  "AND status = 'visible' AND version = 1 ORDER BY post_id LIMIT 2")  # fmt: skip
    ids = {row["post_id"] for row in missed}
    archive = Archive.open(location, environ={})
    for name in ("post_versions", "observations"):
        delta = archive.tables.load(name)
        assert delta is not None
        delta.delete(" OR ".join(f"post_id = '{post_id}'" for post_id in ids))
    start = datetime.now(UTC)
    # Else pages that give what they gave are not looked up.
    monkeypatch.setattr(reparsing, "row_making", lambda: "a later version's")
    done = read(location, commit=True)
    assert done.new_posts == 2
    query = f"FROM posts WHERE site = '{FORUM}' AND post_id IN {tuple(ids)} ORDER BY post_id"
    added = rows(location, query)
    assert [(row["version"], row["change"]) for row in added] == [(1, "reparsed")] * 2
    assert [(row["post_id"], row["last_seen_at"]) for row in added] == [
        (row["post_id"], row["last_seen_at"]) for row in missed
    ]
    assert all(row["observed_at"] >= start and row["board_id"] for row in added)
    assert rows(location, query.replace("posts", f"posts_asof('{start}')", 1)) == []


def test_pages_that_give_nothing_any_more_forbid_the_commit(location: str, engine) -> None:
    urls = {row["url"] for row in rows(location, f"FROM threads WHERE site = '{FORUM}' ORDER BY thread_id LIMIT 2")}

    def broken(parsed: ParsedPage) -> ParsedPage:
        if any(thread.url in urls for thread in parsed.threads) and parsed.page_kind is PageKind.THREAD:
            return ParsedPage(page_kind=PageKind.UNKNOWN, engine=parsed.engine, reason="no posts were found")
        return with_signature_cut(parsed)

    engine(broken)
    before = rows(location, "FROM crawls")
    with pytest.raises(CheckFailedError, match=r"records before and none now, such as http.*no posts were found"):
        read(location, commit=True)
    assert rows(location, "FROM crawls") == before
    done = read(location, commit=True, force=True)
    assert done.lost_pages >= 2
    assert {page.url for page in done.lost} >= urls
    assert done.snapshot is not None
    assert rows(location, "SELECT count(*) AS n FROM posts WHERE status = 'visible'") == rows(
        location, "SELECT count(*) AS n FROM posts_asof(?) WHERE status = 'visible'", ANYTIME
    )


def test_a_deleted_post_stays_deleted(location: str, engine) -> None:
    archive = Archive.open(location, environ={})
    _, crawl = archive.committed(FORUM)
    landing = Landing(archive.landing_root / FORUM / crawl.crawl_id)
    page = next(page for page in landing.staged_pages() if len(page.parsed.posts) > 1 and page.parsed.page == 1)
    thread_id, gone = page.parsed.thread_id, page.parsed.posts.pop()
    page.fetched_at += timedelta(days=1)
    left = rows(location, "SELECT count(*) AS n FROM posts WHERE thread_id = ?", thread_id)[0]["n"] - 1
    covered = Coverage(thread_id=str(thread_id), reply_count=left - 1, since=gone.created_at)
    receipt = structs.replace(landing.receipt(), crawl_id="later", coverage=[covered])
    batch = Batch.of([page], receipt)
    assert archive.commit(dedupe(batch, archive.known(batch), archive.pseudonyms), receipt).counts["deleted"] == 1

    query = "SELECT version, status, body_text FROM posts_asof(?) WHERE post_id = ?"
    deleted = rows(location, query, ANYTIME, gone.post_id)
    assert [(row["status"], row["body_text"]) for row in deleted] == [("deleted", "")]
    engine(with_signature_cut)
    read(location, commit=True)
    assert rows(location, query, ANYTIME, gone.post_id) == deleted


def test_a_reparse_that_was_stopped_is_done_once_when_it_runs_again(
    location: str, engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = rows(location, "SELECT count(*) AS n FROM post_versions")[0]["n"]
    engine(with_signature_cut)

    def stopped(*_: object) -> list[str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Tables, "append_alone", stopped)
        with pytest.raises(KeyboardInterrupt):
            read(location, commit=True)
    assert rows(location, "SELECT count(*) AS n FROM post_versions")[0]["n"] == versions
    done = read(location, commit=True)
    assert rows(location, "SELECT count(*) AS n FROM post_versions")[0]["n"] == versions + done.committed["reparsed"]
    assert not read(location, commit=True).differs


def test_a_reparse_that_was_stopped_after_its_commit_is_published_when_it_runs_again(
    location: str, engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(with_signature_cut)
    with monkeypatch.context() as stopped:
        stopped.setattr(reparsing, "publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            read(location, commit=True)
    assert not read(location, commit=True).differs
    [shown] = rows(location, "SELECT count(*) AS posts FROM posts WHERE site = ? AND change = 'reparsed'", FORUM)
    assert shown["posts"]


def test_a_reparse_is_taken_back_by_the_engines_of_before(location: str) -> None:
    contents = "SELECT post_id, body_text, content_hash FROM posts WHERE site = ? ORDER BY ALL"
    before = rows(location, contents, FORUM)
    with pytest.MonkeyPatch.context() as faulty:
        faulty.setattr(landed_pages, "parse", lambda page, name="auto": with_signature_cut(parse(page, name)))
        assert read(location, commit=True).differs
    assert rows(location, contents, FORUM) != before
    assert read(location, commit=True).differs
    assert rows(location, contents, FORUM) == before


def test_only_some_landings_may_be_read(location: str) -> None:
    crawls = rows(location, "SELECT crawl_id, started_at FROM crawls WHERE site = ? ORDER BY snapshot", FORUM)
    whole, second = read(location), Scope(crawl_id=crawls[1]["crawl_id"], site=FORUM)
    [one] = reparse(location, second, environ={})
    assert (one.landings, one.differs) == (1, False)
    assert one.pages < whole.pages
    [later] = reparse(location, Scope(site=FORUM, since=crawls[1]["started_at"]), environ={})
    assert later.pages == one.pages
    with pytest.raises(UsageError, match="No committed landing"):
        list(reparse(location, Scope(site=FORUM, since=ANYTIME), environ={}))
    with pytest.raises(UsageError, match="no site 'elsewhere'"):
        read(location, "elsewhere")


def test_the_command_says_what_differs(location: str, tmp_path: Path) -> None:
    medthreads = Medthreads(tmp_path)
    done = medthreads("reparse", "--archive", location)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("no difference: the archive says what the pages say") == 2
    [told] = medthreads.json("reparse", REDDIT, "--archive", location, "--json")
    assert (told["site"], told["landings"], told["fields"]) == (REDDIT, 1, [])
