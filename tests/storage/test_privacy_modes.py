"""What becomes of names and identifiers under `privacy: pseudonymise`, `drop` and `keep`, and without `authors`."""

import shutil
from datetime import timedelta

import pytest
from ward_forum import FIRST_DAY, NAMES, SITE, Forum, on_day, rows

from crawler.records import Attachment, Poll, PollOption, Quote
from storage.archive import Archive
from storage.hiding import Privacy
from storage.publish import publish

TEXT = (
    "@Quillon Vexworth and Zephyrine_Aldous are right.\n"
    "Mörwenna Tack said:\n"
    "ask https://ward9.example/members/quillon-vexworth.11/ or mail jo@example.com, (415) 555-0142."
)
MASKED = ["e-mail", "phone"]


@pytest.fixture
def telling(forum: Forum) -> Forum:
    """A forum of which one thread names people and holds identifiers wherever text can stand."""
    thread, post = forum.threads["1"], forum.posts["1003"]
    thread.title = "Thanks Zephyrine_Aldous, call 212-555-0187"
    thread.tags = ["stent", "zephyrine_aldous"]
    thread.poll = Poll(question="Mail jo@example.com?", options=[PollOption(text="Ask Zephyrine_Aldous", votes=2)])
    thread.url = "https://ward9.example/threads/thanks-zephyrine-aldous.1/"
    post.body_text = TEXT
    post.created_text = "Zephyrine_Aldous, yesterday"
    post.quotes = [Quote(post_id="1001", author=NAMES[1], text="MRN 00812345, says @Mörwenna Tack")]
    post.attachments = [Attachment(url="https://ward9.example/a/zephyrine_aldous.png", name="Zephyrine_Aldous MRI.png")]
    post.links = [
        "https://ward9.example/members/quillon.11/",
        "mailto:jo@example.com",
        "https://example.org/?m=a@b.example",
    ]
    post.url = "https://ward9.example/members/quillon.11/#profile-post-3"
    return forum


def texts(archive: Archive) -> str:
    """All that the tables hold, `authors` apart."""
    tables = ("posts", "threads", "post_versions", "thread_versions", "observations", "boards", "crawls")
    return "\n".join(repr(rows(archive, f"FROM {table}")) for table in tables)


@pytest.mark.parametrize("privacy", ["pseudonymise", "drop"])
def test_names_are_in_no_table_but_authors(privacy: Privacy, archive: Archive, telling: Forum) -> None:
    telling.crawl("c1", on_day(0)).commit(archive, privacy)
    told = texts(archive).lower()
    assert [name for name in NAMES if name.lower() in told] == []
    assert "vexworth" not in told
    assert "zephyrine" not in told
    assert {row["author"] for row in rows(archive, "FROM authors")} == (set(NAMES) if privacy != "drop" else set())


def test_pseudonyms_stand_for_names_in_texts(archive: Archive, telling: Forum) -> None:
    telling.crawl("c1", on_day(0)).commit(archive)
    keys = [archive.pseudonyms.author_key(SITE, name) for name in NAMES]
    (post,) = rows(archive, "FROM posts WHERE post_id = '1003'")
    assert post["body_text"] == (
        f"@{keys[0]} and {keys[1]} are right.\n{keys[2]} said:\nask @{keys[0]} or mail [e-mail], [phone]."
    )
    assert post["quotes"] == [
        {"post_id": "1001", "author_key": keys[1], "text": f"MRN [record number], says @{keys[2]}"}
    ]
    assert post["created_text"] == f"{keys[1]}, yesterday"
    assert post["attachments"] == [{"url": "https://ward9.example/a/[name].png", "name": f"{keys[1]} MRI.png"}]
    assert post["links"] == ["https://example.org/?m=[e-mail]"]
    assert (post["url"], post["author"]) == (None, None)
    (thread,) = rows(archive, "FROM threads WHERE thread_id = '1'")
    assert thread["title"] == f"Thanks {keys[1]}, call [phone]"
    assert thread["tags"] == ["stent", keys[1]]
    assert thread["poll"]["options"][0]["text"] == f"Ask {keys[1]}"
    assert thread["url"] == "https://ward9.example/threads/thanks-[name].1/"


def test_a_mention_of_somebody_met_before(archive: Archive, forum: Forum) -> None:
    forum.threads["1"].author = forum.posts["1000"].author = "Hope"
    forum.crawl("c1", on_day(0)).commit(archive)
    later = Forum.with_threads(count=1)
    later.reply("1", FIRST_DAY + timedelta(days=40), body="@Hope, there is hope, said @nobody")
    for post in later.posts.values():
        post.author, post.quotes = NAMES[3], []
    later.threads["1"].author = NAMES[3]
    later.crawl("c2", on_day(1)).commit(archive)
    key = archive.pseudonyms.author_key(SITE, "Hope")
    assert rows(archive, "SELECT body_text FROM posts WHERE post_id = '1005'") == [
        {"body_text": f"@{key}, there is hope, said @nobody"}
    ]


def test_dropped_names_are_names_of_nobody(archive: Archive, telling: Forum) -> None:
    telling.crawl("c1", on_day(0)).commit(archive, "drop")
    (post,) = rows(archive, "FROM posts WHERE post_id = '1003'")
    assert post["author_key"] is None
    assert post["body_text"].startswith("@[name] and [name] are right.\n[name] said:\nask @[name] or")
    assert rows(archive, "SELECT DISTINCT author_key, author FROM threads") == [{"author_key": None, "author": None}]


def test_kept_names_stand_where_they_stood(archive: Archive, telling: Forum) -> None:
    telling.crawl("c1", on_day(0)).commit(archive, "keep")
    (post,) = rows(archive, "FROM posts WHERE post_id = '1003'")
    assert post["author"] == NAMES[3]
    assert post["author_key"] == archive.pseudonyms.author_key(SITE, NAMES[3])
    assert post["body_text"] == TEXT.replace("jo@example.com", "[e-mail]").replace("(415) 555-0142", "[phone]")
    assert "https://ward9.example/members/quillon.11/" in post["links"]
    assert rows(archive, "SELECT author FROM threads WHERE thread_id = '1'") == [{"author": NAMES[0]}]


@pytest.mark.parametrize("privacy", ["pseudonymise", "drop", "keep"])
def test_identifiers_are_masked_and_counted(privacy: Privacy, archive: Archive, telling: Forum) -> None:
    snapshot = telling.crawl("c1", on_day(0)).commit(archive, privacy)
    (post,) = rows(archive, "SELECT masked FROM posts WHERE post_id = '1003'")
    assert post["masked"] == ["e-mail", "phone", "record number", "e-mail", "e-mail"]
    assert rows(archive, "SELECT masked FROM posts WHERE post_id = '1001'") == [{"masked": []}]
    assert rows(archive, "SELECT masked FROM threads WHERE thread_id = '1'") == [{"masked": ["phone", "e-mail"]}]
    assert snapshot.counts["masked"] == 7
    assert rows(archive, "SELECT identifiers_masked FROM crawls") == [{"identifiers_masked": 7}]
    kinds = (
        "SELECT kind, count(*) AS masked FROM (SELECT unnest(masked) AS kind FROM posts) GROUP BY kind ORDER BY kind"
    )
    assert rows(archive, kinds) == [
        {"kind": "e-mail", "masked": 3},
        {"kind": "phone", "masked": 1},
        {"kind": "record number", "masked": 1},
    ]


def test_what_is_hidden_makes_no_version(archive: Archive, telling: Forum) -> None:
    telling.crawl("c1", on_day(0)).commit(archive)
    again = telling.crawl("c2", on_day(1)).commit(archive)
    assert (again.counts["edited"], again.counts["threads_changed"], again.counts["masked"]) == (0, 0, 0)
    assert rows(archive, "SELECT count(*) AS n FROM boards") == [{"n": 2}]
    # A page that does not tell the title leaves the masked one, and that is no change either.
    pages = [page for page in telling.crawl("c3", on_day(2), listed=False).pages if page.parsed.page != 1]
    crawl = telling.crawl("c3", on_day(2), listed=False)
    crawl.pages[:] = pages
    assert crawl.commit(archive).counts["threads_changed"] == 0
    telling.posts["1003"].body_text += " Call (415) 555-0143."
    assert telling.crawl("c4", on_day(3)).commit(archive).counts["edited"] == 1


def test_the_hash_of_a_hidden_text_cannot_be_tried_out(archive: Archive, telling: Forum) -> None:
    telling.posts["1001"].links = []
    telling.crawl("c1", on_day(0)).commit(archive)
    elsewhere = Archive.open(archive.work.parent / "elsewhere", environ={})
    telling.crawl("c1", on_day(0)).commit(elsewhere)
    hashes = "SELECT post_id, content_hash FROM posts WHERE thread_id = '1'"
    here, there = ({row["post_id"]: row["content_hash"] for row in rows(one, hashes)} for one in (archive, elsewhere))
    assert here["1001"] == there["1001"], "nothing is hidden, so that the hash is the content's alone"
    assert here["1003"] != there["1003"], "made with each archive's own secret"


def test_a_site_that_keeps_names_no_longer(archive: Archive, telling: Forum) -> None:
    telling.crawl("c1", on_day(0)).commit(archive, "keep")
    telling.posts["1003"].body_text += " More."
    del telling.posts["1004"]
    telling.crawl("c2", on_day(1)).commit(archive, "drop")
    told = rows(archive, "SELECT author, author_key FROM posts WHERE version = 2")
    assert told == [{"author": None, "author_key": None}] * 2


def test_without_authors_everything_goes_on(archive: Archive, telling: Forum) -> None:
    telling.crawl("c1", on_day(0)).commit(archive)
    publish(archive)
    shutil.rmtree(archive.work / "authors")
    assert rows(archive, "FROM authors") == []
    telling.reply("1", FIRST_DAY + timedelta(days=30), body="@Quillon Vexworth thanks")
    telling.posts["1005"].author = "Somebody New_1"
    archive = Archive.open(archive.work, environ={})
    snapshot = telling.crawl("c2", on_day(1)).commit(archive)
    publish(archive)
    assert (snapshot.counts["new"], snapshot.counts["edited"]) == (1, 0)
    (post,) = rows(archive, "FROM posts WHERE post_id = '1005'")
    assert post["body_text"] == f"@{archive.pseudonyms.author_key(SITE, NAMES[0])} thanks"
    shutil.rmtree(archive.work / "authors")
    shutil.rmtree(archive.work / ".index")
    assert telling.crawl("c3", on_day(2)).commit(Archive.open(archive.work, environ={})).counts["seen"] == 21
