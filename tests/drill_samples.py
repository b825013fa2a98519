"""Sample drills: a planned switchover, an unplanned loss, a network cut, an interrupted one; and campaigns of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from nonreg.model import (
    Accounting,
    AlarmSeen,
    Approval,
    CampaignReport,
    Change,
    ClientSummary,
    Criticality,
    Drill,
    DrillEvent,
    DrillEventKind,
    DrillFault,
    DrillRecord,
    DrillStage,
    Effect,
    Family,
    Finding,
    Healing,
    Interruption,
    Outcome,
    PlannedDrill,
    PlannedFault,
    RecoveryTime,
    Scenario,
    ScenarioResult,
    SiteRole,
)
from tests.report_samples import STARTED, green_report, hash_text

K = DrillEventKind
DRILLS_AT = STARTED + timedelta(minutes=12)
CLOSING_IDS = tuple(f"HD-{number:03d}" for number in range(1, 10))


def approve() -> Approval:
    """Return the approval of every sample."""
    return Approval(
        "2026-03-28T2312Z-exercices-4f1c", "titulaire", STARTED - timedelta(minutes=18), STARTED + timedelta(hours=4),
        hash_text("plan"),
    )  # fmt: skip


def plan_switchover() -> PlannedDrill:
    """Return a planned switchover: no fault, two steps for a person."""
    return PlannedDrill(
        "HD-021",
        "Bascule planifiée : aucune écriture acquittée perdue",
        DrillStage.PLANIFIE,
        (),
        (
            "Dans le gestionnaire de bascule, lancer la bascule de A vers P, sans forcer",
            "Confirmer que P est affiché « actif » dans le client lourd",
        ),
        hash_text("HD-021"),
    )


def plan_loss() -> PlannedDrill:
    """Return the unplanned loss of the active database."""
    fault = PlannedFault(
        "HD-023.1",
        "base_arretee",
        "A",
        (("mode", "immediate"),),
        300.0,
        ("a-bdd",),
        "systemctl kill --signal=KILL postgresql@16-aquareel.service",
        "systemctl start postgresql@16-aquareel.service",
        "systemd-run --on-active=300 systemctl start postgresql@16-aquareel.service",
    )
    steps = ("Lancer la bascule forcée vers P quand l'alarme « base injoignable » est reçue",)
    title = "Perte non planifiée de la base active pendant des écritures"
    return PlannedDrill("HD-023", title, DrillStage.PERTE, (fault,), steps, hash_text("HD-023"))


def plan_cut() -> PlannedDrill:
    """Return a cut of both paths between the sites."""
    faults = tuple(
        PlannedFault(
            f"HD-025.{number}",
            "lien_coupe",
            "",
            (("chemin", str(number)),),
            90.0,
            ("a-pare-feu", "p-pare-feu"),
            f"nft add rule inet filtre intersite oifname wan{number} drop comment nonreg-HD-025-{number}",
            f"nft delete rule inet filtre intersite handle $(nft -a list … | grep nonreg-HD-025-{number})",
            "at now + 2 minutes : suppression de la règle",
        )
        for number in (1, 2)
    )
    title = "Coupure du réseau entre actif et passif : route 2, puis les deux"
    return PlannedDrill("HD-025", title, DrillStage.RESEAU, faults, (), hash_text("HD-025"))


def plan_power_off() -> PlannedDrill:
    """Return the loss of the whole active site, which only a person can heal."""
    fault = PlannedFault(
        "HD-024.1",
        "machine_eteinte",
        "A",
        (),
        600.0,
        ("hyperviseur",),
        "virsh destroy a-bdd",
        "virsh start a-bdd",
        by_hand=True,
    )
    title = "Perte du site actif entier (arrêt de la machine virtuelle)"
    return PlannedDrill("HD-024", title, DrillStage.PERTE, (fault,), (), hash_text("HD-024"))


def watch(
    client: str,
    title: str,
    seen: tuple[Interruption, ...],
    attempts: int,
    writes: bool = True,
    unknown: int = 0,
) -> ClientSummary:
    """Return what a client saw that tried five times a second."""
    errors = sum(interruption.attempts for interruption in seen) - unknown
    return ClientSummary(
        client, title, writes, attempts, attempts - errors - unknown, errors, unknown, 0.2, 0.0034, seen
    )


def record_switchover() -> DrillRecord:
    """Return a planned switchover: nothing lost, 0,8 s without a write."""
    return DrillRecord(
        "HD-021",
        DRILLS_AT,
        74.2,
        events=(
            DrillEvent(0.1, K.ROLE, "A", "ACTIF"),
            DrillEvent(0.1, K.ROLE, "P", "PASSIF"),
            DrillEvent(0.1, K.ROLE, "S", "SURVEILLANCE"),
            DrillEvent(5.0, K.STEADY, "", "Régime établi : 4 clients répondent depuis 5 s"),
            DrillEvent(5.4, K.OPERATOR, "Bascule de A vers P", "Demandé au titulaire"),
            DrillEvent(31.02, K.OPERATOR, "Bascule de A vers P", "Confirmé par le titulaire"),
            DrillEvent(31.10, K.TOOL, "gestionnaire de bascule", "Étape 1 : écritures arrêtées sur A"),
            DrillEvent(31.42, K.TOOL, "gestionnaire de bascule", "Étape 2 : tout est arrivé sur P"),
            DrillEvent(31.70, K.ROLE, "A", "PASSIF"),
            DrillEvent(31.71, K.ROLE, "P", "ACTIF"),
            DrillEvent(31.75, K.TOOL, "gestionnaire de bascule", "Étape 5 : P déclaré actif"),
            DrillEvent(40.0, K.OPERATOR, "P affiché actif", "Demandé au titulaire"),
            DrillEvent(52.6, K.OPERATOR, "P affiché actif", "Confirmé par le titulaire"),
        ),
        clients=(
            watch("ecrivain-1", "Écriture 1", (Interruption(31.08, 31.88, 3),), 365),
            watch("ecrivain-2", "Écriture 2", (Interruption(31.12, 31.85, 3),), 366),
            watch("lecteur", "Lecture en base", (), 370, writes=False),
            watch("web", "Client léger (HTTP)", (Interruption(31.2, 32.55, 5),), 362, writes=False),
        ),
        accounting=Accounting(725, 725),
        recovery=RecoveryTime(0.8, None, 0.02, 0.61, 0.17),
        alarms=(AlarmSeen("Bascule en cours", "exploitation", True, 31.3, 33.0),),
        resolution_seconds=0.25,
    )


def record_loss() -> DrillRecord:
    """Return an unplanned loss: 37 acknowledged writes are gone, the fate of 4 was not known."""
    read_gaps = (Interruption(45.2, 116.9, 70), Interruption(200.0, 200.6, 2))
    lost = tuple(f"ecrivain-{1 + n % 2}:{214 + n // 2:06d}" for n in range(37))
    return DrillRecord(
        "HD-023",
        DRILLS_AT + timedelta(minutes=3),
        428.5,
        events=(
            DrillEvent(0.1, K.ROLE, "A", "ACTIF"),
            DrillEvent(0.1, K.ROLE, "P", "PASSIF"),
            DrillEvent(10.0, K.STEADY, "", "Régime établi : 4 clients répondent depuis 10 s"),
            DrillEvent(45.3, K.FAULT, "HD-023.1", "Base de A arrêtée sans préavis"),
            DrillEvent(45.9, K.ROLE, "A", "injoignable"),
            DrillEvent(51.7, K.ALARM, "Base injoignable", "Ouverte, destinataire : exploitation"),
            DrillEvent(52.0, K.OPERATOR, "Bascule forcée", "Demandé au titulaire"),
            DrillEvent(113.4, K.OPERATOR, "Bascule forcée", "Confirmé par le titulaire"),
            DrillEvent(113.5, K.TOOL, "gestionnaire de bascule", "Bascule forcée vers P"),
            DrillEvent(116.2, K.ROLE, "P", "ACTIF"),
            DrillEvent(117.0, K.NOTE, "", "Première écriture acquittée par P"),
            DrillEvent(345.3, K.HEALED, "HD-023.1", "Base de A redémarrée, isolée"),
            DrillEvent(351.0, K.ALARM, "Base injoignable", "Refermée"),
        ),
        clients=(
            watch("ecrivain-1", "Écriture 1", (Interruption(45.2, 117.0, 71),), 2140, unknown=2),
            watch("ecrivain-2", "Écriture 2", (Interruption(45.1, 117.2, 72),), 2138, unknown=2),
            watch("lecteur", "Lecture en base", read_gaps, 2101, writes=False),
            watch("web", "Client léger (HTTP)", (Interruption(45.4, 119.3, 40),), 1900, writes=False),
        ),
        accounting=Accounting(
            4131, 4096, lost, (), (), ("ecrivain-1:000232", "ecrivain-2:000233"),
            ("ecrivain-1:000233", "ecrivain-2:000234"), rpo_seconds=3.7,
        ),
        recovery=RecoveryTime(71.8, 6.4, 61.8, 2.7, 0.8),
        alarms=(
            AlarmSeen("Base injoignable", "exploitation", True, 51.7, 351.0),
            AlarmSeen("Réplication en échec", "exploitation", True, None, None),
            AlarmSeen("Disque presque plein", "astreinte", False, 90.2, None),
        ),
        healings=(Healing("HD-023.1", "systemctl start postgresql@16-aquareel.service", 45.3, 345.3),),
        resolution_seconds=0.25,
    )  # fmt: skip


def record_cut() -> DrillRecord:
    """Return a network cut, on one path and then on both, which no writer noticed."""
    read_gaps = (Interruption(60.1, 110.8, 252), Interruption(20.1, 21.4, 6))
    return DrillRecord(
        "HD-025",
        DRILLS_AT + timedelta(minutes=12),
        205.0,
        events=(
            DrillEvent(0.1, K.ROLE, "A", "ACTIF"),
            DrillEvent(0.1, K.ROLE, "P", "PASSIF"),
            DrillEvent(20.0, K.FAULT, "HD-025.1", "Chemin 1 coupé"),
            DrillEvent(21.5, K.NOTE, "", "La route 2 a pris le relais"),
            DrillEvent(60.0, K.FAULT, "HD-025.2", "Chemin 2 coupé"),
            DrillEvent(66.3, K.ALARM, "Site passif injoignable", "Ouverte"),
            DrillEvent(110.0, K.HEALED, "HD-025.2", "Règle retirée"),
            DrillEvent(110.2, K.HEALED, "HD-025.1", "Règle retirée"),
            DrillEvent(118.0, K.ALARM, "Site passif injoignable", "Refermée"),
            DrillEvent(131.0, K.NOTE, "", "Retard absorbé : 0 commande en attente"),
        ),
        clients=(
            watch("ecrivain-1", "Écriture 1", (), 1020),
            watch("lecteur-p", "Lecture sur P", read_gaps, 1010, writes=False),
        ),
        accounting=Accounting(1020, 1020),
        alarms=(AlarmSeen("Site passif injoignable", "exploitation", True, 66.3, 118.0),),
        healings=(
            Healing("HD-025.1", "nft delete rule …", 20.0, 110.2),
            Healing("HD-025.2", "nft delete rule …", 60.0, 110.0),
        ),
        resolution_seconds=0.25,
    )  # fmt: skip


def record_interrupted() -> DrillRecord:
    """Return a drill that was stopped in the middle: a fault that nothing healed, no accounting, platform changed."""
    return DrillRecord(
        "HD-024",
        DRILLS_AT + timedelta(minutes=20),
        37.0,
        events=(
            DrillEvent(0.1, K.ROLE, "A", "ACTIF"),
            DrillEvent(0.1, K.ROLE, "P", "PASSIF"),
            DrillEvent(12.0, K.FAULT, "HD-024.1", "Machine virtuelle a-bdd éteinte"),
        ),
        clients=(watch("ecrivain-1", "Écriture 1", (Interruption(11.9, 37.0, 125, open_ended=True),), 180),),
        healings=(Healing("HD-024.1", "virsh start a-bdd", 12.0, None, "hyperviseur injoignable (délai dépassé)"),),
        left_as_found=("Machine a-bdd éteinte, elle était allumée", "Rôle de A : aucun, attendu ACTIF"),
        resolution_seconds=0.25,
    )  # fmt: skip


def with_drills(
    planned: tuple[PlannedDrill, ...], records: tuple[DrillRecord, ...], failed: tuple[str, ...] = ()
) -> CampaignReport:
    """Return a green campaign with these drills and its closing checks; `failed` are those not as before."""
    report = green_report()
    plan, run = report.run.plan, report.run
    known = {scenario.id for scenario in plan.scenarios}
    new = tuple(_declare(drill) for drill in planned if drill.scenario_id not in known)
    closing = tuple(scenario for scenario in plan.scenarios if scenario.id in CLOSING_IDS)
    at = STARTED + timedelta(minutes=38)
    plan = replace(
        plan, scenarios=(*plan.scenarios, *new), drills=planned, approval=approve(), closing=closing
    )
    run = replace(
        run,
        plan=plan,
        results=(*run.results, *(_conclude(s.id, records) for s in new)),
        closing=tuple(
            ScenarioResult(s.id, Outcome.KO, "Deux sites actifs.", at, 0.4)
            if s.id in failed
            else ScenarioResult(s.id, Outcome.OK, "", at, 0.4)
            for s in closing
        ),
        drills=records,
    )
    findings = tuple(Finding(s.id, _conclude(s.id, records).outcome, Change.NEW) for s in new)
    assessment = replace(report.assessment, findings=(*report.assessment.findings, *findings))
    return replace(report, run=run, assessment=assessment)


def _conclude(scenario_id: str, records: tuple[DrillRecord, ...]) -> ScenarioResult:
    """A drill without accounting was interrupted: it proves nothing."""
    counted = {record.scenario_id for record in records if record.accounting}
    if scenario_id in counted:
        return ScenarioResult(scenario_id, Outcome.OK, "", DRILLS_AT, 80.0)
    return ScenarioResult(scenario_id, Outcome.INCONCLUSIF, "Exercice interrompu.", DRILLS_AT, 37.0)


def _declare(drill: PlannedDrill) -> Scenario:
    return Scenario(
        drill.scenario_id,
        drill.title,
        Family.HD,
        Criticality.MAJEURE,
        Effect.DISRUPTIVE,
        600.0,
        ("R40",),
        drill=Drill(
            drill.stage, tuple(DrillFault(f.kind, SiteRole.ACTIF) for f in drill.faults), drill.operator_steps
        ),
    )


def switchover_report() -> CampaignReport:
    """Return a campaign with a planned switchover alone."""
    return with_drills((plan_switchover(),), (record_switchover(),))


def drilled_report() -> CampaignReport:
    """Return a campaign with a switchover, a cut and a loss, all healed, on a platform left as found."""
    return with_drills(
        (plan_switchover(), plan_cut(), plan_loss()), (record_switchover(), record_cut(), record_loss())
    )


def damaged_report() -> CampaignReport:
    """Return a campaign whose last drill was interrupted and left the platform changed; an earlier one was healed."""
    report = with_drills(
        (plan_switchover(), plan_cut(), plan_loss(), plan_power_off()),
        (record_switchover(), record_cut(), record_loss(), record_interrupted()),
        failed=("HD-001",),
    )
    healed = ("Service d'échange de A redémarré (arrêté par l'exécution 2026-03-27T2330Z-01aa)",)
    return replace(report, run=replace(report.run, healed=healed))


def many_drills_report(count: int = 30) -> CampaignReport:
    """Return a campaign with as many drills as the family has scenarios."""
    plans, records = (
        (plan_switchover(), plan_cut(), plan_loss()),
        (record_switchover(), record_cut(), record_loss()),
    )
    ids = [f"HD-{100 + number}" for number in range(count)]
    return with_drills(
        tuple(replace(plans[n % 3], scenario_id=name) for n, name in enumerate(ids)),
        tuple(replace(records[n % 3], scenario_id=name) for n, name in enumerate(ids)),
    )
