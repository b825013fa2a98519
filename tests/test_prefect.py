"""prefect.yaml on a real Prefect server of the test's own: deployed, then run by a real worker."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from nonreg.__main__ import main
from nonreg.clients.sshsig import load_key_file
from nonreg.decision import sign_decision, write_signed
from nonreg.drills.operator import list_open
from nonreg.model import Outcome
from nonreg.plan import collect_scenarios
from nonreg.sandbox.layout import Layout
from nonreg.waiting import wait_until
from tasks.promotion import load_candidate, request_promotion
from tests.deployments import DEPLOYMENTS
from tests.drilled import BODIES, BREAKING, HEADER, ROLES, Ground, write_catalog
from tests.governed import ALL_GOOD, Governed, make_governed, publish_run
from tests.prefect_server import Server, start_server

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("prefect")) as found:
        yield found


FLOWS = {
    name: name
    for name in (
        "avant-intervention",
        "promotion",
        "migration",
        "reprise",
        "integration",
        "runbook",
        "activation",
        "disponibilite",
        "conservation",
    )
} | {"hebdo": "pilotage", "copil": "pilotage"}


def find_deployment(server: Server, name: str) -> Any:
    return server.get(f"/deployments/name/{FLOWS.get(name, 'campagne')}/{name}")


def test_every_deployment_of_the_file_is_on_the_server_with_its_description(server: Server) -> None:
    for declared in DEPLOYMENTS:
        deployed = find_deployment(server, declared["name"])
        assert deployed["entrypoint"] == declared["entrypoint"]
        assert deployed["description"].strip() == declared["description"].strip()
        assert set(deployed["tags"]) == set(declared["tags"])


def test_the_nightly_runs_at_0130_in_paris_once_at_a_time(server: Server) -> None:
    deployed = find_deployment(server, "nuit")
    (schedule,) = deployed["schedules"]
    assert schedule["active"]
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("30 1 * * *", "Europe/Paris")
    assert deployed["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert deployed["global_concurrency_limit"]["limit"] == 1


def test_the_server_plans_the_coming_nights(server: Server) -> None:
    """Its scheduler really inserts runs: with some versions of its libraries it cannot."""
    deployed = find_deployment(server, "nuit")

    def find_planned() -> Any:
        return server.post(
            "/flow_runs/filter", deployments={"id": {"any_": [deployed["id"]]}}, sort="START_TIME_ASC"
        )

    planned = wait_until(find_planned, 90, poll_seconds=0.5)
    starts = [datetime.fromisoformat(run["expected_start_time"]) for run in planned]
    local = [start.astimezone(ZoneInfo("Europe/Paris")) for start in starts]
    assert {(start.hour, start.minute) for start in local} == {(1, 30)}
    assert len({start.date() for start in local}) == len(local)


def test_the_form_offers_french_help_and_the_families(server: Server) -> None:
    schema = find_deployment(server, "a-la-demande")["parameter_openapi_schema"]
    assert schema["definitions"]["FamilyChoice"]["enum"] == ["base", "applicatif", "hd"]
    assert "ticket" in schema["properties"]["ticket"]["description"]
    schema = find_deployment(server, "avant-intervention")["parameter_openapi_schema"]
    assert schema["definitions"]["YesNo"]["enum"] == ["oui", "non"]
    assert "touches_replication" in schema["required"]
    assert "réplication" in schema["properties"]["touches_replication"]["description"]


def test_drills_are_never_scheduled_one_at_a_time_and_ask_for_their_approval(server: Server) -> None:
    deployed = find_deployment(server, "exercices-hd")
    assert deployed["schedules"] == []
    assert deployed["global_concurrency_limit"]["limit"] == 1
    assert deployed["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    parameter = deployed["parameter_openapi_schema"]["properties"]["drills"]
    assert "autorisation d'exercices que le titulaire a signée" in parameter["description"]
    others = [find_deployment(server, one["name"]) for one in DEPLOYMENTS if one["name"] != "exercices-hd"]
    assert [one["name"] for one in others if one["parameters"].get("drills")] == []


@pytest.fixture(scope="module")
def worker(server: Server) -> None:
    server.start("worker", "start", "--pool", "aquareel", "--type", "process", "--limit", "1")


def run_deployment(server: Server, name: str, **parameters: Any) -> Any:
    """A run by the worker, once it has ended."""
    deployment = find_deployment(server, name)
    created = server.post(f"/deployments/{deployment['id']}/create_flow_run", parameters=parameters)

    def find_end() -> Any:
        try:
            run = server.get(f"/flow_runs/{created['id']}")
        except requests.Timeout:  # its SQLite may keep everybody waiting for a minute
            return None
        return run if run["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    return wait_until(find_end, 150, poll_seconds=0.5)


def read_artifacts(server: Server, run: Any) -> Any:
    return server.post("/artifacts/filter", flow_runs={"id": {"any_": [run["id"]]}})


@pytest.fixture(scope="module")
def finished(server: Server, worker: None, sandbox: Layout, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A campaign run by a worker, to its end."""
    runs_dir = tmp_path_factory.mktemp("passages")
    run = run_deployment(
        server,
        "a-la-demande",
        platform=str(sandbox.platform_file),
        families=["base"],
        select="BASE-00[1-5]",
        ticket="AQ-12",
        runs_dir=str(runs_dir),
    )
    return {**run, "runs_dir": runs_dir}


def test_a_worker_runs_a_deployed_campaign_to_its_report(server: Server, finished: Any) -> None:
    assert finished["state"]["type"] == "COMPLETED", (
        finished["state"],
        server.log.read_text("utf-8")[-3000:],
    )
    assert re.fullmatch(r"CAMPAGNE \d{4}-\d\d-\d\d embarquee v5\.2\.0 BASE — OK.*", finished["name"])
    assert re.fullmatch(r"OK.* — .+ — rapport \S+/report\.html", finished["state"]["message"])
    (plan,) = finished["runs_dir"].glob("*/plan.json")
    assert (plan.parent / "report.pdf").is_file()


def test_the_stages_are_visible_by_name(server: Server, finished: Any) -> None:
    tasks = server.post("/task_runs/filter", flow_runs={"id": {"any_": [finished["id"]]}})
    names = sorted(found["name"].rsplit("-", 1)[0] for found in tasks)
    assert [name.split(" - ")[0] for name in names] == ["1", "2", "3", "4", "5", "6"]
    by_stage = {found["name"][0]: found for found in tasks}
    for stage, given, origin in (("3", "plan", "2"), ("5", "report", "4"), ("6", "rendered", "5")):
        assert [one["id"] for one in by_stage[stage]["task_inputs"][given]] == [by_stage[origin]["id"]]


def test_the_run_is_found_by_what_it_was_for_beside_the_tags_of_its_deployment(
    server: Server, finished: Any
) -> None:
    deployed = server.get(f"/deployments/{finished['deployment_id']}")["tags"]
    assert deployed
    own = {"ticket:AQ-12", "famille:base", "plateforme:embarquee", "version:5.2.0", "effet:lecture"}
    assert set(finished["tags"]) == own | set(deployed)


def test_the_artifacts_show_progress_results_verdict_and_report(server: Server, finished: Any) -> None:
    artifacts = read_artifacts(server, finished)
    by_type = {artifact["type"]: artifact for artifact in artifacts}
    assert by_type["progress"]["data"] == 100.0
    assert by_type["progress"]["description"] == "5 scénarios sur 5 : 5 OK — Terminé"
    assert "BASE-005" in by_type["table"]["data"]
    keys = {artifact["key"] for artifact in artifacts}
    assert keys == {f"{name}-embarquee" for name in ("avancement", "verdict", "base", "etat")}
    assert any("report.html" in str(artifact["data"]) for artifact in artifacts)
    assert any("# OK" in str(artifact["data"]) for artifact in artifacts)


@pytest.fixture(scope="module")
def governed_sandbox(sandbox: Layout, tmp_path_factory: pytest.TempPathFactory) -> Governed:
    """The running platform with a governance folder and runs of the test's own."""
    return make_governed(tmp_path_factory.mktemp("gouvernee"), sandbox.platform_file)


def test_a_worker_promotes_a_run_with_a_decision_signed_beforehand(
    server: Server, worker: None, governed_sandbox: Governed
) -> None:
    governed = governed_sandbox
    run_dir = publish_run(governed, "promu", started_at=datetime.now(UTC))
    candidate = load_candidate(run_dir, governed.platform, datetime.now(UTC))
    titulaire = candidate.people.find("titulaire-essai")
    assert titulaire is not None
    request = request_promotion(candidate, titulaire, "AQ-9", "Recette", datetime.now(UTC))
    decision = governed.root / "decision.signed.json"
    write_signed(decision, sign_decision(request, load_key_file(Path(governed.key()))))
    run = run_deployment(
        server,
        "promotion",
        run=str(run_dir),
        decision=str(decision),
        platform=str(governed.platform_file),
    )
    assert run["state"]["type"] == "COMPLETED", (run["state"], server.log.read_text("utf-8")[-3000:])
    assert [file.name for file in (governed.governance / "baselines").iterdir()] == ["0001-5.2.0.json"]
    assert any("PROMOTION" in str(artifact["data"]) for artifact in read_artifacts(server, run))


def test_a_worker_compares_two_platforms_and_shows_its_report(
    server: Server, worker: None, governed_sandbox: Governed, tmp_path: Path
) -> None:
    other = make_governed(tmp_path, governed_sandbox.platform_file)
    other.change_platform('name = "embarquee"', 'name = "arrivee"')  # the same servers under another name
    now = datetime.now(UTC)
    run = run_deployment(
        server,
        "migration",
        platform_from=str(governed_sandbox.platform_file),
        platform_to=str(other.platform_file),
        run_from=str(publish_run(governed_sandbox, "quittee", started_at=now)),
        run_to=str(publish_run(other, "rejointe", started_at=now)),
        tables=["ref.seuil"],
        runs_dir=str(other.runs_dir),
    )
    assert run["state"]["type"] == "COMPLETED", (run["state"], server.log.read_text("utf-8")[-3000:])
    (folder,) = (path.parent for path in other.runs_dir.glob("*/migration.json"))
    shown = [str(artifact["data"]) for artifact in read_artifacts(server, run)]
    assert any("# CONFORME" in one for one in shown)
    assert any(str(folder / "rapport.html") in one for one in shown)


def test_drills_launched_without_their_approval_end_before_anything_is_planned(
    server: Server, worker: None, sandbox: Layout, tmp_path: Path
) -> None:
    run = run_deployment(
        server, "exercices-hd", platform=str(sandbox.platform_file), runs_dir=str(tmp_path / "passages")
    )
    assert run["state"]["type"] == "FAILED"
    assert "autorisation-a-indiquer.signed.json : lecture impossible" in run["state"]["message"]
    assert not list(tmp_path.glob("passages/*/plan.json"))


def test_a_worker_runs_approved_drills_and_shows_what_a_person_must_do(
    server: Server, worker: None, sandbox: Layout, tmp_path: Path
) -> None:
    folder = write_catalog(tmp_path / "scenarios", ROLES, BODIES, header=HEADER + BREAKING)
    ground = Ground(sandbox, folder, collect_scenarios(folder))
    answered: list[int] = []

    def answer() -> None:
        (step,) = wait_until(lambda: list_open(ground.platform), 120)
        wait_until(lambda: read_step(server, step.id), 30)
        key = str(sandbox.identities_dir / "renfort-technique-essai")
        answered.append(main(["confirm", "--platform", str(sandbox.platform_file), step.id, "--key", key]))

    thread = threading.Thread(target=answer)
    thread.start()
    run = run_deployment(
        server,
        "exercices-hd",
        platform=str(sandbox.platform_file),
        select="HD-925",
        scenarios=str(folder),
        runs_dir=str(tmp_path / "passages"),
        drills=str(ground.approve(tmp_path / "autorisation.json", "HD-925")),
    )
    thread.join()
    assert answered == [0]
    assert run["state"]["type"] == "COMPLETED", (run["state"], server.log.read_text("utf-8")[-3000:])
    assert re.fullmatch(r"EXERCICES \d{4}-\d\d-\d\d embarquee v5\.2\.0 HD — .+", run["name"])


def read_step(server: Server, step_id: str) -> bool:
    """True once the instruction of that step is shown."""
    found = server.post("/artifacts/filter", artifacts={"key": {"any_": [f"etape-{step_id.lower()}"]}})
    return any("Débranchez, puis confirmez." in str(one["data"]) for one in found)


@pytest.mark.parametrize(("replication", "state"), [("non", "COMPLETED"), ("oui", "FAILED")])
def test_a_worker_answers_go_or_no_go_and_publishes_the_page(
    server: Server, worker: None, governed_sandbox: Governed, replication: str, state: str
) -> None:
    governed = governed_sandbox
    at = datetime.now(UTC)
    outcomes = {**ALL_GOOD, "HD-001": Outcome.KO} if replication == "oui" else ALL_GOOD
    publish_run(governed, f"passage-{replication}", outcomes, at)
    run = run_deployment(
        server,
        "avant-intervention",
        ticket="AQ-31",
        kind="script_sql",
        touches_replication=replication,
        replication_reason="Une table publiée est, ou non, modifiée.",
        platform=str(governed.platform_file),
        person="titulaire-essai",
        runs_dir=str(governed.runs_dir),
        accept_reserves="sans",
    )
    assert run["state"]["type"] == state, (run["state"], server.log.read_text("utf-8")[-3000:])
    assert run["name"] == "AVANT INTERVENTION AQ-31 script_sql"
    assert any("page.html" in str(artifact["data"]) for artifact in read_artifacts(server, run))


def ask_before_intervention(server: Server, governed: Governed, minutes: float) -> Any:
    """A run whose GO has reserves, since nothing was promoted there."""
    publish_run(governed, "frais", started_at=datetime.now(UTC))
    deployment = find_deployment(server, "avant-intervention")
    asked = {
        "ticket": "AQ-31",
        "kind": "script_sql",
        "touches_replication": "non",
        "replication_reason": "Aucune table publiée n'est modifiée.",
        "platform": str(governed.platform_file),
        "runs_dir": str(governed.runs_dir),
        "acceptance_minutes": minutes,
    }
    return server.post(f"/deployments/{deployment['id']}/create_flow_run", parameters=asked)


def await_state(server: Server, run: Any, *types: str) -> Any:
    def find() -> Any:
        found = server.get(f"/flow_runs/{run['id']}")
        return found if found["state"]["type"] in types else None

    return wait_until(find, 150, poll_seconds=0.5)


def is_form_there(server: Server, run: Any) -> bool:
    """A run is paused a moment before its form can be filled in."""
    return bool(server.post(f"/flow_runs/{run['id']}/input/filter", prefix="paused-"))


def read_answer(governed: Governed) -> str:
    (file,) = governed.runs_dir.glob("interventions/*/acceptation.json")
    return file.read_text(encoding="utf-8")


def test_reserves_that_nobody_accepts_in_time_leave_the_intervention_blocked(
    server: Server, worker: None, sandbox: Layout, tmp_path: Path
) -> None:
    governed = make_governed(tmp_path, sandbox.platform_file)
    run = await_state(
        server, ask_before_intervention(server, governed, 0.02), "FAILED", "COMPLETED", "CRASHED"
    )
    assert run["state"]["type"] == "FAILED"
    assert "Réserves non acceptées, personne n'a répondu dans le délai" in run["state"]["message"]
    assert "sans_reponse" in read_answer(governed)
    kind = ("--ticket", "AQ-31", "--kind", "script_sql", "--touches-replication", "non")
    assert "n'ont pas été acceptées" in governed.cli("require-go", *kind).stderr


def test_an_answer_of_another_type_is_refused_by_its_field_and_a_no_blocks(
    server: Server, worker: None, sandbox: Layout, tmp_path: Path
) -> None:
    governed = make_governed(tmp_path, sandbox.platform_file)
    run = await_state(server, ask_before_intervention(server, governed, 10), "PAUSED", "FAILED", "CRASHED")
    assert run["state"]["type"] == "PAUSED", run["state"]
    resume = f"/flow_runs/{run['id']}/resume"
    wait_until(lambda: is_form_there(server, run), 30, poll_seconds=0.5)
    for field, given in (
        ("decision", {"decision": "peut-être", "person": "titulaire-essai"}),
        ("person", {"decision": "oui", "person": "quelqu-un"}),
        ("comment", {"decision": "oui", "person": "titulaire-essai", "comment": 3}),
    ):
        refused = server.post(resume, run_input=given)
        assert (refused["status"], field in refused["details"]["reason"]) == ("REJECT", True)
    said = {"decision": "non", "person": "titulaire-essai", "comment": "Pas ce soir."}
    assert server.post(resume, run_input=said)["status"] == "ACCEPT"
    ended = await_state(server, run, "FAILED", "COMPLETED", "CRASHED")
    assert "Réserves refusées par titulaire-essai" in ended["state"]["message"]
    assert "Pas ce soir." in read_answer(governed)
