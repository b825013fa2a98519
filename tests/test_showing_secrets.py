"""No artifact, log line, parameter or message of a campaign run by a worker carries a secret, nor any of its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from nonreg.config import load_platform
from nonreg.masking import list_secrets
from nonreg.sandbox.layout import Layout
from nonreg.waiting import wait_until
from tests.prefect_server import Server, start_server

pytestmark = pytest.mark.prefect

HISTORY_PASSWORD = "Hist0ire-secrete-42"
SCENARIOS = '''
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario


def refuse(campaign: Campaign) -> None:
    """As a driver that tells the whole address that it could not reach."""
    site = campaign.active_site
    password = campaign.platform.secret(site.database.reader_password_env).reveal()
    raise RuntimeError(f"connection to postgresql://nr_reader:{password}@127.0.0.1:1/aquareel failed, {password}")


@scenario("BASE-901", "Connexion refusée par le pilote", Criticality.MAJEURE, Effect.READ_ONLY, timeout_seconds=30)
def test_refused(campaign: Campaign) -> None:
    refuse(campaign)


@scenario("BASE-902", "Le mot de passe est dans l'écart", Criticality.MAJEURE, Effect.READ_ONLY, timeout_seconds=30)
def test_gap(campaign: Campaign) -> None:
    site = campaign.active_site
    found = campaign.platform.secret(site.database.reader_password_env).reveal()
    print("sortie standard", found)
    assert found == "autre chose"


@scenario("BASE-903", "Rien à redire", Criticality.MINEURE, Effect.READ_ONLY, timeout_seconds=30)
def test_good(campaign: Campaign) -> None:
    assert campaign.platform.name
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose worker has a history that refuses it, with a password in its address."""
    with start_server(tmp_path_factory.mktemp("prefect")) as found:
        found.environment["NONREG_HISTORY_URL"] = (
            f"postgresql://histoire:{HISTORY_PASSWORD}@127.0.0.1:1/histoire"
        )
        found.start("worker", "start", "--pool", "aquareel", "--type", "process", "--limit", "1")
        yield found


@pytest.fixture(scope="module")
def leaking(server: Server, sandbox: Layout, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A campaign whose scenarios fail with secrets in their errors, run to its end; and its folder of runs."""
    folder, runs_dir = tmp_path_factory.mktemp("scenarios"), tmp_path_factory.mktemp("passages")
    (folder / "test_fuites.py").write_text(SCENARIOS, encoding="utf-8")
    deployment = server.get("/deployments/name/campagne/a-la-demande")
    parameters = {
        "platform": str(sandbox.platform_file),
        "families": ["base"],
        "scenarios": str(folder),
        "ticket": "AQ-12",
        "runs_dir": str(runs_dir),
    }
    created = server.post(f"/deployments/{deployment['id']}/create_flow_run", parameters=parameters)

    def find_end() -> Any:
        run = server.get(f"/flow_runs/{created['id']}")
        return run if run["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    return wait_until(find_end, 150, poll_seconds=0.5), runs_dir


def list_forms(layout: Layout) -> list[str]:
    """Every secret as it may be written: plain, in an address, in JSON."""
    secrets = (*list_secrets(load_platform(str(layout.platform_file))), HISTORY_PASSWORD)
    assert len(secrets) > 3
    return sorted({form for one in secrets for form in (one, quote(one, safe=""), json.dumps(one)[1:-1])})


def find_leaks(forms: list[str], where: dict[str, bytes]) -> list[str]:
    """Places that hold a secret; the secret itself is not told."""
    return [name for name, content in where.items() if any(form.encode() in content for form in forms)]


def test_the_campaign_went_to_its_verdict_and_told_of_the_failed_connections(
    server: Server, leaking: tuple[Any, Path]
) -> None:
    run, runs_dir = leaking
    assert run["state"]["type"] == "FAILED", server.log.read_text("utf-8")[-3000:]
    assert run["state"]["message"].startswith(("KO — ", "INCOMPLET — ")), run["state"]
    (report,) = runs_dir.glob("*/report.json")
    assert "BASE-901" in report.read_text("utf-8")


def test_nothing_that_the_server_keeps_holds_a_secret(
    server: Server, sandbox: Layout, leaking: tuple[Any, Path]
) -> None:
    forms, of_run = list_forms(sandbox), {"flow_runs": {"id": {"any_": [leaking[0]["id"]]}}}
    artifacts, tasks = server.post("/artifacts/filter", **of_run), server.post("/task_runs/filter", **of_run)
    logs = server.post("/logs/filter", logs={"flow_run_id": {"any_": [leaking[0]["id"]]}})
    assert len(artifacts) == 4
    assert len(logs) > 5
    answers = {"passage": leaking[0], "artefacts": artifacts, "tâches": tasks, "journal": logs}
    where = {name: json.dumps(found, ensure_ascii=False).encode() for name, found in answers.items()}
    home = Path(server.environment["PREFECT_HOME"])
    where |= {path.name: path.read_bytes() for path in home.glob("prefect.db*")}
    assert find_leaks(forms, where) == []


def test_the_output_of_worker_and_server_holds_no_secret(
    server: Server, sandbox: Layout, leaking: tuple[Any, Path]
) -> None:
    assert b"Finished in state" in server.log.read_bytes()
    assert find_leaks(list_forms(sandbox), {"journal": server.log.read_bytes()}) == []


def test_no_file_of_the_folder_of_runs_holds_a_secret(sandbox: Layout, leaking: tuple[Any, Path]) -> None:
    files = {str(path): path.read_bytes() for path in leaking[1].rglob("*") if path.is_file()}
    assert len(files) > 8
    assert find_leaks(list_forms(sandbox), files) == []
