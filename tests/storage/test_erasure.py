"""Erasures of an author, a post and a thread, from tables and what is made of them; and what a killed one leaves."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from s3_server import S3Server
from ward_forum import NAMES, SITE, Crawl, Forum, on_day, rows

from crawler.errors import BusyError, UsageError
from crawler.landing import Landing
from crawler.records import Quote
from storage.archive import Archive
from storage.batch import Batch
from storage.byte_search import search
from storage.erased_landings import leave_out
from storage.erasure import Account, clear_log, erase, erasures_in_the_making
from storage.erasure_scope import Subject
from storage.needles import Needles
from storage.publish import publish
from storage.purging import purge_site
from storage.release import make_release
from storage.release_changes import verify_release
from summaries.refresh import refresh

SECRET = "My daughter's stent was placed at the Larkhill clinic on the ninth floor. She is well again."
ERASED = NAMES[1]


@contextmanager
def at_rest(_: Path) -> Iterator[None]:
    """No crawl is running."""
    yield


def landed(archive: Archive, crawl: Crawl) -> Path:
    """The crawl's landing, as the pipeline would find it."""
    folder = archive.landing_root / SITE / crawl.receipt.crawl_id
    landing = Landing.begin(folder)
    for page in crawl.pages:
        landing.stage(page)
    landing.write_receipt(crawl.receipt)
    landing.close()
    return folder


def stored(archive: Archive, crawl: Crawl) -> Crawl:
    """Lands, leaves out what was erased, commits and publishes, as the pipeline does."""
    folder = landed(archive, crawl)
    leave_out(archive.files, archive.pseudonyms, folder)
    landing = Landing(folder)
    kept = Crawl(list(landing.staged_pages()), landing.receipt())
    kept.store(archive)
    refresh(archive)
    return kept


def found_in(archive: Archive, *words: str) -> list[str]:
    """Files in which any of the words stand."""
    return sorted({left.path for left in search(archive, Needles(names=list(words), lines=list(words)))[1]})


@pytest.fixture
def forum() -> Forum:
    """Two threads; in the first somebody says what is to go, and others repeat it."""
    forum = Forum.with_threads(count=2, replies=2)
    told = forum.reply("1", on_day(-60), SECRET)
    told.author, told.author_id, told.quotes = ERASED, "12", []
    said = structs.replace(forum.reply("1", on_day(-59), f"As they say: {SECRET} I am glad."), author=NAMES[2])
    said.quotes = [Quote(post_id=told.post_id, author=ERASED, text="at the Larkhill clinic on the ninth floor")]
    forum.posts[said.post_id] = said
    thanks = structs.replace(forum.reply("1", on_day(-58), f"Thanks, @{ERASED}, and {ERASED} again."), author=NAMES[0])
    forum.posts[thanks.post_id] = thanks
    return forum


def told_by(forum: Forum) -> str:
    return next(post_id for post_id, post in forum.posts.items() if post.body_text == SECRET)


def erased(archive: Archive, kind: str, value: str) -> Account:
    return erase(archive, Subject(SITE, kind, value), at_rest)  # type: ignore[arg-type] # one of the kinds


def test_a_post_is_gone_from_every_file_with_its_copies_and_quotes(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    assert found_in(archive, "Larkhill clinic")
    account = erased(archive, "post", told_by(forum))
    assert (account.posts, account.left) == (1, [])
    assert found_in(archive, "Larkhill clinic") == []
    [copy] = rows(archive, "SELECT body_text, quotes FROM posts WHERE body_text LIKE 'As they say%'")
    assert copy["body_text"] == "As they say: [erased]. I am glad."
    assert [(quote["post_id"], quote["author_key"], quote["text"]) for quote in copy["quotes"]] == [(None, None, "")]
    assert rows(archive, "SELECT count(*) AS n FROM observations WHERE post_id = '1003'") == [{"n": 0}]
    assert len(rows(archive, "FROM posts")) == len(forum.posts) - 1


def test_what_was_erased_does_not_come_back_and_makes_no_versions(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    erased(archive, "post", told_by(forum))
    before = rows(archive, "SELECT * FROM post_versions ORDER BY ALL")
    stored(archive, forum.crawl("c2", on_day(1)))
    assert rows(archive, "SELECT * FROM post_versions ORDER BY ALL") == before
    assert found_in(archive, "Larkhill clinic") == []


def test_an_author_is_gone_with_name_pseudonym_and_titles(archive: Archive, forum: Forum) -> None:
    forum.threads["2"] = structs.replace(forum.threads["2"], title="Ninth floor lounge of my ward", author=ERASED)
    forum.posts["2000"] = structs.replace(forum.posts["2000"], author=ERASED, author_id="12")
    key = archive.pseudonyms.author_key(SITE, ERASED)
    stored(archive, forum.crawl("c1", on_day(0)))
    assert key
    account = erased(archive, "author", ERASED)
    assert account.left == []
    words = ("Larkhill clinic", ERASED, key, "Ninth floor lounge")
    assert found_in(archive, *words) == []
    [thread] = rows(archive, "SELECT title, url, author_key FROM threads WHERE thread_id = '2'")
    assert thread == {"title": "[erased]", "url": "https://ward9.example/threads/2/", "author_key": None}
    assert key not in {row["author_key"] for row in rows(archive, "FROM authors")}
    gone = {post.post_id for post in forum.posts.values() if post.author == ERASED}
    assert {row["post_id"] for row in rows(archive, "FROM posts")} == forum.posts.keys() - gone

    forum.reply("1", on_day(1), "A word more of my own about Larkhill clinic.").author = ERASED
    stored(archive, forum.crawl("c2", on_day(2)))
    assert found_in(archive, *words) == []
    assert rows(archive, "SELECT change, count(*) AS n FROM thread_versions GROUP BY change") == [
        {"change": "new", "n": 2}
    ]


def test_other_spellings_of_a_name_go_and_do_not_come_back(archive: Archive, forum: Forum) -> None:
    other = structs.replace(forum.reply("2", on_day(-57), f"Ask @{ERASED.lower()} or u/{ERASED.upper()} there."))
    other.author, other.quotes = NAMES[0], []
    forum.posts[other.post_id] = other
    stored(archive, forum.crawl("c1", on_day(0)))
    account = erased(archive, "author", ERASED)
    assert account.left == []
    before = rows(archive, "SELECT * FROM post_versions ORDER BY ALL")
    stored(archive, forum.crawl("c2", on_day(1)))
    assert rows(archive, "SELECT * FROM post_versions ORDER BY ALL") == before
    assert found_in(archive, ERASED) == []
    assert not [row for row in rows(archive, "FROM authors") if row["author"].lower() == ERASED.lower()]


def test_a_second_erasure_leaves_other_peoples_posts_as_they_are(archive: Archive, forum: Forum) -> None:
    common = "Thank you all for your kind answers, they helped me a lot last week."
    mine = forum.reply("1", on_day(-50), common)
    theirs = structs.replace(forum.reply("2", on_day(-50), common), author=NAMES[0], quotes=[])
    forum.posts |= {
        mine.post_id: structs.replace(mine, author=ERASED, quotes=[]),
        theirs.post_id: theirs,
    }
    last = structs.replace(forum.reply("2", on_day(-49), "Bye."), author=NAMES[3], quotes=[])
    forum.posts[last.post_id] = last
    stored(archive, forum.crawl("c1", on_day(0)))
    erased(archive, "post", mine.post_id)
    erased(archive, "post", last.post_id)
    before = rows(archive, "SELECT * FROM post_versions ORDER BY ALL")
    stored(archive, forum.crawl("c2", on_day(1)))
    assert rows(archive, "SELECT * FROM post_versions ORDER BY ALL") == before
    [kept] = [row for row in before if row["post_id"] == theirs.post_id]
    assert kept["body_text"] == common


def test_a_thread_is_gone_with_all_its_posts(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    account = erased(archive, "thread", "1")
    assert (account.threads, account.left) == (1, [])
    assert {row["thread_id"] for row in rows(archive, "FROM posts")} == {"2"}
    assert {row["thread_id"] for row in rows(archive, "FROM threads")} == {"2"}
    assert {row["thread_id"] for row in rows(archive, "FROM digests")} == {"2"}
    assert [row for row in rows(archive, "FROM crawls") if '"thread_id":"1"' in row["receipt"]] == []
    stored(archive, forum.crawl("c2", on_day(1)))
    assert found_in(archive, "Larkhill clinic", "Stent question 1") == []
    assert len(rows(archive, "FROM threads")) == 1


def test_another_site_with_the_same_numbers_keeps_its_posts(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    other = Forum.with_threads(count=1, site="ward8")
    other.crawl("c1", on_day(0)).store(archive)
    erased(archive, "thread", "1")
    assert len(rows(archive, "FROM posts WHERE site = 'ward8'")) == len(other.posts)
    assert len(rows(archive, "FROM observations WHERE site = 'ward8' AND kind = 'post'")) == len(other.posts)


def test_every_version_goes_also_those_of_commits_that_did_not_end(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    forum.posts[told_by(forum)].body_text = "The Larkhill clinic, I said, and I take all of it back today."
    changes = forum.crawl("c2", on_day(1)).changes(archive)
    from storage.tables import arrow_table

    left_over = replace(changes, rows=changes.rows).rows["post_versions"]
    archive.tables.append("post_versions", arrow_table("post_versions", left_over), "torn")
    assert erased(archive, "post", "1003").left == []
    assert found_in(archive, "Larkhill clinic") == []


def test_the_words_that_others_wrote_before_are_theirs(archive: Archive, forum: Forum) -> None:
    line = "The consensus statement of 2019 says to wait for six weeks before anything else."
    forum.posts["1000"].body_text = line
    forum.posts["1003"].body_text = f"{line}\n{SECRET}"
    stored(archive, forum.crawl("c1", on_day(0)))
    account = erased(archive, "post", "1003")
    assert rows(archive, "SELECT body_text FROM posts WHERE post_id = '1000'") == [{"body_text": line}]
    assert {left.why for left in account.left if left.path.endswith(".parquet")} == {"also written by others"}


def test_releases_lose_it_and_stay_sound(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    made = make_release(archive)
    assert [path for path in found_in(archive, "Larkhill clinic") if path.startswith("releases/")]
    account = erased(archive, "post", "1003")
    assert (account.releases, account.left) == (1, [])
    assert verify_release(archive.files, f"releases/{made.name}") == []


def test_the_log_of_an_old_archive_loses_statistics_with_ids(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    path = archive.files.list("post_versions/_delta_log").__next__().path
    lines = archive.files.read(path)
    archive.files.write(path, lines + b'{"commitInfo":{"note":"t1_1003x7/post-1003x7"}}\n')
    assert found_in(archive, "t1_1003x7") == [path]
    clear_log(archive, "post_versions")
    assert found_in(archive, "t1_1003x7") == []
    assert len(rows(archive, "FROM post_versions")) == len(forum.posts)


def test_erasing_again_changes_nothing(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    first = erased(archive, "post", "1003")
    before = rows(archive, "SELECT * FROM post_versions ORDER BY ALL")
    again = erased(archive, "post", "1003")
    assert (again.id, again.posts, again.rows) == (first.id, 1, {})
    assert rows(archive, "SELECT * FROM post_versions ORDER BY ALL") == before


def test_the_record_holds_no_words_and_the_account_only_counts(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    erased(archive, "author", ERASED)
    kept = b"".join(archive.files.read(entry.path) for entry in archive.files.list("erasures"))
    assert ERASED.encode() not in kept
    assert b"Larkhill" not in kept
    assert erasures_in_the_making(archive) == []


_KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import storage.erasure as erasure, storage.tables as tables
from test_erasure import at_rest, SITE, ERASED
from storage.archive import Archive
from storage.erasure_scope import Subject
def killing(owner, name):
    real = getattr(owner, name)
    def then(*given, **more):
        if {after}: real(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, then)
killing({where}, {name!r})
erasure.erase(Archive.open({archive!r}, environ={{}}), Subject(SITE, "author", ERASED), at_rest)
"""
MOMENTS = [
    ("erasure.Erasing", "_landings", False),
    ("erasure.Erasing", "_landings", True),
    ("tables.Tables", "rewrite", True),
    ("erasure", "drop_left_over", False),
    ("erasure.Erasing", "open_part", False),
    ("erasure", "publish", True),
    ("erasure", "refresh", True),
    ("erasure", "write_done", False),
]


@pytest.mark.parametrize(("where", "name", "after"), MOMENTS)
def test_an_erasure_that_was_killed_is_completed_by_the_same_again(
    archive_at: Callable[[], Archive], forum: Forum, where: str, name: str, after: bool
) -> None:
    stored(archive_at(), forum.crawl("c1", on_day(0)))
    script = _KILLED.format(
        tests=str(Path(__file__).parent), archive=archive_at().location, where=where, name=name, after=after
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(erasures_in_the_making(archive_at())) == 1
    account = erased(archive_at(), "author", ERASED)
    assert account.left == []
    assert found_in(archive_at(), "Larkhill clinic", ERASED) == []
    assert erasures_in_the_making(archive_at()) == []
    assert {row["thread_id"] for row in rows(archive_at(), "FROM posts")} == {"1", "2"}


def test_a_commit_that_comes_in_between_begin_and_end_does_not_bring_it_back(archive: Archive, forum: Forum) -> None:
    crawl = forum.crawl("c1", on_day(0))
    folder = landed(archive, crawl)
    assert erased(archive, "post", "1003").posts == 1  # nothing is held of it yet
    leave_out(archive.files, archive.pseudonyms, folder)
    batch = Batch.of(Landing(folder).staged_pages(), crawl.receipt)
    assert "1003" not in batch.posts
    assert found_in(archive, "Larkhill clinic on the ninth") == [] or found_in(archive, ERASED)


def test_what_was_deleted_at_the_source_is_purged_but_for_the_fact(archive: Archive, forum: Forum) -> None:
    stored(archive, forum.crawl("c1", on_day(0)))
    assert purge_site(archive, SITE, at_rest) is None
    held = forum.posts.pop("1003")
    stored(archive, forum.crawl("c2", on_day(1)))
    account = purge_site(archive, SITE, at_rest)
    assert account is not None
    assert account.posts == 1
    [row] = rows(archive, "SELECT status, version, body_text, author_key FROM post_versions WHERE post_id = '1003'")
    assert row == {"status": "deleted", "version": 2, "body_text": "", "author_key": None}
    assert {left.path for left in account.left if left.why != "also written by others"} == set()
    assert purge_site(archive, SITE, at_rest) is None

    before = rows(archive, "SELECT * FROM post_versions ORDER BY ALL")
    stored(archive, forum.crawl("c3", on_day(2)))
    assert rows(archive, "SELECT * FROM post_versions ORDER BY ALL") == before
    forum.posts["1003"] = held  # restored there: collected again
    stored(archive, forum.crawl("c4", on_day(3)))
    [row] = rows(archive, "SELECT change, body_text FROM posts WHERE post_id = '1003'")
    assert row == {"change": "restored", "body_text": SECRET}
    publish(archive)


def test_an_archive_on_s3_loses_it_from_landings_too(tmp_path: Path, s3: S3Server, forum: Forum) -> None:
    archive = Archive.open(f"s3://{s3.bucket()}/archive", environ=s3.environ(tmp_path / "work"))
    folder = landed(archive, forum.crawl("c1", on_day(0)))
    forum.crawl("c1", on_day(0)).store(archive)
    archive.landings.keep(folder)
    archive.landings.free(folder)
    assert "landing/ward9/c1/pages.jsonl" in found_in(archive, "Larkhill clinic")
    assert erased(archive, "post", "1003").left == []
    assert found_in(archive, "Larkhill clinic") == []
    assert len(rows(archive, "FROM posts")) == len(forum.posts) - 1


def test_a_landing_that_is_being_written_is_left_to_its_crawl(archive: Archive, forum: Forum) -> None:
    folder = landed(archive, forum.crawl("c1", on_day(0)))

    @contextmanager
    def being_written(_: Path) -> Iterator[None]:
        raise BusyError("A crawl is at it.")
        yield

    account = erase(archive, Subject(SITE, "post", "1003"), being_written)
    assert (account.landings_busy, account.done_at) == (1, None)
    assert len(erasures_in_the_making(archive)) == 1
    leave_out(archive.files, archive.pseudonyms, folder, again=True)
    assert "1003" not in {post.post_id for page in Landing(folder).staged_pages() for post in page.parsed.posts}
    assert erased(archive, "post", "1003").done_at is not None


def test_what_stands_for_a_lost_author_is_nobody_to_erase(archive: Archive) -> None:
    with pytest.raises(UsageError, match="nobody's name"):
        erased(archive, "author", "[deleted]")
