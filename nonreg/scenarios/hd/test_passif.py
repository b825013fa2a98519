"""HD-011: nobody but replication writes on the passive site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nonreg.bench import Bench
from nonreg.clients.sql import Session
from nonreg.errors import RequestFailed
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario
from nonreg.witness import Witness

REFUSAL = ("25006", "SITE_PASSIF")


@scenario(
    "HD-011", "Le site passif refuse les écritures : base et client léger", Criticality.BLOQUANTE,
    Effect.WRITES_TEST_DATA, queries=("bench_create_station", "bench_send"),
)  # fmt: skip
def test_passive_refuses(witness: Witness, campaign: Campaign, trial: Bench) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0, tzinfo=None) - timedelta(hours=1)
    station = trial.create_station()
    frame = {"station": station.code, "kind": "H", "at": now, "value": 500, "source": "IP"}
    accepted = trial.session.query("bench_send", **frame)
    witness.expect_equal(
        accepted.scalar(), "INSERE", accepted.request
    )  # the frame is good: roles make the difference
    with campaign.session(campaign.passive_site, "writer") as session:
        try:
            answered = session.query("bench_send", **frame)
            request, words = answered.request, f"acceptée ({answered.scalar()})"
        except RequestFailed as refused:
            request = accepted.request.replace(campaign.active_site.code, campaign.passive_site.code, 1)
            words = str(refused)
    witness.expect(all(part in words for part in REFUSAL), request, "refus 25006 SITE_PASSIF", words)
    with campaign.web(campaign.passive_site, "client") as web:
        answer = web.post(
            "/parametres", b"prm_code=MODE_CRISE&prm_valeur=1", "application/x-www-form-urlencoded"
        )
    witness.expect(
        answer.status == 403 and "passif" in answer.body,
        answer.request,
        "refus 403 qui nomme le site passif",
        f"{answer.status} {answer.body[:200]}",
    )


@scenario(
    "HD-011b",
    "Aucune ligne répliquée n'a été écrite sur place au site passif",
    Criticality.BLOQUANTE,
    queries=("local_writes",),
)
def test_no_local_writes(witness: Witness, passive: Session) -> None:
    witness.expect_no_rows(passive.query("local_writes"), "chaque ligne vient de la réplication")
