"""Clusters of posts that say the same: what joins them, and that histories of refreshes end as one refresh would."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from storage.files import files_at
from storage.schema import arrow_schema
from summaries.minhash import shingles, similarity, words_of
from summaries.near_duplicate_index import FOLDER, STATE
from summaries.near_duplicates import MOST_HEADS, assign
from summaries.repetition import refresh_repetition

START = datetime(2024, 1, 20, 8, tzinfo=UTC)
VOCABULARY = [f"word{number}" for number in range(2_000)]
TABLES = ("near_duplicates", "crossposts", "quotations")
Row = dict[str, Any]


def text_of(seed: int, words: int = 60) -> str:
    return " ".join(random.Random(seed).choices(VOCABULARY, k=words))


def changed(text: str, *places: int) -> str:
    """The text with other words in some places; each takes three shingles of about sixty."""
    words = text.split()
    for place in places:
        words[place] = f"other{place}"
    return " ".join(words)


class Shelf:
    """An archive whose posts and threads are lists."""

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, files_at(str(root))
        self.posts: dict[tuple[str, str], Row] = {}
        self.threads: dict[tuple[str, str], Row] = {}
        self.counts: dict[str, int] = {}

    def add(
        self, post_id: str, text: str, *, site: str = "clinic", thread: str = "t1", day: int = 0, **more: Any
    ) -> None:
        created_at = START + timedelta(days=day)
        row = {"site": site, "post_id": post_id, "thread_id": thread, "body_text": text, "created_at": created_at}
        row |= {"month": f"{created_at:%Y-%m}", "content_hash": f"hash of {text}", "status": "visible", "quotes": []}
        self.posts[site, post_id] = row | more
        self.open(thread, site=site)

    def open(self, thread: str, *, site: str = "clinic", **facts: Any) -> None:
        known = {"site": site, "thread_id": thread, "month": "2024-01", "status": "visible"}
        self.threads[site, thread] = known | self.threads.get((site, thread), {}) | facts

    def refresh(self) -> dict[str, list[Row]]:
        with duckdb.connect() as connection:
            for name, rows in (("posts", self.posts), ("threads", self.threads)):
                connection.register(name, pa.Table.from_pylist(list(rows.values()), arrow_schema(name)))
            self.counts = refresh_repetition(self.files, self.root / "work", connection)
        return self.rows()

    def rows(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for name in TABLES:
            entries = [entry.path for entry in self.files.list(f"summaries/{name}")]
            sites = [path.split("site=")[1].split("/")[0] for path in entries]
            rows = [{"site": site} | row for site, path in zip(sites, entries, strict=True)
                    for row in self.files.parquet(path).read().to_pylist()]  # fmt: skip
            found[name] = rows
        return found

    def clusters(self) -> dict[str, dict[str, str]]:
        """Cluster > post > kind, with site and id as one."""
        found: dict[str, dict[str, str]] = {}
        for row in self.refresh()["near_duplicates"]:
            found.setdefault(row["cluster_id"], {})[f"{row['site']}/{row['post_id']}"] = row["kind"]
        return found

    def bytes_of_files(self) -> dict[str, bytes]:
        return {entry.path: self.files.read(entry.path) for entry in self.files.list("summaries")}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "archive")


def test_exact_and_near_across_threads_and_sites(shelf: Shelf) -> None:
    text = text_of(1)
    shelf.add("1", text, day=1)
    shelf.add("2", text.upper() + "!", thread="t2", day=2)
    shelf.add("3", changed(text, 30), site="ward", day=3)
    shelf.add("4", changed(text, 5, 15, 25, 35, 45), day=4)
    shelf.add("5", text_of(2), day=5)
    kinds = {"clinic/1": "first", "clinic/2": "exact", "ward/3": "near"}
    assert shelf.clusters() == {"clinic/1": kinds}
    rows = {row["post_id"]: row for row in shelf.rows()["near_duplicates"]}
    assert rows["3"]["similarity"] == pytest.approx(55 / 61)
    assert [rows[name]["is_cross_site"] for name in "123"] == [False, False, True]
    assert rows["1"]["text_key"] == rows["2"]["text_key"] != rows["3"]["text_key"]


def test_short_texts_are_left_out(shelf: Shelf) -> None:
    for number, text in enumerate(["Thanks a lot!", "same words in this post", "word " * 11 + "one"]):
        shelf.add(f"{number}a", text, day=1)
        shelf.add(f"{number}b", text, day=2)
    shelf.add("near", "same words in this text", day=3)
    assert shelf.clusters().keys() == {"clinic/1a", "clinic/2a"}


def test_deleted_posts_are_in_no_cluster(shelf: Shelf) -> None:
    shelf.add("1", text_of(1), day=1)
    shelf.add("2", text_of(1), day=2, status="deleted")
    shelf.add("3", "", day=3, status="removed")
    assert shelf.clusters() == {}


def test_a_later_post_changes_no_cluster_id_even_between_two_clusters(shelf: Shelf) -> None:
    """Like both of two clusters, it joins the earlier; they stay two."""
    text = text_of(1)
    shelf.add("1", changed(text, 3, 6), day=1)
    shelf.add("2", changed(text, 50, 53), day=2)
    shelf.add("1b", changed(text, 3, 6), day=3)
    shelf.add("2b", changed(text, 50, 53), day=3)
    before = shelf.clusters()
    assert before.keys() == {"clinic/1", "clinic/2"}
    shelf.add("3", text, day=4)
    assert shelf.clusters() == before | {"clinic/1": before["clinic/1"] | {"clinic/3": "near"}}


def test_the_first_post_is_erased(shelf: Shelf) -> None:
    shelf.add("1", text_of(1), day=1)
    shelf.add("2", changed(text_of(1), 3), day=2)
    shelf.add("3", changed(text_of(1), 4), day=3)
    assert shelf.clusters().keys() == {"clinic/1"}
    del shelf.posts["clinic", "1"]
    assert shelf.clusters() == {"clinic/2": {"clinic/2": "first", "clinic/3": "near"}}
    del shelf.posts["clinic", "3"]
    assert shelf.clusters() == {}
    assert not any(b"clinic/1" in data for data in shelf.bytes_of_files().values())


def test_an_earlier_post_comes_late(shelf: Shelf) -> None:
    """A backfill brings a post that was written first: the cluster is named after it, as in a refresh of all."""
    shelf.add("2", changed(text_of(1), 3), day=2)
    shelf.add("3", changed(text_of(1), 4), day=3)
    assert shelf.clusters().keys() == {"clinic/2"}
    shelf.add("1", text_of(1), day=1)
    assert shelf.clusters() == {"clinic/1": {"clinic/1": "first", "clinic/2": "near", "clinic/3": "near"}}


def test_only_what_is_new_is_read(shelf: Shelf) -> None:
    for number in range(50):
        shelf.add(str(number), text_of(number), day=number, thread=f"t{number}")
    shelf.refresh()
    assert shelf.counts["posts_fingerprinted"] == 50
    before = shelf.bytes_of_files()
    shelf.refresh()
    assert (shelf.counts["posts_fingerprinted"], shelf.counts["repetition_files"]) == (0, 0)
    assert shelf.bytes_of_files() == before
    shelf.add("new", text_of(7), day=40)
    shelf.refresh()
    assert (shelf.counts["posts_fingerprinted"], shelf.counts["near_duplicates"]) == (1, 2)
    assert shelf.counts["repetition_files"] == 2, "the month's index, and the clusters of the site"


def test_the_index_holds_no_text_and_no_author(shelf: Shelf) -> None:
    shelf.add("1", text_of(1), author_key="pseudonym-of-one")
    shelf.refresh()
    held = b"".join(shelf.bytes_of_files().values())
    index = shelf.files.parquet(f"{FOLDER}/site=clinic/month=2024-01/data.parquet").read().to_pylist()
    for secret in (*text_of(1).split()[:5], "pseudonym-of-one"):
        assert secret.encode() not in held
        assert secret not in str(index)


@pytest.mark.parametrize("loss", ["state", "index file", "table", "all"])
def test_a_lost_file_is_made_again_to_the_same_bytes(shelf: Shelf, loss: str) -> None:
    fill(shelf, 60, seed=1)
    shelf.refresh()
    before = shelf.bytes_of_files()
    gone = {
        "state": [STATE],
        "index file": [next(path for path in before if "month=" in path)],
        "table": [path for path in before if "near_duplicates/" in path],
        "all": list(before),
    }[loss]
    for path in gone:
        shelf.files.delete(path)
    shelf.refresh()
    assert shelf.bytes_of_files() == before


@pytest.mark.parametrize("kind", ["month=", "near_duplicates/"])
def test_a_damaged_file_is_made_again(shelf: Shelf, kind: str) -> None:
    fill(shelf, 20, seed=1)
    shelf.refresh()
    before = shelf.bytes_of_files()
    path = next(path for path in before if kind in path)
    shelf.files.write(path, b"x" * len(before[path]))
    shelf.add("new", text_of(50), day=1)
    shelf.refresh()
    del shelf.posts["clinic", "new"]
    shelf.refresh()
    assert shelf.bytes_of_files() == before


def test_a_killed_refresh_is_made_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever between its files it ends, the next one comes to what one without the interruption comes to."""
    fill(shelf, 40, seed=2)
    shelf.refresh()
    fill(shelf, 40, seed=3, prefix="later")
    whole = Shelf(shelf.root.parent / "whole")
    whole.posts, whole.threads = shelf.posts, shelf.threads
    whole.refresh()

    class KilledError(Exception):
        pass

    for allowed in (0, 1, 3, 5, 6):
        writes = iter(range(allowed))
        kind = type(shelf.files)
        real = kind.write, kind.take

        def stop(writes: Iterable[int] = writes) -> None:
            if next(iter(writes), None) is None:
                raise KilledError

        monkeypatch.setattr(kind, "write", lambda self, *args, stop=stop, real=real: (stop(), real[0](self, *args)))
        monkeypatch.setattr(kind, "take", lambda self, *args, stop=stop, real=real: (stop(), real[1](self, *args)))
        try:
            shelf.refresh()
        except KilledError:
            assert shelf.files.exists(STATE)
        monkeypatch.undo()
    shelf.refresh()
    assert shelf.bytes_of_files() == whole.bytes_of_files()


def fill(shelf: Shelf, posts: int, seed: int, prefix: str = "p") -> None:
    """Posts of which many are like another one; of some, many."""
    rng = random.Random(seed)
    for number in range(posts):
        text = text_of(rng.randrange(12))
        places = rng.sample(range(60), rng.choice([0, 0, 1, 2, 3, 4, 5]))
        shelf.add(
            f"{prefix}{number}",
            changed(text, *places),
            site=rng.choice(["clinic", "ward"]),
            thread=f"t{rng.randrange(9)}",
            day=rng.randrange(25),
            author_key=f"key{rng.randrange(4)}",
        )


def by_brute_force(posts: Iterable[Row]) -> dict[str, dict[str, str]]:
    """The clusters by comparing every post with every first one."""
    heads: list[tuple[str, list[str], frozenset[str]]] = []
    found: dict[str, dict[str, str]] = {}
    for row in sorted(posts, key=lambda row: (row["created_at"], row["site"], row["post_id"])):
        words = words_of(row["body_text"])
        mine, name = frozenset(shingles(words)), f"{row['site']}/{row['post_id']}"
        for head, head_words, theirs in heads:
            if words == head_words or similarity(mine, theirs) >= 0.8:
                found[head][name] = "exact" if words == head_words else "near"
                break
        else:
            heads.append((name, words, mine))
            found[name] = {name: "first"}
    return {head: members for head, members in found.items() if len(members) > 1}


@pytest.mark.parametrize("seed", range(3))
def test_random_histories_end_as_one_refresh_would(shelf: Shelf, seed: int) -> None:
    """Posts come in any order, are edited, moved and erased, over several refreshes."""
    rng = random.Random(seed)
    source = Shelf(shelf.root.parent / "source")
    fill(source, 120, seed=seed)
    waiting = list(source.posts.items())
    rng.shuffle(waiting)
    shelf.threads = source.threads
    while waiting:
        for key, row in waiting[:40]:
            shelf.posts[key] = row
        del waiting[:40]
        for key in rng.sample(sorted(shelf.posts), 3):
            kind = rng.choice(["erased", "deleted", "edited", "moved"])
            if kind == "erased":
                del shelf.posts[key]
            elif kind == "deleted":
                shelf.posts[key] = shelf.posts[key] | {"status": "deleted", "body_text": "", "content_hash": "gone"}
            elif kind == "edited":
                text = changed(text_of(rng.randrange(12)), rng.randrange(60))
                shelf.posts[key] = shelf.posts[key] | {"body_text": text, "content_hash": f"hash of {text}"}
            else:
                shelf.posts[key] = shelf.posts[key] | {"thread_id": "t3"}
        shelf.refresh()
    at_once = Shelf(shelf.root.parent / "at-once")
    at_once.posts, at_once.threads = shelf.posts, shelf.threads
    at_once.refresh()
    assert shelf.bytes_of_files() == at_once.bytes_of_files()
    assert shelf.clusters() == by_brute_force(row for row in shelf.posts.values() if row["status"] == "visible")


def test_thousands_of_posts_by_one_form_cost_little(shelf: Shelf) -> None:
    """Each is held against 50 first texts of a band at most, not against all that filled in the form."""
    form = text_of(1, 200)
    compared = 0

    def similar(_one: int, _other: int) -> float:
        nonlocal compared
        compared += 1
        return 0.7

    orders = {key: (key, "clinic", str(key)) for key in range(3_000)}
    assert assign(orders, {key: [(0, 1), (1, 2)] for key in orders}, {}, similar) == {}
    assert compared <= 3_000 * MOST_HEADS
    for number in range(200):
        shelf.add(f"{number:03}", changed(form, number), day=number % 60)
    assert len(shelf.clusters()) == 1


def test_crossposts(shelf: Shelf) -> None:
    text = text_of(1)
    shelf.add("1", text, thread="a", day=1, is_opening=True)
    shelf.add("2", changed(text, 9), thread="b", day=2, is_opening=True)
    shelf.add("3", text, thread="c", site="ward", day=3, is_opening=True)
    shelf.add("4", text, thread="d", day=4, is_opening=True)
    shelf.add("5", text, thread="e", day=5, is_opening=True)
    shelf.add("6", text, thread="f", day=6)
    for thread, title, board in (("a", "My stent", "heart"), ("b", "my stent?", "ask"), ("d", "My stent", "heart"),
                                 ("e", "Another title", "ask"), ("f", "My stent", "ask")):  # fmt: skip
        shelf.open(thread, title=title, board_id=board)
    shelf.open("c", site="ward", title="My stent", board_id="heart")
    shelf.open("link", crosspost_of="elsewhere", title="Seen there", board_id="ask")
    found = shelf.refresh()
    assert [(row["site"], row["thread_id"], row["of_site"], row["of_thread_id"], row["declared"])
            for row in found["crossposts"]] == [
        ("clinic", "b", "clinic", "a", False),
        ("clinic", "link", "clinic", "elsewhere", True),
        ("ward", "c", "clinic", "a", False),
    ]  # fmt: skip
    assert {row["post_id"] for row in found["near_duplicates"] if row["is_crosspost"]} == {"2", "3"}


def test_posts_without_an_instant_come_last(shelf: Shelf) -> None:
    shelf.add("1", text_of(1), created_at=None, month="unknown")
    shelf.add("2", text_of(1), day=80)
    assert shelf.clusters().keys() == {"clinic/2"}
