"""Names of authors are in the table `authors` and nowhere else in the archive."""

import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ward_forum import NAMES, SITE, Forum, on_day, rows

from storage.archive import Archive
from storage.publish import publish

NEEDLES = [form.encode() for name in NAMES for form in {name, unicodedata.normalize("NFD", name)}] + [b"/members/"]


def places_with_names(archive: Archive) -> set[str]:
    """Files of the archive that hold a name, columns of Parquet files unpacked; by their first folder."""
    found = set()
    for path in (path for path in archive.root.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += repr(pq.ParquetFile(path).read().to_pylist()).encode()
        if any(needle in content for needle in NEEDLES):
            found.add(path.relative_to(archive.root).parts[0])
    return found


@pytest.mark.parametrize(("privacy", "places"), [("pseudonymise", {"authors"}), ("drop", set())])
def test_names_are_only_where_they_belong(privacy: str, places: set[str], archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive, privacy)
    forum.posts["1002"].body_text = "Edited."
    del forum.posts["1003"]
    forum.crawl("c2", on_day(1)).commit(archive, privacy)
    publish(archive)
    assert places_with_names(archive) == places


def test_authors_hold_each_name_once_under_its_pseudonym(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    forum.crawl("c2", on_day(1)).commit(archive)
    held = {row["author"]: row["author_key"] for row in rows(archive, "FROM authors")}
    assert held == {name: archive.pseudonyms.author_key(SITE, name) for name in NAMES}
    opening = rows(archive, "FROM posts WHERE post_id = '1000'")[0]
    answer = rows(archive, "FROM posts WHERE post_id = '1001'")[0]
    assert opening["author_key"] == held[NAMES[0]]
    assert answer["quotes"] == [{"post_id": "1000", "author_key": held[NAMES[0]], "text": "the lesion was crossed"}]
    assert rows(archive, "SELECT author_key FROM threads WHERE thread_id = '1'") == [{"author_key": held[NAMES[0]]}]


def test_an_author_first_met_in_a_quote_gets_the_id_later(archive: Archive, forum: Forum):
    ids = {post.post_id: post.author_id for post in forum.posts.values()}
    for post in forum.posts.values():
        post.author_id = None
    forum.threads = {key: thread for key, thread in forum.threads.items() if not setattr(thread, "author_id", None)}
    forum.crawl("c1", on_day(0)).commit(archive)
    for post in forum.posts.values():
        post.author_id = ids[post.post_id]
    for day in (1, 2):
        forum.crawl(f"c{day + 1}", on_day(day)).commit(archive)
    told = rows(archive, "SELECT author, list(author_id ORDER BY first_seen_at) AS ids FROM authors GROUP BY author")
    assert {row["author"]: row["ids"] for row in told}[NAMES[0]] == [None, "11"]


def test_with_drop_no_author_is_kept_at_all(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive, "drop")
    assert rows(archive, "FROM authors") == []
    assert rows(archive, "SELECT DISTINCT author_key FROM posts") == [{"author_key": None}]


def test_profile_links_are_left_out_and_others_made_canonical(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    assert rows(archive, "SELECT DISTINCT links FROM posts") == [{"links": ["https://example.org/paper?id=7"]}]


def test_the_log_holds_no_words(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    words = forum.posts["1000"].body_text[:20]
    logs = [path.read_text() for path in Path(archive.root).rglob("_delta_log/*.json")]
    assert len(logs) > 6
    assert not any(words in log or "Stent question" in log for log in logs)
