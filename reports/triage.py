"""What helps to understand one failure, as blocks of its section in chapter 4."""

from __future__ import annotations

from nonreg.model import Triage
from reports import labels, text
from reports.case import Case
from reports.document import Block, Cell, Code, Column, Items, Paragraph, Table
from reports.front import say_last_good

DIFFERENCES_SHOWN = 30
SENTENCES_SHOWN = 30
VALUE_CHARACTERS = 300
LOG_LINES_SHOWN = 40
LOG_LINE_CHARACTERS = 400
DIFF_CHARACTERS = 6_000


def list_facts(case: Case) -> tuple[tuple[str, str], ...]:
    """Return the pairs that the head of the section shows."""
    triage, waiver = case.triage, case.finding.waiver
    items: list[tuple[str, str]] = []
    if triage:
        items += [
            ("Dernier bon passage", say_last_good(case)),
            ("Cause présumée", labels.CAUSES[triage.cause]),
            ("Empreinte", text.known(triage.fingerprint)),
        ]
    if waiver:
        items.append(
            (
                "Dérogation",
                f"{waiver.decision}, {waiver.ticket}, échéance {text.format_moment(waiver.expires_at)}",
            )
        )
    return tuple(items)


def explain_triage(triage: Triage) -> list[Block]:
    """Return why this cause is presumed, what changed, what could not be known, what logs and code say."""
    blocks: list[Block] = []
    if triage.why:
        blocks.append(Items(f"Cause présumée : {labels.CAUSES[triage.cause].lower()}, parce que", triage.why))
    if triage.missing:
        blocks.append(Items("Limites de ce diagnostic", _cut_sentences(triage.missing)))
    if triage.last_good_run:
        blocks.append(_list_differences(triage))
    else:
        blocks.append(Paragraph("Aucun bon passage connu : rien à comparer."))
    if triage.drift:
        blocks.append(Items("Ce qui diffère de la référence livrée", _cut_sentences(triage.drift)))
    if triage.logs:
        blocks.append(Paragraph("Heures des journaux : temps universel (TU), à l'horloge de chaque hôte."))
    for excerpt in triage.logs:
        lines = [text.shorten(line, LOG_LINE_CHARACTERS) for line in excerpt.lines[:LOG_LINES_SHOWN]]
        left = excerpt.left_out + max(0, len(excerpt.lines) - LOG_LINES_SHOWN)
        more = f" ({text.plural(left, 'autre ligne', 'autres lignes')})" if left > 0 else ""
        blocks.append(Code(f"Journal : {excerpt.source}{more}", text.known("\n".join(lines))))
    if triage.diff:
        blocks.append(
            Code("Procédures qui diffèrent de la référence", text.shorten(triage.diff, DIFF_CHARACTERS))
        )
    return blocks


def _cut_sentences(sentences: tuple[str, ...]) -> tuple[str, ...]:
    shown = tuple(text.shorten(one, VALUE_CHARACTERS) for one in sentences[:SENTENCES_SHOWN])
    left = len(sentences) - len(shown)
    return (*shown, f"… {text.plural(left, 'autre', 'autres')}, voir la source JSON.") if left > 0 else shown


def _list_differences(triage: Triage) -> Table:
    differences = triage.differences
    shown = differences[:DIFFERENCES_SHOWN]
    rows = tuple(
        (
            Cell(text.shorten(found.subject, VALUE_CHARACTERS)),
            Cell(text.shorten(found.name, VALUE_CHARACTERS)),
            Cell(text.shorten(text.known(found.before), VALUE_CHARACTERS)),
            Cell(text.shorten(text.known(found.after), VALUE_CHARACTERS)),
        )
        for found in shown
    )
    left = len(differences) - len(shown)
    columns = (
        Column("Sujet", 18),
        Column("Élément", 24),
        Column("Dernier bon passage", 29),
        Column("Cette fois", 29),
    )
    return Table(
        "Ce qui a changé depuis le dernier bon passage",
        columns,
        rows,
        empty="Aucune différence relevée, dans les limites dites ci-dessus."
        if triage.missing
        else "Rien de ce qui est relevé n'a changé depuis le dernier bon passage.",
        note=f"… {text.plural(left, 'autre différence', 'autres différences')}, voir la source JSON."
        if left > 0
        else "",
    )
