"""Sample campaigns to render: a rich one, an interrupted one, an all-green one, a refused one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from nonreg.model import (
    Assessment,
    CampaignPlan,
    CampaignReport,
    CampaignRun,
    Change,
    Criticality,
    Effect,
    Evidence,
    Fact,
    Family,
    Finding,
    Gap,
    GuardResult,
    GuardStatus,
    Measure,
    Nature,
    NatureCount,
    Outcome,
    PlatformIdentity,
    Scenario,
    ScenarioResult,
    Verdict,
)

STARTED = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # the night summer time begins in Paris
TITLES = {
    Family.BASE: (
        "Schéma identique à la référence (tables, colonnes, types, collation)",
        "Clés et contraintes présentes, actives et fiables",
        "Index identiques à la référence, aucun désactivé",
        "Code des procédures, vues et fonctions conforme à la version livrée",
        "Déclencheurs présents, actifs et dans l'ordre attendu",
        "Règles maison : aucune nouvelle fonction scalaire, aucun nouveau curseur",
        "Toute table publiée a une clé primaire",
        "Courbe de tarage, loi par points : valeurs de référence et bornes",
        "Cumuls de pluie de 5 min à 24 h, changements d'heure compris",
        "Affinage : lot nominal de 288 pas pour 3 capteurs",
        "Affinage : une valeur aberrante est remplacée par la précédente",
        "Rejouer le même lot ne change rien",
        "Intégrité : orphelins, bornes, continuité des pas de temps",
        "La purge retire exactement ce qu'elle doit, et garde le jour limite",
        "Matrice des permissions identique à la référence",
        "Temps de réponse des requêtes représentatives",
    ),
    Family.APPLICATIF: (
        "Services démarrés, en mode automatique, sous le compte attendu",
        "Le client léger affiche les dernières valeurs en moins de 3 s",
        "Trame XML-LNS de bout en bout : réception, tampon, production",
        "Trame reçue deux fois : une seule valeur",
        "Données en retard acceptées ou refusées selon la règle",
        "Trames mal formées refusées sans arrêt du frontal",
        "Station muette : alarme après cinq périodes",
        "Rafale : 251 stations dans un même pas de temps",
        "Seuils jaune, orange et rouge franchis en montée",
        "Hystérésis : pas de battement entre ouverture et fermeture",
        "L'alarme atteint le puits de test avec le bon texte",
        "Export Sandre : fichier produit, valeurs égales à la base",
        "Ordres de plus de 15 minutes supprimés",
        "Journal : toute séquence commencée a sa fin",
        "Fichiers de configuration identiques à la référence",
        "Dérive d'horloge de chaque nœud inférieure à 1 s",
    ),
    Family.HD: (
        "Un seul site actif, vu de même depuis chaque site",
        "Publication et articles attendus présents, abonnement actif",
        "Agents de réplication en marche",
        "Commandes en attente sous la limite et sans croissance",
        "Latence de réplication sur 20 échantillons",
        "Aucune erreur de réplication depuis le repère",
        "Nombres de lignes égaux par article",
        "Contenus égaux des deux côtés, par jour et par capteur",
        "Schémas égaux, différences attendues listées",
        "Le site passif refuse toute écriture",
        "La supervision des trois sites se voit (quorum)",
        "Secours IP : la valeur arrive par le frontal secondaire",
        "Bascule planifiée : aucune écriture acquittée perdue",
        "Retour au site nominal et rôles d'origine",
        "Perte du site de surveillance détectée",
        "Chaîne d'alerte : exactement les alarmes attendues",
    ),
}


def hash_text(text: str) -> str:
    """Return a plausible SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()


def plan_sample() -> CampaignPlan:
    """Return a plan of 48 scenarios over the three families."""
    criticalities = list(Criticality)
    scenarios = tuple(
        Scenario(
            id=f"{family.value}-{number:03d}",
            title=title,
            family=family,
            criticality=criticalities[number % 3],
            effect=Effect.READ_ONLY,
            timeout_seconds=60.0,
            requirement_ids=(f"R{number:02d}",),
        )
        for family, titles in TITLES.items()
        for number, title in enumerate(titles, 1)
    )
    return CampaignPlan(
        run_id="2026-03-28T2330Z-7c1e",
        campaign_id="nuit-complete",
        platform=PlatformIdentity(
            name="bac-a-sable",
            title="Plateforme embarquée AQUARÉEL",
            nature=Nature.TEST,
            application_version="7.4.2",
            dataset="crue-synthetique v3",
            sites=("A (actif)", "P (passif)", "S (surveillance)"),
        ),
        ticket="#4217",
        operator="titulaire",
        created_at=STARTED - timedelta(seconds=40),
        families=tuple(Family),
        selection="",
        scenarios=scenarios,
        tool_version="0.1.0",
        tool_commit="4efdf53",
        command="python -m nonreg campaign --platform bac-a-sable --families BASE,APP,HD --ticket '#4217'",
    )


def pass_guards() -> tuple[GuardResult, ...]:
    """Return the ten guards, passed."""
    titles = (
        "La cible est la plateforme de test",
        "Les trois sites déclarent le rôle attendu",
        "Destinataires d'alarme limités au puits de test",
        "Destinations d'export autorisées",
        "Ni mode crise, ni autre campagne, ni traitement long",
        "Jeu de données et référence attendus",
        "Espace disque et sauvegarde",
        "Permissions exactement celles attendues",
        "Aucune route vers la production",
        "Ticket et opérateur identifiés",
    )
    return tuple(
        GuardResult(f"PRE-{number:02d}", title, GuardStatus.PASSED, "Vérifié sur les trois sites.")
        for number, title in enumerate(titles, 1)
    )


def green_report() -> CampaignReport:
    """Return a campaign where everything passed and nothing has to be said."""
    plan = plan_sample()
    results = tuple(
        ScenarioResult(s.id, Outcome.OK, "", STARTED + timedelta(seconds=3 * n), 0.37 + n / 10)
        for n, s in enumerate(plan.scenarios)
    )
    run = CampaignRun(
        plan=plan,
        guards=pass_guards(),
        facts=(
            Fact("Périmètre", "Réplication", "réelle, entre deux serveurs PostgreSQL"),
            Fact("Périmètre", "Stations", "simulées (251 stations publiques, crues synthétiques)"),
            Fact("Site A", "Serveur de base de données", "PostgreSQL 16.4"),
            Fact("Site A", "Système", "Debian 12"),
            Fact("Site P", "Serveur de base de données", "PostgreSQL 16.4"),
            Fact("Site P", "Niveau de correctif", ""),
        ),
        results=results,
        started_at=STARTED,
        ended_at=STARTED + timedelta(minutes=42, seconds=7),
        pytest_exit=0,
    )
    findings = tuple(Finding(s.id, Outcome.OK, Change.SAME, Outcome.OK) for s in plan.scenarios)
    counts = (
        *(NatureCount(family.name, 16, 16, 0, 0) for family in Family),
        NatureCount("Unitaires et intégration du projet", 412, 409, 0, 3, "3 ignorés : SQL Server absent"),
    )
    return CampaignReport(
        run=run,
        assessment=Assessment(Verdict.OK, ("Tous les scénarios prévus ont réussi.",), findings),
        counts=counts,
        generated_at=STARTED + timedelta(hours=2),
        tickets=("#4217", "#4220"),
    )


def change_case(report: CampaignReport, result: ScenarioResult | None, finding: Finding) -> CampaignReport:
    """Return the report where one scenario ended otherwise; no result when it was never recorded."""
    kept = [r for r in report.run.results if r.scenario_id != finding.scenario_id]
    results = (*kept, result) if result else tuple(kept)
    known = report.assessment.findings
    findings = tuple(finding if f.scenario_id == finding.scenario_id else f for f in known)
    return replace(
        report,
        run=replace(report.run, results=results),
        assessment=replace(report.assessment, findings=findings),
    )


def rich_report() -> CampaignReport:
    """Return a campaign with one of everything that can go wrong, short of an interruption."""
    report = green_report()
    at = STARTED + timedelta(minutes=5)
    rows = tuple(
        (f"X{n:07d}", f"2026-03-28 {n % 24:02d}:05:00", "H", f"{1.2 + n / 100:.2f}", "") for n in range(35)
    )
    index_gap = Gap(
        request=(
            "SELECT i.schemaname, i.tablename, i.indexname\n  FROM pg_indexes AS i\n"
            " WHERE i.schemaname = 'production'\n   AND i.indexname = 'ix_mesure_station_horodatage'"
        ),
        expected="1 ligne : production.mesure, ix_mesure_station_horodatage",
        found="0 ligne",
    )
    content_gap = Gap(
        request="SELECT station, horodatage, grandeur, valeur FROM production.mesure EXCEPT ...",
        expected="mêmes valeurs sur le site actif et sur le site passif",
        found=f"empreintes différentes : {hash_text('a')} et {hash_text('b')}",
        columns=("station", "horodatage", "grandeur", "valeur (actif)", "valeur (passif)"),
        rows=rows,
        rows_total=1_284,
    )
    proof = Evidence("Lignes en écart", "preuves/HD-008-lignes.csv", hash_text("rows"))
    log = Evidence("Journal de l'agent de distribution", "preuves/HD-008-agent.log", hash_text("log"))
    changes: list[tuple[ScenarioResult | None, Finding]] = [
        (
            ScenarioResult("BASE-003", Outcome.KO, "Un index est absent.", at, 0.2, gaps=(index_gap,)),
            Finding("BASE-003", Outcome.KO, Change.REGRESSION, Outcome.OK, "Réussi dans la référence."),
        ),
        (
            ScenarioResult(
                "HD-008",
                Outcome.KO,
                "Les contenus diffèrent entre les deux sites.",
                at,
                83.4,
                measures=(Measure("Lignes en écart", 1284, "lignes", 0.0),),
                gaps=(content_gap,),
                evidence=(proof, log),
            ),
            Finding("HD-008", Outcome.KO, Change.REGRESSION, Outcome.OK),
        ),
        (
            ScenarioResult("BASE-016", Outcome.MESURE, "", at, 61.0, _response_times()),
            Finding("BASE-016", Outcome.MESURE, Change.SLOWER, Outcome.MESURE, "p95 : +38 %"),
        ),
        (
            ScenarioResult("HD-005", Outcome.OK, "", at, 20.2, _latencies()),
            Finding("HD-005", Outcome.OK, Change.SAME, Outcome.OK),
        ),
        (
            ScenarioResult("APP-015", Outcome.KO, "3 clés nouvelles.", at, 1.1, gaps=(_config_gap(),)),
            Finding(
                "APP-015",
                Outcome.DEROGATION,
                Change.KNOWN_FAILURE,
                Outcome.KO,
                "Dérogation RD-2026-07, jusqu'au 30/06/2026.",
            ),
        ),
        (
            ScenarioResult("HD-003", Outcome.INCONCLUSIF, "Délai de 60 s dépassé sur le site P.", at, 60.0),
            Finding("HD-003", Outcome.INCONCLUSIF, Change.NEW, None),
        ),
        (
            ScenarioResult("APP-005", Outcome.INCONCLUSIF, "Frontal secondaire injoignable.", at, 4.0),
            Finding("APP-005", Outcome.INCONCLUSIF, Change.UNSTABLE, Outcome.OK, "2 résultats sur 5 nuits."),
        ),
        (None, Finding("HD-014", Outcome.NON_EXECUTE, Change.MISSING, Outcome.OK)),
        (
            ScenarioResult("HD-013", Outcome.NON_EXECUTE, "Scénario perturbateur sans approbation."),
            Finding("HD-013", Outcome.NON_EXECUTE, Change.SAME, Outcome.NON_EXECUTE),
        ),
        (
            ScenarioResult("HD-015", Outcome.NON_EXECUTE, "Scénario perturbateur sans approbation."),
            Finding("HD-015", Outcome.NON_EXECUTE, Change.SAME, Outcome.NON_EXECUTE),
        ),
        (
            ScenarioResult("BASE-007", Outcome.NON_APPLICABLE, "Aucune table publiée sur ce moteur."),
            Finding("BASE-007", Outcome.NON_APPLICABLE, Change.SAME, Outcome.NON_APPLICABLE),
        ),
        (
            ScenarioResult("APP-002", Outcome.OK, "Corrigé par le ticket #4198.", at, 2.31),
            Finding("APP-002", Outcome.OK, Change.FIXED, Outcome.KO),
        ),
    ]
    for result, finding in changes:
        report = change_case(report, result, finding)
    reasons = (
        "2 scénarios KO : BASE-003 (bloquante), HD-008 (mineure).",
        "2 scénarios inconclusifs et 3 non exécutés.",
        "1 dérogation en cours : APP-015, jusqu'au 30/06/2026.",
    )
    return replace(
        report,
        assessment=replace(report.assessment, verdict=Verdict.KO, reasons=reasons),
        run=replace(report.run, pytest_exit=1),
        counts=(
            NatureCount("BASE", 16, 13, 1, 2),
            NatureCount("APPLICATIF", 16, 14, 0, 2, "1 dérogation"),
            NatureCount("HD", 16, 11, 1, 4),
            NatureCount("Unitaires et intégration du projet", 412, 409, 0, 3, "SQL Server absent"),
        ),
    )


def _response_times() -> tuple[Measure, ...]:
    return (
        Measure("Dernières valeurs, médiane", 0.184, "s", 3.0),
        Measure("Dernières valeurs, p95", 0.412, "s"),
        Measure("Lectures logiques", 1_250_433, "pages"),
    )


def _latencies() -> tuple[Measure, ...]:
    return (
        Measure("Latence de réplication, p50", 0.0124, "s", 5.0),
        Measure("Latence de réplication, p95", 0.0871, "s", 5.0),
        Measure("Latence de réplication, maximum", 0.2, "s"),
    )


def _config_gap() -> Gap:
    return Gap(
        request="sha256sum /etc/aquareel/frontal.toml (secrets masqués avant le calcul)",
        expected=hash_text("expected"),
        found=hash_text("found"),
    )


def interrupted_report() -> CampaignReport:
    """Return a campaign killed halfway: no end, no exit code, half of the scenarios without result."""
    report = green_report()
    kept = report.run.results[:20]
    done = {result.scenario_id for result in kept}
    findings = tuple(
        f if f.scenario_id in done else replace(f, outcome=Outcome.NON_EXECUTE, change=Change.MISSING)
        for f in report.assessment.findings
    )
    run = replace(
        report.run,
        results=kept,
        ended_at=None,
        pytest_exit=None,
        interruption="processus d'exécution arrêté (signal 9)",
    )
    reasons = ("La campagne a été interrompue.", "28 scénarios prévus sont sans résultat.")
    return replace(report, run=run, assessment=Assessment(Verdict.INCOMPLET, reasons, findings))


def refused_report() -> CampaignReport:
    """Return a campaign stopped by its guards: one refused, one without an answer, nothing executed."""
    report = green_report()
    guards = list(pass_guards())
    guards[0] = replace(
        guards[0], status=GuardStatus.REFUSED, message="Le marqueur d'identité n'est pas celui attendu."
    )
    guards[1] = replace(guards[1], status=GuardStatus.UNKNOWN, message="Site P injoignable (délai dépassé).")
    guards[6] = replace(
        guards[6], status=GuardStatus.NOT_APPLICABLE, message="Aucun scénario perturbateur choisi."
    )
    note = "Garde PRE-01 refusée : rien n'a été exécuté."
    findings = tuple(
        Finding(f.scenario_id, Outcome.NON_EXECUTE, Change.MISSING, Outcome.OK, note)
        for f in report.assessment.findings
    )
    run = replace(
        report.run,
        guards=tuple(guards[:9]),
        facts=(),
        results=(),
        pytest_exit=None,
        ended_at=STARTED + timedelta(seconds=3),
    )
    reasons = ("Garde PRE-01 refusée.", "Garde PRE-02 sans réponse.")
    return replace(report, run=run, counts=(), assessment=Assessment(Verdict.INCOMPLET, reasons, findings))
