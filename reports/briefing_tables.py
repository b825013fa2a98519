"""The tables that the briefing pack and the handover plan share; what is not known is « n.d. »."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nonreg.model.briefing import (
    DueView,
    Fact,
    FamilyView,
    HdView,
    RunbookView,
    RunningView,
    TicketView,
    WaiverView,
)
from nonreg.model.contacts import Duty
from nonreg.model.handover import Actor
from reports import labels, text
from reports.document import Block, Cell, Column, Items, Pairs, Paragraph, Table
from reports.runbook_words import ACTORS

IDS_SHOWN = 12
REASON_CHARACTERS = 200


def show_facts(facts: Sequence[Fact]) -> Pairs:
    """Labels and values; texts of several lines take the whole width."""
    short = tuple((one.label, text.known(one.value)) for one in facts if "\n" not in one.value)
    wide = tuple((one.label, one.value) for one in facts if "\n" in one.value)
    return Pairs(short, wide)


def list_ticket_heads(tickets: Sequence[TicketView]) -> Table:
    """One line a ticket."""
    columns = (
        Column("Ticket", 14),
        Column("Titre", 24),
        Column("État", 12),
        Column("Échéance", 16),
        Column("Pourquoi il est ici", 24),
        Column("Événements", 10, numeric=True),
    )
    rows = tuple(
        (
            Cell(one.reference),
            Cell(text.known(one.tracked.title if one.tracked else "")),
            Cell(text.known(one.tracked.state if one.tracked else "")),
            Cell(show_day(one.tracked.due if one.tracked else None)),
            Cell(text.known(", ".join(one.why))),
            Cell(text.format_number(one.total)),
        )
        for one in tickets
    )
    return Table("Tickets connus", columns, rows, empty="Aucun ticket connu du registre.")


def list_ticket_events(ticket: TicketView) -> Table:
    """The last events of a ticket."""
    columns = (
        Column("Quand (Paris)", 18),
        Column("Événement", 54),
        Column("Qui", 18),
        Column("Registre", 10, numeric=True),
    )
    rows = tuple(
        (
            Cell(text.format_day(one.at)),
            Cell(text.shorten(one.what, REASON_CHARACTERS, "voir le registre")),
            Cell(one.person or "outil"),
            Cell(str(one.sequence)),
        )
        for one in ticket.events
    )
    left = ticket.total - len(ticket.events)
    note = (
        f"{text.plural(left, 'événement plus ancien', 'événements plus anciens')} au registre."
        if left
        else ""
    )
    return Table(
        f"{ticket.reference} : derniers événements", columns, rows, empty="Rien au registre.", note=note
    )


def list_families(families: Sequence[FamilyView]) -> Table:
    """The last campaign of each family."""
    columns = (
        Column("Famille", 20),
        Column("Commencée (Paris)", 18),
        Column("Verdict", 16),
        Column("Bons / essayés", 12, numeric=True),
        Column("A régressé", 18),
        Column("N'est pas bon", 18),
    )
    rows = tuple(
        (
            Cell(labels.FAMILIES[one.family]),
            Cell(text.format_day(one.started_at)),
            labels.VERDICTS[one.verdict],
            Cell(f"{one.passed} / {one.tried}"),
            Cell(name_ids(one.regressed)),
            Cell(name_ids(one.failing)),
        )
        for one in families
    )
    note = (
        "Le verdict est celui de la campagne entière ; une régression échoue alors qu'elle était bonne avant."
    )
    return Table(
        "Dernière campagne de chaque famille", columns, rows, empty="n.d. : aucune campagne.", note=note
    )


def list_waivers(waivers: Sequence[WaiverView], now: datetime) -> Table:
    """Waivers, the next to end first."""
    columns = (
        Column("Scénario", 14),
        Column("Échéance (Paris)", 20),
        Column("Ticket", 12),
        Column("Porteur", 18),
        Column("Motif", 36),
    )
    rows = tuple(
        (
            Cell(one.scenario_id),
            Cell(text.format_day(one.expires_at), *(("!", "warn") if one.expires_at <= now else ())),
            Cell(one.ticket),
            Cell(one.owner),
            Cell(text.shorten(one.reason, REASON_CHARACTERS, "voir waivers.toml")),
        )
        for one in waivers
    )
    note = "Signe « ! » : expirée." if any(one.expires_at <= now for one in waivers) else ""
    return Table("Dérogations", columns, rows, empty="Aucune dérogation.", note=note)


def list_deadlines(deadlines: Sequence[DueView], now: datetime) -> Table:
    """What is due, the first first."""
    columns = (
        Column("Échéance (Paris)", 20),
        Column("Quoi", 44),
        Column("Qui", 20),
        Column("Ticket", 16),
    )
    rows = tuple(
        (
            Cell(text.format_day(one.at), *(("!", "warn") if one.at <= now else ())),
            Cell(one.title),
            Cell(one.person),
            Cell(one.ticket),
        )
        for one in deadlines
    )
    note = "Signe « ! » : dépassée." if any(one.at <= now for one in deadlines) else ""
    empty = "Aucune échéance inscrite (deadlines.toml, dérogations)."
    return Table("Échéances", columns, rows, empty=empty, note=note)


def list_runbooks(runbooks: Sequence[RunbookView]) -> Table:
    """Runbooks, those of the emergency file first."""
    columns = (
        Column("Runbook", 26),
        Column("Version", 9),
        Column("Déroulé le", 16),
        Column("Joué le", 16),
        Column("Depuis", 18),
        Column("À compléter", 12, numeric=True),
    )
    rows = tuple(
        (
            Cell(f"{one.id}{' ◆' if one.is_emergency else ''}"),
            Cell(text.known(one.version)),
            Cell(show_day(one.done_at, "jamais")),
            Cell(show_day(one.played_at, "jamais")),
            say_since(one.unchanged),
            Cell(text.format_number(one.unknown)),
        )
        for one in runbooks
    )
    note = (
        "◆ : pièce du dossier d'urgence. Joué : en répétition. Depuis : le fichier a-t-il changé depuis qu'on l'a "
        "suivi jusqu'au bout ? À compléter : renseignements que le site n'a pas dits."
    )
    return Table("Runbooks installés", columns, rows, empty="n.d.", note=note)


def say_since(unchanged: bool | None) -> Cell:
    """Whether a runbook is the one that was followed."""
    if unchanged is None:
        return Cell("jamais suivi", "!", "warn")
    return Cell("inchangé", "✓", "ok") if unchanged else Cell("a changé", "!", "warn")


def list_running(running: Sequence[RunningView]) -> Table:
    """Executions under way."""
    columns = (
        Column("Exécution", 34),
        Column("Personne", 18),
        Column("Ticket", 10),
        Column("À faire", 26),
        Column("Par", 12),
    )
    rows = tuple(
        (
            Cell(f"{one.title}{' (répétition)' if one.rehearsal else ''}\n{one.execution_id}"),
            Cell(one.subject or "–"),
            Cell(one.ticket),
            Cell(one.step),
            Cell(ACTORS[Actor(one.role)] if one.role else "–"),
        )
        for one in running
    )
    return Table("Exécutions en cours", columns, rows, empty="Aucune exécution en cours.")


def list_duties(duties: Sequence[Duty], now: datetime) -> Table:
    """Who answers, from when to when."""
    day = now.astimezone(text.PARIS).date()
    columns = (
        Column("Personne", 24),
        Column("Rôle", 18),
        Column("À compter du", 14),
        Column("Retour au titulaire", 18),
        Column("Annuaire", 16),
        Column("Ce jour", 10),
    )
    rows = tuple(
        (
            Cell(one.person),
            Cell(labels.ROLES[one.role] if one.role else text.NOT_KNOWN),
            Cell(f"{one.since:%d/%m/%Y}"),
            Cell(
                (f"{one.until:%d/%m/%Y}" if one.until else "non fixé")
                + (f" ({one.ended_by})" if one.ended_by else "")
            ),
            Cell(text.known(one.directory)),
            Cell("oui" if one.is_on(day) else "non"),
        )
        for one in duties
    )
    note = "L'interlocuteur du SCV reste le titulaire, seul : c'est son adresse et son numéro qui sont tenus."
    empty = "Le titulaire répond lui-même : aucun renvoi n'est inscrit."
    return Table("Permanence", columns, rows, empty=empty, note=note)


def describe_hd(hd: HdView | None) -> tuple[Block, ...]:
    """The state of replication."""
    if hd is None:
        return (Paragraph("n.d. : aucun passage HD lisible.", "warn", "!"),)
    columns = (
        Column("Contrôle", 12),
        Column("Titre", 44),
        Column("Résultat", 16),
        Column("Mesures", 28),
    )
    rows = tuple(
        (Cell(one.scenario_id), Cell(one.title), labels.OUTCOMES[one.outcome], Cell(one.measures or "–"))
        for one in hd.checks
    )
    when = Pairs((("Commencé le", text.format_moment(hd.started_at)),), (("Passage", hd.run_id),))
    return (when, Table("Contrôles HD", columns, rows, empty="n.d. : aucun contrôle exécuté."))


def list_missing(missing: Sequence[str]) -> Items:
    """What could not be read."""
    return Items("Ce qui n'a pas pu être rassemblé", tuple(missing), empty="Rien : chaque source a été lue.")


def name_ids(ids: Sequence[str]) -> str:
    """Ids of a column."""
    return text.name_ids(ids, IDS_SHOWN, "voir le rapport") if ids else "–"


def show_day(moment: datetime | None, nothing: str = text.NOT_KNOWN) -> str:
    """A day and an hour, or what is said without one."""
    return text.format_day(moment) if moment else nothing
