"""What people see and click in Prefect: forms, a pause that waits for an answer, what a campaign shows, the login."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from nonreg import ledger
from nonreg.waiting import wait_until
from tests.browser.conftest import Desk, keep_picture
from tests.governed import publish_run
from tests.prefect_server import ANSWER_SECONDS, Server

if TYPE_CHECKING:  # installed by `make test-browser` only
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

WHY = "Aucune table publiée n'est modifiée."
KINDS = ["bascule", "replication", "deploiement", "script_sql", "parametrage", "systeme", "autre"]
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def find_deployment(server: Server, flow: str, name: str) -> Any:
    return server.get(f"/deployments/name/{flow}/{name}")


def list_runs(server: Server, deployment: Any) -> Any:
    return server.post("/flow_runs/filter", deployments={"id": {"any_": [deployment["id"]]}})


def await_state(server: Server, run_id: str, *types: str) -> Any:
    def find() -> Any:
        found = server.get(f"/flow_runs/{run_id}")
        return found if found["state"]["type"] in types else None

    return wait_until(find, 240, poll_seconds=0.5)


def see(page: Page, text: str) -> None:
    """Wait until somebody can read it."""
    page.get_by_role("main").get_by_text(text).first.wait_for()


def choose(page: Page, field: str, value: str) -> list[str]:
    """Open the list of a field and click one of its values; all that it offers."""
    page.get_by_role("button", name=f"Select {field}").click()
    page.get_by_role("option", name=value, exact=True).wait_for()
    offered = page.get_by_role("option").all_inner_texts()
    page.get_by_role("option", name=value, exact=True).click()
    return [one.strip() for one in offered]


def open_form(page: Page, desk: Desk, deployment: str) -> None:
    """From the front page to the form, as one clicks."""
    page.goto(desk.address)
    page.get_by_role("link", name="Deployments").first.click()
    page.get_by_role("link", name=deployment).first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()
    page.get_by_role("textbox", name="Ticket").wait_for()


def test_the_form_before_an_intervention_is_filled_in_by_clicking_and_runs_with_what_was_given(
    page: Page, desk: Desk
) -> None:
    open_form(page, desk, "avant-intervention")
    for said in (
        "Nature de l'intervention",
        "Référence du ticket, par exemple AQ-123.",
        "Si elle touche la réplication, la famille HD est exigée.",
        "Une intervention à distance est signalée hors des jours et heures ouvrés.",
        "Début prévu",
        "Acceptation des réserves",
    ):
        see(page, said)
    page.get_by_role("textbox", name="Ticket").fill("AQ-77")
    assert choose(page, "Nature de l'intervention", "script_sql") == KINDS
    assert choose(page, "Touche la réplication ?", "non") == ["oui", "non"]
    page.get_by_role("textbox", name="Pourquoi elle la touche, ou non").fill(WHY)
    keep_picture(page, "formulaire")
    assert choose(page, "Acceptation des réserves", "sans") == ["formulaire", "sans"]
    page.get_by_role("textbox", name="Plateforme").fill("absente")  # refused at once: nothing long is run
    page.get_by_role("button", name="Submit").click()
    deployment = find_deployment(desk.server, "avant-intervention", "avant-intervention")

    def find_created() -> Any:
        runs = list_runs(desk.server, deployment)
        return next((run for run in runs if run["parameters"].get("ticket") == "AQ-77"), None)

    given = wait_until(find_created, 60, poll_seconds=0.5)["parameters"]
    assert {
        "ticket": "AQ-77",
        "kind": "script_sql",
        "touches_replication": "non",
        "replication_reason": WHY,
        "remote": "oui",
        "accept_reserves": "sans",
        "platform": "absente",
    }.items() <= given.items()


@pytest.fixture
def paused(desk: Desk) -> Iterator[Any]:
    """A run that waits for somebody to accept the reserves of its GO; nothing was promoted on its platform."""
    publish_run(desk.governed, f"frais-{datetime.now(UTC):%H%M%S}", started_at=datetime.now(UTC))
    deployment = find_deployment(desk.server, "avant-intervention", "avant-intervention")
    created = desk.server.post(
        f"/deployments/{deployment['id']}/create_flow_run",
        parameters={
            "ticket": "AQ-31",
            "kind": "script_sql",
            "touches_replication": "non",
            "replication_reason": WHY,
            "platform": str(desk.governed.platform_file),
            "runs_dir": str(desk.governed.runs_dir),
        },
    )
    run = await_state(desk.server, created["id"], "PAUSED", *ENDED)
    assert run["state"]["type"] == "PAUSED", (run["state"], desk.server.log.read_text("utf-8")[-3000:])

    def is_form_there() -> bool:  # a moment after the pause
        return bool(desk.server.post(f"/flow_runs/{run['id']}/input/filter", prefix="paused-"))

    wait_until(is_form_there, 30, poll_seconds=0.5)
    yield run
    desk.server.post(f"/flow_runs/{run['id']}/set_state", state={"type": "CANCELLING"})


def test_reserves_are_accepted_by_clicking_in_the_form_of_a_paused_run(
    page: Page, desk: Desk, paused: Any
) -> None:
    page.goto(f"{desk.address}/v2/runs/flow-run/{paused['id']}")
    page.get_by_role("main").get_by_role("button", name="Open menu").first.click()
    page.get_by_role("menuitem", name="Resume").click()
    form = page.get_by_role("dialog", name="Resume Flow Run")
    for said in (
        "GO avec réserves : des réserves à accepter",
        "Aucune référence promue",
        "Sans réponse dans les 30 minutes, les réserves ne sont pas acceptées",
        "Il est enregistré comme déclaré : rien ne le prouve.",
    ):
        form.get_by_text(said).first.wait_for()
    assert choose(page, "Qui répond ?", "titulaire-essai") == ["titulaire-essai", "moa-scv-essai"]
    form.get_by_role("button", name="Resume").click()
    form.wait_for()  # without a yes or a no it does not go
    assert desk.server.get(f"/flow_runs/{paused['id']}")["state"]["type"] == "PAUSED"
    assert choose(page, "Acceptez-vous ces réserves ?", "oui") == ["oui", "non"]
    form.get_by_role("textbox", name="Commentaire").fill("Vu en réunion.")
    keep_picture(page, "formulaire-pause")
    form.get_by_role("button", name="Resume").click()
    run = await_state(desk.server, paused["id"], *ENDED)
    assert run["state"]["type"] == "COMPLETED", run["state"]
    see(page, "Completed")
    entry = ledger.read_entries(desk.governed.runs_dir / ledger.FILE)[-1]
    assert (entry.kind, entry.person, entry.data["acceptance"]) == (
        "reserves",
        "titulaire-essai",
        "acceptees",
    )
    kind = ("--ticket", "AQ-31", "--kind", "script_sql", "--touches-replication", "non")
    done = desk.governed.cli("require-go", *kind)
    assert done.returncode == 0, done.stderr
    assert "réserves acceptées par titulaire-essai" in done.stdout


@pytest.fixture(scope="session")
def campaign_run(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A campaign that a worker has finished."""
    deployment = find_deployment(desk.server, "campagne", "a-la-demande")
    created = desk.server.post(
        f"/deployments/{deployment['id']}/create_flow_run",
        parameters={
            "platform": str(desk.governed.platform_file),
            "families": ["base"],
            "select": "BASE-00[1-5]",
            "ticket": "AQ-12",
            "runs_dir": str(tmp_path_factory.mktemp("passages")),
        },
    )
    run = await_state(desk.server, created["id"], *ENDED)
    assert run["state"]["type"] == "COMPLETED", (run["state"], desk.server.log.read_text("utf-8")[-3000:])
    return run


def list_shown(desk: Desk, run: Any) -> list[Any]:
    return list(desk.server.post("/artifacts/filter", flow_runs={"id": {"any_": [run["id"]]}}))


def open_artifact(page: Page, desk: Desk, artifact: Any) -> None:
    page.goto(f"{desk.address}/v2/artifacts/artifact/{artifact['id']}")
    page.get_by_role("tabpanel", name="Artifact").wait_for()


def test_the_artifacts_of_a_finished_campaign_can_be_read(page: Page, desk: Desk, campaign_run: Any) -> None:
    shown = list_shown(desk, campaign_run)
    page.goto(f"{desk.address}/v2/runs/flow-run/{campaign_run['id']}?tab=Artifacts")
    see(page, campaign_run["name"])
    cards = page.get_by_role("tabpanel", name="Artifacts").get_by_role("link")
    cards.nth(len(shown) - 1).wait_for()
    cards.last.scroll_into_view_if_needed()
    keep_picture(page, "artefacts")
    assert all(any(one["key"] in text for text in cards.all_inner_texts()) for one in shown)
    (bar,) = (one for one in shown if one["type"] == "progress")
    open_artifact(page, desk, bar)
    see(page, "100%")
    (table,) = (one for one in shown if one["type"] == "table" and "BASE-001" in str(one["data"]))
    open_artifact(page, desk, table)
    first = page.get_by_role("row").filter(has_text="BASE-001")
    first.wait_for()
    assert "OK" in first.inner_text()
    assert "Tables et colonnes identiques à la référence" in first.inner_text()
    keep_picture(page, "artefacts-table")
    (verdict,) = (one for one in shown if one["type"] == "markdown" and one["key"].startswith("verdict"))
    open_artifact(page, desk, verdict)
    page.get_by_role("heading", name="OK").first.wait_for()
    assert "report.html" in " ".join(str(one["data"]) for one in shown)


@pytest.fixture
def closed_server(tmp_path: Path) -> Iterator[Server]:
    """A server that asks for a name and a password."""
    server = Server(tmp_path)
    server.environment["PREFECT_SERVER_API_AUTH_STRING"] = "titulaire:mot-de-passe-d-essai"
    server.start("server", "start", "--host", "127.0.0.1", "--port", str(server.port))
    try:
        wait_until(server.is_ours, 90)
        yield server
    finally:
        server.stop()


def test_a_server_with_authentication_opens_to_who_types_the_right_password(
    page: Page, closed_server: Server
) -> None:
    page.goto(closed_server.api.removesuffix("/api"))
    field = page.get_by_role("textbox")
    field.fill("titulaire:autre")
    page.get_by_role("button", name="Login").click()
    page.get_by_text("Invalid credentials").wait_for()
    assert page.get_by_role("link", name="Deployments").count() == 0
    field.fill("titulaire:mot-de-passe-d-essai")
    page.get_by_role("button", name="Login").click()
    page.get_by_role("link", name="Deployments").first.click()
    page.wait_for_url("**/deployments**")
    assert "mot-de-passe" not in page.url


@pytest.fixture
def suspended(desk: Desk) -> Iterator[Any]:
    """An onboarding that waits for its first answer; its process has ended."""
    deployment = find_deployment(desk.server, "integration", "integration")
    created = desk.server.post(
        f"/deployments/{deployment['id']}/create_flow_run",
        parameters={
            "renfort": "renfort-technique-essai",
            "person": "titulaire-essai",
            "ticket": "AQ-140",
            "rehearsal": True,
            "platform": str(desk.governed.platform_file),
            "runs_dir": str(desk.governed.runs_dir),
        },
    )
    run = await_form(desk, created["id"])
    yield run
    desk.server.post(f"/flow_runs/{run['id']}/set_state", state={"type": "CANCELLED"}, force=True)


def await_form(desk: Desk, run_id: str, after: str = "") -> Any:
    """The run once it is suspended before a form that can be filled in, another one than `after`."""

    def find() -> Any:
        run = desk.server.get(f"/flow_runs/{run_id}")
        assert run["state"]["type"] not in ENDED, run["state"]
        keyset = run["state"]["state_details"].get("run_input_keyset") or {}
        if run["state"]["type"] != "PAUSED" or keyset.get("schema", after) == after:
            return None
        asked = f"{desk.server.api}/flow_runs/{run_id}/input/{keyset['description']}"  # written last
        return run if requests.get(asked, timeout=ANSWER_SECONDS).ok else None

    return wait_until(find, 240, poll_seconds=0.5)


def test_a_step_of_an_onboarding_is_answered_in_the_form_of_its_suspended_run(
    page: Page, desk: Desk, suspended: Any
) -> None:
    page.goto(f"{desk.address}/v2/runs/flow-run/{suspended['id']}")
    page.get_by_role("main").get_by_role("button", name="Open menu").first.click()
    page.get_by_role("menuitem", name="Resume").click()
    form = page.get_by_role("dialog", name="Resume Flow Run")
    for said in (
        "O0 — Demande d'intégration",
        "RÉPÉTITION",
        "Preuve attendue",
        "Jour et heure de Paris, par exemple 30/11/2026 14:05.",
    ):
        form.get_by_text(said).first.wait_for()
    assert choose(page, "Qui répond ?", "titulaire-essai") == ["titulaire-essai"]
    form.get_by_role("textbox", name="Demande reçue le").fill("30/11/2026 09:30")
    choose(page, "Profil demandé", "renfort technique")
    form.get_by_role("textbox", name="Ticket de la demande").fill("AQ-140")
    keep_picture(page, "formulaire-etape")
    form.get_by_role("button", name="Resume").click()
    first = suspended["state"]["state_details"]["run_input_keyset"]["schema"]
    await_form(desk, suspended["id"], first)
    entries = ledger.read_entries(desk.governed.runs_dir / ledger.FILE)
    (done,) = (one for one in entries if one.kind == "runbook" and one.data["event"] == "etape")
    assert (done.person, done.data["step"]) == ("titulaire-essai", "O0")
    assert done.data["said"]["demande_le"] == "2026-11-30T09:30+01:00"
    page.goto(f"{desk.address}/v2/runs/flow-run/{suspended['id']}")
    see(page, "O0 - Demande d'integration")
    keep_picture(page, "integration")
