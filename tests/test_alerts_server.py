"""The watch before a real Prefect server and a worker that is killed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.alerts.nights import EARLY
from nonreg.alerts.patrol import make_round
from nonreg.alerts.server import PrefectServer
from nonreg.alerts.settings import AlertSettings, ServerSettings
from nonreg.errors import AccessDenied
from nonreg.waiting import wait_until
from tests.alert_receivers import Postman, start_smtp
from tests.prefect_server import Server, family_of, start_server
from tests.test_alerts_mail import settings_for

pytestmark = pytest.mark.prefect

SILENCE_SECONDS = 6.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("prefect"), deploy=False) as found:
        found.environment["PREFECT_WORKER_HEARTBEAT_SECONDS"] = "1"
        found.run("work-pool", "create", "aquareel", "--type", "process")
        yield found


def start_worker(server: Server, name: str) -> int:
    command = ("worker", "start", "--pool", "aquareel", "--type", "process", "--name", name)
    return server.start(*command).pid


def test_a_worker_that_is_killed_is_told_once_and_not_again_when_it_is_back(
    server: Server, tmp_path: Path
) -> None:
    postman, api = Postman(), PrefectServer(server.api)
    with start_smtp(postman) as port:
        settings = AlertSettings(
            mail=settings_for(port),
            base_dir=tmp_path,
            runs_dir=".",
            server=ServerSettings(worker_silence_seconds=SILENCE_SECONDS),
        )

        def look() -> int:
            done = make_round(settings, api, datetime.now(UTC))
            assert done.problems == ()
            return len(postman.received)

        pid = start_worker(server, "travailleur-1")
        wait_until(lambda: api.read_workers("aquareel")[0], 60)
        assert look() == 0
        for process in family_of(pid):
            process.send_signal(signal.SIGKILL)
        wait_until(lambda: look() == 1, 60, poll_seconds=0.5)
        assert look() == look() == 1
        (told,) = postman.mails()
        assert told["Subject"] == "[AQUARÉEL] Travailleur absent — groupe « aquareel » (0 en vie sur 1)"
        assert "Dernier signe de « travailleur-1 »" in told.get_content()

        gone = api.read_workers("aquareel")[0][0].last_heartbeat
        start_worker(server, "travailleur-1")
        wait_until(lambda: api.read_workers("aquareel")[0][0].last_heartbeat > gone, 60)
        back = api.read_workers("aquareel")[0][0].last_heartbeat
        # It stays: several heartbeats later nobody has been told of anything.
        wait_until(
            lambda: (
                look() == 1
                and api.read_workers("aquareel")[0][0].last_heartbeat > back + timedelta(seconds=3)
            ),
            60,
        )
        assert look() == 1


def test_a_pool_that_does_not_exist_has_no_worker(server: Server) -> None:
    assert PrefectServer(server.api).read_workers("inconnu")[0] == ()


def test_a_platform_that_could_not_be_put_back_is_told_until_a_later_recovery_does_it(
    server: Server, tmp_path: Path
) -> None:
    flow, api = server.post("/flows/", name="reprise"), PrefectServer(server.api)
    assert api.read_last_recovery() is None
    settings = AlertSettings(
        mail=settings_for(1),
        base_dir=tmp_path,
        runs_dir=".",
        server=ServerSettings(workers=0, pool="inconnu"),
    )
    for state, is_told in (("FAILED", True), ("COMPLETED", False)):
        run = server.post(
            "/flow_runs/", flow_id=flow["id"], name="REPRISE d'essai", parameters={"platform": "essai"}
        )
        for one in ("RUNNING", state):
            server.post(
                f"/flow_runs/{run['id']}/set_state",
                state={"type": one, "message": "HD-024 : hôte injoignable"},
                force=True,
            )
        last = api.read_last_recovery()
        assert last is not None
        assert last.has_failed is is_told
        told = make_round(settings, api, last.ended_at).told
        assert any("Plateforme à remettre en état — essai" in one for one in told) is is_told


def test_a_missed_night_says_what_the_server_had_planned(server: Server) -> None:
    flow = server.post("/flows/", name="une-nuit")
    deployment = server.post("/deployments/", name="nuit", flow_id=flow["id"])
    start = datetime.now(UTC) - timedelta(hours=4)
    api = PrefectServer(server.api)
    assert api.describe_night("nuit", start) == "aucun passage n'était planifié pour cette nuit"
    state = {
        "type": "SCHEDULED",
        "name": "Late",
        "state_details": {"scheduled_time": start.isoformat()},
    }
    server.post(f"/deployments/{deployment['id']}/create_flow_run", name="NUIT d'essai", state=state)
    assert api.describe_night("nuit", start) == "NUIT d'essai en retard, aucun travailleur ne l'a pris"
    assert api.describe_night("nuit", start + 2 * EARLY) == "aucun passage n'était planifié pour cette nuit"


def test_an_account_that_the_server_refuses_is_a_sentence_without_it(tmp_path: Path) -> None:
    home = tmp_path / "garde"
    home.mkdir()
    guarded = Server(home)
    guarded.environment |= {
        "PREFECT_SERVER_API_AUTH_STRING": "admin:secret-du-serveur",
        "PREFECT_API_AUTH_STRING": "admin:secret-du-serveur",
    }
    guarded.start("server", "start", "--host", "127.0.0.1", "--port", str(guarded.port))
    try:
        wait_until(guarded.is_ours, 90)
        with pytest.raises(AccessDenied) as caught:
            PrefectServer(guarded.api, "admin:autre-secret").read_workers("aquareel")
        assert "secret" not in str(caught.value)
        assert PrefectServer(guarded.api, "admin:secret-du-serveur").read_workers("aquareel")[0] == ()
    finally:
        guarded.stop()
