"""An activation on a real Prefect server: two profiles, two executions, and a form that suspends the first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nonreg.handover.journal import Journal
from nonreg.waiting import wait_until
from tests.governed import Governed
from tests.handover.activations import REHEARSALS, integrate, make_site, work_on
from tests.handover.executions import PILOTAGE, TECHNIQUE, TITULAIRE
from tests.prefect_server import Server, start_server

pytestmark = pytest.mark.prefect
LONG_SECONDS = 240.0
CRISIS = {"reason": "situation-exceptionnelle", "anomaly": "bloquante", "needs": ["correction"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("prefect")) as found:
        found.start("worker", "start", "--pool", "aquareel", "--type", "process")
        yield found


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    return make_site(tmp_path)


def start(server: Server, governed: Governed, **parameters: Any) -> str:
    deployment = server.get("/deployments/name/activation/activation")
    asked = {
        **CRISIS,
        "person": TITULAIRE,
        "platform": str(governed.platform_file),
        "runs_dir": str(governed.runs_dir),
        "rehearsal": True,
        **parameters,
    }
    run = server.post(f"/deployments/{deployment['id']}/create_flow_run", parameters=asked)
    return str(run["id"])


def wait(server: Server, run_id: str, *types: str) -> Any:
    def look() -> Any:
        run = server.get(f"/flow_runs/{run_id}")
        return run if run["state"]["type"] in types else None

    return wait_until(look, LONG_SECONDS, poll_seconds=0.3)


def test_two_profiles_open_two_executions_and_the_first_waits_for_its_first_answer(
    server: Server, governed: Governed
) -> None:
    run_id = start(server, governed, ticket="AQ-150")
    run = wait(server, run_id, "PAUSED", "FAILED", "CRASHED", "COMPLETED")
    assert run["state"]["type"] == "PAUSED", run["state"]
    assert run["name"] == "ACTIVATION situation-exceptionnelle AQ-150"
    journal = Journal(governed.runs_dir, governed.people)
    first, second = [journal.load(one) for one in journal.list_ids()]
    assert [first.subject, second.subject] == [TECHNIQUE, PILOTAGE]
    shown = server.post("/artifacts/filter", artifacts={"flow_run_id": {"any_": [run_id]}})
    (page,) = [one["data"] for one in shown if one["key"].startswith("activation-")]
    assert f"python -m nonreg runbook resume {second.id}" in page
    # Resumed, the run begins again from the top: it must find what it has opened.
    server.post(
        f"/flow_runs/{run_id}/resume",
        run_input={
            "personne": TITULAIRE,
            "motif": "incident majeur",
            "constat_le": "30/11/2026 09:00",
            "criticite": "bloquante",
            "touche": ["collecte"],
            "crue_en_cours": "non",
        },
    )
    wait_until(lambda: journal.load(first.id).find("A1"), LONG_SECONDS, poll_seconds=0.3)
    assert journal.list_ids() == (first.id, second.id)
    wait(server, run_id, "PAUSED", "FAILED", "CRASHED")
    assert journal.list_ids() == (first.id, second.id)


def test_an_urgency_without_its_ticket_fails_in_one_french_sentence_and_opens_nothing(
    server: Server, governed: Governed
) -> None:
    run = wait(server, start(server, governed), "FAILED", "CRASHED", "PAUSED", "COMPLETED")
    assert run["state"]["type"] == "FAILED"
    assert "une urgence est un ticket et un appel" in run["state"]["message"]
    assert Journal(governed.runs_dir, governed.people).list_ids() == ()


def test_both_executions_of_an_activation_are_played_to_their_end_one_after_the_other(
    server: Server, governed: Governed
) -> None:
    governed.change_platform('base_dir = ".sandbox"', f'base_dir = "{governed.root}"')  # whose keys sign
    work, answers = work_on(governed), str(REHEARSALS / "activation-exceptionnelle.toml")
    for subject in (TECHNIQUE, PILOTAGE):
        integrate(work, subject=subject)
    known = work.journal.list_ids()
    run = wait(
        server,
        start(server, governed, ticket="AQ-150", answers=answers),
        *("COMPLETED", "FAILED", "CRASHED", "PAUSED"),
    )
    assert run["state"]["type"] == "COMPLETED", run["state"]
    first, second = [work.journal.load(one) for one in work.journal.list_ids() if one not in known]
    assert (first.closed_at is not None, second.done) == (True, ())
    deployment = server.get("/deployments/name/runbook/runbook")
    places = {"platform": str(governed.platform_file), "runs_dir": str(governed.runs_dir)}
    parameters = {**places, "execution": second.id, "answers": answers}
    again = server.post(f"/deployments/{deployment['id']}/create_flow_run", parameters=parameters)
    run = wait(server, str(again["id"]), "COMPLETED", "FAILED", "CRASHED", "PAUSED")
    assert run["state"]["type"] == "COMPLETED", run["state"]
    after = work.journal.load(second.id)
    assert (after.subject, after.closed_at is not None, after.abandoned) == (PILOTAGE, True, "")
    assert len(after.done) == len(after.runbook.steps)
    assert after.clock.stopped_at is not None
