"""The tables of one drill: its moments, what the clients saw, the parts of the RTO, alarms and healing."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model import (
    AlarmSeen,
    DrillEvent,
    DrillEventKind,
    DrillRecord,
    Healing,
)
from reports import labels, text
from reports.document import Block, Cell, Column, Paragraph, Table, shorten_on_paper
from reports.drill_facts import (
    NO_PART,
    list_faults_at,
    order_events,
    point_seconds,
    say_seconds,
)

MOMENTS_ON_PAPER = 40
MOMENTS_SHOWN = 400
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
    is_takeover = found.switchover_seconds is not None or found.reconnection_seconds is not None
    if technical and is_takeover:
        span = "parts qui ne dépendent pas de la personne (a + c + d)"
        rows.append((Cell(""), Cell("Temps technique"), Cell(span), Cell(say_seconds(sum(technical)))))
    columns = (
        Column("Repère", 9),
        Column("Part", 20),
        Column("De … à …", 53),
        Column("Durée", 18, numeric=True),
    )
    note = (
        "Une part ne compte que ce qui se passe pendant l'interruption, après les parts d'avant : leur somme ne "
        "dépasse pas le total."
        if is_takeover
        else "Aucun site n'a été déclaré actif à la place d'un autre : la détection est comptée entière, de la panne à "
        "l'alarme, que le service ait été interrompu ou non."
    )
    return Table("Temps de rétablissement (RTO)", columns, tuple(rows), note=note)


def list_answers(record: DrillRecord) -> list[Table]:
    """Return what a person was asked and how long the answer took, interruption or not; nothing without a demand."""
    steps: dict[str, list[DrillEvent]] = {}
    for event in order_events(record):
        if event.kind is DrillEventKind.OPERATOR:
            steps.setdefault(event.subject, []).append(event)
    rows = tuple(_describe_step(step, asked) for step, asked in list(steps.items())[:ROWS_SHOWN])
    columns = (
        Column("Étape", 22),
        Column("Demandée (s)", 12, numeric=True),
        Column("Réponse (s)", 12, numeric=True),
        Column("Temps de réponse", 14, numeric=True),
        Column("Réponse", 40),
    )
    return [Table("Gestes de l'opérateur", columns, rows)] if rows else []


def _describe_step(step: str, events: Sequence[DrillEvent]) -> tuple[Cell, ...]:
    first, last = events[0].at_seconds, events[-1]
    answered = len(events) > 1
    return (
        Cell(text.shorten(step, NAME_CHARACTERS)),
        Cell(point_seconds(first)),
        Cell(point_seconds(last.at_seconds) if answered else "–"),
        Cell(say_seconds(last.at_seconds - first) if answered else "–"),
        Cell(text.shorten(last.text, SAID_CHARACTERS)) if answered else Cell("sans réponse", "?", "warn"),
    )


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
    note = (
        "Délai : depuis la panne qui doit lever l'alarme ; pour une alarme imprévue, depuis la dernière panne injectée "
        f"avant l'ouverture.{more}"
    )
    return Table(
        "Alarmes", columns, rows, empty="Aucune alarme attendue ni reçue.", note=note if rows else ""
    )


def _describe_alarm(alarm: AlarmSeen, faults: list[float]) -> tuple[Cell, ...]:
    opened, closed = alarm.opened_seconds, alarm.closed_seconds
    before = [fault for fault in faults if opened is not None and fault <= opened]
    if opened is None:
        seen = Cell("Attendue, absente", "✗", "ko") if alarm.expected else Cell("Absente", "–", "muted")
    else:
        seen = Cell("Attendue, reçue", "✓", "ok") if alarm.expected else Cell("Imprévue", "!", "warn")
    if alarm.openings > 1:
        seen = Cell(f"{seen.text}, {alarm.openings} fois", "!", "warn")
    delay = alarm.delay_seconds
    if delay is None and opened is not None and before:
        delay = opened - before[-1]
    still_open = Cell("non refermée", "!", "warn") if opened is not None else Cell("–")
    return (
        Cell(text.shorten(alarm.label, NAME_CHARACTERS)),
        Cell(text.known(text.shorten(alarm.recipient, NAME_CHARACTERS))),
        seen,
        Cell(point_seconds(opened) if opened is not None else "–"),
        Cell(say_seconds(delay) if delay is not None else "–"),
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
