"""docker/ without an engine: what the files say is there, and nothing is open to the network."""

import re
import shlex

import yaml

from tests.conftest import ROOT

DOCKER = ROOT / "docker"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: name and arguments, continued lines joined, comments dropped."""
    lines = [line for line in (DOCKER / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line.strip()]


def test_copies_only_what_is_in_the_repository():
    for name, arguments in instructions():
        if name == "COPY":
            *sources, _target = [word for word in shlex.split(arguments) if not word.startswith("--")]
            assert sources
            assert all((ROOT / source).exists() for source in sources), sources


def test_copies_every_package_that_the_distribution_declares():
    declared = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text().split("[tool.hatch", 1)[1])
    assert declared
    copied = {word for name, arguments in instructions() if name == "COPY" for word in arguments.split()}
    assert set(re.findall(r'"(\w+)"', declared[1])) <= copied


def test_does_not_run_as_root_and_installs_by_hash():
    by_name = dict(instructions())
    assert by_name["USER"] == "medthreads"
    assert any("--require-hashes" in arguments for name, arguments in instructions() if name == "RUN")


def test_uv_is_the_version_of_the_makefile():
    version = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())
    assert version
    assert f"uv=={version[1]}" in (DOCKER / "Dockerfile").read_text()


def test_compose_publishes_on_loopback_only_and_keeps_the_data():
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    assert set(compose) <= {"name", "services", "volumes"}
    (service,) = compose["services"].values()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == DOCKER / "Dockerfile"
    mounted = dict(volume.split(":")[:2] for volume in service["volumes"])
    assert mounted["data"] == dict(instructions())["VOLUME"]
    assert all(source in compose["volumes"] or (DOCKER / source).exists() for source in mounted)


def test_data_that_must_survive_is_in_the_volume():
    environment = dict(
        pair.split("=", 1) for name, arguments in instructions() if name == "ENV" for pair in shlex.split(arguments)
    )
    for variable in ("MEDTHREADS_ARCHIVE", "MEDTHREADS_KEY_FILE", "MEDTHREADS_AIRFLOW"):
        assert environment[variable].startswith("/data/")


def test_example_environment_sets_nothing_by_itself():
    lines = (DOCKER / ".env.example").read_text().splitlines()
    assert all(not line or line.startswith("#") for line in lines)
