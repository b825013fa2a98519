"""Writes accounted for after a drill: what was acknowledged and is gone, and how far the count can be believed.

A planned switchover must lose none. After an unplanned loss the lost ones are measured: asynchronous replication
promises nothing, and one drill without a loss proves nothing of the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model import Accounting, DrillRecord, DrillStage
from reports import text
from reports.document import Block, Cell, Column, Figures, Pairs, Paragraph, Table
from reports.drill_facts import NO_PART, say_seconds

NAMES_SHOWN = 20
PROBLEMS_SHOWN = 10
PROBLEM_CHARACTERS = 400
NAME_CHARACTERS = 60


def account_writes(record: DrillRecord, stage: DrillStage | None) -> list[Block]:
    """Return the chapter's part on writes: warnings, what was asked and found, figures, names."""
    found = record.accounting
    if found is None:
        return [_explain_absence(record)]
    return [
        *_warn(found),
        judge_loss(found, stage),
        _count_writes(found),
        Pairs((("RPO en écritures", _say_lost_count(found)), ("RPO en temps", _say_rpo_seconds(found)))),
        _name_writes(found),
    ]


def _explain_absence(record: DrillRecord) -> Paragraph:
    if not record.clients or any(client.writes for client in record.clients):
        said = "Écritures : n.d. Elles n'ont pas été comptées : rien ne peut être dit de leur perte."
        return Paragraph(said, "warn", "?")
    return Paragraph("Écritures : sans objet, aucun client n'écrivait dans cet exercice.")


def _warn(found: Accounting) -> list[Paragraph]:
    """Return why the history cannot be believed, before any figure of it."""
    problems = [text.shorten(said, PROBLEM_CHARACTERS) for said in found.problems[:PROBLEMS_SHOWN]]
    left = len(found.problems) - len(problems)
    if left > 0:
        problems.append(f"… {text.plural(left, 'autre problème', 'autres problèmes')}, voir la source JSON.")
    if not problems:
        return []
    head = "L'historique des écritures n'est pas sûr, le compte ci-dessous ne peut être cru qu'en partie :"
    return [Paragraph("\n".join((head, *(f"– {said}" for said in problems))), "ko", "✗")]


def judge_loss(found: Accounting, stage: DrillStage | None) -> Paragraph:
    """Return what the kind of drill asks of lost writes, and what was found."""
    lost = len(found.lost)
    seen = text.plural(lost, "écriture acquittée perdue", "écritures acquittées perdues")
    doubtful = bool(found.problems)
    if stage is DrillStage.PLANIFIE:
        asked = "Écritures, opération planifiée : 0 perdue exigé."
        if lost:
            return Paragraph(f"{asked} Constaté : {seen}.", "ko", "✗")
        if doubtful:
            return Paragraph(f"{asked} Constaté : 0, sur un historique qui n'est pas sûr.", "warn", "?")
        return Paragraph(f"{asked} Constaté : 0 perdue.", "ok", "✓")
    if stage is DrillStage.PERTE:
        said = (
            "Écritures, perte non planifiée : la réplication est asynchrone, les écritures perdues sont mesurées "
            f"et listées. Mesuré cette fois : {seen}."
        )
        return Paragraph(said if lost else f"{said} Cette mesure n'est pas une garantie.", "info", "◇")
    said = f"Écritures : {seen}."
    return Paragraph(said, "warn", "!") if lost or doubtful else Paragraph(said)


def _count_writes(found: Accounting) -> Figures:
    counts = (
        (found.acknowledged, "acquittées", ""),
        (found.present, "présentes", ""),
        (len(found.lost), "perdues", "ko"),
        (len(found.phantom), "fantômes", "ko"),
        (len(found.duplicates), "en double", "ko"),
        (len(found.unknown_present), "inconnues retrouvées", "warn"),
        (len(found.unknown_absent), "inconnues absentes", "warn"),
    )
    return Figures(tuple((text.format_number(n), label, tone if n else "") for n, label, tone in counts))


def _say_lost_count(found: Accounting) -> str:
    return text.plural(len(found.lost), "écriture perdue", "écritures perdues")


def _say_rpo_seconds(found: Accounting) -> str:
    if found.rpo_seconds is None:
        return NO_PART if not found.lost else text.NOT_KNOWN
    return f"{say_seconds(found.rpo_seconds)} (de la plus ancienne perdue à la panne)"


def _name_writes(found: Accounting) -> Table:
    kinds = (
        ("Perdues", "acquittées, absentes ensuite", found.lost),
        ("Fantômes", "présentes, alors que refusées ou jamais envoyées", found.phantom),
        ("En double", "présentes plus d'une fois", found.duplicates),
        ("Inconnues retrouvées", "sans réponse au client, présentes", found.unknown_present),
        ("Inconnues absentes", "sans réponse au client, absentes", found.unknown_absent),
    )
    rows = tuple(
        (Cell(kind), Cell(meaning), Cell(text.format_number(len(names))), Cell(_list_names(names)))
        for kind, meaning, names in kinds
    )
    columns = (
        Column("Écritures", 17),
        Column("Ce que cela veut dire", 22),
        Column("Nombre", 9, numeric=True),
        Column("Lesquelles (client:numéro)", 52, mono=True),
    )
    return Table("Écritures", columns, rows)


def _list_names(names: Sequence[str]) -> str:
    shown = [text.shorten(name, NAME_CHARACTERS, "…") for name in names[:NAMES_SHOWN]]
    left = len(names) - len(shown)
    more = (
        f" … et {text.plural(left, 'autre', 'autres')} : liste entière dans les preuves" if left > 0 else ""
    )
    return f"{', '.join(shown)}{more}" if shown else "aucune"
