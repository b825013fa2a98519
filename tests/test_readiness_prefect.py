"""Readiness, packs and profiles on a real Prefect server: what a run says of itself, whom a deployment refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nonreg import ledger
from nonreg.handover.readiness import KIND
from nonreg.steering.pack import FOLDER as PACKS
from nonreg.waiting import wait_until
from tests.governed import Governed, make_governed, publish_run
from tests.handover.executions import PILOTAGE, TECHNIQUE, TITULAIRE
from tests.prefect_server import Server, start_server
from tests.steering.samples import write_tracker

pytestmark = pytest.mark.prefect
LONG_SECONDS = 240.0
FLOWS = {"hebdo": "pilotage", "copil": "pilotage"}
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("prefect")) as found:
        found.start("worker", "start", "--pool", "aquareel", "--type", "process", "--limit", "3")
        yield found


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    return make_governed(tmp_path)


def run(server: Server, governed: Governed, deployment: str, *states: str, **parameters: Any) -> Any:
    """A run of a deployment, once it is in one of these states."""
    flow = server.get(f"/deployments/name/{FLOWS.get(deployment, deployment)}/{deployment}")
    asked = {
        "platform": str(governed.platform_file),
        "runs_dir": str(governed.runs_dir),
        **parameters,
    }
    created = server.post(f"/deployments/{flow['id']}/create_flow_run", parameters=asked)

    def look() -> Any:
        found = server.get(f"/flow_runs/{created['id']}")
        return found if found["state"]["type"] in (states or ENDED) else None

    return wait_until(look, LONG_SECONDS, poll_seconds=0.3)


def test_a_measure_completes_with_its_word_and_score_in_its_name_and_fails_only_when_asked_to(
    server: Server, governed: Governed
) -> None:
    measured = run(server, governed, "disponibilite")
    assert measured["state"]["type"] == "COMPLETED"
    assert "NON PRÊT, " in measured["state"]["message"]
    assert measured["name"].startswith("DISPONIBILITÉ ")
    assert " — NON PRÊT, " in measured["name"]
    asked = {"artifacts": {"flow_run_id": {"any_": [measured["id"]]}}}
    shown = {one["key"]: one["data"] for one in server.post("/artifacts/filter", **asked)}
    assert "Jamais joué" in shown["disponibilite"]
    failed = run(server, governed, "disponibilite", fails_when_not_ready=True)
    assert failed["state"]["type"] == "FAILED"
    entries = ledger.read_entries(governed.runs_dir / ledger.FILE)
    assert [one.kind for one in entries if one.kind == KIND] == [KIND, KIND]


def test_a_weekly_review_and_a_copil_are_kept_shown_and_told_in_their_ticket(
    server: Server, governed: Governed
) -> None:
    folder = write_tracker(governed)
    for meeting, title in (("hebdo", "Revue hebdomadaire"), ("copil", "COPIL")):
        made = run(server, governed, meeting, meeting=meeting, ticket="AQ-1")
        assert made["state"]["type"] == "COMPLETED", made["state"]["message"]
        assert made["name"].startswith(f"{meeting.upper()} plateforme du ")
        asked = {"artifacts": {"flow_run_id": {"any_": [made["id"]]}}}
        shown = {one["key"]: one["data"] for one in server.post("/artifacts/filter", **asked)}
        assert shown[f"revue-{meeting}"].startswith(f"# {title} du ")
    kept = sorted(one.name.partition("-")[0] for one in (governed.runs_dir / PACKS).iterdir())
    assert kept == ["COPIL", "HEBDO"]
    notes = [one.read_text(encoding="utf-8") for one in (folder / "AQ-1" / "notes").iterdir()]
    assert sum("Revue hebdomadaire HEBDO-" in one and "revue-HEBDO-" in one for one in notes) == 1
    assert sum("Dossier du COPIL COPIL-" in one for one in notes) == 1


@pytest.mark.parametrize(
    ("deployment", "parameters"),
    [
        ("integration", {"renfort": TECHNIQUE}),
        (
            "avant-intervention",
            {
                "ticket": "AQ-1",
                "kind": "script_sql",
                "touches_replication": "non",
                "replication_reason": "Elle ne touche aucune table.",
            },
        ),
    ],
)
def test_a_deployment_refuses_who_may_not_start_it_and_names_who_may(
    server: Server, governed: Governed, deployment: str, parameters: dict[str, Any]
) -> None:
    refused = run(server, governed, deployment, person=PILOTAGE, **parameters)
    assert refused["state"]["type"] == "FAILED"
    said = refused["state"]["message"]
    assert f"« {PILOTAGE} » (renfort pilotage) ne lance pas le déploiement « {deployment} »" in said
    assert f"{TITULAIRE} (titulaire)" in said
    assert not (governed.runs_dir / ledger.FILE).exists()


def test_the_scope_of_a_renfort_is_in_the_log_of_what_he_starts(server: Server, governed: Governed) -> None:
    waiting = run(
        server, governed, "runbook", "PAUSED", runbook="contacts", person=TECHNIQUE, subject=TECHNIQUE
    )

    def look() -> bool:
        logs = server.post("/logs/filter", logs={"flow_run_id": {"any_": [waiting["id"]]}})
        return any(f"Aucun périmètre signé pour « {TECHNIQUE} »" in one["message"] for one in logs)

    wait_until(look, LONG_SECONDS, poll_seconds=0.3)


def test_the_monthly_look_at_what_is_kept_shows_and_removes_only_when_asked_to(
    server: Server, governed: Governed
) -> None:
    publish_run(governed, "vieux", started_at=datetime(2024, 1, 1, 6, 0, tzinfo=UTC))
    publish_run(governed, "recent", started_at=datetime.now(UTC))
    shown = run(server, governed, "conservation")
    assert shown["state"]["type"] == "COMPLETED"
    assert "1 à retirer" in shown["name"]
    assert (governed.runs_dir / "vieux").is_dir()
    done = run(server, governed, "conservation", apply=True)
    assert (done["state"]["type"], done["state"]["message"]) == ("COMPLETED", "1 élément retiré.")
    assert not (governed.runs_dir / "vieux").exists()
    assert (governed.runs_dir / "recent").is_dir()
