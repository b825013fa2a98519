"""Commands of what governs the judgement: promote a run to baseline, grant a waiver."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_OK, RUNS_DIR, Commands, add_platform, add_signing
from nonreg.errors import UsageError

if TYPE_CHECKING:
    from nonreg.clients.sshsig import Signer
    from nonreg.decision import DecisionRequest, SignedDecision
    from nonreg.people import People, Person

DECISIONS_DIR = "decisions"


def add_commands(commands: Commands) -> None:
    """Add `promote` and `waive`."""
    promote = commands.add_parser(
        "promote",
        help="faire d'un passage la référence, par une décision signée du titulaire",
        description="Fait d'un passage terminé, OK avec ou sans réserves, la référence de sa plateforme et de sa\n"
        "version. Avec --key ou --agent : montrer, signer, inscrire au registre, écrire le fichier à relire\n"
        "et à valider dans git. Sans : écrire la demande à signer (voir « sign »), puis revenir avec --decision.",
    )
    promote.set_defaults(run_command=promote_run)
    promote.add_argument("run", metavar="PASSAGE", help="dossier du passage (runs/…)")
    waive = commands.add_parser(
        "waive",
        help="accorder une dérogation à un scénario, jusqu'à une date, par une décision signée",
        description="Accorde une dérogation : le KO de ce scénario est connu et accepté jusqu'à l'échéance.",
    )
    waive.set_defaults(run_command=grant_waiver)
    waive.add_argument("scenario", metavar="SCÉNARIO", help="identifiant, par exemple HD-005")
    waive.add_argument("--owner", default="", metavar="ID", help="personne qui suit la dérogation")
    waive.add_argument(
        "--expires", default="", metavar="INSTANT", help="échéance avec fuseau : 2026-12-31T18:00+01:00"
    )
    waive.add_argument(
        "--reference", default="", metavar="TEXTE", help="relevé de décisions, par exemple RD-2026-07"
    )
    promote.add_argument(
        "--runs-dir", metavar="DOSSIER", help="dossier du registre (défaut : celui du passage)"
    )
    waive.add_argument(
        "--runs-dir", default=RUNS_DIR, metavar="DOSSIER", help=f"dossier du registre (défaut : {RUNS_DIR})"
    )
    for command in (promote, waive):
        add_platform(command)
        command.add_argument(
            "--ticket", default="", metavar="REF", help="ticket de la décision, par exemple AQ-123"
        )
        command.add_argument("--reason", default="", metavar="TEXTE", help="motif de la décision")
        command.add_argument("--person", default="", metavar="ID", help="personne qui décide")
        add_signing(command)


def promote_run(options: argparse.Namespace) -> int:
    """`promote`: prepare, have it signed, record, write."""
    from datetime import UTC, datetime

    from nonreg.commands.tracker import tell_unverified
    from nonreg.config import load_platform
    from tasks.promotion import load_candidate, promote, request_promotion

    run_dir = Path(options.run)
    options.runs_dir = options.runs_dir or str(run_dir.parent)  # where the ledger that knows the run is
    candidate = load_candidate(run_dir, load_platform(options.platform), datetime.now(UTC))

    def ask(person: Person) -> DecisionRequest:
        return request_promotion(candidate, person, options.ticket, options.reason, datetime.now(UTC))

    signed = obtain_decision(options, candidate.people, ask)
    if signed is None:
        return EXIT_OK
    tell_unverified(candidate.platform, signed.decision.ticket)
    path = promote(candidate, signed, Path(options.runs_dir), datetime.now(UTC))
    print(  # noqa: T201
        f"Référence n° {candidate.baseline.number} : {path}\nÀ relire et à valider dans git ; les précédentes restent."
    )
    return EXIT_OK


def grant_waiver(options: argparse.Namespace) -> int:
    """`waive`: prepare, have it signed, record, write."""
    from datetime import UTC, datetime

    from nonreg.config import load_platform
    from tasks.promotion import require_people
    from tasks.waiving import draft_waiver, grant, request_waiver

    platform = load_platform(options.platform)
    people = require_people(platform)
    waiver = draft_waiver(
        platform,
        people,
        scenario_id=options.scenario,
        reason=options.reason,
        ticket=options.ticket,
        owner=options.owner,
        expires=options.expires,
        reference=options.reference,
    )

    def ask(person: Person) -> DecisionRequest:
        return request_waiver(platform, waiver, person, datetime.now(UTC))

    signed = obtain_decision(options, people, ask)
    if signed is None:
        return EXIT_OK
    path = grant(platform, people, waiver, signed, Path(options.runs_dir), datetime.now(UTC))
    print(f"Dérogation inscrite dans {path}, à relire et à valider dans git avec sa décision.")  # noqa: T201
    return EXIT_OK


def obtain_decision(
    options: argparse.Namespace, people: People, ask: Callable[[Person], DecisionRequest]
) -> SignedDecision | None:
    """The signed decision: from a file, or made now; None once the request to sign is written instead."""
    from nonreg.commands.decisions import confirm, describe
    from nonreg.decision import load_signed, sign_decision, write_request, write_signed

    if sum(map(bool, (options.key, options.agent, options.decision))) > 1:
        raise UsageError("Il faut une seule des options --key, --agent et --decision.")
    if options.decision:
        return load_signed(Path(options.decision))
    folder = Path(options.runs_dir) / DECISIONS_DIR
    folder.mkdir(parents=True, exist_ok=True)
    if options.key or options.agent:
        with open_signer(options, people) as (signer, person):
            request = ask(person)
            print(describe(request), flush=True)  # noqa: T201
            if not options.yes and sys.stdin.isatty() and not confirm():
                print("Rien n'a été signé.")  # noqa: T201
                return None
            signed = sign_decision(request, signer)
        path = folder / f"{request.decision.id}.signed.json"
        write_signed(path, signed)  # so that the same decision can finish what a full disk or a kill cuts
        return signed
    request = ask(require_person(people, options.person))
    path = folder / f"{request.decision.id}.json"
    write_request(path, request)
    print(describe(request))  # noqa: T201
    print(  # noqa: T201
        f"Demande à signer : {path}\n"
        f"  python -m nonreg sign {path} --platform {options.platform} --key CLÉ\n"
        f"puis la même commande qu'à l'instant, avec --decision {path.with_suffix('.signed.json')}"
    )
    return None


@contextmanager
def open_signer(options: argparse.Namespace, people: People) -> Iterator[tuple[Signer, Person]]:
    """The key that signs now, and whose it is."""
    from nonreg.clients.sshsig import open_agent
    from nonreg.commands.decisions import choose_signer, unlock

    if options.key:
        signer = unlock(Path(options.key))
        owner = people.find_owner(signer.public_key)
        if owner is None:
            raise UsageError(f"La clé {options.key} n'est celle de personne dans {people.file}.")
        if options.person not in ("", owner.id):
            raise UsageError(
                f"La clé {options.key} est celle de « {owner.id} », pas de « {options.person} »."
            )
        yield signer, owner
        return
    person = require_person(people, options.person)
    with open_agent() as signers:
        yield choose_signer(signers, person.id, people), person


def require_person(people: People, person_id: str) -> Person:
    """The person who decides; without an id, the only titulaire."""
    from nonreg.model import Role

    if person_id:
        person = people.find(person_id)
        if person is None:
            raise UsageError(f"La personne « {person_id} » n'est pas dans {people.file}.")
        return person
    holders = [person for person in people.persons if person.role is Role.TITULAIRE]
    if len(holders) != 1:
        raise UsageError("Précisez qui décide (--person).")
    return holders[0]
