"""BASE-022, 028, 029, 031…034: the database server: integrity, Agent, backups, locks, sizes, deadlocks, cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from nonreg import baseline
from nonreg.clients.sql import Rows, Session
from nonreg.config import Site
from nonreg.errors import RequestFailed
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.agent_jobs import judge_jobs, judge_service, parse_jobs
from nonreg.probes.backups import FULL, KINDS, LOG, find_due, judge_backup, parse_backups
from nonreg.probes.replication import read_fresh
from nonreg.probes.server_load import (
    find_lasting,
    find_root_blockers,
    judge_locks,
    judge_size,
    parse_locks,
    parse_sizes,
)
from nonreg.recorder import scenario
from nonreg.waiting import sample
from nonreg.witness import Witness, show_table

LOCK_SAMPLES, LOCK_PERIOD_SECONDS = 3, 1.0
DEADLOCK_HOURS, COSTLY_HOURS = 24, 24


@scenario(
    "BASE-022",
    "Contrôle d'intégrité (DBCC CHECKDB) récent et sans erreur",
    Criticality.MAJEURE,
    queries=("checkdb_age",),
)
def test_integrity_check(witness: Witness, active: Session, campaign: Campaign) -> None:
    rows = active.query("checkdb_age")
    found = {str(row["database_name"]).casefold(): row["age_hours"] for row in rows.dicts()}
    age = found.get(name_database(campaign.active_site).casefold())
    witness.expect(age is not None, rows.request, "un contrôle terminé sans erreur", "aucun n'est connu")
    if age is not None:
        hours = round(float(age), 1)
        limit = campaign.limit("checkdb_age_hours")
        witness.measure("âge du dernier contrôle d'intégrité", hours, "h", limit, rows.request)


@scenario(
    "BASE-028",
    "Agent SQL en marche, tâches attendues actives et sans échec",
    Criticality.MAJEURE,
    queries=("agent_jobs", "agent_service"),
)
def test_agent(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    for site, session in ((campaign.active_site, active), (campaign.passive_site, passive)):
        service, jobs = session.query("agent_service"), session.query("agent_jobs")
        problem = judge_service(service)
        witness.expect(not problem, service.request, f"l'Agent de {site.code} en marche", problem)
        expected = baseline.load_reference(campaign.platform.baseline, "agent_jobs")[site.role.value]
        wrong = judge_jobs(parse_jobs(jobs), expected)
        what = f"{len(expected)} tâche(s) de {site.code} actives, de bon propriétaire, terminées sans erreur"
        witness.expect(not wrong, jobs.request, what, " ; ".join(wrong))


@scenario(
    "BASE-029",
    "Sauvegardes complète et du journal récentes, avec somme de contrôle",
    Criticality.MAJEURE,
    queries=("backups",),
)
def test_backups(witness: Witness, active: Session, campaign: Campaign) -> None:
    limits = {FULL: campaign.limit("backup_age_hours"), LOG: campaign.limit("log_backup_age_hours")}
    rows, database = active.query("backups"), name_database(campaign.active_site)
    due = find_due(parse_backups(rows), database)
    witness.expect(bool(due), rows.request, f"des sauvegardes de « {database} »", "rien n'en est connu")
    wrong = " ; ".join(filter(None, map(judge_backup, due)))
    witness.expect(not wrong, rows.request, "des sauvegardes utilisables", wrong)
    for one in due:
        if one.age_hours is not None:
            name = f"âge de la sauvegarde {KINDS[one.kind]}"
            witness.measure(name, round(one.age_hours, 2), "h", limits[one.kind], rows.request)


@scenario(
    "BASE-031",
    "Aucune requête durablement bloquée par une autre session",
    Criticality.MINEURE,
    queries=("locks",),
    alone=True,
)
def test_locks(witness: Witness, active: Session, campaign: Campaign) -> None:
    # A request may wait a moment; only one that is seen waiting in all samples is stuck.
    samples = sample(lambda: read_fresh(active, "locks"), LOCK_SAMPLES, LOCK_PERIOD_SECONDS)
    lasting = find_lasting([parse_locks(rows) for rows in samples])
    limit = campaign.limit("lock_wait_seconds")
    longest = max((one.wait_seconds for one in lasting), default=0.0)
    request = samples[-1].request
    witness.measure("plus longue attente d'un verrou", round(longest, 1), "s", limit, request)
    if limit is not None and (stuck := judge_locks(lasting, limit)):
        roots = ", ".join(str(one) for one in find_root_blockers(lasting))
        witness.expect(
            False, request, "aucune session qui en bloque d'autres", f"session(s) {roots} : {stuck[0]}"
        )
        witness.attach("sessions bloquées", show_table(samples[-1]), "tsv")


@scenario(
    "BASE-032",
    "Bases en ligne, place prise connue, journal qui se libère",
    Criticality.MAJEURE,
    queries=("database_sizes",),
)
def test_sizes(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    for site, session in ((campaign.active_site, active), (campaign.passive_site, passive)):
        rows = session.query("database_sizes")
        database = name_database(site)
        own = [one for one in parse_sizes(rows) if one.database.casefold() == database.casefold()]
        witness.expect(bool(own), rows.request, f"la base « {database} » de {site.code}", "absente")
        for one in own:
            problem = judge_size(one)
            witness.expect(not problem, rows.request, f"la base de {site.code} en ordre", problem)
            for name, value, limit in (
                (f"données de {site.code}", one.data_bytes, "database_bytes"),
                (f"journal de {site.code}", one.log_bytes, "log_bytes"),
            ):
                witness.measure(name, float(value), "octets", campaign.limit(limit), rows.request)


@scenario(
    "BASE-033",
    "Aucun interblocage depuis 24 heures",
    Criticality.MINEURE,
    queries=("deadlocks", "deadlocks_since"),
)
def test_deadlocks(witness: Witness, active: Session) -> None:
    since = (datetime.now(UTC) - timedelta(hours=DEADLOCK_HOURS)).replace(tzinfo=None, microsecond=0)
    found = active.query("deadlocks", since=since)
    witness.expect_no_rows(Rows(found.columns[:1], tuple(row[:1] for row in found.rows), found.request))
    for number, row in enumerate(found.rows, start=1):
        witness.attach(f"graphe {number}", str(row[1]), "xml")
    if not found.rows:  # asked afterwards: what was lost meanwhile counts as lost
        witness.missed.extend(tell_forgotten(active.query("deadlocks_since"), since))


def tell_forgotten(memory: Rows, since: datetime) -> Iterator[str]:
    """Why the server may have had deadlocks since then that it does not show; RequestFailed when it keeps none."""
    ((remembered, is_truncated),) = memory.rows
    if remembered is None:
        raise RequestFailed("La session system_health ne tourne pas : les interblocages ne sont pas connus.")
    if is_truncated:
        yield "la session system_health ne montre qu'une partie de ce qu'elle garde"
    if remembered > since:
        yield f"la session system_health ne garde que depuis le {remembered:%d/%m/%Y à %H:%M} UTC"


@scenario(
    "BASE-034",
    "Requêtes les plus coûteuses des dernières 24 heures (relevé)",
    Criticality.MINEURE,
    queries=("plan_statistics", "query_store_top"),
    alone=True,
)
def test_costly_requests(witness: Witness, active: Session, campaign: Campaign) -> None:
    found = active.query("query_store_top", hours=COSTLY_HOURS)
    if not found.rows:  # Query Store is off: what the plan cache still has
        found = active.query("plan_statistics")
    witness.attach("requêtes les plus coûteuses", show_table(found), "tsv")
    slowest = max((float(row["average_ms"]) for row in found.dicts()), default=0.0)
    limit = campaign.limit("request_average_ms")
    witness.measure("durée moyenne de la plus lente", round(slowest, 1), "ms", limit, found.request)


def name_database(site: Site) -> str:
    """The application's database on a site that has one."""
    assert site.database is not None  # checked when the file was read
    return site.database.name
