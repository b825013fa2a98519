"""What is held about a person, on one page that they can read; and the table of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model.personal import Erased, Fate, Held, Trace
from reports import text
from reports.document import Cell, Column, Document, Items, Pairs, Section, Table

TITLE = "Données personnelles"
RIGHTS = (
    "Registre et preuves scellées ne contiennent que l'identifiant, sauf ce qui est dit « nommé » ; chaque preuve est "
    "retirée à la date indiquée."
)


def build_person_page(held: Held) -> Document:
    """Return the page: the entry, the lines of the ledger, the files, the notes."""
    held = text.make_printable(held)
    entry = tuple((str(name), _say(value)) for name, value in held.entry.items())
    lines = tuple(
        (
            Cell(str(one["sequence"])),
            Cell(text.format_moment(one["at"])),
            Cell(str(one["kind"])),
            Cell(str(one["ticket"])),
            Cell("signée" if "decision" in one else ""),
        )
        for one in held.lines
    )
    files = tuple(
        (
            Cell(one.place),
            Cell("nommé" if one.named else "identifiant"),
            Cell(one.fate.value),
            Cell(say_due(one)),
        )
        for one in held.traces
    )
    notes = tuple(
        (Cell(one["ticket"]), Cell(one["at"]), Cell(text.shorten(one["text"], 400))) for one in held.notes
    )
    line_columns = (
        Column("Ligne", 8, numeric=True),
        Column("Le", 24),
        Column("Genre", 28),
        Column("Ticket", 12),
        Column("Signature", 12),
    )
    return Document(
        title=TITLE,
        status="",
        subject=f"{held.person} ({held.platform})",
        run_id=held.person,
        generated=text.format_moment(held.at),
        alerts=(),
        verdict=Cell(say_held(held), "", "info"),
        conclusion=RIGHTS,
        reasons=held.missing,
        sections=(
            Section(
                "fiche", "1. Fiche", (Pairs(entry), Items("Alertes reçues", held.recipients, empty="Aucune."))
            ),
            Section(
                "registre", "2. Registre", (Table("Ce qui est inscrit", line_columns, lines, empty="Rien."),)
            ),
            Section(
                "fichiers",
                "3. Fichiers",
                (
                    Table(
                        "Fichiers qui le nomment, ou portent l'identifiant",
                        (
                            Column("Fichier", 46, mono=True),
                            Column("Contient", 14),
                            Column("État", 20),
                            Column("Jusqu'à quand, pourquoi", 20),
                        ),
                        files,
                        empty="Aucun.",
                    ),
                ),
            ),
            Section(
                "notes",
                "4. Notes du suivi",
                (
                    Table(
                        "Notes",
                        (Column("Ticket", 10), Column("Le", 24), Column("Texte", 66)),
                        notes,
                        empty="Aucune.",
                    ),
                ),
            ),
        ),
        verdict_label="Détenu",
        run_label="Personne",
        generated_label="établi le",
    )


def render_erased(erased: Erased) -> str:
    """Return what an erasure did, or would do, as lines of the terminal."""
    erased = text.make_printable(erased)
    done = "effacé" if erased.applied else "serait effacé"
    lines = [f"{TITLE} de « {erased.person} » : {done}."]
    for fate in Fate:
        own = [one for one in erased.traces if one.fate is fate]
        if own:
            lines += ["", f"{fate.value[:1].upper()}{fate.value[1:]} :"]
            lines += [f"  {one.place}{_after(say_due(one))}" for one in own]
    if erased.todo:
        lines += ["", "Reste à faire :", *(f"  {one}" for one in erased.todo)]
    if not erased.applied:
        lines += ["", "Rien n'a été changé : ajoutez --apply pour le faire."]
    return "\n".join(lines)


def say_held(held: Held) -> str:
    """Return « 12 lignes du registre, 3 fichiers, 1 note »."""
    return ", ".join(
        (
            text.plural(len(held.lines), "ligne du registre", "lignes du registre"),
            text.plural(len(held.traces), "fichier", "fichiers"),
            text.plural(len(held.notes), "note", "notes"),
        )
    )


def say_due(trace: Trace) -> str:
    """Return when retention removes a file, or why it stays."""
    if trace.due is None:
        return trace.note
    return f"retiré à partir du {text.format_day(trace.due)}{_after(trace.note)}"


def _after(words: str) -> str:
    return f" — {words}" if words else ""


def _say(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)
