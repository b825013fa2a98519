"""APP-004, APP-005: who may push measures and who may look at them."""

from __future__ import annotations

from dataclasses import astuple
from datetime import UTC, datetime
from decimal import Decimal

from nonreg.bench import Bench
from nonreg.clients.sql import Rows, Session
from nonreg.clients.web import Answer
from nonreg.config import Secret
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.probes.client_page import LatestValue, parse_latest
from nonreg.probes.frames import Reading, build_frame, parse_reply
from nonreg.recorder import scenario
from nonreg.scenarios.applicatif.steps import sign_in
from nonreg.simulator import StationSimulator, last_step
from nonreg.witness import Witness

WRONG = Secret("un mauvais mot de passe")
NO_STATION = "exploitant"


@scenario(
    "APP-004",
    "Frontaux IP : identifiant faux refusé, station d'essai acceptée",
    Criticality.BLOQUANTE,
    Effect.WRITES_TEST_DATA,
    queries=("bench_create_station", "buffer_rows"),
)
def test_frontal_access(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    station, other = bench.create_station(), bench.create_station()
    bench.session.commit()
    at = last_step(datetime.now(UTC))
    refused = build_frame(station.code, [Reading("H", at, Decimal(999))])
    expected = []
    for value, site in enumerate((campaign.active_site, campaign.passive_site), start=400):
        with StationSimulator(campaign.platform, site) as simulator:
            attempts = (
                ("sans identifiant", simulator.push_anonymously(refused)),
                ("mot de passe faux", simulator.push_bytes(station.code, refused, secret=WRONG)),
                ("identifiant qui n'est pas un code", simulator.push_bytes(NO_STATION, refused)),
                ("identifiant d'une autre station", simulator.push_bytes(other.code, refused)),
            )
            for attempt, answer in attempts:
                witness.expect_equal(answer.status, 401, f"{answer.request}\n-- {attempt}")
            accepted = simulator.push(station.code, [Reading("H", at, Decimal(value))])
        witness.expect_equal(accepted.status, 200, accepted.request)
        witness.expect(parse_reply(accepted.body).inserted == 1, accepted.request, "1 insérée", accepted.body)
        expected.append((station.code, "H", at, value))
    stored = active.query("buffer_rows", stations=f"{station.code},{other.code}")
    witness.expect_rows(without_source(stored), expected)


def without_source(rows: Rows) -> Rows:
    """Buffer rows without where they came from and what became of them."""
    return Rows(rows.columns[:4], tuple(row[:4] for row in rows.rows), rows.request)


@scenario(
    "APP-005",
    "Client léger : connexion, refus, page des dernières valeurs égale à la base",
    Criticality.MAJEURE,
    queries=("latest_values",),
    alone=True,
)
def test_light_client(witness: Witness, active: Session, campaign: Campaign) -> None:
    with campaign.web(campaign.active_site, "client") as web:
        form = web.get("/")
        witness.expect_equal(form.status, 200, form.request)
        witness.expect(
            'type="password"' in form.body, form.request, "un formulaire de connexion", form.body[:200]
        )
        closed = web.get("/dernieres")
        witness.expect_equal((closed.status, closed.headers.get("Location")), (302, "/"), closed.request)
        refused = sign_in(web, campaign, WRONG)
        witness.expect_equal(refused.status, 401, f"{refused.request}\n-- mot de passe faux")
        password = campaign.platform.secret(campaign.active_site.web.client_password_env)
        entered = sign_in(web, campaign, password)
        witness.expect_equal(
            (entered.status, entered.headers.get("Location")), (303, "/dernieres"), entered.request
        )
        page = web.get("/dernieres")
    witness.expect_equal(page.status, 200, page.request)
    if page.status == 200:
        stored = active.query("latest_values")
        witness.expect(len(stored.rows) > 0, stored.request, "au moins une dernière valeur", 0)
        witness.expect_rows(as_rows(page, parse_latest(page.body), stored), stored.rows)
        seconds = round(page.duration_seconds, 3)
        witness.measure(
            "page des dernières valeurs", seconds, "s", campaign.limit("page_seconds"), page.request
        )


def as_rows(page: Answer, values: tuple[LatestValue, ...], stored: Rows) -> Rows:
    """The page's lines in the query's columns, without those of test stations, which come and go."""
    known = {row[0].strip() for row in stored.rows}
    lines = [astuple(one) for one in values if one.station in known]
    return Rows(stored.columns, tuple((line[0], *line[2:]) for line in lines), page.request)
