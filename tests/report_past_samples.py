"""Sample campaigns with a past: a promoted baseline, waivers, history, triage; and the same at any size."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from nonreg.model import (
    Assessment,
    Baseline,
    BaselineResult,
    Basis,
    CampaignReport,
    Cause,
    Change,
    Criticality,
    Difference,
    Effect,
    Fact,
    Family,
    Finding,
    Gap,
    History,
    LastGood,
    Limit,
    LimitChange,
    LogExcerpt,
    Measure,
    MeasureHistory,
    NatureCount,
    Outcome,
    PastRun,
    Role,
    Scenario,
    ScenarioHistory,
    ScenarioResult,
    Slowdown,
    Triage,
    Verdict,
    Waiver,
)
from tests.report_samples import STARTED, change_case, green_report, hash_text

PAST_RUNS = 30


def past_runs(count: int = PAST_RUNS, planned: int = 48) -> tuple[PastRun, ...]:
    """Return nightly campaigns, oldest first, one verdict of each kind among them."""
    verdicts = {3: Verdict.KO, 11: Verdict.INCOMPLET, 19: Verdict.OK_AVEC_RESERVES, 20: Verdict.KO}
    runs = []
    for number in range(count):
        started = STARTED - timedelta(days=count - number)
        verdict = verdicts.get(number, Verdict.OK)
        failed = planned // 16 if verdict is Verdict.KO else 0
        other = 0 if verdict is Verdict.OK else planned // 24
        runs.append(
            PastRun(
                run_id=f"{started:%Y-%m-%dT%H%MZ}-{number:04x}",
                application_version="7.4.1" if number < 12 else "7.4.2",
                started_at=started,
                duration_seconds=None if number == 11 else 2400.0 + 17 * (number % 7),
                verdict=verdict,
                ticket="#4100",
                planned=planned,
                passed=planned - failed - other,
                failed=failed,
            )
        )
    return tuple(runs)


def past_waivers() -> tuple[Waiver, ...]:
    """Return one waiver that serves, one that has nothing to do, one that expired yesterday."""
    common = {"owner": "p-renfort-1", "reference": "RD-2026-07"}
    june = datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC)
    return (
        Waiver(
            "APP-015", "3 clés de configuration livrées en avance", "#4102", decision="d-0007",
            expires_at=june, **common,
        ),
        Waiver("HD-002", "Article retiré le temps de la reprise", "#4180", decision="d-0009",
               expires_at=june, **common),
        Waiver("BASE-004", "Correctif de la purge attendu", "#4099", decision="d-0003",
               expires_at=STARTED - timedelta(days=1), **common),
    )  # fmt: skip


def promoted_baseline() -> Baseline:
    """Return the promoted run of version 7.4.1, one scenario of which no longer exists."""
    plan = green_report().run.plan
    results = tuple(
        BaselineResult(s.id, s.title, s.criticality, Outcome.OK, 0.4 + n / 10)
        for n, s in enumerate(plan.scenarios)
    )
    gone = BaselineResult("BASE-099", "Ancien contrôle des vues", Criticality.MAJEURE, Outcome.OK, 0.2)
    return Baseline(
        number=4,
        platform="bac-a-sable",
        application_version="7.4.1",
        run_id="2026-03-02T2330Z-11aa",
        run_started_at=STARTED - timedelta(days=26),
        verdict=Verdict.OK,
        dataset="crue-synthetique v3",
        catalog="",
        files=(("schema.json", hash_text("schema")),),
        limits=(Limit("latence_replication_secondes", 5.0),),
        results=(*results, gone),
        facts=(Fact("Site A", "Serveur de base de données", "PostgreSQL 16.3"),),
        decision="d-0005",
        person="p-titulaire",
        role=Role.TITULAIRE,
        ticket="#4188",
        reason="Livraison 7.4.1 acceptée en VA",
        promoted_at=STARTED - timedelta(days=25),
        sha256=hash_text("baseline 4"),
    )


def explain_failure(scenario_id: str, last: PastRun, cause: Cause = Cause.APPLICATION) -> Triage:
    """Return a triage pack with one of everything the platform may give."""
    return Triage(
        scenario_id=scenario_id,
        fingerprint=hash_text(scenario_id)[:16],
        cause=cause,
        why=(
            "Un contrôle attendu n'a pas été trouvé (écart), la plateforme a répondu.",
            "Une procédure diffère de la référence.",
        ),
        last_good_run=last.run_id,
        last_good_at=last.started_at,
        differences=(
            Difference("Application", "Version", "7.4.1", "7.4.2"),
            Difference("Site A", "Serveur de base de données", "PostgreSQL 16.3", "PostgreSQL 16.4"),
            Difference("Site P", "Niveau de correctif", "", "KB5040711"),
            Difference("Schéma", "Empreinte", hash_text("schema"), hash_text("schema 2")),
        ),
        logs=(
            LogExcerpt(
                "aquareel-affinage (site A)",
                (
                    "2026-03-28T23:34:58Z INFO  lot 1182 : 288 pas, 3 capteurs",
                    "2026-03-28T23:35:00Z ERROR affiner_lot : index ix_mesure_station_horodatage introuvable",
                ),
                17,
            ),
        ),
        diff=(
            "--- référence/production.affiner_lot\n+++ plateforme/production.affiner_lot\n"
            "@@ -12,4 +12,4 @@\n   FROM tampon.mesure AS t\n-  WHERE t.etat = 'RECU'\n+  WHERE t.etat <> 'REJETE'\n"
            "   ORDER BY t.horodatage;"
        ),
    )


def regression_report() -> CampaignReport:
    """Return a campaign judged against everything: what regressed, slowed down, wavers, is waived or gone."""
    report = green_report()
    at = STARTED + timedelta(minutes=5)
    runs = past_runs()
    last = runs[-2]
    gap = Gap(
        "SELECT indexname FROM pg_indexes WHERE indexname = 'ix_mesure_station_horodatage'",
        "1 ligne : ix_mesure_station_horodatage",
        "0 ligne",
    )
    slow = Slowdown("Dernières valeurs, p95", 0.912, "s", 0.402, 0.603, 24)
    twice = Slowdown("Latence de réplication, p95", 0.31, "s", 0.087, 0.131, 24)
    waivers = past_waivers()
    changes: list[tuple[ScenarioResult | None, Finding]] = [
        (
            ScenarioResult("BASE-003", Outcome.KO, "Un index est absent.", at, 0.2, gaps=(gap,)),
            Finding("BASE-003", Outcome.KO, Change.REGRESSION, Outcome.OK),
        ),
        (
            ScenarioResult("BASE-004", Outcome.KO, "Une procédure diffère.", at, 0.4, gaps=(gap,)),
            Finding(
                "BASE-004", Outcome.KO, Change.REGRESSION, Outcome.OK, "Dérogation expirée.", waivers[2]
            ),
        ),
        (
            ScenarioResult("HD-005", Outcome.INCONCLUSIF, "Site P injoignable.", at, 20.2),
            Finding("HD-005", Outcome.INCONCLUSIF, Change.REGRESSION, Outcome.OK),
        ),
        (
            ScenarioResult("APP-015", Outcome.KO, "3 clés nouvelles.", at, 1.1, gaps=(gap,)),
            Finding(
                "APP-015", Outcome.DEROGATION, Change.KNOWN_FAILURE, Outcome.OK, "3 clés nouvelles.",
                waivers[0],
            ),
        ),
        (
            ScenarioResult(
                "BASE-016", Outcome.MESURE, "", at, 61.0, (Measure(slow.name, slow.value, "s"),)
            ),
            Finding("BASE-016", Outcome.MESURE, Change.SLOWER, Outcome.MESURE, slower=(slow,)),
        ),
        (
            ScenarioResult("HD-004", Outcome.OK, "", at, 3.0, (Measure(twice.name, twice.value, "s", 5.0),)),
            Finding("HD-004", Outcome.OK, Change.SAME, Outcome.OK, to_confirm=(twice,)),
        ),
        (
            ScenarioResult("APP-002", Outcome.OK, "", at, 2.31),
            Finding("APP-002", Outcome.OK, Change.FIXED, Outcome.KO),
        ),
        (
            ScenarioResult("HD-012", Outcome.OK, "", at, 2.0),
            Finding("HD-012", Outcome.OK, Change.NEW),
        ),
        (None, Finding("HD-014", Outcome.NON_EXECUTE, Change.MISSING, Outcome.OK)),
    ]  # fmt: skip
    for result, finding in changes:
        report = change_case(report, result, finding)
    first = ScenarioResult("APP-004", Outcome.KO, "Deux valeurs au lieu d'une.", at, 1.9, gaps=(gap,))
    report = change_case(
        report,
        ScenarioResult("APP-004", Outcome.OK, "", at, 1.8, attempt=2),
        Finding("APP-004", Outcome.OK, Change.UNSTABLE, Outcome.OK, "Réussi au second essai."),
    )
    results = tuple(
        result
        for found in report.run.results
        for result in ((first, found) if found.scenario_id == "APP-004" else (found,))
    )
    reasons = (
        "2 scénarios KO : BASE-003, BASE-004.",
        "1 scénario bloquant ou majeur inconclusif : HD-005 ; 1 sans résultat : HD-014.",
        "1 scénario de la référence n'est plus au plan : BASE-099.",
        "1 dérogation en vigueur a servi : APP-015.",
    )
    baseline = promoted_baseline()
    return replace(
        report,
        run=replace(report.run, results=results, pytest_exit=1),
        assessment=replace(
            report.assessment,
            verdict=Verdict.KO,
            reasons=reasons,
            removed=("BASE-099",),
            limit_changes=(
                LimitChange("latence_replication_secondes", 5.0, 3.0),
                LimitChange("temps_reponse_client_secondes", 3.0, 4.0),
                LimitChange("retard_export_minutes", None, 10.0),
            ),
            reference_changes=("schema.json",),
            machine_factor=1.12,
        ),
        basis=Basis(
            baseline=baseline,
            waivers=waivers,
            history=past_history(report, runs, slow),
            last_good=(
                LastGood(
                    last.run_id, last.started_at, "7.4.1", "crue-synthetique v3", "4efdf53",
                    baseline.facts, ("BASE-003", "BASE-004", "HD-005"),
                ),
            ),
            files=(("schema.json", hash_text("schema 2")),),
        ),
        counts=(
            NatureCount("BASE", 16, 13, 2, 1),
            NatureCount("APPLICATIF", 16, 15, 0, 1, "1 dérogation"),
            NatureCount("HD", 16, 14, 0, 2),
            *report.counts[3:],
        ),
        triage=(
            explain_failure("BASE-003", last),
            explain_failure("BASE-004", last),
            replace(
                explain_failure("HD-005", last, Cause.ENVIRONNEMENT),
                why=("Le site P ne s'est pas laissé observer.",), diff="", logs=(),
            ),
            replace(explain_failure("APP-015", runs[0]), last_good_run="", last_good_at=None),
        ),
    )  # fmt: skip


def past_history(report: CampaignReport, runs: tuple[PastRun, ...], slow: Slowdown) -> History:
    """Return what these campaigns recorded of each scenario of the report; a few were not always good."""
    count = len(runs)
    letters = {
        "APP-004": "O" * 6 + "K" + "O" * 9 + "K" + "O" * (count - 17),
        "APP-002": "O" * 4 + "K" * (count - 4),
        "APP-015": "O" * 10 + "D" * (count - 10),
        "HD-012": "-" * count,
        "HD-005": "O" * 11 + "I" + "O" * (count - 12),
        "HD-013": "N" * 3 + "A" * 4 + "O" * (count - 7),
        "BASE-016": "M" * count,
    }
    return History(
        runs=runs,
        scenarios=tuple(
            ScenarioHistory(
                s.id,
                letters.get(s.id, "O" * count),
                tuple(
                    None if letters.get(s.id, "").startswith("-") else 0.4 + (n * 7 + k) % 5 / 20
                    for k in range(count)
                ),
            )
            for n, s in enumerate(report.run.plan.scenarios)
        ),
        measures=(
            MeasureHistory(
                "BASE-016",
                slow.name,
                slow.unit,
                (*(None if k == 11 else slow.median + (k * 5 % 7 - 3) / 60 for k in range(count - 1)), 0.88),
            ),
        ),
    )


def large_report(scenarios: int = 10_000) -> CampaignReport:
    """Return a campaign of any size with 30 campaigns of history: 97 % good, the rest one of each kind."""
    report = regression_report()
    plan, at = report.run.plan, STARTED
    families = list(Family)
    planned = tuple(
        Scenario(
            id=f"{families[n % 3].value}-{n:05d}",
            title=f"Contrôle {n} de la table production.mesure_{n % 97}, valeurs et bornes",
            family=families[n % 3],
            criticality=list(Criticality)[n % 3],
            effect=Effect.READ_ONLY,
            timeout_seconds=60.0,
            requirement_ids=(f"R{n % 81 + 1:02d}",),
        )
        for n in range(scenarios)
    )
    pairs = [_end_scenario(n, s) for n, s in enumerate(planned)]
    runs = past_runs(planned=scenarios)
    report = replace(
        report,
        run=replace(
            report.run,
            plan=replace(plan, scenarios=planned),
            results=tuple(result for result, _ in pairs),
            started_at=at,
        ),
        counts=tuple(
            NatureCount(family.name, scenarios // 3, scenarios // 3 * 97 // 100, 0, 0) for family in Family
        ),
    )
    findings = tuple(finding for _, finding in pairs)
    failed = [finding.scenario_id for finding in findings if finding.outcome is Outcome.KO]
    reasons = (f"{len(failed)} scénarios KO.", "Des scénarios majeurs n'ont pas été jugés.")
    return replace(
        report,
        assessment=Assessment(Verdict.KO, reasons, findings),
        triage=tuple(explain_failure(scenario_id, runs[-1]) for scenario_id in failed),
        basis=replace(
            report.basis,
            history=History(
                runs,
                tuple(
                    ScenarioHistory(
                        s.id,
                        "".join("K" if n % 50 == 7 and k % 9 == 4 else "O" for k in range(len(runs))),
                        tuple(0.05 + (n + k) % 13 / 100 for k in range(len(runs))),
                    )
                    for n, s in enumerate(planned)
                ),
                tuple(
                    MeasureHistory(
                        s.id, "Durée de la requête", "s",
                        tuple(0.05 + (n + k) % 13 / 100 for k in range(len(runs))),
                    )
                    for n, s in enumerate(planned)
                    if n % 10 == 0
                ),
            ),
        ),
    )  # fmt: skip


def _end_scenario(number: int, scenario: Scenario) -> tuple[ScenarioResult, Finding]:
    """1 % KO with their gap, 1 % slower, 0,5 % inconclusive, 0,5 % not executed, the rest good."""
    at = STARTED + timedelta(milliseconds=70 * number)
    name, kind = scenario.id, number % 200
    measures = (Measure("Durée de la requête", 0.06, "s", 3.0),) if number % 10 == 0 else ()
    if kind in (1, 101):
        gap = Gap(f"SELECT valeur FROM production.mesure_{number % 97}", "288 lignes", f"{kind} lignes")
        return (
            ScenarioResult(name, Outcome.KO, "Des lignes manquent.", at, 0.07, measures, (gap,)),
            Finding(name, Outcome.KO, Change.REGRESSION, Outcome.OK),
        )
    if kind in (2, 102):
        slow = Slowdown("Durée de la requête", 0.31, "s", 0.087, 0.137, 24)
        return (
            ScenarioResult(name, Outcome.OK, "", at, 0.31, (Measure(slow.name, slow.value, "s", 3.0),)),
            Finding(name, Outcome.OK, Change.SLOWER, Outcome.OK, slower=(slow,)),
        )
    if kind == 3:
        return (
            ScenarioResult(name, Outcome.INCONCLUSIF, "Site P injoignable.", at, 5.0),
            Finding(name, Outcome.INCONCLUSIF, Change.REGRESSION, Outcome.OK),
        )
    if kind == 4:
        return (
            ScenarioResult(name, Outcome.NON_EXECUTE, "Scénario perturbateur sans approbation."),
            Finding(name, Outcome.NON_EXECUTE, Change.SAME, Outcome.NON_EXECUTE),
        )
    return (
        ScenarioResult(name, Outcome.OK, "", at, 0.07, measures),
        Finding(name, Outcome.OK, Change.SAME, Outcome.OK),
    )
