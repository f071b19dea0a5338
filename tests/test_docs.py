"""What the documentation says is tried: its queries run, its snippets run, its tables are complete."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from crawler import errors
from storage.archive import Archive
from tests.conftest import ROOT, Medthreads

DOCUMENTS = [ROOT / "README.md", ROOT / "docker" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT_CODE_ROW = re.compile(r"^\| (\d+(?:, \d+)*) \|", re.MULTILINE)


def snippets(language: str) -> list[object]:
    """Fenced snippets of a language, each named by its document and ordinal."""
    parameters: list[object] = []
    for path in DOCUMENTS:
        found = [match[2] for match in FENCE.finditer(path.read_text(encoding="utf-8")) if match[1] == language]
        for ordinal, snippet in enumerate(found, 1):
            parameters.append(pytest.param(snippet, id=f"{path.parent.name}/{path.name}-{language}-{ordinal}"))
    return parameters


def queries_of_the_shell() -> list[str]:
    """What `medthreads sql` is asked in the snippets of a shell."""
    lines = [line for document in DOCUMENTS for line in document.read_text(encoding="utf-8").splitlines()]
    return [shlex.split(line)[2] for line in lines if line.startswith("medthreads sql ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with an archive of two imported documents and their summaries, as `make run` leaves one."""
    medthreads = Medthreads(tmp_path_factory.mktemp("docs"))
    for arguments in (["import", str(ROOT / "tests" / "documents")], ["summaries"]):
        done = medthreads(*arguments)
        assert done.returncode == 0, done.stderr
    return medthreads.folder


@pytest.mark.parametrize("snippet", snippets("sql"))
def test_sql_runs(folder, snippet):
    with Archive.open(str(folder / "archive"), create=False).connect() as connection:
        for statement in duckdb.extract_statements(snippet):
            assert connection.execute(statement).description


@pytest.mark.parametrize("query", queries_of_the_shell())
def test_queries_of_the_shell_run(folder, query):
    with Archive.open(str(folder / "archive"), create=False).connect() as connection:
        assert connection.execute(query).description


@pytest.mark.parametrize("snippet", snippets("python"))
def test_python_runs_and_shows_something(folder, snippet):
    ast.parse(snippet)
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("snippet", snippets("yaml"))
def test_site_files_are_valid(snippet, tmp_path):
    from crawler.site import load_site

    path = tmp_path / "site.yaml"
    path.write_text(snippet, encoding="utf-8")
    assert load_site(path).name


def test_there_is_something_to_try():
    for language in ("sql", "python", "yaml"):
        assert snippets(language), language
    assert queries_of_the_shell()


@pytest.mark.parametrize("document", ["docs/airflow.md", "dags/crawls.py"])
def test_every_exit_code_is_explained(document):
    rows = EXIT_CODE_ROW.findall((ROOT / document).read_text(encoding="utf-8"))
    told = [int(code) for row in rows for code in row.split(", ")]
    assert told == sorted({error.exit_code for error in tree(errors.MedthreadsError)})


def tree(root: type[errors.MedthreadsError]) -> Iterator[type[errors.MedthreadsError]]:
    """An error class and all below it."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_links_to_files_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (document.parent / target).exists(), target


def test_every_variable_that_is_documented_is_read_somewhere():
    named = set(re.findall(r"`(MEDTHREADS_[A-Z_]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    code = "".join(
        path.read_text(encoding="utf-8")
        for package in ("crawler", "storage", "summaries", "medthreads")
        for path in (ROOT / package).rglob("*.py")
    )
    assert len(named) > 5
    assert {name for name in named if f'"{name}"' not in code} == set()
