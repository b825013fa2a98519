"""What a purge removes and what it keeps: one page, Markdown for Prefect, and the table of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model.retention import Item, Judged, Purged, RetentionPlan
from reports import text
from reports.document import Cell, Column, Document, Items, Section, Table
from reports.markdown import bullets, escape

TITLE = "Conservation"
REMOVED, KEPT = "À retirer", "Gardé au-delà de sa durée"
NOTHING = "Rien à retirer."
SHOWN_IN_MARKDOWN = 60
RULE = (
    "Le registre garde une ligne pour chaque dossier retiré, avec l'empreinte de son manifeste ; l'historique garde "
    "les chiffres des passages."
)


def build_purge_page(plan: RetentionPlan, purge_id: str) -> Document:
    """Return the page of a purge, as it was announced before anything was removed."""
    plan = text.make_printable(plan)
    removed = tuple(
        (
            Cell(one.kind.value),
            Cell(one.id),
            Cell(text.format_day(one.at)),
            Cell(one.ticket),
            Cell(one.sha256[:16] or "—"),
        )
        for one in plan.removable
    )
    kept = tuple(
        (
            Cell(one.item.kind.value),
            Cell(one.item.id),
            Cell(text.format_day(one.item.at)),
            Cell(" ; ".join(one.reasons)),
        )
        for one in plan.kept
    )
    columns = (
        Column("Genre", 18),
        Column("Identifiant", 42, mono=True),
        Column("Du", 14),
        Column("Ticket", 10),
        Column("Empreinte", 16, mono=True),
    )
    kept_columns = (*columns[:2], columns[2], Column("Pourquoi", 40))
    months = tuple(f"{kind.value} : {_say_months(count)}" for kind, count in plan.months)
    return Document(
        title=f"{TITLE} : purge",
        status="",
        subject=plan.platform,
        run_id=purge_id,
        generated=text.format_moment(plan.at),
        alerts=(),
        verdict=Cell(say_plan(plan), "", "info"),
        conclusion=RULE,
        reasons=plan.notes,
        sections=(
            Section("retire", "1. Retiré", (Table("Ce qui est retiré", columns, removed, empty=NOTHING),)),
            Section("garde", "2. Gardé", (Table(KEPT, kept_columns, kept, empty="Rien."),)),
            Section("durees", "3. Durées de conservation", (Items("Durées", months),)),
        ),
        verdict_label="Purge",
        run_label="Purge",
        generated_label="annoncée le",
    )


def describe_plan(plan: RetentionPlan) -> str:
    """Return the plan as Markdown."""
    lines = [
        f"# {TITLE} : {escape(say_plan(plan))}",
        "",
        f"État au {text.format_moment(plan.at)}. {RULE}",
        "",
    ]
    lines += [f"> {escape(note)}" for note in plan.notes]
    for title, rows in ((REMOVED, list_removable(plan)), (KEPT, list_kept(plan))):
        if rows:
            sentences = [" — ".join(filter(None, map(escape, row))) for row in rows]
            lines += [
                "",
                f"## {title}",
                "",
                *bullets(sentences, SHOWN_IN_MARKDOWN, "voir « retention plan »"),
            ]
    return "\n".join([*lines, ""])


def render_plan(plan: RetentionPlan) -> str:
    """Return the plan as a table of the terminal, in French."""
    plan = text.make_printable(plan)
    lines = [f"{TITLE} de « {plan.platform} » : {say_plan(plan)}", *(f"! {note}" for note in plan.notes)]
    head = ("GENRE", "IDENTIFIANT", "DU", "TICKET")
    if plan.removable:
        lines += ["", f"{REMOVED} :", *align((head, *list_removable(plan)))]
    if plan.kept:
        lines += ["", f"{KEPT} :", *align((("GENRE", "IDENTIFIANT", "DU", "POURQUOI"), *list_kept(plan)))]
    return "\n".join(lines)


def say_plan(plan: RetentionPlan) -> str:
    """Return « 12 à retirer (3,4 Mo), 2 gardés au-delà de leur durée, 40 plus récents. »."""
    size = text.format_number(round(sum(one.size_bytes for one in plan.removable) / 1e6, 1))
    removed = f"{len(plan.removable)} à retirer ({size} Mo)" if plan.removable else "rien à retirer"
    kept = text.plural(len(plan.kept), "gardé au-delà de sa durée", "gardés au-delà de leur durée")
    recent = text.plural(plan.recent, "plus récent", "plus récents")
    return f"{removed}, {kept}, {recent}."


def say_purged(purged: Purged) -> str:
    """Return what a purge did, in one sentence."""
    parts = [f"{text.plural(len(purged.removed), 'élément retiré', 'éléments retirés')}"]
    if purged.finished:
        parts.append(
            f"{text.plural(len(purged.finished), 'retrait terminé', 'retraits terminés')} d'une purge interrompue"
        )
    if purged.left:
        parts.append(f"{text.plural(len(purged.left), 'laissé', 'laissés')} en place")
    return f"{', '.join(parts)}."


def list_removable(plan: RetentionPlan) -> tuple[tuple[str, ...], ...]:
    """Return a row a thing to remove: kind, id, day, ticket."""
    return tuple((*_begin_row(one), one.ticket) for one in plan.removable)


def list_kept(plan: RetentionPlan) -> tuple[tuple[str, ...], ...]:
    """Return a row a thing that is kept: kind, id, day, reasons."""
    return tuple((*_begin_row(one.item), " ; ".join(one.reasons)) for one in plan.kept)


def list_left(left: Sequence[Judged]) -> list[str]:
    """Return a sentence for each thing that a purge found in the way."""
    return [f"{one.item.place} : {' ; '.join(one.reasons)}" for one in left]


def align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows of texts as lines of columns."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _begin_row(item: Item) -> tuple[str, str, str]:
    return item.kind.value, item.id, text.format_day(item.at)


def _say_months(count: int) -> str:
    return text.plural(count, "mois", "mois") if count else "jamais retiré"
