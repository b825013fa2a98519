"""Rehearsals: each file answers every step of its runbook, and runs nothing but our own commands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nonreg.config import load_platform
from nonreg.errors import UsageError
from nonreg.handover.answer import HUMAN
from nonreg.handover.form import check_said
from nonreg.handover.journal import Journal
from nonreg.handover.rehearsed_command import read_command, require_rehearsal, run_command
from nonreg.handover.runbook_file import find_runbook
from nonreg.handover.scripted import AND, COMMAND, PERSON, SKIP, Script, fill, find_last_run, load_script
from nonreg.model.handover import Execution
from nonreg.people import GOVERNANCE_DIR, load_people
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import Layout
from nonreg.sandbox.renforts import platform_file
from tests.handover.executions import MOA, PILOTAGE, TECHNIQUE, TITULAIRE

FOLDER = Path(__file__).parents[2] / "flows" / "rehearsals"
FILES = sorted(FOLDER.glob("*.toml"))
NOW = datetime.now(UTC)
PLATFORM = load_platform("embarquee")
PEOPLE = load_people(GOVERNANCE_DIR / "embarquee", PLATFORM.identity_token)
PLACES = {"banc": "/banc", "passages": "/passages", "dernier_passage": "20261130T133827Z-embarquee-1b5e75"}


def make_execution(runbook_id: str, *, rehearsal: bool = True) -> Execution:
    return Execution(
        "RB-1", find_runbook(runbook_id), "embarquee", "AQ-1", TECHNIQUE, TITULAIRE, NOW, 1, rehearsal
    )


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_every_step_of_a_person_has_an_answer_that_its_form_takes(file: Path) -> None:
    execution, script = make_execution(file.stem), load_script(file, FOLDER)
    humans = {step.id: step for step in execution.runbook.steps if step.kind in HUMAN}
    assert set(script.answers) == set(humans)
    for step_id, given in script.answers.items():
        told = {name: fill(value, execution, NOW, PLACES) for name, value in given.items() if name != COMMAND}
        assert told.pop(PERSON) in {TITULAIRE, TECHNIQUE, PILOTAGE, MOA, "spc-gd-essai"}
        if told.pop(SKIP, ""):
            assert humans[step_id].may_be_skipped
            assert told == {}
        else:
            check_said(humans[step_id], told, NOW)


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_every_command_is_one_of_ours(file: Path) -> None:
    for given in load_script(file, FOLDER).answers.values():
        for text in filter(None, given.get(COMMAND, "").split(AND)):
            assert read_command(text)[2].startswith("nonreg")


def test_the_seven_pieces_of_the_emergency_file_the_onboarding_and_the_hand_back_are_rehearsed() -> None:
    wanted = {"installation", "deploiement", "retour-arriere", "tests", "bascule-hd", "acces", "contacts"}
    assert wanted | {"integration", "restitution"} <= {file.stem for file in FILES}


@pytest.mark.parametrize(
    "text",
    [
        "rm -rf /",
        "python -c 'print()'",
        "python -m http.server",
        "python -m nonregx",
        "python -m nonreg-autre",
        "python -m nonreg.sandbox/../x",
        "/usr/bin/python -m nonreg",
        "python -m",
        "sh -c 'python -m nonreg'",
        "python -m nonreg 'sans fin",
        "",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_command(text)


def test_a_command_is_refused_outside_of_a_rehearsal_and_on_any_other_platform() -> None:
    require_rehearsal(PLATFORM, rehearsal=True)
    with pytest.raises(UsageError, match="que dans une répétition"):
        require_rehearsal(PLATFORM, rehearsal=False)
    with pytest.raises(UsageError, match="que sur la plateforme embarquée"):
        require_rehearsal(replace(PLATFORM, identity_token="un-autre-jeton"), rehearsal=True)


def test_no_shell_reads_a_command(tmp_path: Path) -> None:
    words = read_command(f"python -m nonreg runbook list ; touch {tmp_path / 'fait'}")
    with pytest.raises(UsageError, match="a échoué"):
        run_command(PLATFORM, words)
    assert not (tmp_path / "fait").exists()


def test_a_command_that_fails_is_told_with_its_last_words_and_nothing_is_answered(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text(
        f'[H7]\npersonne = "{TITULAIRE}"\ncommande = "python -m nonreg.sandbox revoke --person {{{{sujet}}}} '
        '--dir absent"\ncomptes = "x"\nsecrets_changes = "non"\npeople_valid_until = "{{jour}}"\n',
        encoding="utf-8",
    )
    execution = make_execution("restitution")
    step = execution.runbook.step("H7")
    assert step is not None
    script: Script = load_script(file, tmp_path)
    with pytest.raises(UsageError, match=r"code 3\) : Aucune plateforme en marche dans absent"):
        script.answer(execution, step, PLATFORM, PEOPLE, NOW)
    played = replace(execution, rehearsal=False)
    with pytest.raises(UsageError, match="que dans une répétition"):
        script.answer(played, step, PLATFORM, PEOPLE, NOW)


def test_the_last_run_is_named_and_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Aucun passage"):
        find_last_run(tmp_path)
    for name in ("20261130T100000Z-embarquee-aaaaaa", "20261130T110000Z-embarquee-000000", "runbooks"):
        (tmp_path / name).mkdir()
        if name != "runbooks":
            (tmp_path / name / "plan.json").write_text("{}", encoding="utf-8")
    assert find_last_run(tmp_path).startswith("20261130T110000Z")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    instance = start_instance(tmp_path_factory.mktemp("repetitions") / "banc")
    yield instance.layout
    stop_instance(instance)


@pytest.mark.prefect
@pytest.mark.parametrize("runbook_id", ["acces", "restitution"])
def test_a_renforts_access_is_opened_proved_and_closed_again_in_one_play(
    bench: Layout, tmp_path: Path, runbook_id: str
) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "nonreg", "runbook", "open", runbook_id, "--rehearsal"),
            *("--subject", TECHNIQUE, "--person", TITULAIRE, "--answers", str(FOLDER / f"{runbook_id}.toml")),
            *("--platform", str(platform_file(bench, TECHNIQUE)), "--runs-dir", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    journal = Journal(tmp_path)
    (execution_id,) = journal.list_ids()
    execution = journal.load(execution_id)
    assert execution.closed_at is not None
    assert execution.failed == ()
    step_id = {"acces": "AC6", "restitution": "H7b"}[runbook_id]
    (evidence,) = next(one for one in execution.done if one.step_id == step_id).evidence
    points = json.loads((journal.folder(execution_id) / evidence.path).read_text(encoding="utf-8"))
    assert len(points) == {"acces": 12, "restitution": 11}[runbook_id]
