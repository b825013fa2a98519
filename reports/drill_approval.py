"""What of the drills was approved, by whom, until when; and what page 1 says of them."""

from __future__ import annotations

from nonreg.model import Approval, CampaignReport, PlannedDrill, PlannedFault
from reports import labels, text
from reports.document import Block, Cell, Column, Pairs, Paragraph, Section, Table, shorten_on_paper
from reports.drill_facts import AS_BEFORE, join_closing, say_left_as_found

FAULTS_ON_PAPER = 120
COMMAND_CHARACTERS = 600
TITLE_CHARACTERS = 160
STEP_CHARACTERS = 300
HEALED_SHOWN = 5


def say_approved(report: CampaignReport) -> list[Paragraph]:
    """Return page 1's line on drills: how many, approved by whom, until when."""
    plan = report.run.plan
    if not plan.drills:
        return []
    count = text.plural(
        len(plan.drills), "exercice de haute disponibilité", "exercices de haute disponibilité"
    )
    if plan.approval is None:
        return [Paragraph(f"{count} au plan, sans autorisation enregistrée (§ 5bis).", "ko", "✗")]
    by, until = text.known(plan.approval.person), text.format_moment(plan.approval.expires_at)
    done = text.plural(len(report.run.drills), "enregistré", "enregistrés")
    word = "autorisé" if len(plan.drills) < 2 else "autorisés"
    said = f"{count} {word} par {by} jusqu'au {until} ; {done} (§ 5bis)."
    return [Paragraph(said, "info", "◇")]


def say_platform_state(report: CampaignReport) -> list[Paragraph]:
    """Return what page 1 must say before the verdict: what was restored, and what was not left as found."""
    run, said = report.run, []
    if run.healed:
        shown = [
            f"– {text.shorten(one, STEP_CHARACTERS, 'voir la source JSON')}"
            for one in run.healed[:HEALED_SHOWN]
        ]
        left = len(run.healed) - len(shown)
        shown += [f"… {text.plural(left, 'autre', 'autres')}, voir la source JSON."] if left > 0 else []
        head = "Avant cette campagne, une exécution précédente avait laissé des pannes ; celle-ci a remis en état :"
        said.append(Paragraph("\n".join((head, *shown)), "warn", "!"))
    if run.drills or run.closing:
        words, state = say_left_as_found(report, join_closing(report))
        if state != AS_BEFORE:
            said.append(Paragraph(words, state.tone, state.sign))
    return said


def describe_approval(report: CampaignReport) -> Section:
    """Return the approval, and the table of exactly what was approved."""
    plan = report.run.plan
    blocks: list[Block] = [
        *_describe_decision(report, plan.approval),
        _list_drills(plan.drills),
        _list_faults(plan.drills),
    ]
    return Section("autorisation-exercices", "Autorisation", tuple(blocks), 2)


def _describe_decision(report: CampaignReport, approval: Approval | None) -> list[Block]:
    if approval is None:
        said = "Aucune autorisation enregistrée." if report.run.plan.drills else "Aucun exercice à autoriser."
        return [Paragraph(said, "ko", "✗") if report.run.plan.drills else Paragraph(said)]
    late = [r.scenario_id for r in report.run.drills if r.started_at >= approval.expires_at]
    blocks: list[Block] = []
    if late:
        names = text.name_ids(late, 12, "voir plus bas")
        blocks.append(Paragraph(f"Commencés après l'échéance de l'autorisation : {names}.", "ko", "✗"))
    items = (
        ("Décision", text.known(approval.decision)),
        ("Personne", text.known(approval.person)),
        ("Décidée le", text.format_moment(approval.decided_at)),
        ("Valable jusqu'au", text.format_moment(approval.expires_at)),
    )
    return [*blocks, Pairs(items, (("SHA-256 du texte montré", text.known(approval.content_sha256)),))]


def _list_drills(drills: tuple[PlannedDrill, ...]) -> Table:
    hashes = dict.fromkeys(text.known(drill.code_sha256) for drill in drills)
    is_shared = len(hashes) == 1 and len(drills) > 1  # told once: drills of one folder share their code
    rows = tuple(
        (
            Cell(f"{drill.scenario_id} {text.shorten(drill.title, TITLE_CHARACTERS, '…')}"),
            Cell(labels.DRILL_STAGES[drill.stage]),
            Cell(_number_steps(drill.operator_steps)),
            *(() if is_shared else (Cell(text.known(drill.code_sha256)),)),
        )
        for drill in drills
    )
    columns = (
        Column("Exercice", 50 if is_shared else 28),
        Column("Étape", 14),
        Column("Gestes demandés à une personne", 36),
        *(() if is_shared else (Column("SHA-256 du code", 22, mono=True),)),
    )
    note = f"SHA-256 du code, le même pour tous : {next(iter(hashes))}" if is_shared else ""
    return Table("Exercices autorisés", columns, rows, empty="Aucun exercice au plan.", note=note)


def _number_steps(steps: tuple[str, ...]) -> str:
    if not steps:
        return "aucun"
    return "\n".join(f"{n}. {text.shorten(step, STEP_CHARACTERS)}" for n, step in enumerate(steps, 1))


def _list_faults(drills: tuple[PlannedDrill, ...]) -> Table:
    rows = tuple(_describe_fault(drill, fault) for drill in drills for fault in drill.faults)
    columns = (
        Column("Exercice, panne", 15),
        Column("Où", 11),
        Column("Action exacte", 27, mono=True),
        Column("Guérison", 23, mono=True),
        Column("Homme mort (guérit seul)", 15),
        Column("Au plus", 9, numeric=True),
    )
    note = (
        "Au plus : durée au bout de laquelle la panne est guérie. "
        "Homme mort : ce qui la guérit si plus personne n'agit."
    )
    table = Table(
        "Pannes autorisées", columns, rows, empty="Aucune panne au plan.", note=note if rows else ""
    )
    return shorten_on_paper(table, FAULTS_ON_PAPER, "voir le rapport HTML")


def _describe_fault(drill: PlannedDrill, fault: PlannedFault) -> tuple[Cell, ...]:
    site = f"site {fault.site}" if fault.site else ""
    given = "".join(f"\n{name} = {value}" for name, value in fault.parameters)
    by_hand = "Aucun : à la main seulement" if fault.by_hand else "Aucun"
    return (
        Cell(f"{drill.scenario_id}\n{fault.id}\n{fault.kind}{text.shorten(given, STEP_CHARACTERS)}"),
        Cell("\n".join(part for part in (site, *fault.hosts) if part) or text.NOT_KNOWN),
        Cell(text.shorten(fault.action, COMMAND_CHARACTERS)),
        Cell(text.shorten(fault.healing, COMMAND_CHARACTERS)),
        Cell(text.shorten(fault.dead_man, COMMAND_CHARACTERS))
        if fault.dead_man
        else Cell(by_hand, "!", "warn"),
        Cell(text.format_quantity(fault.max_seconds, "s")),
    )
