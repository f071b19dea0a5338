"""Import of what holds threads already: Reddit dumps, web archives, forum-dl; each the same again changes nothing."""

import gzip
import importlib.util
import io
import json
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crawler.documents.pieces import Piece
from crawler.documents.reddit_dump import BEFORE_ANY_SIGHTING
from crawler.errors import UsageError
from crawler.records import Status
from crawler.site import usable_sites
from medthreads import importing
from medthreads.imported_files import read_file, site_namer
from medthreads.importing import Imported, import_path
from storage.archive import Archive
from tests.import_samples import (
    FORUM_DL,
    SAVED_AT,
    SEEN,
    THREAD_URL,
    Row,
    comment,
    entry,
    imported,
    own_pages,
    pieces,
    rows,
    submission,
    warc,
    written,
)


class TestRedditDumps:
    def test_rows_are_read_as_reddits_things(self, tmp_path: Path) -> None:
        path = written(tmp_path / "wardround.ndjson", [submission(), comment()])
        [done] = imported(path, tmp_path / "archive")
        assert (done.site, done.thread_id, done.threads, done.posts, done.new) == ("reddit", "1aaaa", 1, 2, 2)
        found = rows(
            tmp_path / "archive", "SELECT post_id, parent_id, body_text, created_at FROM posts ORDER BY post_id"
        )
        assert [row[:3] for row in found] == [
            ("1aaaa", None, "Who invented <b>this</b>?"),
            ("kaaaa", "1aaaa", "Nobody did."),
        ]
        assert found[1][3].timestamp() == SEEN - 600

    @pytest.mark.parametrize("first", ["comments", "submissions"])
    def test_a_comment_never_hides_its_submission(self, tmp_path: Path, first: str) -> None:
        """Whatever comes first: the thread has its title, and its removal is not undone by a later comment."""
        gone = submission(selftext="[removed]", removed_by_category="moderator", retrieved_on=SEEN - 800)
        files = {"comments": [comment()], "submissions": [gone]}
        second = next(name for name in files if name != first)
        for name in (first, second):
            import_path(written(tmp_path / f"{name}.json", files[name]), str(tmp_path / "archive"))
        [thread] = rows(tmp_path / "archive", "SELECT title, status, board_id, url FROM threads")
        address = "https://www.reddit.com/r/wardround/comments/1aaaa/pagers_sleep/"
        assert thread == ("Pagers & sleep", "removed", "wardround", address)

    def test_retrieval_is_the_observation(self) -> None:
        lines = [comment("k1"), comment("k2"), comment("k3", retrieved_on=None, retrieved_utc=SEEN + 60)]
        lines.append({name: value for name, value in comment("k4").items() if name != "retrieved_on"})
        read = [piece for piece in pieces(lines) if isinstance(piece, Piece)]
        seen = [(piece.observed_at, [post.post_id for post in piece.parsed.posts]) for piece in read]
        assert [place for place in seen if place[1]] == [
            (datetime.fromtimestamp(SEEN, UTC), ["k1", "k2"]),
            (datetime.fromtimestamp(SEEN + 60, UTC), ["k3"]),
            (SAVED_AT, ["k4"]),
        ]
        assert {piece.observed_at for piece in read if not piece.parsed.posts} == {BEFORE_ANY_SIGHTING}

    def test_entities_are_undone_only_where_reddit_wrote_them(self) -> None:
        lines = [
            comment("k1", body="&gt; asked\n\nLess &lt; more &amp;amp; so"),
            comment("k2", body="> asked\n\ntype &lt; for less"),
        ]
        [read, _] = pieces(lines)
        assert isinstance(read, Piece)
        escaped, plain = read.parsed.posts
        assert (escaped.quotes[0].text, escaped.body_text) == ("asked", "Less < more & so")
        assert plain.quotes[0].text == "asked"

    def test_deleted_rows_keep_their_status(self) -> None:
        [read, _] = pieces([comment("k1", author="[deleted]", body="[deleted]"), comment("k2", body="[removed]")])
        assert isinstance(read, Piece)
        assert [(post.status, post.body_text) for post in read.parsed.posts] == [
            (Status.DELETED, ""),
            (Status.REMOVED, ""),
        ]

    def test_big_dumps_come_in_pieces(self) -> None:
        read = [piece for piece in pieces([comment(f"k{n}") for n in range(2_500)]) if isinstance(piece, Piece)]
        assert [len(piece.parsed.posts) for piece in read if piece.parsed.posts] == [1_000, 1_000, 500]

    def test_big_dumps_are_committed_in_parts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importing, "PART_POSTS", 1_000)
        path = written(tmp_path / "dump.jsonl", [submission(), *(comment(f"k{n}") for n in range(2_500))])
        [done] = imported(path, tmp_path / "archive")
        assert (done.threads, done.posts, done.new) == (1, 2_501, 2_501)
        [again] = imported(path, tmp_path / "archive")
        assert (again.new, again.edited, again.seen) == (0, 0, 2_501)
        assert rows(tmp_path / "archive", "SELECT count(*), count(DISTINCT crawl_id) FROM posts") == [(2_501, 3)]
        assert rows(tmp_path / "archive", "SELECT count(*) FROM crawls") == [(3,)]

    def test_unreadable_rows_are_kept_and_told(self, tmp_path: Path) -> None:
        cut = '{"id": "k1", "body": "cut o'
        others: list[Row | str] = ['["a", "list"]', {"id": "1", "kind": "award"}, comment("k5", link_id=7)]
        path = written(tmp_path / "dump.jsonl", [cut, comment(), "", *others])
        [done] = imported(path, tmp_path / "archive")
        assert (done.posts, done.skipped) == (1, 4)
        assert done.reasons["the row is neither a submission nor a comment"] == 1
        assert "1 skipped: the row is no JSON;" in done.sentence()
        [kept] = (tmp_path / "archive").glob("landing/reddit/*/skipped.jsonl")
        told = [msgspec.json.decode(line) for line in kept.read_bytes().splitlines()]
        assert sorted(row["place"] for row in told) == ["line 1", "line 4", "line 5", "line 6"]
        assert cut in {row["content"] for row in told}
        [receipt] = (tmp_path / "archive").glob("landing/reddit/*/receipt.json")
        figures = json.loads(receipt.read_bytes())
        assert (figures["discovered"], figures["parsed"], figures["quarantined"]) == (5, 1, 4)

    def test_forms_of_the_same_rows(self, tmp_path: Path) -> None:
        plain = written(tmp_path / "rows.jsonl", [submission(), comment()])
        (tmp_path / "rows.bin").write_bytes(gzip.compress(plain.read_bytes()))
        (tmp_path / "array.json").write_text(json.dumps([submission(), comment()], indent=1), encoding="utf-8")
        (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
        for name in ("rows.bin", "array.json", "bom.json"):
            read = [piece for piece in read_file(tmp_path / name, site_namer({})) if isinstance(piece, Piece)]
            assert sum(len(piece.parsed.posts) for piece in read) == 2, name

    def test_zstandard_needs_its_package(self, tmp_path: Path) -> None:
        path = tmp_path / "RC_2024-02.zst"
        if importlib.util.find_spec("zstandard") is None:
            path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
            with pytest.raises(UsageError, match="install the Python package `zstandard`"):
                import_path(path, str(tmp_path / "archive"))
            return
        zstandard = importlib.import_module("zstandard")
        lines = [json.dumps(comment(f"k{n}")).encode() + b"\n" for n in range(2_000)]
        frames = [zstandard.ZstdCompressor().compress(b"".join(part)) for part in (lines[:900], lines[900:])]
        path.write_bytes(b"".join(frames))
        [done] = imported(path, tmp_path / "archive")
        assert done.posts == 2_000
        path.write_bytes(b"".join(frames)[:-300])
        with pytest.raises(UsageError, match="damaged after line"):
            import_path(path, str(tmp_path / "archive"))

    def test_a_damaged_file_leaves_nothing(self, tmp_path: Path) -> None:
        many = gzip.compress("\n".join(json.dumps(comment(f"k{n}")) for n in range(3_000)).encode())
        (tmp_path / "dump.gz").write_bytes(many[: len(many) // 2])
        with pytest.raises(UsageError, match=r"dump\.gz is damaged after line \d+"):
            import_path(tmp_path / "dump.gz", str(tmp_path / "archive"))
        assert not [path for path in (tmp_path / "archive").glob("landing/*/*") if path.is_dir()]

    @pytest.mark.parametrize(("name", "posts"), [("importer-RC-rows.ndjson", 27), ("importer-RS-rows.ndjson", 31)])
    def test_real_rows(self, tmp_path: Path, fixtures_dir: Path, name: str, posts: int) -> None:
        path = fixtures_dir / "pushshift" / name
        if not path.is_file():
            pytest.skip(f"no {path}")
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
        [done] = imported(path, tmp_path / "archive")
        assert len(lines) == posts
        assert (done.posts, done.new, done.skipped) == (posts, posts, 0)
        [(dated, addressed, boards)] = rows(
            tmp_path / "archive", "SELECT count(created_at), count(url), count(DISTINCT board_id) FROM posts"
        )
        assert (dated, addressed) == (posts, posts)
        assert boards == len({json.loads(line)["subreddit"] for line in lines})


class TestWebArchives:
    def check(self, done: list[Imported], location: Path) -> None:
        by_site = {one.site: one for one in done}
        assert set(by_site) == {"forums-example-org", "reddit"}
        forum = by_site["forums-example-org"]
        assert forum.posts == forum.new > 0
        assert by_site["reddit"].posts == by_site["reddit"].new > 0
        assert sum(one.skipped for one in done) == 2
        [path] = location.glob("landing/forums-example-org/*/receipt.json")
        receipt = json.loads(path.read_bytes())
        assert (receipt["discovered"], receipt["parsed"], receipt["quarantined"]) == (2, 1, 1)

    def test_own_landing(self, tmp_path: Path) -> None:
        path = warc(tmp_path / "pages-00000.warc.gz", own_pages())
        self.check(imported(path, tmp_path / "archive"), tmp_path / "archive")

    def test_wacz(self, tmp_path: Path) -> None:
        path = warc(tmp_path / "data.warc.gz", own_pages())
        with zipfile.ZipFile(tmp_path / "saved", "w") as archive:
            archive.write(path, "archive/data.warc.gz")
            archive.writestr("datapackage.json", "{}")
        self.check(imported(tmp_path / "saved", tmp_path / "archive"), tmp_path / "archive")

    def test_uncompressed_warc(self, tmp_path: Path) -> None:
        packed = warc(tmp_path / "data.warc.gz", own_pages())
        with gzip.open(packed) as source, (tmp_path / "data.warc").open("wb") as target:
            shutil.copyfileobj(source, target)
        self.check(imported(tmp_path / "data.warc", tmp_path / "archive"), tmp_path / "archive")

    def test_a_torn_end_is_told(self, tmp_path: Path) -> None:
        path = warc(tmp_path / "data.warc.gz", own_pages())
        path.write_bytes(path.read_bytes()[:-700])
        done = imported(path, tmp_path / "archive")
        assert {one.site for one in done} == {"forums-example-org", "reddit"}

    def test_registered_sites_by_host(self) -> None:
        site_of = site_namer(usable_sites()[0])
        assert site_of("https://forums.studentdoctor.net/threads/x.1/") == "studentdoctor"
        assert site_of("https://old.reddit.com/r/x/") == "reddit"
        assert site_of("https://notreddit.com/r/x/") == "notreddit-com"
        assert site_of("nothing") is None

    def test_nothing_of_a_forum(self, tmp_path: Path) -> None:
        path = warc(tmp_path / "data.warc.gz", {"https://a.example/": ("text/html", b"<html><p>Buy.</html>")})
        with pytest.raises(UsageError, match="1 x no known forum software made this page"):
            import_path(path, str(tmp_path / "archive"))

    def test_a_zip_without_warcs(self, tmp_path: Path) -> None:
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr("thread.txt", "text")
        (tmp_path / "some.wacz").write_bytes(body.getvalue())
        with pytest.raises(UsageError, match="no WACZ"):
            import_path(tmp_path / "some.wacz", str(tmp_path / "archive"))


class TestForumDl:
    def test_boards_threads_and_posts(self, tmp_path: Path) -> None:
        path = written(tmp_path / "forum.jsonl", list(FORUM_DL))
        [done] = imported(path, tmp_path / "archive")
        assert (done.site, done.thread_id, done.posts, done.skipped) == ("forums-example-org", "11", 2, 0)
        [thread] = rows(tmp_path / "archive", "SELECT title, board_id, url, created_at FROM threads")
        assert thread[:3] == ("Pager at night & day", "7", THREAD_URL)
        assert thread[3] == datetime(2025, 12, 31, 22, 30, tzinfo=UTC)
        opening, reply = rows(
            tmp_path / "archive",
            "SELECT post_id, is_opening, created_at, created_text, body_text, links, quotes, attachments "
            "FROM posts ORDER BY post_id",
        )
        assert opening[:2] == ("101", True)
        assert opening[4] == "It rings.\nAnd rings. See help."
        assert opening[5] == ["https://forums.example.org/help/"]
        assert [file["url"] for file in opening[7]] == ["https://img.example.org/p.png"]
        assert reply[:5] == ("102", False, None, "2 January 2026", "Switch it off.")
        assert [(quote["post_id"], quote["text"]) for quote in reply[6]] == [("101", "It rings.")]

    def test_registered_name_of_the_site(self, tmp_path: Path) -> None:
        url = "https://forums.studentdoctor.net/threads/pager.12/"
        post = entry("post", ["7", "12"], url=url, subpath=["5"], author="a", creation_time="", content="Text")
        [done] = imported(written(tmp_path / "x", [post]), tmp_path / "archive")
        assert (done.site, done.thread_id, done.posts) == ("studentdoctor", "12", 1)

    def test_what_cannot_be_read_is_told(self, tmp_path: Path) -> None:
        root = entry("board", [], url="https://forums.example.org/", title="")
        stray = entry("file", [], subpath=["https://forums.example.org/logo.png"])
        broken = {**entry("post", ["7", "11"]), "item": [1]}
        path = written(tmp_path / "forum.jsonl", [root, *FORUM_DL, stray, broken, "{"])
        [done] = imported(path, tmp_path / "archive")
        assert (done.posts, done.skipped) == (2, 4)
        [kept] = (tmp_path / "archive").glob("landing/*/*/skipped.jsonl")
        assert sorted(json.loads(line)["place"] for line in kept.read_text().splitlines()) == [
            "line 1",
            "line 7",
            "line 8",
            "line 9",
        ]


def test_a_folder_of_everything(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    written(folder / "a", [submission(), comment()])
    written(folder / "b", list(FORUM_DL))
    warc(folder / "c", own_pages())
    done = imported(folder, tmp_path / "archive")
    assert sorted((Path(one.path).name, one.site) for one in done) == [
        ("a", "reddit"),
        ("b", "forums-example-org"),
        ("c", "forums-example-org"),
        ("c", "reddit"),
    ]


def test_a_bracket_may_open_a_title(tmp_path: Path) -> None:
    end = "\u00a0"
    (tmp_path / "thread").write_text(f"[Serious] Pagers\n\nIt rings.\n{end}\nReactions: 2 users\n", encoding="utf-8")
    [done] = imported(tmp_path / "thread", tmp_path / "archive")
    assert (done.site, done.thread_id, done.posts) == ("studentdoctor", "serious-pagers", 1)


def test_one_unknown_file_stops_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    written(folder / "a", [comment()])
    written(folder / "b", [{"title": "x"}])
    with pytest.raises(UsageError, match=r"no form of thread document.*forum-dl.*\.wacz"):
        import_path(folder, str(tmp_path / "archive"))
    assert not Archive.open(str(tmp_path / "archive")).snapshots()
    assert not [path for path in (tmp_path / "archive").glob("landing/*/*") if path.is_dir()]


def test_output_of_the_command(tmp_path: Path, medthreads: Any) -> None:
    path = written(tmp_path / "dump.jsonl", [comment(), "{"])
    [told] = medthreads.json("import", str(path), "--json")
    assert (told["posts"], told["skipped"], told["reasons"]) == (1, 1, {"the row is no JSON": 1})
