"""Tickets, notes and hours for tests, and a small tracker written as people would."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from nonreg.model.steering import (
    Figure,
    Impact,
    Indicator,
    Line,
    Pack,
    PackKind,
    Period,
    Probability,
    Proof,
    Risk,
    Series,
    Severity,
    Watched,
    WatchList,
)
from nonreg.model.tracker import Ticket, TicketNote, TicketState
from nonreg.steering.settings import SteeringSettings, Team
from nonreg.steering.stories import Story, tell_story
from nonreg.tracker.folder_files import COLUMNS, StoredNote, write_note, write_ticket
from tests.governed import Governed

TEAM, MOA = "titulaire-essai", "moa-scv-essai"
SETTINGS = SteeringSettings(
    severities={
        "Urgente": Severity.URGENT,
        "Immédiate": Severity.BLOCKING,
        "Haute": Severity.MAJOR,
        "Normale": Severity.MINOR,
    },
    kinds={"Anomalie": "anomalie", "Documentation": "documentation"},
    team=Team((TEAM,)),
)
FIRST = datetime(2026, 1, 5, tzinfo=UTC)
STEERING = """
[severities]
"Urgente" = "urgente"
"Immédiate" = "bloquante"
"Haute" = "majeure"
"Normale" = "mineure"
[kinds]
"Anomalie" = "anomalie"
"Documentation" = "documentation"
[team]
authors = ["titulaire-essai"]
[forfait]
since = 2026-01-01
activities = ["Forfait"]
"""


def note(
    at: datetime, author: str = TEAM, became: TicketState | None = None, text: str = "Vu."
) -> TicketNote:
    return TicketNote(at, author, text, became)


def ticket(
    opened_at: datetime,
    closed_at: datetime | None = None,
    priority: str = "Normale",
    kind: str = "Anomalie",
    reference: str = "AQ-1",
    title: str = "Page lente",
    due: date | None = None,
) -> Ticket:
    state = TicketState.CLOSED if closed_at else TicketState.OPEN
    moments = (opened_at, closed_at or opened_at)
    return Ticket(
        reference, title, state, "", kind, priority, *moments, closed_at=closed_at, due=due, assignee=TEAM
    )


def story(
    *notes: TicketNote, opened_at: datetime = FIRST, closed_at: datetime | None = None, **words: str
) -> Story:
    return tell_story(ticket(opened_at, closed_at, **words), notes, SETTINGS)  # type: ignore[arg-type]


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A ticket that was opened, perhaps answered, closed, opened again, …"""
    opened_at = FIRST + hours(draw(st.integers(0, 24 * 330)))
    gaps = draw(st.lists(st.integers(0, 24 * 40), max_size=4))
    at, state, notes = opened_at, TicketState.OPEN, []
    for gap in gaps:
        at += hours(gap)
        state = TicketState.OPEN if state is TicketState.CLOSED else TicketState.CLOSED
        notes.append(note(at, draw(st.sampled_from((TEAM, MOA))), state))
    if draw(st.booleans()):
        notes.insert(0, note(opened_at + hours(draw(st.integers(0, 200)))))
    told = ticket(
        opened_at,
        at if state is TicketState.CLOSED else None,
        draw(st.sampled_from(("Urgente", "Immédiate", "Haute", "Normale", "Inconnue"))),
        draw(st.sampled_from(("Anomalie", "Documentation", "Autre"))),
    )
    return tell_story(told, notes, SETTINGS)


MANY = st.lists(stories(), max_size=12)
DAYS = st.integers(0, 400).map(lambda days: FIRST + timedelta(days=days))


@st.composite
def periods(draw: st.DrawFn) -> Period:
    start = draw(DAYS)
    return Period(start, start + timedelta(days=draw(st.integers(1, 60))))


def write_tracker(governed: Governed) -> Path:
    """A small tracker of the governed platform, with its words: six tickets and their hours; all is counted by hand.

    Week from Monday 16/11/2026 to Sunday 22/11/2026:
    AQ-1  anomalie mineure, since 1 September, never closed; answered at once
    AQ-2  urgente, Monday 16/11 10:00, answered at 15:00 (3 office hours): in time; closed Tuesday 11:00
    AQ-3  urgente, Tuesday 17/11 10:00, answered Thursday 10:00 (14 office hours): late
    AQ-4  anomalie majeure, Monday 16/11 09:00, closed Wednesday 09:00: in time to the minute
    AQ-5  documentation, closed on 2/11, opened again on 18/11
    AQ-6  « Bidule », priority « Étrange »: classed nowhere
    """
    (governed.governance / "steering.toml").write_text(STEERING, encoding="utf-8")
    folder = governed.root / "suivi"
    platform = governed.platform_file.read_text(encoding="utf-8")
    if "[tracker]" not in platform:
        platform = platform.replace("[[sites]]", "[tracker]\n\n[[sites]]", 1)
    head, _, rest = platform.partition("[tracker]")
    rest = rest[rest.index("\n[[sites]]") :]
    table = f'[tracker]\nkind = "dossier"\nfolder = "{folder}"\n'
    governed.platform_file.write_text(head + table + rest, encoding="utf-8")

    def at(day: int, hour: int, month: int = 11) -> datetime:
        return datetime(2026, month, day, hour - 1, tzinfo=UTC)  # Paris is an hour ahead in winter

    _write(folder, ticket(at(1, 10, 9), reference="AQ-1", due=date(2026, 11, 25)), note(at(1, 11, 9)))
    _write(folder, ticket(at(16, 10), at(17, 11), "Urgente", "Autre", "AQ-2"), note(at(16, 15)))
    _write(folder, ticket(at(17, 10), None, "Urgente", "Autre", "AQ-3", "=1+1 alerte"), note(at(19, 10)))
    _write(folder, ticket(at(16, 9), at(18, 9), "Haute", "Anomalie", "AQ-4"), note(at(16, 10)))
    _write(
        folder,
        ticket(at(1, 10, 10), None, "Normale", "Documentation", "AQ-5"),
        note(at(2, 10), TEAM, TicketState.CLOSED),
        note(at(18, 10), MOA, TicketState.OPEN),
    )
    _write(folder, ticket(at(10, 10), None, "Étrange", "Bidule", "AQ-6"))
    rows = [";".join(COLUMNS), "2026-02-02;AQ-1;14;Forfait;x;"]
    rows += [
        "2026-11-17;AQ-2;7;Forfait;x;",
        "2026-11-18;AQ-5;7;Hors forfait;x;",
        "2026-11-24;AQ-3;7;Forfait;x;",
    ]
    (folder / "temps.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def _write(folder: Path, one: Ticket, *notes: TicketNote) -> None:
    (folder / one.reference / "notes").mkdir(parents=True)
    (folder / one.reference / "ticket.toml").write_text(write_ticket(one), encoding="utf-8")
    for number, told in enumerate(notes, 1):
        file = folder / one.reference / "notes" / f"{number:04d}.md"
        file.write_text(write_note(StoredNote(told)), encoding="utf-8")


AT = datetime(2026, 11, 30, 6, tzinfo=UTC)
WEEK = Period(AT - timedelta(days=7), AT)


def make_pack(words: str = "Page lente", value: float | None = 4.0) -> Pack:
    """A small pack in which a text stands wherever one may."""
    figure = Figure(words, "Stock", value, "j", "" if value is not None else words, words, 6.0)
    series = Series("Par mois", ("nov. 26", "déc. 26"), (Line(words, (None, 2.0)), Line("Autre", (0.0, 0.0))))
    proofs = (Proof(words, "P-1/report.html"), Proof(words))
    indicator = Indicator("backlog", "Backlog", WEEK, words, proofs, (figure,), (series,), (words,))
    watched = Watched(words, AT, words, words, words)
    lists = (
        WatchList("risques", "Risques constatés", words, (watched,)),
        WatchList("echeances", "Échéances", words, (watched,)),
        WatchList("derogations", "Dérogations", words, None),
    )
    risks = (
        Risk(words, words, Probability.HIGH, Impact.MEDIUM, words, words, AT.date() - timedelta(days=1)),
        Risk("R-2", words, Probability.LOW, Impact.LOW, words, words),
    )
    return Pack(
        "HEBDO-1",
        PackKind.WEEKLY,
        "essai",
        words,
        WEEK,
        AT,
        (indicator,),
        lists,
        "HEBDO-0",
        (words,),
        risks=risks,
    )
