"""Commands of an activation: who is mobilised and by which runbook, and who answers on a given day."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from nonreg.commands import EXIT_OK, Commands, add_platform, add_runs_dir
from nonreg.commands.handover import EXIT_CODES
from nonreg.errors import UsageError

if TYPE_CHECKING:
    from nonreg.model.contacts import Duty

Word = TypeVar("Word", bound=StrEnum)


def add_commands(commands: Commands) -> None:
    """Add `activate` and `contacts`."""
    activating = commands.add_parser(
        "activate",
        help="activer un ou deux renforts : profils, runbook et urgence d'après la table de décision",
        description="Ouvre une exécution du runbook pour chaque profil retenu, et suit la première ; l'autre se suit\n"
        "par « runbook resume ». --table montre ce que la table décide, sans rien ouvrir.",
        epilog=EXIT_CODES,
    )
    activating.set_defaults(run_command=activate)
    activating.add_argument(
        "--reason",
        required=True,
        metavar="MOTIF",
        help="absence-prevue, absence-imprevue, pointe ou situation-exceptionnelle",
    )
    activating.add_argument(
        "--anomaly",
        required=True,
        metavar="CRITICITÉ",
        help="anomalie ouverte la plus grave : bloquante, majeure, mineure ou aucune",
    )
    activating.add_argument(
        "--need",
        required=True,
        action="append",
        metavar="BESOIN",
        help="correction, script-ou-base, tests, documentation, coordination, tickets-et-risques ou\n"
        "copil-et-releves (plusieurs fois possible)",
    )
    activating.add_argument(
        "--table", action="store_true", help="dire ce qui serait décidé, sans rien ouvrir"
    )
    activating.add_argument("--person", default="", metavar="ID", help="personne qui demande")
    activating.add_argument("--ticket", default="", metavar="REF", help="ticket, exigé d'une urgence")
    activating.add_argument("--called", default="", metavar="INSTANT", help="urgence : appel passé le")
    activating.add_argument(
        "--technique", default="", metavar="ID", help="renfort technique (défaut : proposé)"
    )
    activating.add_argument(
        "--pilotage", default="", metavar="ID", help="renfort pilotage (défaut : proposé)"
    )
    activating.add_argument("--rehearsal", action="store_true", help="répétition : jouée pour s'entraîner")
    activating.add_argument(
        "--answers", default="", metavar="FICHIER", help="réponses écrites d'avance (répétition)"
    )
    activating.add_argument("--no-follow", action="store_true", help="ouvrir seulement, sans rien lancer")
    contacts = commands.add_parser(
        "contacts", help="dire qui répond un jour donné, d'après les points de contact mis à jour"
    )
    contacts.set_defaults(run_command=show_contacts)
    contacts.add_argument("--on", default="", metavar="DATE", help="jour, 30/11/2026 (défaut : aujourd'hui)")
    contacts.add_argument(
        "--rehearsal", action="store_true", help="l'annuaire des répétitions, et non le vrai"
    )
    for command in (activating, contacts):
        add_platform(command)
        add_runs_dir(command)


def activate(options: argparse.Namespace) -> int:
    """`activate`: decide, open, follow the first."""
    from nonreg.commands.handover import go_on, make_work_of
    from nonreg.handover.activation import Need, OpenAnomaly, Profile, Reason, decide, load_table
    from tasks.activation import Asked, open_activation

    reason, anomaly = read_word(Reason, options.reason), read_word(OpenAnomaly, options.anomaly)
    needs = tuple(read_word(Need, one) for one in options.need)
    if options.table:
        choice = decide(load_table(), reason, anomaly, needs)
        print(f"{choice.justification}\nProfils : {', '.join(one.words for one in choice.profiles)}")  # noqa: T201
        print(f"Runbook : {choice.runbook}\nUrgent : {'oui' if choice.urgent else 'non'}")  # noqa: T201
        return EXIT_OK
    if not options.person:
        raise UsageError("Dites qui demande l'activation : --person ID.")
    work = make_work_of(options)
    subjects = {Profile.TECHNIQUE: options.technique, Profile.PILOTAGE: options.pilotage}
    called_at = read_call(options.called)
    opened = open_activation(
        work,
        Asked(reason, anomaly, needs, options.person, options.ticket, subjects, called_at, options.rehearsal),
    )
    print(opened.choice.justification)  # noqa: T201
    if opened.choice.urgent:
        print("URGENT : un ticket et un appel, avant tout le reste.")  # noqa: T201
    for one in opened.executions:
        print(f"Exécution ouverte pour {one.subject} : {one.id}", flush=True)  # noqa: T201
    for one in opened.executions[1:]:
        again = f"python -m nonreg runbook resume {one.id} --platform {options.platform}"
        print(f"Autre horloge, à suivre aussi : {again}", flush=True)  # noqa: T201
    return go_on(options, work, opened.executions[0])


def show_contacts(options: argparse.Namespace) -> int:
    """`contacts`: who answers that day, and every duty that is written."""
    from nonreg.commands.handover import make_work_of
    from nonreg.handover.contacts import list_duties, list_on_duty, to_day
    from tasks.handover_sources import load_executions

    work = make_work_of(options)
    day = read_day(options.on) if options.on else to_day(datetime.now(UTC))
    executions, broken = load_executions(work)
    roles = {person.id: person.role for person in work.people.persons}
    duties = list_duties(executions, roles, platform=work.platform.name, rehearsal=options.rehearsal)
    on_duty = list_on_duty(duties, day)
    print(f"Le {day:%d/%m/%Y}, plateforme « {work.platform.name} » :")  # noqa: T201
    print("  interlocuteur du SCV : le titulaire, seul")  # noqa: T201
    print(f"  répond : {', '.join(dict.fromkeys(one.person for one in on_duty)) or 'le titulaire'}")  # noqa: T201
    for duty in duties:
        print(f"  {say_duty(duty)}")  # noqa: T201
    for one in broken:
        print(f"  non lue : {one}")  # noqa: T201
    return EXIT_OK


def say_duty(duty: Duty) -> str:
    """One duty on a line."""
    until = f"jusqu'au retour au titulaire le {duty.until:%d/%m/%Y}" if duty.until else "retour non fixé"
    ended = f" ({duty.ended_by})" if duty.ended_by else ""
    return f"- {duty.person}, à compter du {duty.since:%d/%m/%Y}, {until}{ended}, {duty.directory}"


def read_word(kind: type[Word], value: str) -> Word:
    """One of the words of an enumeration; UsageError names them."""
    if value not in list(kind):
        raise UsageError(f"« {value} » : attendu {', '.join(kind)}.")
    return kind(value)


def read_call(value: str) -> datetime | None:
    """When the call was made; None when it is not told."""
    from nonreg.handover.form import read_instant

    try:
        found = read_instant(value) if value else None
    except ValueError as error:
        raise UsageError(f"--called : « {value} » : une date et une heure, 30/11/2026 14:05.") from error
    if found is not None and found > datetime.now(UTC):
        raise UsageError(f"--called : « {value} » est dans l'avenir.")
    return found


def read_day(value: str) -> date:
    """A day; UsageError when it is none."""
    from nonreg.handover.form import read_date

    try:
        return read_date(value)
    except ValueError as error:
        raise UsageError(f"--on : « {value} » : une date, 30/11/2026.") from error
