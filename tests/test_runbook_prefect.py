"""A runbook on a real Prefect server: forms that suspend the run, answered there or elsewhere, whatever is killed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from nonreg.clients.sshsig import load_key_file
from nonreg.decision import load_request, sign_decision, write_signed
from nonreg.handover.answer import Answer, record_answer
from nonreg.handover.journal import Journal
from nonreg.handover.runbook_file import RUNBOOKS_VARIABLE
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model.handover import Execution
from nonreg.sandbox.layout import Layout
from nonreg.waiting import wait_until
from tests.governed import Governed, make_governed
from tests.handover.attacks import ATTACKS, STEP, Attack, Target, make_target
from tests.handover.executions import MOA, PILOTAGE, SMALL, TECHNIQUE, TITULAIRE, make_played
from tests.prefect_server import ANSWER_SECONDS, Server, family_of, start_server

pytestmark = pytest.mark.prefect
LONG_SECONDS = 240.0
# A run comes back twice for each: those that a terminal refuses for the same reason are left to it.
FILED = ("contrefaite", "rejouee", "expiree", "autre role", "autre plan", "de soi-meme")
PASTED = ("rejouee", "autre plan")
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Case:
    """One execution on one governed platform, followed by a worker."""

    def __init__(self, server: Server, governed: Governed, execution: str = "") -> None:
        self.server = server
        self.governed = governed
        self.journal = Journal(governed.runs_dir, governed.people)
        opened = {"runbook": "essai", "person": TITULAIRE, "subject": TECHNIQUE, "ticket": "AQ-7"}
        self.run = self.start(**({"execution": execution} if execution else opened))

    def start(self, **parameters: Any) -> Any:
        deployment = self.server.get("/deployments/name/runbook/runbook")
        asked = {
            "platform": str(self.governed.platform_file),
            "runs_dir": str(self.governed.runs_dir),
            **parameters,
        }
        return self.server.post(f"/deployments/{deployment['id']}/create_flow_run", parameters=asked)

    @property
    def execution(self) -> Execution:
        (execution_id,) = self.journal.list_ids()
        return self.journal.load(execution_id)

    def wait(self, *types: str) -> Any:
        def look() -> Any:
            run = self.server.get(f"/flow_runs/{self.run['id']}")
            return run if run["state"]["type"] in types else None

        return wait_until(look, LONG_SECONDS, poll_seconds=0.3)

    def read_form(self) -> str:
        """The key of the form that waits, once it is there."""

        def look() -> str:
            run = self.server.get(f"/flow_runs/{self.run['id']}")
            assert run["state"]["type"] not in ENDED, run["state"]
            keyset = run["state"]["state_details"].get("run_input_keyset") or {}
            if run["state"]["type"] != "PAUSED" or not keyset:
                return ""
            asked = (
                f"{self.server.api}/flow_runs/{self.run['id']}/input/{keyset['description']}"  # written last
            )
            return str(keyset["schema"]) if requests.get(asked, timeout=ANSWER_SECONDS).ok else ""

        return wait_until(look, LONG_SECONDS, poll_seconds=0.3)

    def describe_form(self) -> str:
        schema = self.read_form()
        found = self.server.get(
            f"/flow_runs/{self.run['id']}/input/{schema.replace('schema', 'description')}"
        )
        return str(found)

    def fill(self, **values: Any) -> Any:
        """Answer the form that waits; the next state is another one."""
        form = self.read_form()
        said = self.server.post(f"/flow_runs/{self.run['id']}/resume", run_input=values)
        if said["status"] == "ACCEPT":
            wait_until(lambda: self.is_past(form), LONG_SECONDS, poll_seconds=0.3)
        return said

    def is_past(self, form: str) -> bool:
        run = self.server.get(f"/flow_runs/{self.run['id']}")
        keyset = run["state"]["state_details"].get("run_input_keyset") or {}
        return run["state"]["type"] in ENDED or (
            run["state"]["type"] == "PAUSED" and keyset.get("schema") != form
        )

    def terminal(self, *words: str) -> str:
        """A command of a terminal that knows the server."""
        places = ("--platform", str(self.governed.platform_file), "--runs-dir", str(self.governed.runs_dir))
        done = subprocess.run(
            [sys.executable, "-m", "nonreg", *words, *places],
            env=self.server.environment,
            capture_output=True,
            text=True,
            timeout=LONG_SECONDS,
            check=False,
        )
        assert done.returncode in (0, 1, 2), done.stderr
        return done.stdout

    def answer(self, step: str, person: str, **values: str) -> None:
        """From somewhere else than the form."""
        record_answer(
            self.journal,
            self.governed.platform,
            self.governed.people,
            self.execution,
            Answer(step, person, values),
            datetime.now(UTC),
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    runbooks = tmp_path_factory.mktemp("runbooks")
    (runbooks / "essai.toml").write_text(SMALL, encoding="utf-8")
    with start_server(tmp_path_factory.mktemp("prefect")) as found:
        found.environment[RUNBOOKS_VARIABLE] = str(runbooks)
        found.start("worker", "start", "--pool", "aquareel", "--type", "process")
        yield found


@pytest.fixture
def case(server: Server, sandbox: Layout, tmp_path: Path) -> Case:
    return Case(server, make_governed(tmp_path, sandbox.platform_file))


def test_a_runbook_is_done_from_its_forms_and_its_record_verifies(case: Case) -> None:
    assert "Demande d'intégration" in case.describe_form()
    assert case.fill(personne=PILOTAGE, demande_le="30/11/2026 09:00")["status"] == "REJECT"
    case.fill(personne=TITULAIRE, demande_le="30/11/2026 09:00")
    case.fill(personne=MOA, reference="courrier de Mme Rivelune", accord="oui")
    assert "seuls les identifiants entrent dans le registre" in case.describe_form()
    case.fill(personne=MOA, reference="SCV-12", accord="non")
    assert "sinon l'étape n'est pas faite" in case.describe_form()
    case.fill(personne=MOA, reference="SCV-12", accord="oui")
    case.fill(personne=MOA, sans_objet="le titulaire reste joignable")
    case.fill(personne=TITULAIRE)
    (request,) = case.journal.folder(case.execution.id).glob("a-signer/O4-D-????????????.json")
    assert request.stem.split("-", 1)[1] in case.describe_form()
    stranger = sign_decision(load_request(request), load_key_file(Path(case.governed.key(TECHNIQUE))))
    case.fill(signature=stranger.signature)
    assert "est celle de" in case.describe_form()
    case.fill(personne=TITULAIRE)
    mine = sign_decision(load_request(request), load_key_file(Path(case.governed.key())))
    case.fill(signature=mine.signature)
    run = case.wait(*ENDED)
    assert run["state"]["type"] == "COMPLETED", run["state"]
    execution = case.execution
    assert [one.step_id for one in execution.done] == ["O0", "O1", "O2", "O3", "O4"]
    assert execution.closed_at is not None
    assert execution.clock.stopped_at is not None
    page = (case.journal.folder(execution.id) / "releve.html").read_text(encoding="utf-8")
    assert mine.decision.id in page
    verify_ledger(case.journal.file, collect_witnesses(case.governed.runs_dir))
    tasks = case.server.post("/task_runs/filter", flow_runs={"id": {"any_": [case.run["id"]]}})
    assert {"O1 - Validation de la MOA", "O2 - Acces", "O4 - Mise en capacite"} <= {
        one["name"] for one in tasks
    }


def test_a_step_answered_from_a_terminal_lets_the_suspended_run_go_on(case: Case) -> None:
    form = case.read_form()
    said = case.terminal(
        "answer", case.execution.id, "O0", "demande_le=30/11/2026 09:00", "--person", TITULAIRE
    )
    assert "Le passage suspendu dans l'interface continue" in said
    wait_until(lambda: case.is_past(form), LONG_SECONDS, poll_seconds=0.3)
    assert "Validation de la MOA" in case.describe_form()
    (done,) = case.execution.done
    assert done.said[0].value == "2026-11-30T09:00+01:00"


def test_an_execution_closed_from_a_terminal_leaves_no_form_behind(case: Case) -> None:
    case.read_form()
    first, case.run = case.run, case.start(execution=case.execution.id)
    case.read_form()
    case.terminal(
        "runbook", "abandon", case.execution.id, "--person", TITULAIRE, "--reason", "demande retirée"
    )
    for run in (first, case.run):
        case.run = run
        state = case.wait(*ENDED)["state"]
        assert (state["type"], state["message"]) == (
            "CANCELLED",
            f"L'exécution {case.execution.id} est close.",
        )
    assert (case.execution.done, case.execution.abandoned) == ((), "demande retirée")


def test_another_run_and_another_person_go_on_where_it_stands(case: Case) -> None:
    case.read_form()
    case.answer("O0", TITULAIRE, demande_le="30/11/2026 09:00")
    first, case.run = case.run, case.start(execution=case.execution.id)
    assert "Validation de la MOA" in case.describe_form()
    assert len(case.journal.list_ids()) == 1
    case.fill(personne=MOA, reference="SCV-12", accord="oui")
    case.run = first
    case.fill(personne=TITULAIRE, demande_le="30/11/2026 11:00")
    assert "Délégation" in case.describe_form()
    assert [one.step_id for one in case.execution.done] == ["O0", "O1", "O2"]


def test_a_run_whose_process_is_killed_is_taken_up_at_its_next_step(case: Case) -> None:
    case.read_form()
    case.server.post(
        f"/flow_runs/{case.run['id']}/resume",
        run_input={"personne": TITULAIRE, "demande_le": "30/11/2026 09:00"},
    )

    def kill() -> bool:
        for worker in case.server.processes:
            for process in family_of(worker.pid):
                try:
                    if process.environ().get("PREFECT__FLOW_RUN_ID") == case.run["id"]:
                        process.kill()
                        return True
                except psutil.Error:
                    continue
        return False

    wait_until(kill, LONG_SECONDS, poll_seconds=0.05)
    assert case.wait(*ENDED)["state"]["type"] == "CRASHED"
    case.run = case.start(execution=case.execution.id)
    text = case.describe_form()
    if "Demande d'intégration" in text:  # killed before it was recorded
        case.fill(personne=TITULAIRE, demande_le="30/11/2026 09:00")
    assert "Validation de la MOA" in case.describe_form()
    assert [one.step_id for one in case.execution.done] == ["O0"]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return make_target(make_played(tmp_path_factory.mktemp("cible")))


@pytest.fixture(scope="module")
def attacked(server: Server, target: Target) -> Case:
    """A run that waits for the titulaire's signature; each that is refused leaves it there."""
    return Case(server, target.played.governed, target.execution.id)


def reach_signing(attacked: Case, target: Target) -> Path:
    """The form of a signature stands; where its request is."""
    attacked.fill(personne=TITULAIRE)
    found = attacked.journal.folder(target.execution.id).glob(f"a-signer/{STEP}-D-????????????.json")
    said = attacked.describe_form()
    (request,) = (one for one in found if one.stem.split("-", 1)[1] in said)
    return request


def check_refused(attacked: Case, target: Target, told: str) -> None:
    """The form is asked again, with the reason, which the ledger keeps; the step is not done."""
    assert "Réponse refusée" in attacked.describe_form()
    assert not target.is_done()
    failed = attacked.journal.load(target.execution.id).failed[-1]
    assert re.search(told, failed.message), failed.message


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.name in FILED], ids=str)
def test_a_signature_that_does_not_hold_is_refused_by_the_form(
    attacked: Case, target: Target, attack: Attack
) -> None:
    """The file that the form takes, beside the request."""
    request = reach_signing(attacked, target)
    signed = request.with_suffix(".signed.json")
    write_signed(signed, attack.make(target))
    attacked.fill(signature="")
    check_refused(attacked, target, attack.told)
    signed.unlink()


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.name in PASTED], ids=str)
def test_a_signature_of_anything_but_the_request_is_refused_by_the_form(
    attacked: Case, target: Target, attack: Attack
) -> None:
    """Pasted into the form: whatever it was made for, it must cover the request that stands above it."""
    reach_signing(attacked, target)
    attacked.fill(signature=attack.make(target).signature)
    check_refused(attacked, target, "ne correspond pas")


@pytest.mark.parametrize("person", [MOA, PILOTAGE, TECHNIQUE, "inconnue"])
def test_nobody_else_is_taken_for_who_signs(attacked: Case, target: Target, person: str) -> None:
    """Not even what never came from a form."""
    attacked.read_form()
    assert (
        attacked.server.post(f"/flow_runs/{attacked.run['id']}/resume", run_input={"personne": person})[
            "status"
        ]
        == "REJECT"
    )
    assert not target.is_done()
