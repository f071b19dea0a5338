"""The commands' answers to what people type: odd queries, odd options, and readers that go before the end."""

import os
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from crawler.errors import ArchiveError, DiskFullError, MedthreadsError, SiteFileError, UsageError
from medthreads import importing, querying
from medthreads.commands.app import app
from storage.tables import storage_errors
from tests.conftest import Medthreads

DOCUMENT = Path(__file__).parent / "documents" / "forum-thread.txt"
GOOD = "url: https://forum.example/\n"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An archive that holds one imported thread of studentdoctor."""
    location = str(tmp_path_factory.mktemp("commands") / "archive")
    importing.import_path(DOCUMENT, location)
    return location


class Done(NamedTuple):
    """How a command ended."""

    stdout: str
    stderr: str
    error: BaseException | None


def run(*arguments: str) -> Done:
    """Runs a command in this process."""
    result = CliRunner().invoke(app, arguments)
    return Done(result.stdout, result.stderr, result.exception)


def refused(*arguments: str, by: type[MedthreadsError] = UsageError) -> str:
    """The sentence with which a command refuses a call."""
    error = run(*arguments).error
    assert isinstance(error, by), error
    return str(error)


def test_columns_of_the_same_name_are_all_shown(archive: str) -> None:
    query = "SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a"
    assert run("sql", query, "--archive", archive).stdout.split() == ["a", "a_2", "a_1", "a_3", "1", "2", "3", "4"]
    assert run("sql", query, "--json", "--archive", archive).stdout == '{"a":1,"a_2":2,"a_1":3,"a_3":4}\n'


def test_types_that_csv_has_no_form_for_become_text(archive: str) -> None:
    query = "SELECT INTERVAL 1 DAY AS i, INTERVAL 2 HOUR AS i, '\\xFF'::BLOB AS b, [1, 2] AS l"
    lines = run("sql", query, "--csv", "--archive", archive).stdout.splitlines()
    assert lines == ['"i","i_1","b","l"', r'"1 day","02:00:00","\xFF","[1,2]"']
    assert querying.ask(archive, "SELECT INTERVAL 1 DAY AS i WHERE false").column_names == ["i"]


def test_a_shown_instant_put_back_finds_its_row(archive: str) -> None:
    shown = next(querying.rows(querying.ask(archive, "SELECT max(observed_at) AS at FROM posts")))[0]
    held = querying.ask(archive, "SELECT count(*) AS held FROM posts").to_pylist()
    asof = f"SELECT count(*) AS held FROM posts_asof('{shown}')"  # noqa: S608 (shown by us)
    assert querying.ask(archive, asof).to_pylist() == held
    whole = querying.ask(archive, "SELECT TIMESTAMPTZ '2026-01-31 12:00:00Z' AS at")
    assert next(querying.rows(whole)) == ["2026-01-31 12:00:00Z"]


def test_an_unknown_table_is_told_which_views_there_are(archive: str) -> None:
    told = refused("sql", "SELECT * FROM nope", "--archive", archive)
    assert "pg_enum" not in told
    assert "Table with name nope does not exist! The archive's views: " in told
    assert {"posts", "threads", "posts_asof(ts)"} <= set(told.rstrip(".").split(": ", 2)[-1].split(", "))


@pytest.mark.parametrize("statement", ["SET threads = 1", "CREATE TABLE x (a INT)", "ATTACH ':memory:' AS other"])
def test_statements_that_are_no_query(archive: str, statement: str) -> None:
    assert f"{statement.split()[0]} would have no effect" in refused("sql", statement, "--archive", archive)


def test_statements_before_the_query_and_none_at_all(archive: str) -> None:
    assert querying.ask(archive, "CREATE TEMP TABLE x AS SELECT 1 AS a; FROM x").to_pylist() == [{"a": 1}]
    assert querying.ask(archive, " -- nothing").num_rows == 0


@pytest.mark.parametrize("until", ["2026-01-31", "2026-01-01"])
def test_a_range_that_holds_nothing(until: str) -> None:
    told = refused("crawl", "studentdoctor", "--since", "2026-01-31", "--until", until)
    assert f"--since 2026-01-31 is not before --until {until}" in told


@pytest.mark.parametrize("url", ["http://[::1", "http://forum.example:port/"])
def test_an_address_that_is_none(url: str) -> None:
    assert "is no address" in refused("parse", str(DOCUMENT), "--url", url)


@pytest.mark.parametrize("output", ["", "/", ".."])
def test_an_output_that_names_no_file(archive: str, output: str) -> None:
    told = refused("export", "--site", "studentdoctor", "--thread", "1", "-o", output, "--archive", archive)
    assert "names no file" in told


def test_summaries_of_a_site_that_is_not_held(archive: str) -> None:
    told = refused("summaries", "--site", "nosuch", "--archive", archive)
    assert told == "The archive holds no site 'nosuch'; it holds studentdoctor."


def test_a_broken_file_does_not_hide_the_other_sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clinic.yaml").write_text(f"name: clinic\n{GOOD}contact: /u/someone\n")
    (tmp_path / "hospice.yaml").write_text("name: hospice\n")
    (tmp_path / "ward.yaml").write_text("name: ward\n")
    monkeypatch.setenv("MEDTHREADS_SITES", str(tmp_path))
    for name in ("MEDTHREADS_CONTACT", "REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "250")
    done = run("sites", "list")
    states = {line.split()[0]: line.rstrip().split("  ")[-1].strip() for line in done.stdout.splitlines()[1:]}
    assert states.items() >= {
        ("clinic", "ready"),
        ("reddit", "paused: no contact, no credentials"),
        ("studentdoctor", "paused: no contact"),
        ("allnurses", "paused: not looked at yet"),
    }
    assert not {"hospice", "ward"} & states.keys()
    assert "hospice.yaml" in done.stderr
    assert isinstance(done.error, SiteFileError)
    assert "ward.yaml" in str(done.error)


def test_checking_goes_on_after_what_is_no_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDTHREADS_CONTACT", raising=False)
    clinic, ward = tmp_path / "clinic.yaml", tmp_path / "ward.yaml"
    clinic.write_text(f"name: clinic\n{GOOD}")
    ward.write_text("name: ward\n")
    done = run("sites", "check", "nosuch", str(clinic), str(ward))
    assert done.stdout.startswith("clinic: valid, paused: a live site is crawled only")
    assert "No site is called 'nosuch'" in done.stderr
    assert "ward.yaml" in str(done.error)


def test_sqlite_tells_of_a_full_disk_in_two_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        with storage_errors(tmp_path):
            raise sqlite3.OperationalError("disk I/O error")

    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 4096, 4096))
    with pytest.raises(DiskFullError, match="No space is left"):
        fail()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 10**9))
    with pytest.raises(ArchiveError, match="disk I/O error") as raised:
        fail()
    assert not isinstance(raised.value, DiskFullError)


@pytest.mark.parametrize(
    "arguments", [("sites", "list"), ("sql", "--json", "FROM range(100000)"), ("sql", "FROM range(9)")]
)
def test_a_reader_that_has_gone_is_no_failure(medthreads: Medthreads, archive: str, arguments: tuple[str, ...]) -> None:
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    environ = medthreads.environ | {"MEDTHREADS_ARCHIVE": archive}
    done = subprocess.run(
        medthreads.command(*arguments), stdout=writing_end, stderr=subprocess.PIPE, env=environ, timeout=60, check=False
    )
    os.close(writing_end)
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_while_modules_load_is_told_in_one_sentence(medthreads: Medthreads) -> None:
    python, *arguments = medthreads.command("snapshots")
    # Python tells each module that it has loaded: the signal comes while the commands' own are on their way.
    process = subprocess.Popen(
        [python, "-X", "importtime", *arguments],
        stderr=subprocess.PIPE,
        env=medthreads.environ,
        text=True,
        # A shell's background job, as this suite may be, passes on that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    assert any("typer" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    told = [line for line in process.communicate(timeout=60)[1].splitlines() if not line.startswith("import time:")]
    assert process.returncode == 130
    assert told == ["Stopped by Ctrl-C before anything was done."]
