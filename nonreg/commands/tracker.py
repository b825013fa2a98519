"""Commands of the tracking platform: does it answer, what waits, send it, open tickets, the history of one ticket."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_INCOMPLETE, EXIT_OK, RUNS_DIR, Commands, add_platform, add_runs_dir
from nonreg.errors import NonregError, UsageError
from nonreg.french import FrenchParser

if TYPE_CHECKING:
    from nonreg.config import Platform
    from nonreg.tracker.protocol import Tracker

# Commands that add to the ledger: what they added goes to its tickets when they end.
TELLING = frozenset(
    {
        "promote",
        "waive",
        "plan",
        "pre-intervention",
        "close-intervention",
        "runbook",
        "answer",
        "activate",
        "migration",
        "accept-differences",
        "report",
        "document",
        "retention",
        "person",
        "steering",
    }
)


def add_commands(commands: Commands) -> None:
    """Add `tracker`."""
    tracker = commands.add_parser(
        "tracker", help="suivi des tickets : check, status, deliver, tickets, show…"
    )
    actions = tracker.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=FrenchParser
    )
    check = actions.add_parser(
        "check",
        help="demander au suivi s'il répond et à qui appartient la clé",
        epilog="codes de sortie : 0 il répond, 2 il ne répond pas ou refuse la clé, 3 erreur de configuration",
    )
    check.set_defaults(run_command=check_tracker)
    status = actions.add_parser("status", help="lister ce qui attend d'être écrit dans les tickets")
    status.set_defaults(run_command=show_status)
    deliver = actions.add_parser(
        "deliver",
        help="écrire maintenant ce qui attend",
        epilog="codes de sortie : 0 plus rien n'attend, 2 il en reste, 3 erreur d'utilisation ou de configuration",
    )
    deliver.set_defaults(run_command=deliver_now)
    resend = actions.add_parser(
        "resend",
        help="renvoyer ce que le suivi avait refusé, une fois la cause corrigée",
        description="Remet dans la boîte d'envoi les notes écartées (toutes, ou celle de --key), puis envoie.",
        epilog="codes de sortie : ceux de « deliver »",
    )
    resend.set_defaults(run_command=send_again)
    resend.add_argument("--key", default="", metavar="CLÉ", help="une seule note (voir « status »)")
    resend.add_argument(
        "--ticket", default="", metavar="REF", help="l'écrire dans cet autre ticket (avec --key)"
    )
    tickets = actions.add_parser("tickets", help="lister les tickets ouverts")
    tickets.set_defaults(run_command=list_tickets)
    tickets.add_argument("--all", action="store_true", help="les tickets fermés aussi")
    show = actions.add_parser(
        "show",
        help="l'histoire d'un ticket : ses notes et les événements du registre, dans l'ordre",
    )
    show.set_defaults(run_command=show_ticket)
    show.add_argument("ticket", metavar="TICKET", help="référence, par exemple AQ-123")
    opening = actions.add_parser(
        "open",
        help="ouvrir un ticket",
        epilog="codes de sortie : 0 ouvert, 2 on ne sait pas, 3 erreur d'utilisation ou de configuration",
    )
    opening.set_defaults(run_command=open_ticket)
    opening.add_argument("--title", required=True, metavar="TEXTE", help="titre")
    opening.add_argument("--text", default="", metavar="TEXTE", help="description")
    for action in (check, status, deliver, resend, tickets, show, opening):
        add_platform(action)
    for action in (status, deliver, resend, show):
        add_runs_dir(action)


def tell_after(options: argparse.Namespace) -> None:
    """What a command added to the ledger goes to its tickets; what is to be said of that, beside its output."""
    platform = getattr(options, "platform", "") or getattr(options, "right", "")  # a migration goes there
    if getattr(options, "command", "") not in TELLING or not platform:
        return
    from tasks.tracking import tell_tickets

    for line in tell_tickets(platform, Path(getattr(options, "runs_dir", None) or RUNS_DIR)):
        print(show_text(line), file=sys.stderr, flush=True)  # noqa: T201


def tell_unverified(platform: Platform, ticket: str) -> None:
    """UsageError for a ticket that is not open; that nobody could look is said, and stops nothing."""
    from nonreg.tracker.requirement import require_open_ticket

    if unverified := require_open_ticket(platform, ticket):
        print(f"Attention : {show_text(unverified)}", file=sys.stderr, flush=True)  # noqa: T201


def load(options: argparse.Namespace) -> Platform:
    """The platform; UsageError when it names no tracker."""
    from nonreg.config import load_platform

    platform = load_platform(options.platform)
    if platform.tracker is None:
        raise UsageError(
            f"La plateforme « {platform.name} » ne nomme aucun suivi de tickets : table [tracker] (voir docs/suivi.md)."
        )
    return platform


def connect(platform: Platform) -> Tracker:
    """Its tracker."""
    from nonreg.tracker.connection import open_tracker

    tracker = open_tracker(platform)
    assert tracker is not None
    return tracker


def check_tracker(options: argparse.Namespace) -> int:
    """`tracker check`."""
    platform = load(options)
    tracker = connect(platform)
    try:
        login = tracker.check()
        count = len(tracker.list_tickets(open_only=True))
    except UsageError:
        raise
    except NonregError as error:
        print(f"Erreur : {show_text(str(error))}", file=sys.stderr)  # noqa: T201
        return EXIT_INCOMPLETE
    finally:
        tracker.close()
    print(f"{tracker.name} : répond, compte « {show_text(login)} », {count} ticket(s) ouvert(s).")  # noqa: T201
    return EXIT_OK


def show_status(options: argparse.Namespace) -> int:
    """`tracker status`: what waits, in order, and what was put aside."""
    from nonreg.tracker.delivery import State
    from nonreg.tracker.outbox import TrackerOutbox
    from reports.text import format_moment

    platform = load(options)
    box, now = TrackerOutbox(Path(options.runs_dir), platform.name), datetime.now(UTC)
    problems: list[str] = []
    waiting = box.list_waiting(problems)
    for one in waiting:
        standing, item = box.standing(one, now), one.item
        print(  # noqa: T201
            f"{format_moment(item.at)}  {standing.state:<11} {item.ticket or 'régression'}  "
            f"{show_text(item.text.splitlines()[0])}\n    clé {item.key}"
            + (f"\n    {show_text(standing.detail)}" if standing.detail else "")
            + (f"\n    prochain essai le {format_moment(standing.next_at)}" if standing.next_at else "")
        )
    for problem in problems:
        print(f"Illisible : {problem}", file=sys.stderr)  # noqa: T201
    aside = sum(box.standing(one, now).state is State.ASIDE for one in waiting)
    print(  # noqa: T201
        f"{len(waiting) - aside} note(s) en attente, {aside} écartée(s), {box.count_delivered()} remise(s)."
    )
    if aside:
        print("Une fois la cause corrigée : python -m nonreg tracker resend")  # noqa: T201
    return EXIT_INCOMPLETE if problems else EXIT_OK


def deliver_now(options: argparse.Namespace) -> int:
    """`tracker deliver`: collect what the ledger has, send what waits."""
    from nonreg.config import find_platform_file
    from nonreg.tracker.posting import post

    platform = load(options)
    done = post(
        platform,
        Path(options.runs_dir),
        platform_file=str(find_platform_file(options.platform).resolve()),
        hurried=True,
    )
    for told in done.told:
        print(show_text(str(told)))  # noqa: T201
    for problem in done.problems:
        print(f"Erreur : {show_text(problem)}", file=sys.stderr)  # noqa: T201
    print(f"{done.left} note(s) en attente ou écartée(s)." if done.left else "Rien n'attend.")  # noqa: T201
    return EXIT_INCOMPLETE if done.left or done.problems else EXIT_OK


def send_again(options: argparse.Namespace) -> int:
    """`tracker resend`: what was put aside goes back into the box."""
    from nonreg.tickets import require_ticket
    from nonreg.tracker.outbox import TrackerOutbox

    if options.ticket:
        require_ticket(options.ticket)
        if not options.key:
            raise UsageError("--ticket va avec --key : une note à la fois change de ticket.")
    platform = load(options)
    box = TrackerOutbox(Path(options.runs_dir), platform.name)
    again = box.send_again(options.key, datetime.now(UTC), options.ticket)
    if not again:
        raise UsageError("Aucune note écartée" + (f" de clé « {options.key} »." if options.key else "."))
    print(f"{len(again)} note(s) remise(s) dans la boîte d'envoi.")  # noqa: T201
    return deliver_now(options)


def list_tickets(options: argparse.Namespace) -> int:
    """`tracker tickets`."""
    platform = load(options)
    tracker = connect(platform)
    try:
        found = tracker.list_tickets(open_only=not options.all)
    finally:
        tracker.close()
    for one in found:
        due = f"  échéance {one.due:%d/%m/%Y}" if one.due else ""
        words = f"{one.reference:<8} {one.state:<7} {one.status:<12} {one.kind:<14} {one.title}{due}"
        print(show_text(words).rstrip())  # noqa: T201
    print(f"{len(found)} ticket(s)")  # noqa: T201
    return EXIT_OK


def show_ticket(options: argparse.Namespace) -> int:
    """`tracker show`: the whole history of a ticket; what waits to be written is there too, and said so."""
    from nonreg.tracker.timeline import read_timeline
    from reports.text import format_moment

    platform = load(options)
    timeline = read_timeline(platform, Path(options.runs_dir), options.ticket)
    ticket = timeline.ticket
    if ticket is not None:
        print(show_text(f"{ticket.reference}  {ticket.title}"))  # noqa: T201
        facts = (
            ("État", f"{ticket.state} ({ticket.status})" if ticket.status != ticket.state else ticket.state),
            ("Genre", ticket.kind),
            ("Priorité", ticket.priority),
            ("Affecté à", ticket.assignee),
            ("Échéance", f"{ticket.due:%d/%m/%Y}" if ticket.due else ""),
            ("Ouvert le", format_moment(ticket.opened_at)),
            ("Fermé le", format_moment(ticket.closed_at) if ticket.closed_at else ""),
            *ticket.fields,
        )
        for label, value in facts:
            if value:
                print(show_text(f"  {label} : {value}"))  # noqa: T201
        for line in ticket.description.splitlines():
            print(show_text(f"  | {line}"))  # noqa: T201
    for problem in timeline.problems:
        print(f"Attention : {show_text(problem)}", file=sys.stderr)  # noqa: T201
    for moment in timeline.moments:
        print(show_text(f"\n{format_moment(moment.at)}  {moment.source}"))  # noqa: T201
        for line in moment.lines:
            print(show_text(f"    {line}"))  # noqa: T201
    print(f"\n{len(timeline.moments)} événement(s)")  # noqa: T201
    return EXIT_INCOMPLETE if timeline.problems else EXIT_OK


def open_ticket(options: argparse.Namespace) -> int:
    """`tracker open`; whose answer was lost is looked for, so that nobody opens it twice."""
    import secrets

    from nonreg.errors import RequestFailed, Unreachable
    from nonreg.model.tracker import NewTicket
    from nonreg.tracker.protocol import NoteRefused

    if not options.title.strip():
        raise UsageError("Un ticket a un titre (--title).")
    tracker = connect(load(options))
    try:
        new = NewTicket(
            f"ouverture-{secrets.token_hex(8)}", options.title.strip(), options.text or options.title
        )
        reference = tracker.open_ticket(new, ())
    except NoteRefused:
        raise
    except (Unreachable, RequestFailed) as error:
        reference = find_lost(tracker, new.key)
        if not reference:
            again = "Le ticket est peut-être ouvert : voyez « tracker tickets » avant de recommencer."
            print(f"Erreur : {show_text(str(error))} {again}", file=sys.stderr)  # noqa: T201
            return EXIT_INCOMPLETE
    finally:
        tracker.close()
    print(f"Ticket {reference} ouvert.")  # noqa: T201
    return EXIT_OK


def find_lost(tracker: Tracker, key: str) -> str:
    """The ticket that was opened although no answer came; empty when none is there, or nobody could look."""
    try:
        found = tracker.find_opened(key)
    except NonregError:
        return ""
    return found.reference if found is not None else ""


def show_text(text: str) -> str:
    """What a terminal may show of a text that anybody wrote."""
    from nonreg.commands.decisions import NO_BREAK_SPACE

    return "".join(
        char if char.isprintable() or char in (NO_BREAK_SPACE, "\n", "\u202f") else "?" for char in text
    )
