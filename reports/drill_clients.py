"""The service as each client of a drill saw it: its interruptions, how finely it looked, what looking costs."""

from __future__ import annotations

import math

from nonreg.model import ClientSummary, DrillRecord, Interruption
from reports import text
from reports.document import Cell, Column, Table
from reports.drill_facts import find_longest, point_seconds, say_interruption

CLIENTS_SHOWN = 40
NAME_CHARACTERS = 120
LARGEST_RESOLUTION_SECONDS = 0.05  # of the RTO


def list_clients(record: DrillRecord) -> Table:
    """Return what each client saw: its longest interruption, how finely it looked, what looking costs."""
    shown = record.clients[:CLIENTS_SHOWN]
    rows = tuple(_describe_client(client) for client in shown)
    columns = (
        Column("Client", 16),
        Column("Essais", 18),
        Column("Plus longue interruption", 12, numeric=True),
        Column("De … à (s)", 14),
        Column("Essais sans réponse", 11, numeric=True),
        Column("Autres", 10),
        Column("Période", 9, numeric=True),
        Column("Coût d'un essai", 10, numeric=True),
    )
    left = len(record.clients) - len(shown)
    more = (
        f" … {text.plural(left, 'autre client', 'autres clients')}, voir la source JSON." if left > 0 else ""
    )
    known = say_milliseconds(record.resolution_seconds) if record.resolution_seconds else text.NOT_KNOWN
    coarse = (
        f", plus que les {say_milliseconds(LARGEST_RESOLUTION_SECONDS)} voulues"
        if record.resolution_seconds > LARGEST_RESOLUTION_SECONDS
        else ""
    )
    note = (
        f"Résolution : {known}{coarse} ; "
        "une interruption plus courte ne se voit pas. "
        "Interruption : de la dernière réponse d'avant à la première d'après. Coût : durée médiane d'un essai au "
        f"repos, que la mesure ajoute à la plateforme.{more}"
    )
    empty = "Interruption vue par chaque client : n.d. (aucun client enregistré)."
    return Table("Interruption vue par chaque client", columns, rows, empty=empty, note=note if rows else "")


def _describe_client(client: ClientSummary) -> tuple[Cell, ...]:
    longest = find_longest(client)
    others = sorted((gap for gap in client.interruptions if gap is not longest), key=lambda gap: -gap.seconds)
    told = ", ".join(say_interruption(gap) for gap in others[:3])
    unknown = f", {text.plural(client.unknown, 'inconnu', 'inconnus')}" if client.unknown else ""
    return (
        Cell(f"{_name_client(client)}\n{'écrit' if client.writes else 'lit'}"),
        Cell(
            f"{text.format_number(client.attempts)}, dont {text.plural(client.acknowledged, 'bon', 'bons')}, "
            f"{text.plural(client.errors, 'en erreur', 'en erreur')}{unknown}"
        ),
        Cell(say_interruption(longest) if longest else "aucune"),
        Cell(_say_span(longest)),
        Cell(text.format_number(longest.attempts) if longest else "0"),
        Cell((f"{len(others)} ({told}{' …' if len(others) > 3 else ''})") if others else "aucune"),
        Cell(say_milliseconds(client.period_seconds)),
        Cell(say_milliseconds(client.cost_seconds)),
    )


def _name_client(client: ClientSummary) -> str:
    return text.shorten(text.known(client.title or client.client), NAME_CHARACTERS)


def _say_span(interruption: Interruption | None) -> str:
    if interruption is None:
        return "–"
    end = "…" if interruption.open_ended else point_seconds(interruption.to_seconds)
    return f"{point_seconds(interruption.from_seconds)} → {end}"


def say_milliseconds(seconds: float) -> str:
    """Return a resolution or a cost in milliseconds."""
    if not math.isfinite(seconds):
        return text.NOT_KNOWN
    return text.format_quantity(float(f"{seconds * 1000:.3g}"), "ms")
