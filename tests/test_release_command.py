"""`medthreads publish`: what is published, and releases, from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crawler.errors import ArchiveError, UsageError
from medthreads import importing
from medthreads.commands.app import app
from storage.archive import Archive
from storage.files import files_at
from storage.release_changes import verify_release

DOCUMENTS = Path(__file__).parent / "documents"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An archive of two imported threads, one of each of two sites; its release is made."""
    location = str(tmp_path_factory.mktemp("publishing") / "archive")
    importing.import_path(DOCUMENTS, location)
    run("publish", "--release", "--archive", location)
    return location


def run(*arguments: str) -> str:
    """Runs a command in this process; what it prints."""
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_a_release_is_made_once_and_listed(archive: str) -> None:
    [listed] = run("publish", "--list", "--json", "--archive", archive).splitlines()
    shown = json.loads(listed)
    again = json.loads(run("publish", "--release", "--json", "--archive", archive))
    assert again == shown
    assert not again["made"]
    assert shown["sites"] == ["reddit", "studentdoctor"]
    assert Path(shown["location"]) == Path(archive).resolve() / "releases" / shown["name"]
    assert verify_release(files_at(shown["location"])) == []
    told = run("publish", "--list", "--archive", archive)
    assert told.startswith(f"{shown['name']}, version {shown['version']} (there): {shown['rows']:,} rows")


def test_one_site_goes_to_a_folder_with_the_operators_words(archive: str, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("For the *registry* study.", encoding="utf-8")
    words = ["--version", "2.0", "--licence", "for the study only", "--notes", str(tmp_path / "notes.md")]
    place = ["--site", "reddit", "--output", str(tmp_path / "handed-on")]
    made = json.loads(run("publish", "--release", *words, *place, "--json", "--archive", archive))
    assert (made["version"], made["sites"], made["made"]) == ("2.0", ["reddit"], True)
    readme = (tmp_path / "handed-on" / "README.md").read_text(encoding="utf-8")
    assert "The operator states: for the study only" in readme
    assert "For the *registry* study." in readme
    assert "studentdoctor" not in readme
    assert len(run("publish", "--list", "--archive", archive).splitlines()) == 2  # of the one in the archive


def test_a_relative_folder_is_that_of_the_shell(archive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("publish", "--release", "-o", "here", "--archive", archive)
    assert (tmp_path / "here" / "manifest.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_without_release_current_is_brought_up_to_the_last_commit(archive: str) -> None:
    (Path(archive) / "current" / "manifest.json").unlink()
    made = json.loads(run("publish", "--json", "--archive", archive))
    assert made["snapshot"] == len(Archive.open(archive, create=False).snapshots())
    assert made["files"]
    assert "0 files written" in run("publish", "--archive", archive)
    assert "of reddit: 0 files written" in run("publish", "--site", "reddit", "--archive", archive)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--version", "1"], "--version is for releases; add --release."),
        (["--output", "x"], "--output is for releases; add --release."),
        (["--list", "--release"], "--list shows the releases that are there; leave the other options out."),
        (["--site", "nowhere"], "The archive holds no site 'nowhere'; it holds reddit, studentdoctor."),
        (["--release", "--site", "nowhere"], "The archive holds no site 'nowhere'; it holds reddit, studentdoctor."),
        (["--release", "--notes", "/nowhere/notes.md"], "cannot be read: No such file or directory."),
        (["--release", "--version", "a b"], "'a b' can be no version: letters, digits, `.`, `_`, `+` and `-` only."),
        (["--release", "--version", "9.9"], "is there already with other words for version"),
    ],
)
def test_calls_that_make_no_sense_are_refused(archive: str, arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        run("publish", *arguments, "--archive", archive)
    assert said in str(refused.value)


def test_where_no_archive_is_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="There is no archive"):
        run("publish", "--archive", str(tmp_path / "nothing"))
    assert list(tmp_path.iterdir()) == []
