"""The scenarios that only SQL Server can answer, through Microsoft's driver, against two servers told what to answer.

Rows have the columns and types of each query's SELECT list; what is judged is the outcome, the words and the evidence.
"""

from __future__ import annotations

import inspect
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nonreg import baseline, store
from nonreg.clients.sql import load_query, watch_queries
from nonreg.conclusion import classify, conclude, worsen
from nonreg.config import Platform, load_platform
from nonreg.fixtures import Campaign
from nonreg.ha.driver import choose_driver
from nonreg.ha.group import Health
from nonreg.model import Outcome, ScenarioResult
from nonreg.plan import SCENARIOS_DIR, CampaignRequest, collect_scenarios, identify_tool, plan_campaign
from nonreg.probes.facts import read_facts
from nonreg.probes.replication import NotCaughtUp
from nonreg.pytest_process import run_pytest
from nonreg.scenarios.base import test_serveur
from nonreg.scenarios.hd import test_moniteur, test_replication
from nonreg.snapshot import read_agent_jobs
from nonreg.witness import Witness
from tests.governed import Governed
from tests.judgements import make_run
from tests.odbc.sound_server import (
    COMPLETE,
    DOCUMENTED,
    LOG,
    NEVER,
    NIGHT,
    PUBLISHER,
    SHAPES,
    SLOT,
    SUBSCRIBER,
    Given,
    InTurn,
    Row,
    answer,
    blocked,
    job,
    recognize,
    size,
    subscription,
    write_answers,
)
from tests.odbc.tds import TdsServer, done_token, error_token, make_certificate, refusal, serve_tds
from tests.test_queries import list_answers

pytestmark = pytest.mark.odbc


def list_functions(*modules: ModuleType) -> dict[str, Callable[..., None]]:
    """Scenario functions by id."""
    return {
        found.pytestmark[0].kwargs["id"]: found
        for module in modules
        for _, found in inspect.getmembers(module, inspect.isfunction)
        if hasattr(found, "pytestmark")
    }


SCENARIOS = list_functions(test_serveur, test_replication, test_moniteur)
ONLY_HERE = (
    *("BASE-022", "BASE-028", "BASE-029", "BASE-031", "BASE-032", "BASE-033", "BASE-034"),
    *("HD-003", "HD-004", "HD-006", "HD-007", "HD-031", "HD-032"),
)
LIMITS = {
    "checkdb_age_hours": 168.0,
    "backup_age_hours": 26.0,
    "log_backup_age_hours": 1.0,
    "lock_wait_seconds": 5.0,
    "database_bytes": 4294967296.0,
    "log_bytes": 1073741824.0,
    "request_average_ms": 1000.0,
    "replication_pending_bytes": 16777216.0,
    "replication_pending_commands": 10000.0,
    "replication_retained_bytes": 268435456.0,
    "replication_latency_seconds": 1.0,
}
JOBS = {
    "ACTIF": {"AQUAREEL Purge": "aquareel\\svc", "AQUAREEL Sauvegarde journal": "AQUAREEL\\svc"},
    "PASSIF": {"AQUAREEL Purge": "AQUAREEL\\svc"},
}
Changes = Mapping[str, Given]
NOTHING: Changes = {}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "srv-a")


@pytest.fixture(autouse=True)
def short_periods(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the servers answer does not depend on how long one waits between two questions."""
    monkeypatch.setattr(test_serveur, "LOCK_PERIOD_SECONDS", 0.01)
    monkeypatch.setattr(test_replication, "BACKLOG_PERIOD_SECONDS", 0.01)
    monkeypatch.setattr(test_replication, "AGENT_PERIOD_SECONDS", 0.01)
    monkeypatch.setattr(test_replication, "AGENT_SECONDS", 0.0)
    monkeypatch.setattr(test_replication, "SLOT_SECONDS", 0.0)


@dataclass(frozen=True, slots=True)
class Stage:
    """A platform of two SQL Servers, and where runs on it are kept."""

    governed: Governed
    certificate: Path
    monkeypatch: pytest.MonkeyPatch

    @contextmanager
    def play(
        self, active: Changes = NOTHING, passive: Changes = NOTHING, limits: Mapping[str, float] = LIMITS
    ) -> Iterator[Platform]:
        """Two servers that answer soundly but for these changes, and the platform that they make."""
        servers = [
            TdsServer(self.certificate, answers=write_answers({**sound, **changes}))
            for sound, changes in ((PUBLISHER, active), (SUBSCRIBER, passive))
        ]
        with serve_tds(servers[0]), serve_tds(servers[1]):
            self.write_platform([server.port for server in servers], limits)
            yield load_platform(str(self.governed.platform_file))

    def write_platform(self, ports: list[int], limits: Mapping[str, float]) -> None:
        text = self.governed.platform_file.read_text(encoding="utf-8")
        for number, port in enumerate(ports, start=1):
            text = text.replace(
                f'engine = "postgresql"\nhost = "127.77.0.1{number}"\nport = 5432',
                f'engine = "mssql"\nhost = "127.0.0.1"\nport = {port}\nodbc.trust_server_certificate = true',
            )
        head, _, rest = text.partition("[limits]")
        rest = rest[rest.index("[[sites]]") :]
        agreed = "".join(f"{name} = {value}\n" for name, value in limits.items())
        text = f"{head}[limits]\n{agreed}\n{rest}".replace(
            'baseline = "embarquee"', 'baseline = "./reference"'
        )
        self.governed.platform_file.write_text(text, encoding="utf-8")
        reference = self.governed.root / "reference"
        reference.mkdir()
        (reference / "agent_jobs.json").write_text(json.dumps(JOBS), encoding="utf-8")
        baseline.write_manifest(reference)
        for account in ("READER", "WRITER"):
            self.monkeypatch.setenv(f"AQ_{account}_PASSWORD", "mot de passe")

    def judge(self, platform: Platform, scenario_id: str) -> ScenarioResult:
        """One scenario on that platform, concluded as the recorder does; its evidence is kept in the runs' folder.

        It runs the queries that it declares and no other.
        """
        run_dir = self.governed.runs_dir
        campaign = Campaign(platform, make_run({}).plan, run_dir)
        witness = Witness(scenario_id, run_dir)
        function = SCENARIOS[scenario_id]
        result = ScenarioResult(scenario_id, Outcome.OK, started_at=datetime.now(UTC))
        began = time.monotonic()
        asked: set[str] = set()
        try:
            with watch_queries(asked.add), ExitStack() as held:
                given: dict[str, Any] = {"campaign": campaign, "witness": witness}
                for name, site in (("active", campaign.active_site), ("passive", campaign.passive_site)):
                    if name in inspect.signature(function).parameters:
                        given[name] = held.enter_context(campaign.session(site))
                function(**{name: given[name] for name in inspect.signature(function).parameters})
        except Exception as error:
            result = worsen(result, classify(error))
        assert asked <= set(function.pytestmark[0].kwargs["queries"])  # type: ignore[attr-defined]
        return conclude(result, witness, time.monotonic() - began)

    def read_evidence(self, result: ScenarioResult) -> dict[str, str]:
        """Texts kept by a scenario, by title."""
        return {one.title: (self.governed.runs_dir / one.path).read_text("utf-8") for one in result.evidence}


@pytest.fixture
def stage(governed: Governed, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(governed, certificate, monkeypatch)


def test_what_the_servers_answer_has_the_columns_of_the_queries_and_no_query_is_taken_for_another() -> None:
    for name, columns in SHAPES.items():
        if name not in DOCUMENTED:
            for given in list_answers("mssql", name):
                assert given == [tuple(columns)]
        assert [other for other in SHAPES if recognize(name) in load_query("mssql", other)] == [name]


def test_a_recorded_run_on_two_sound_servers_finds_nothing_wrong(stage: Stage, tmp_path: Path) -> None:
    run_dir = tmp_path / "passage"
    with stage.play() as platform:
        request = CampaignRequest(str(stage.governed.platform_file), select=",".join(ONLY_HERE))
        catalog = collect_scenarios(SCENARIOS_DIR)
        plan = plan_campaign(request, platform, catalog, "essai", identify_tool(request))
        assert sorted(one.id for one in plan.scenarios) == sorted(ONLY_HERE)
        store.save_plan(run_dir, plan)
        store.save_facts(run_dir, read_facts(platform))
        code, said = run_pytest(plan, run_dir, stage.governed.platform_file, SCENARIOS_DIR, threading.Event())
    results = store.load_run(run_dir).results
    assert sorted((one.scenario_id, one.outcome, one.message) for one in results) == [
        (name, Outcome.OK, "") for name in sorted(ONLY_HERE)
    ]
    assert (code, said) == (0, "")


FAR = {"distributor": [("SRV-A", "AQUAREEL", True)]}
ELSEWHERE = "Le Distributeur de SITE-A est sur un autre serveur (pas de base distribution ici)"
NO_SELECT = "The SELECT permission was denied on the object '{}', database '{}', schema 'dbo'."
NO_STATE = refusal(300, "VIEW SERVER STATE permission was denied on object 'server', database 'master'.")
PURGE, LOG_JOB = "AQUAREEL Purge", "AQUAREEL Sauvegarde journal"
STOPPED_LOG = "lecture du journal arrêtée"


def backups(full: Row = COMPLETE, log: Row = LOG, model: str = "FULL") -> list[Row]:
    return [("AQUAREEL", "full", model, *full), ("AQUAREEL", "log", model, *log)]


def jobs(purge: Row | None) -> list[Row]:
    return [*([] if purge is None else [purge]), job(LOG_JOB)]


def slot(**changes: Any) -> list[Row]:
    kept = {
        "slot": SLOT,
        "is_used": True,
        "wal_status": "reserved",
        "is_conflicting": False,
        "retained_bytes": 0,
    }
    return [tuple({**kept, **changes}.values())]


def backlog(*written: int) -> InTurn:
    return InTurn(tuple([[(SLOT, "commandes", one, 5117)] for one in written]))


KO, INCONCLUSIF, ABSENT = Outcome.KO, Outcome.INCONCLUSIF, Outcome.NON_APPLICABLE
# Scenario, what the active server and the passive one answer otherwise, outcome, words of its message.
JUDGED: list[tuple[str, Changes, Changes, Outcome, str]] = [
    (
        "BASE-022",
        {"checkdb_age": [("AQUAREEL", None, None)]},
        {},
        KO,
        "un contrôle terminé sans erreur ; trouvé : aucun",
    ),
    ("BASE-022", {"checkdb_age": [("master", NIGHT, Decimal(3))]}, {}, KO, "trouvé : aucun n'est connu"),
    (
        "BASE-022",
        {"checkdb_age": [("AQUAREEL", NIGHT, Decimal("200.123456"))]},
        {},
        KO,
        "âge du dernier contrôle d'intégrité ≤ 168 h ; trouvé : 200.1 h",
    ),
    (
        "BASE-028",
        {},
        {"agent_service": [("SQL Server Agent (MSSQLSERVER)", "Stopped", "Manual")]},
        KO,
        "l'Agent de SITE-B en marche ; trouvé : état du service : Stopped",
    ),
    (
        "BASE-028",
        {"agent_service": []},
        {},
        KO,
        "l'Agent de SITE-A en marche ; trouvé : le service n'est pas installé",
    ),
    ("BASE-028", {"agent_jobs": jobs(None)}, {}, KO, f"tâche {PURGE} : absente"),
    (
        "BASE-028",
        {"agent_jobs": jobs(job(PURGE, enabled=False, state="disabled"))},
        {},
        KO,
        f"tâche {PURGE} : désactivée",
    ),
    (
        "BASE-028",
        {"agent_jobs": jobs(job(PURGE, enabled_schedules=0))},
        {},
        KO,
        "aucune planification active",
    ),
    (
        "BASE-028",
        {"agent_jobs": jobs(job(PURGE, last_outcome="failed"))},
        {},
        KO,
        "dernière exécution en échec",
    ),
    (
        "BASE-028",
        {"agent_jobs": jobs(job(PURGE, last_outcome="canceled"))},
        {},
        KO,
        "dernière exécution annulée",
    ),
    (
        "BASE-028",
        {
            "agent_jobs": jobs(
                job(PURGE, state="never_run", last_outcome=None, started_local=None, duration_seconds=None)
            )
        },
        {},
        KO,
        f"tâche {PURGE} : jamais exécutée",
    ),
    (
        "BASE-028",
        {},
        {"agent_jobs": [job(PURGE, owner_name="AQUAREEL\\parti")]},
        KO,
        "propriétaire AQUAREEL\\parti, AQUAREEL\\svc attendu",
    ),
    (
        "BASE-028",
        {},
        {"agent_jobs": [job(PURGE, owner_name=None)]},
        KO,
        "propriétaire inconnu, AQUAREEL\\svc attendu",
    ),
    (
        "BASE-028",
        {"agent_jobs": refusal(229, NO_SELECT.format("sysjobs", "msdb"))},
        {},
        INCONCLUSIF,
        "on the object 'sysjobs', database 'msdb'",
    ),
    ("BASE-028", {}, {"agent_service": NO_STATE}, INCONCLUSIF, "La base de SITE-B (127.0.0.1:"),
    ("BASE-029", {"backups": backups(log=NEVER)}, {}, KO, "sauvegarde du journal de AQUAREEL : aucune"),
    ("BASE-029", {"backups": backups(full=NEVER)}, {}, KO, "sauvegarde complète de AQUAREEL : aucune"),
    (
        "BASE-029",
        {"backups": backups(full=(NIGHT, Decimal(6), False, True, True, Decimal(9)))},
        {},
        KO,
        "complète de AQUAREEL : endommagée",
    ),
    (
        "BASE-029",
        {"backups": backups(full=(NIGHT, Decimal(6), False, False, False, Decimal(9)))},
        {},
        KO,
        "sans somme de contrôle",
    ),
    (
        "BASE-029",
        {"backups": backups(full=(NIGHT, Decimal("800.5"), False, True, False, Decimal(9)))},
        {},
        KO,
        "sauvegarde complète ≤ 26 h ; trouvé : 800.5 h",
    ),
    (
        "BASE-029",
        {"backups": backups(log=(NIGHT, Decimal("3.123456"), False, True, False, Decimal(9)))},
        {},
        KO,
        "sauvegarde du journal ≤ 1 h ; trouvé : 3.12 h",
    ),
    ("BASE-029", {"backups": []}, {}, KO, "des sauvegardes de « aquareel » ; trouvé : rien n'en est connu"),
    ("BASE-029", {"backups": backups(log=NEVER, model="SIMPLE")}, {}, Outcome.OK, ""),
    ("BASE-031", {"locks": NO_STATE}, {}, INCONCLUSIF, "VIEW SERVER STATE permission was denied"),
    (
        "BASE-032",
        {},
        {"database_sizes": [size("AQUAREEL", state="SUSPECT", log_used_bytes=None)]},
        KO,
        "la base de SITE-B en ordre ; trouvé : base AQUAREEL : état SUSPECT",
    ),
    (
        "BASE-032",
        {"database_sizes": [size("AQUAREEL", log_used_bytes=520093696, log_reuse_wait="REPLICATION")]},
        {},
        KO,
        "journal plein à 97 %, retenu par REPLICATION",
    ),
    ("BASE-032", {"database_sizes": [size("AQUAREEL", log_used_bytes=520093696)]}, {}, Outcome.OK, ""),
    (
        "BASE-032",
        {"database_sizes": [size("master")]},
        {},
        KO,
        "la base « aquareel » de SITE-A ; trouvé : absente",
    ),
    (
        "BASE-032",
        {"database_sizes": [size("AQUAREEL", data_bytes=5368709120)]},
        {},
        KO,
        "données de SITE-A ≤",
    ),
    (
        "BASE-034",
        {"query_store_top": [(1, "", 2, 1500.25, Decimal(9), 3.0, 1.0, 1, "SELECT 1")]},
        {},
        KO,
        "durée moyenne de la plus lente ≤ 1000 ms ; trouvé : 1500.2 ms",
    ),
    ("HD-003", {"publisher_agents": [(SLOT, None, "arrêté")]}, {}, KO, f"trouvé : {SLOT} : arrêté"),
    ("HD-003", {"publisher_agents": [(SLOT, None, STOPPED_LOG)]}, {}, KO, STOPPED_LOG),
    (
        "HD-003",
        {"publisher_agents": [(SLOT, "2026-11-20T02:00:01 2026-11-20T02:00:04", "en échec")]},
        {},
        KO,
        f"{SLOT} : en échec",
    ),
    (
        "HD-003",
        {
            "publisher_agents": InTurn(
                tuple([[(SLOT, f"2026-11-20T02:00:0{n}", "en marche")] for n in range(3)])
            )
        },
        {},
        KO,
        f"{SLOT} : agent redémarré pendant l'observation",
    ),
    ("HD-003", {}, {"subscriber_agents": []}, KO, "trouvé : aucun agent"),
    ("HD-003", {}, {"subscriber_agents": [("pub_aquareel", None, "arrêté")]}, KO, "pub_aquareel : arrêté"),
    ("HD-003", FAR, {}, INCONCLUSIF, ELSEWHERE),
    (
        "HD-003",
        {"publisher_agents": refusal(229, NO_SELECT.format("sysjobactivity", "msdb"))},
        {},
        INCONCLUSIF,
        "'sysjobactivity', database 'msdb'",
    ),
    (
        "HD-004",
        {"replication_backlog": backlog(5120, 5140, 5160)},
        {},
        KO,
        "croissance continue : 3 commandes, 23 commandes, 43 commandes",
    ),
    ("HD-004", {"replication_backlog": backlog(5160, 5140, 5120)}, {}, Outcome.OK, ""),
    (
        "HD-004",
        {"replication_backlog": [(SLOT, "commandes", 30000, 5117)]},
        {},
        KO,
        "≤ 10000 commandes ; trouvé : 24883 commandes",
    ),
    (
        "HD-004",
        {"replication_backlog": [(SLOT, "commandes", 9, 9), ("journal à lire", "octets", 2**31, None)]},
        {},
        KO,
        "volume en attente, journal à lire ≤",
    ),
    ("HD-004", {"replication_backlog": []}, {}, KO, "au moins un abonné déclaré"),
    ("HD-004", FAR, {}, INCONCLUSIF, ELSEWHERE),
    ("HD-004", {"replication_backlog": NO_STATE}, {}, INCONCLUSIF, "VIEW SERVER STATE permission was denied"),
    ("HD-007", {"replication_slots": slot(is_used=False)}, {}, KO, "1 absente(s), 1 en trop"),
    ("HD-007", {"replication_slots": slot(wal_status="lost")}, {}, KO, "1 absente(s), 1 en trop"),
    ("HD-007", {"replication_slots": slot(is_conflicting=True)}, {}, KO, "1 absente(s), 1 en trop"),
    (
        "HD-007",
        {"replication_slots": slot() + slot(slot="pub_aquareel vers SRV-Z.AQUAREEL")},
        {},
        KO,
        "0 absente(s), 1 en trop",
    ),
    ("HD-007", {"replication_slots": slot(retained_bytes=2**30)}, {}, KO, f"journal retenu, {SLOT} ≤"),
    (
        "HD-007",
        {},
        {"subscriptions": [("pub_aquareel", False, SLOT, "pub_aquareel")]},
        KO,
        "chaque abonnement activé ; trouvé : désactivé : pub_aquareel",
    ),
    ("HD-007", {}, {"subscriptions": []}, KO, "au moins un abonnement ; trouvé : aucun abonnement"),
    ("HD-007", FAR, {}, INCONCLUSIF, ELSEWHERE),
    (
        "HD-031",
        {"replication_monitor": [subscription(status=6, monitorranking=60)]},
        {},
        KO,
        "abonnement de SRV-B.AQUAREEL : agent en échec",
    ),
    ("HD-031", {"replication_monitor": [subscription(status=2)]}, {}, KO, "agent arrêté"),
    ("HD-031", {"replication_monitor": [subscription(status=5)]}, {}, KO, "agent en nouvelle tentative"),
    (
        "HD-031",
        {"replication_monitor": [subscription(warning=1, timetoexpiration=12)]},
        {},
        KO,
        "expire dans 12 h",
    ),
    (
        "HD-031",
        {"replication_monitor": [subscription(warning=1, timetoexpiration=-3)]},
        {},
        KO,
        "SRV-B.AQUAREEL : expiré",
    ),
    (
        "HD-031",
        {"replication_monitor": [subscription(warning=1, timetoexpiration=None)]},
        {},
        KO,
        "près d'expirer",
    ),
    (
        "HD-031",
        {"replication_monitor": [subscription(warning=2, latency=75)]},
        {},
        KO,
        "latence de 75 s, au-delà du seuil",
    ),
    (
        "HD-031",
        {"replication_monitor": [subscription(warning=3, status=6, latency=75, timetoexpiration=12)]},
        {},
        KO,
        "agent en échec, expire dans 12 h, latence de 75 s",
    ),
    ("HD-031", {"replication_monitor": [subscription(status=0)]}, {}, KO, "état inconnu (0)"),
    ("HD-031", {"replication_monitor": [subscription(status=None)]}, {}, KO, "agent sans état connu"),
    ("HD-031", {"replication_monitor": []}, {}, KO, "au moins un abonnement à pub_aquareel ; trouvé : aucun"),
    ("HD-031", {"publications": []}, {}, KO, "au moins une publication ; trouvé : aucune"),
    ("HD-031", FAR, {}, INCONCLUSIF, ELSEWHERE),
    (
        "HD-031",
        {"replication_monitor": refusal(14260, "You do not have sufficient permission to run this command.")},
        {},
        INCONCLUSIF,
        "refuse ce droit (14260)",
    ),
    (
        "HD-031",
        {"distribution_history": refusal(229, NO_SELECT.format("MSdistribution_history", "distribution"))},
        {},
        INCONCLUSIF,
        "'MSdistribution_history', database 'distribution'",
    ),
    (
        "HD-032",
        {"tracer_history": [(1, "SRV-B", "AQUAREEL", None, None)]},
        {},
        KO,
        "le jeton chez chaque abonné en 2 s ; trouvé : absent : SRV-B",
    ),
    (
        "HD-032",
        {"tracer_history": [(3, "SRV-B", "AQUAREEL", 4, 7)]},
        {},
        KO,
        "jeton jusqu'à SRV-B ≤ 1 s ; trouvé : 7 s",
    ),
    ("HD-032", {"tracer_history": []}, {}, KO, "au moins un abonné initialisé ; trouvé : aucun"),
    ("HD-032", {"publications": []}, {}, KO, "au moins une publication ; trouvé : aucune"),
    (
        "HD-032",
        {"tracer_post": refusal(20601, "There is no initialized subscription.")},
        {},
        INCONCLUSIF,
        "(20601)",
    ),
]
NO_TRACER = [
    (
        229,
        "The EXECUTE permission was denied on the object 'sp_posttracertoken', database 'mssqlsystemresource'.",
    ),
    (
        21050,
        "Only members of the sysadmin fixed server role or db_owner fixed database role can perform this operation.",
    ),
    (21089, "Only members of the sysadmin fixed server role can perform this operation."),
    (15003, "Only members of the sysadmin role can execute this stored procedure."),
]


@pytest.mark.parametrize(
    ("scenario_id", "active", "passive", "outcome", "words"),
    JUDGED,
    ids=[f"{number}-{one[0]}" for number, one in enumerate(JUDGED)],
)
def test_each_thing_that_is_wrong_has_its_outcome_and_its_words(
    stage: Stage, scenario_id: str, active: Changes, passive: Changes, outcome: Outcome, words: str
) -> None:
    with stage.play(active, passive) as platform:
        found = stage.judge(platform, scenario_id)
    assert words in found.message
    assert (found.outcome, bool(found.gaps)) == (outcome, outcome is KO)
    assert found.message or outcome is Outcome.OK


@pytest.mark.parametrize(("number", "words"), NO_TRACER, ids=[str(one[0]) for one in NO_TRACER])
@pytest.mark.parametrize("goes_on", [False, True], ids=["ends", "goes on"])
def test_a_tracer_token_that_the_account_may_not_post_is_no_defect_of_the_platform(
    stage: Stage, number: int, words: str, goes_on: bool
) -> None:
    """A batch may go on behind the error and answer with a number that is NULL."""
    told = error_token(number, words, 14)
    rest = answer("tracer_post", [(None,)]) if goes_on else done_token(failed=True)
    with stage.play({"tracer_post": told + rest}) as platform:
        found = stage.judge(platform, "HD-032")
    assert (found.outcome, found.gaps) == (ABSENT, ())
    assert found.message.startswith("Poser un jeton de suivi demande db_owner")


def test_a_request_that_waits_for_the_same_session_all_along_is_stuck_and_who_blocks_is_named(
    stage: Stage,
) -> None:
    seen = InTurn(tuple([[blocked(74, 73, f"{5 + n}.25"), blocked(73, 61, f"{6 + n}.0")] for n in range(3)]))
    with stage.play({"locks": seen}) as platform:
        found = stage.judge(platform, "BASE-031")
    assert found.outcome is KO
    assert [gap.found for gap in found.gaps] == [
        "8 s",
        "session(s) 61 : session 74 bloquée depuis 7 s par la session 73 (AQUAREEL Client lourd)",
    ]
    (table,) = stage.read_evidence(found).values()
    assert [line.split("\t")[:2] for line in table.splitlines()[1:]] == [["74", "73"], ["73", "61"]]


def test_a_request_that_waits_for_another_session_each_time_is_not_stuck(stage: Stage) -> None:
    seen = InTurn(([blocked(73, 61, "9")], [blocked(73, 62, "9.5", None)], [blocked(73, 61, "0.25")]))
    with stage.play({"locks": seen}) as platform:
        found = stage.judge(platform, "BASE-031")
    assert (found.outcome, found.gaps, found.evidence) == (Outcome.OK, (), ())
    assert [measure.value for measure in found.measures] == [0.0]


def test_a_deadlock_is_told_with_its_graph_kept_whole(stage: Stage) -> None:
    graph = '<deadlock><victim-list><victimProcess id="é"/></victim-list></deadlock>' + "<!-- -->" * 2000
    with stage.play({"deadlocks": [(NIGHT, graph), (NIGHT, "<deadlock/>")]}) as platform:
        found = stage.judge(platform, "BASE-033")
    assert (found.outcome, found.message) == (KO, "Attendu : aucune ligne ; trouvé : 2 ligne(s).")
    assert found.gaps[0].columns == ("deadlock_utc",)
    kept = stage.read_evidence(found)
    assert (kept["graphe 1"], kept["graphe 2"]) == (graph, "<deadlock/>")


FORGOTTEN: list[tuple[Row, str]] = [
    ((None, 0), "La session system_health ne tourne pas : les interblocages ne sont pas connus."),
    ((datetime(9999, 12, 31, 23, 30), 0), "system_health ne garde que depuis le 31/12/9999 à 23:30 UTC"),
    ((datetime(2000, 1, 1), 1), "system_health ne montre qu'une partie de ce qu'elle garde"),
]


@pytest.mark.parametrize(("memory", "words"), FORGOTTEN, ids=["no session", "too short", "truncated"])
def test_deadlocks_that_the_server_would_not_remember_are_not_said_to_be_none(
    stage: Stage, memory: Row, words: str
) -> None:
    with stage.play({"deadlocks_since": [memory]}) as platform:
        found = stage.judge(platform, "BASE-033")
    assert (found.outcome, found.gaps) == (INCONCLUSIF, ())
    assert words in found.message


def test_a_deadlock_is_told_however_little_the_server_remembers(stage: Stage) -> None:
    short = [(datetime(9999, 12, 31), 1)]
    with stage.play({"deadlocks": [(NIGHT, "<deadlock/>")], "deadlocks_since": short}) as platform:
        assert stage.judge(platform, "BASE-033").outcome is KO


def test_without_query_store_the_plan_cache_says_what_costs_most_one_line_a_request(stage: Stage) -> None:
    with stage.play({"query_store_top": []}) as platform:
        found = stage.judge(platform, "BASE-034")
    assert (found.outcome, found.measures[0].value) == (Outcome.OK, 38.5)
    (table,) = stage.read_evidence(found).values()
    assert len(table.splitlines()) == 2


def test_the_messages_of_the_agents_are_kept_beside_what_the_monitor_says(stage: Stage) -> None:
    failed = (
        "distribution",
        "SRV-A-AQUAREEL-3",
        6,
        NIGHT,
        3,
        None,
        0,
        0,
        "Ligne\nabsente",
        "20598",
        "x" * 9000,
    )
    monitor = [subscription(status=6)]
    with stage.play({"replication_monitor": monitor, "distribution_history": [failed]}) as platform:
        found = stage.judge(platform, "HD-031")
    assert found.outcome is KO
    (table,) = stage.read_evidence(found).values()
    assert table.splitlines()[1].split("\t")[-3:] == ["Ligne absente", "20598", "x" * 9000]


ERRORS: list[tuple[InTurn, InTurn, Outcome, str]] = [
    (InTurn(([(SLOT, 41, 0)], [(SLOT, 41, 0)])), InTurn(([("p", 0, 0)], [("p", 0, 0)])), Outcome.OK, ""),
    (
        InTurn(([(SLOT, 41, 0)], [(SLOT, 43, 0)])),
        InTurn(([("p", 0, 0)], [("p", 0, 0)])),
        KO,
        "aucune erreur nouvelle sur SITE-A (compteur au départ : 41) ; trouvé : compteur : 43",
    ),
    (
        InTurn(([(SLOT, 41, 0)], [(SLOT, 41, 0)])),
        InTurn(([("p", 0, 0)], [("p", 1, 0)])),
        KO,
        "aucune erreur nouvelle sur SITE-B (compteur au départ : 0) ; trouvé : compteur : 1",
    ),
    (InTurn(([(SLOT, 41, 0)], [(SLOT, 0, 0)])), InTurn(([("p", 1, 0)], [("p", 0, 0)])), Outcome.OK, ""),
    (
        InTurn(([(SLOT, 41, 0)], [(SLOT, 41, 0)])),
        InTurn(([("p", 0, 0)], [])),
        KO,
        "un compteur par abonnement",
    ),
]


@pytest.mark.parametrize(("active", "passive", "outcome", "words"), ERRORS)
def test_only_a_replication_error_that_came_since_the_campaign_began_is_one(
    stage: Stage, active: InTurn, passive: InTurn, outcome: Outcome, words: str
) -> None:
    """The number at the beginning is the one that the environment's reading found."""
    with stage.play({"replication_errors": active}, {"replication_errors": passive}) as platform:
        store.save_facts(stage.governed.runs_dir, read_facts(platform))
        found = stage.judge(platform, "HD-006")
    assert found.outcome is outcome
    assert words in found.message


def test_errors_that_cannot_be_counted_where_the_distributor_is_are_not_said_to_be_none(stage: Stage) -> None:
    with stage.play({**FAR, "replication_errors": []}) as platform:
        store.save_facts(stage.governed.runs_dir, read_facts(platform))
        found = stage.judge(platform, "HD-006")
    assert found.outcome is INCONCLUSIF
    assert ELSEWHERE in found.message


HEALTH: list[tuple[Changes, Changes, Health, str]] = [
    ({}, {}, Health.SOUND, ""),
    (
        {"publisher_agents": [(SLOT, None, STOPPED_LOG)]},
        {},
        Health.BROKEN,
        "SITE-A alimente 0 abonné(s), 1 attendu(s)",
    ),
    (
        {},
        {"subscriber_agents": [("pub_aquareel", "57 x", "en reprise")]},
        Health.BROKEN,
        "de SITE-A vers SITE-B ne passe pas",
    ),
    (
        {},
        {"drill_node": [("SITE-B", "ACTIF", 4)]},
        Health.BROKEN,
        "plusieurs sites se disent actifs : SITE-A, SITE-B",
    ),
    (FAR, {}, Health.UNKNOWN, ELSEWHERE),
    (
        {"publisher_agents": refusal(229, NO_SELECT.format("sysjobactivity", "msdb"))},
        {},
        Health.UNKNOWN,
        "'sysjobactivity', database 'msdb'",
    ),
    ({}, {"subscriber_agents": NO_STATE}, Health.UNKNOWN, "VIEW SERVER STATE permission was denied"),
    ({}, {"drill_node": None}, Health.UNKNOWN, "la base de SITE-B ne répond pas"),
]


@pytest.mark.parametrize(("active", "passive", "health", "words"), HEALTH)
def test_two_nodes_are_judged_once_as_a_group(
    stage: Stage, active: Changes, passive: Changes, health: Health, words: str
) -> None:
    with stage.play(active, passive) as platform:
        found = choose_driver(platform).health()
    assert found.health is health
    assert words in " ; ".join(found.problems)
    assert bool(found.problems) is (health is not Health.SOUND)


def test_a_node_whose_replication_may_not_be_read_still_tells_its_role(stage: Stage) -> None:
    refused = refusal(229, NO_SELECT.format("sysjobactivity", "msdb"))
    with stage.play({"publisher_agents": refused}, {"drill_node": [("SITE-B", "ACTIF", 4)]}) as platform:
        driver = choose_driver(platform)
        assert [node.role for node in driver.peers()] == ["ACTIF", "ACTIF"]
        assert driver.health().health is Health.BROKEN


def test_the_driver_tells_the_lag_and_waits_until_the_subscriber_has_it(stage: Stage) -> None:
    positions = InTurn(([(SLOT, "0x00", False)], [(SLOT, "0x00", False)], [(SLOT, "0x32", True)]))
    with stage.play({"subscriber_positions": positions}) as platform:
        driver = choose_driver(platform)
        assert driver.lag() == {SLOT: "3 commandes", "journal à lire": "0 octets"}
        assert driver.quiesce(20.0) < 20


def test_a_subscriber_that_does_not_catch_up_is_named(stage: Stage) -> None:
    behind = [(SLOT, "0x0000003200000D0F0001", False)]
    with (
        stage.play({"subscriber_positions": behind}) as platform,
        pytest.raises(NotCaughtUp, match=rf"en 0 s \({SLOT} en 0x0000003200000D0F0001\)"),
    ):
        choose_driver(platform).quiesce(0.0)


def test_a_reference_keeps_the_jobs_of_both_servers_that_run_by_themselves(stage: Stage) -> None:
    with stage.play() as platform:
        assert read_agent_jobs(platform) == {
            "ACTIF": {PURGE: "AQUAREEL\\svc", LOG_JOB: "AQUAREEL\\svc"},
            "PASSIF": {PURGE: "AQUAREEL\\svc"},
        }


@pytest.mark.parametrize("scenario_id", ["BASE-022", "BASE-029", "BASE-031", "BASE-032", "BASE-034"])
def test_without_an_agreed_limit_the_figures_of_a_sound_server_are_read_and_not_judged(
    stage: Stage, scenario_id: str
) -> None:
    with stage.play(limits={}) as platform:
        found = stage.judge(platform, scenario_id)
    assert found.outcome is Outcome.MESURE
    assert found.measures
    assert found.gaps == ()
