"""What the tasks of upkeep do, log and end with; and the same by command."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import ROOT, Medthreads


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The module of the tasks. Airflow makes its folder and sets up logging when it is imported."""
    os.environ["AIRFLOW_HOME"] = str(tmp_path_factory.mktemp("airflow"))
    from medthreads import airflow_failures, maintenance_tasks

    modules = (airflow_failures, maintenance_tasks)
    return SimpleNamespace(**{name: value for module in modules for name, value in vars(module).items()})


@pytest.fixture
def archive(medthreads: Medthreads, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of one imported document, named by the environment as for Airflow."""
    medthreads.json("import", str(ROOT / "tests" / "documents" / "forum-thread.txt"), "--json")
    monkeypatch.setenv("MEDTHREADS_ARCHIVE", str(medthreads.archive))
    monkeypatch.delenv("MEDTHREADS_LANDING_DAYS", raising=False)
    return medthreads.archive


def spoil(archive: Path, pattern: str) -> str:
    path = min(path for path in archive.glob(pattern) if "_delta_log" not in path.parts)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path.relative_to(archive).as_posix()


@pytest.mark.usefixtures("archive")
def test_a_day_of_upkeep(tasks, caplog):
    with caplog.at_level("INFO", logger="medthreads"):
        assert tasks.verify()["damage"] == 0
        for work in (tasks.compact, tasks.vacuum, tasks.landings, tasks.seal, tasks.purge):
            work()
    assert "everything is as it was written" in caplog.text
    assert "All landings are kept: MEDTHREADS_LANDING_DAYS is not set." in caplog.messages


def test_damage_ends_the_task_with_sentences_and_no_retry(tasks, archive: Path, caplog):
    path = spoil(archive, "post_versions/**/*.parquet")
    with caplog.at_level("INFO", logger="medthreads"), pytest.raises(tasks.RetryIsUselessExit) as ended:
        tasks.verify()
    assert ended.value.code == 16
    assert f"damage (damaged): {path}: its content is not what was written. Put it back" in caplog.text
    assert "is not as it was written (1 damage): see the findings above" in caplog.messages[-1]
    assert all(record.exc_info is None for record in caplog.records), "no stack trace"


@pytest.mark.usefixtures("archive")
def test_old_landings_go_where_a_number_of_days_is_set(tasks, monkeypatch, caplog):
    monkeypatch.setenv("MEDTHREADS_LANDING_DAYS", "a while")
    with caplog.at_level("INFO", logger="medthreads"), pytest.raises(tasks.FailureExit):
        tasks.landings()
    assert "give a number of days from 1" in caplog.text
    monkeypatch.setenv("MEDTHREADS_LANDING_DAYS", "365")
    assert tasks.landings()["landings_deleted"] == 0


def test_the_commands_tell_the_same(archive: Path, medthreads: Medthreads):
    [told] = medthreads.json("verify", "--json")
    assert told["findings"] == []
    assert told["counts"] == {"damage": 0, "inconsistency": 0, "lagging": 0, "leftover": 0}
    assert medthreads("maintain", "--dry-run").stdout.strip() == "Nothing to do."
    assert medthreads("verify", "--site", "nowhere").returncode == 2

    path = spoil(archive, "current/posts/**/*.parquet")
    done = medthreads("verify")
    assert done.returncode == 16
    assert f"damage (damaged): {path}" in done.stdout
    assert "Traceback" not in done.stderr
    repaired = medthreads("verify", "--repair")
    assert repaired.returncode == 0, repaired.stderr
    assert "Published anew" in repaired.stdout
    assert "everything is as it was written" in medthreads("verify").stdout


def test_what_only_a_copy_can_mend_is_not_repaired(archive: Path, medthreads: Medthreads):
    path = spoil(archive, "post_versions/**/*.parquet")
    done = medthreads("verify", "--repair", "--json")
    assert done.returncode == 16
    assert path in done.stdout
