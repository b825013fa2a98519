"""The tables of one drill: its moments, what the clients saw, the parts of the RTO, alarms and healing."""

from __future__ import annotations

import math

from nonreg.model import AlarmSeen, ClientSummary, DrillRecord, Healing, Interruption
from reports import labels, text
from reports.document import Block, Cell, Column, Paragraph, Table, shorten_on_paper
from reports.drill_facts import (
    NO_PART,
    find_longest,
    list_faults_at,
    order_events,
    point_seconds,
    say_seconds,
)

MOMENTS_ON_PAPER = 40
MOMENTS_SHOWN = 400
CLIENTS_SHOWN = 40
ROWS_SHOWN = 200
SAID_CHARACTERS = 300
NAME_CHARACTERS = 120
UNHEALED = Cell("Non guérie", "✗", "ko")


def list_moments(record: DrillRecord) -> Table:
    """Return the moments, numbered as in the drawing."""
    events = order_events(record)
    rows = tuple(
        (
            Cell(str(number)),
            Cell(point_seconds(event.at_seconds)),
            labels.DRILL_EVENTS[event.kind],
            Cell(text.shorten(event.subject, NAME_CHARACTERS)),
            Cell(text.shorten(event.text, SAID_CHARACTERS)),
        )
        for number, event in enumerate(events[:MOMENTS_SHOWN], 1)
    )
    columns = (
        Column("N°", 5),
        Column("À (s)", 9, numeric=True),
        Column("Nature", 14),
        Column("Sujet", 24),
        Column("Moment", 48),
    )
    left = len(events) - len(rows)
    more = (
        f" … {text.plural(left, 'autre moment', 'autres moments')}, voir la source JSON." if left > 0 else ""
    )
    note = f"Secondes depuis le début de l'exercice ; les numéros sont ceux du dessin.{more}"
    table = Table("Moments", columns, rows, empty="Aucun moment enregistré.", note=note if rows else "")
    return shorten_on_paper(table, MOMENTS_ON_PAPER, "voir le rapport HTML")


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
    note = (
        f"Résolution : {say_milliseconds(record.resolution_seconds)} ; une interruption plus courte ne se voit pas. "
        "Interruption : de la dernière réponse d'avant à la première d'après. Coût : durée médiane d'un essai au "
        f"repos, que la mesure ajoute à la plateforme.{more}"
    )
    empty = "Interruption vue par chaque client : n.d. (aucun client enregistré)."
    return Table("Interruption vue par chaque client", columns, rows, empty=empty, note=note if rows else "")


def _describe_client(client: ClientSummary) -> tuple[Cell, ...]:
    longest = find_longest(client)
    others = sorted((i.seconds for i in client.interruptions if i is not longest), reverse=True)
    told = ", ".join(say_seconds(seconds) for seconds in others[:3])
    unknown = f", {text.plural(client.unknown, 'inconnu', 'inconnus')}" if client.unknown else ""
    return (
        Cell(f"{_name_client(client)}\n{'écrit' if client.writes else 'lit'}"),
        Cell(
            f"{text.format_number(client.attempts)}, dont {text.plural(client.acknowledged, 'bon', 'bons')}, "
            f"{text.plural(client.errors, 'en erreur', 'en erreur')}{unknown}"
        ),
        Cell(say_seconds(longest.seconds) if longest else "aucune"),
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
    return f"{point_seconds(interruption.from_seconds)} → {point_seconds(interruption.to_seconds)}"


def say_milliseconds(seconds: float) -> str:
    """Return a resolution or a cost in milliseconds."""
    if not math.isfinite(seconds):
        return text.NOT_KNOWN
    return text.format_quantity(float(f"{seconds * 1000:.3g}"), "ms")


def split_recovery(record: DrillRecord) -> Block:
    """Return the RTO and its parts, the time of the person apart from the technical one."""
    found = record.recovery
    if found is None:
        return Paragraph("Temps de rétablissement (RTO) : n.d. (non mesuré dans cet exercice).")
    machine = (found.detection_seconds, found.switchover_seconds, found.reconnection_seconds)
    technical = [seconds for seconds in machine if seconds is not None]
    parts = (
        ("a", "Détection", "panne → première alarme", found.detection_seconds),
        ("b", "Opérateur", "alarme ou ordre → outil lancé", found.operator_seconds),
        ("c", "Bascule", "outil lancé → nouveau site déclaré actif", found.switchover_seconds),
        ("d", "Reconnexion", "site déclaré → première écriture acquittée", found.reconnection_seconds),
    )
    rows = [
        (Cell(letter), Cell(name), Cell(span), Cell(say_seconds(seconds, NO_PART)))
        for letter, name, span, seconds in parts
    ]
    whole = "dernière écriture acquittée avant → première après"
    rows.append((Cell(""), Cell("RTO (total)"), Cell(whole), Cell(say_seconds(found.total_seconds))))
    if technical:
        span = "parts qui ne dépendent pas de la personne (a + c + d)"
        rows.append((Cell(""), Cell("Temps technique"), Cell(span), Cell(say_seconds(sum(technical)))))
    columns = (
        Column("Repère", 9),
        Column("Part", 20),
        Column("De … à …", 53),
        Column("Durée", 18, numeric=True),
    )
    note = "Les parts sont mesurées chacune pour elle-même : leur somme peut différer du total."
    return Table("Temps de rétablissement (RTO)", columns, tuple(rows), note=note)


def list_alarms(record: DrillRecord) -> Table:
    """Return the alarms: expected or not, how long after the fault they opened, and whether they closed."""
    faults = list_faults_at(record)
    rows = tuple(_describe_alarm(alarm, faults) for alarm in record.alarms[:ROWS_SHOWN])
    columns = (
        Column("Alarme", 28),
        Column("Destinataire", 17),
        Column("Constat", 18),
        Column("Ouverte (s)", 12, numeric=True),
        Column("Délai", 11, numeric=True),
        Column("Refermée (s)", 14, numeric=True),
    )
    left = len(record.alarms) - len(rows)
    more = (
        f" … {text.plural(left, 'autre alarme', 'autres alarmes')}, voir la source JSON." if left > 0 else ""
    )
    note = f"Délai : depuis la dernière panne injectée avant l'ouverture.{more}" if rows else ""
    return Table("Alarmes", columns, rows, empty="Aucune alarme attendue ni reçue.", note=note)


def _describe_alarm(alarm: AlarmSeen, faults: list[float]) -> tuple[Cell, ...]:
    opened, closed = alarm.opened_seconds, alarm.closed_seconds
    before = [fault for fault in faults if opened is not None and fault <= opened]
    if opened is None:
        seen = Cell("Attendue, absente", "✗", "ko") if alarm.expected else Cell("Absente", "–", "muted")
    else:
        seen = Cell("Attendue, reçue", "✓", "ok") if alarm.expected else Cell("Imprévue", "!", "warn")
    still_open = Cell("non refermée", "!", "warn") if opened is not None else Cell("–")
    return (
        Cell(text.shorten(alarm.label, NAME_CHARACTERS)),
        Cell(text.known(text.shorten(alarm.recipient, NAME_CHARACTERS))),
        seen,
        Cell(point_seconds(opened) if opened is not None else "–"),
        Cell(say_seconds(opened - before[-1]) if opened is not None and before else "–"),
        Cell(point_seconds(closed)) if closed is not None else still_open,
    )


def list_healings(record: DrillRecord) -> Table:
    """Return each fault with its end."""
    rows = tuple(_describe_healing(healing) for healing in record.healings[:ROWS_SHOWN])
    columns = (
        Column("Panne", 14),
        Column("Action", 34, mono=True),
        Column("Injectée (s)", 11, numeric=True),
        Column("Guérie (s)", 11, numeric=True),
        Column("Durée", 10, numeric=True),
        Column("Constat", 20),
    )
    left = len(record.healings) - len(rows)
    note = f"… {text.plural(left, 'autre panne', 'autres pannes')}, voir la source JSON." if left > 0 else ""
    return Table("Guérison", columns, rows, empty="Aucune panne injectée.", note=note)


def _describe_healing(healing: Healing) -> tuple[Cell, ...]:
    injected, healed = healing.injected_seconds, healing.healed_seconds
    lasted = None if injected is None or healed is None else healed - injected
    error = text.shorten(healing.error, SAID_CHARACTERS)
    if healed is None and (injected is not None or error):
        state = Cell(f"{UNHEALED.text}{f' : {error}' if error else ''}", UNHEALED.sign, UNHEALED.tone)
    elif error:
        state = Cell(error, "✗", "ko")
    elif injected is None:
        state = Cell("Non injectée", "–", "muted")
    else:
        state = Cell("Guérie", "✓", "ok")
    return (
        Cell(healing.fault_id),
        Cell(text.shorten(healing.action, SAID_CHARACTERS)),
        Cell(point_seconds(injected) if injected is not None else "–"),
        Cell(point_seconds(healed) if healed is not None else "–"),
        Cell(say_seconds(lasted, "–")),
        state,
    )
