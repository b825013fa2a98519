"""Commands of decisions: sign one with an SSH key, read and verify the ledger."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_KO, EXIT_OK, Commands, add_runs_dir
from nonreg.errors import LedgerBroken, UsageError
from nonreg.french import FrenchParser, explain_os_error
from nonreg.screen import ask, ask_secret

if TYPE_CHECKING:
    from nonreg.clients.sshsig import Signer
    from nonreg.config import Platform
    from nonreg.decision import DecisionRequest, SignedDecision
    from nonreg.people import People

NO_BREAK_SPACE = "\u00a0"
PASSPHRASE = "NONREG_KEY_PASSPHRASE"  # noqa: S105 - the name of the variable


def add_commands(commands: Commands) -> None:
    """Add `sign` and `ledger`."""
    sign = commands.add_parser(
        "sign",
        help="lire et signer une décision avec sa clé SSH",
        description="Montre le texte d'une demande, vérifie que c'est bien celui de la décision, et la signe :\n"
        "DEMANDE.signed.json est écrit à côté. Sans cet outil, signer DEMANDE.decision.json par\n"
        "ssh-keygen -Y sign -n decision@aquareel-nonreg -f CLÉ, puis rapporter le .sig par --signature.",
        epilog=f"La phrase de passe est demandée au terminal, ou lue dans {PASSPHRASE}.",
    )
    sign.set_defaults(run_command=sign_request)
    sign.add_argument("request", metavar="DEMANDE", help="fichier de la demande (.json)")
    sign.add_argument("--key", metavar="FICHIER", help="clé SSH privée")
    sign.add_argument("--agent", action="store_true", help="clé de l'agent SSH (SSH_AUTH_SOCK)")
    sign.add_argument("--signature", metavar="FICHIER", help="signature déjà faite par ssh-keygen (.sig)")
    sign.add_argument(
        "--person", default="", metavar="ID", help="personne qui signe, à comparer à la décision"
    )
    sign.add_argument(
        "--platform",
        default="",
        metavar="NOM|FICHIER",
        help="plateforme dont le fichier des personnes choisit la clé et vérifie la signature",
    )
    sign.add_argument("--yes", action="store_true", help="ne pas demander confirmation au terminal")
    ledger = commands.add_parser("ledger", help="registre des décisions : verify, show, head")
    actions = ledger.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=FrenchParser)
    verify = actions.add_parser(
        "verify",
        help="vérifier la chaîne, les témoins et les signatures",
        epilog="codes de sortie : 0 registre entier, 1 registre rompu, 3 erreur d'utilisation",
    )
    verify.set_defaults(run_command=verify_ledger)
    verify.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="ID:NUMÉRO:SHA256",
        help="tête gardée ailleurs, par exemple dans un ticket (plusieurs fois possible)",
    )
    verify.add_argument(
        "--platform", default="", metavar="NOM|FICHIER", help="plateforme dont vérifier les signatures"
    )
    show = actions.add_parser("show", help="lister les entrées")
    show.set_defaults(run_command=show_ledger)
    show.add_argument("--kind", default="", metavar="GENRE", help="seulement les entrées de ce genre")
    head = actions.add_parser("head", help="écrire la tête du registre, à coller dans un ticket")
    head.set_defaults(run_command=show_head)
    for action in (verify, show, head):
        add_runs_dir(action)


def sign_request(options: argparse.Namespace) -> int:
    """`sign`: show, check, sign, write."""
    from datetime import UTC, datetime

    from nonreg.decision import check_shown, load_request, verify_signer, write_signed

    if sum(map(bool, (options.key, options.agent, options.signature))) != 1:
        raise UsageError("Il faut une seule des options --key, --agent et --signature.")
    path = Path(options.request)
    request = load_request(path)
    check_shown(request.decision, request.shown)
    people = load_people_for(request, options.platform) if options.platform else None
    if options.person not in ("", request.decision.person):
        raise UsageError(
            f"La décision est à prendre par « {request.decision.person} », pas par « {options.person} »."
        )
    print(describe(request), flush=True)  # noqa: T201
    if not options.signature and not options.yes and sys.stdin.isatty() and not confirm():
        print("Rien n'a été signé.")  # noqa: T201
        return EXIT_KO
    signed = make_signature(options, request, people)
    if people is not None:
        verify_signer(signed, people, datetime.now(UTC))
    target = path.with_suffix(".signed.json")
    write_signed(target, signed)
    print(f"Décision {request.decision.id} signée : {target}")  # noqa: T201
    return EXIT_OK


def describe(request: DecisionRequest) -> str:
    """Everything that the signature will cover: the text, and the decision around it."""
    from reports.text import format_moment

    decision = request.decision
    return "\n".join(
        [
            request.shown.rstrip("\n"),
            "",
            f"Décision   {decision.id}, {decision.kind} : {decision.subject}",
            f"Plateforme {decision.platform} ({decision.identity_token})",
            f"Par        {decision.person}, {decision.role}",
            f"Ticket     {decision.ticket or '—'}",
            f"Motif      {decision.reason or '—'}",
            f"Valable    du {format_moment(decision.decided_at)} au {format_moment(decision.expires_at)}",
            f"Empreinte  {decision.content_sha256} (SHA-256 du texte ci-dessus)",
            "",
        ]
    )


def confirm() -> bool:
    """Ask at the terminal; anything but `oui` is no."""
    try:
        return ask("Signer cette décision ? (oui/non) ").strip().lower() in ("o", "oui")
    except EOFError:
        return False


def make_signature(
    options: argparse.Namespace, request: DecisionRequest, people: People | None
) -> SignedDecision:
    """Sign by file or agent, or take the signature that was made elsewhere."""
    from nonreg.clients.sshsig import open_agent
    from nonreg.decision import attach_signature, sign_decision

    if options.signature:
        return attach_signature(request, read_armor(Path(options.signature)))
    if options.key:
        return sign_decision(request, unlock(Path(options.key)))
    with open_agent() as signers:
        return sign_decision(request, choose_signer(signers, request.decision.person, people))


def read_armor(path: Path) -> str:
    """Text of a signature file."""
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise UsageError(f"Signature illisible : {path} ({explain_os_error(error)}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} : ce n'est pas une signature SSH en texte.") from error


def unlock(path: Path) -> Signer:
    """The key of a file; its passphrase comes from the environment or from the terminal."""
    import os

    from nonreg.clients.sshsig import PassphraseNeeded, load_key_file

    try:
        return load_key_file(path)
    except PassphraseNeeded as error:
        passphrase = os.environ.get(PASSPHRASE, "")
        if not passphrase and not sys.stdin.isatty():
            raise UsageError(f"{error} Définissez {PASSPHRASE}, ou signez depuis un terminal.") from error
        return load_key_file(path, passphrase or ask_secret(f"Phrase de passe de {path} : "))


def choose_signer(signers: tuple[Signer, ...], person_id: str, people: People | None) -> Signer:
    """The agent's key of that person when people are known, otherwise its only key."""
    from nonreg.clients.sshsig import fingerprint

    if not signers:
        raise UsageError(
            "L'agent SSH est absent (SSH_AUTH_SOCK), ou n'a aucune clé acceptée : ajoutez-en une par ssh-add."
        )
    person = people.find(person_id) if people else None
    if people is not None and person is None:
        raise UsageError(f"La personne « {person_id} » n'est pas dans {people.file}.")
    chosen = [signer for signer in signers if person is None or signer.public_key in person.keys]
    if len(chosen) == 1 or (chosen and person is not None):
        return chosen[0]
    held = ", ".join(f"{signer.label} ({fingerprint(signer.public_key)})" for signer in signers)
    if person is None:
        raise UsageError(f"L'agent SSH a plusieurs clés, précisez --platform : {held}.")
    raise UsageError(f"L'agent SSH n'a aucune clé de « {person_id} » ; il a : {held}.")


def load_people_for(request: DecisionRequest, platform_name: str) -> People:
    """People of the platform that the decision is for; UsageError when it is for another one."""
    platform, people = load_governance(platform_name)
    decision = request.decision
    if (decision.platform, decision.identity_token) != (platform.name, platform.identity_token):
        raise UsageError(
            f"La décision porte sur la plateforme « {decision.platform} », pas sur « {platform.name} »."
        )
    return people


def load_governance(platform_name: str) -> tuple[Platform, People]:
    """A platform and its people."""
    from nonreg.baseline import governance_dir
    from nonreg.config import load_platform
    from nonreg.people import load_people

    platform = load_platform(platform_name)
    if not platform.governance:
        raise UsageError(f"La plateforme « {platform.name} » n'a pas de dossier « governance ».")
    return platform, load_people(governance_dir(platform.governance), platform.identity_token)


def verify_ledger(options: argparse.Namespace) -> int:
    """`ledger verify`: chain, witnesses, signatures; exit code 1 with the exact line when broken."""
    from nonreg import ledger_witness as witness
    from nonreg.ledger import FILE

    runs_dir = Path(options.runs_dir)
    given = tuple(witness.Witness("--head", witness.parse_head(text)) for text in options.head)
    governance = load_governance(options.platform) if options.platform else None
    try:
        folder = governance[1].file.parent if governance else None
        kept = witness.scan_witnesses(runs_dir, folder)
        check = witness.verify_ledger(runs_dir / FILE, kept.witnesses + given, kept.notes)
        words = [f"{len(check.entries)} ligne(s)", f"{check.witnesses} témoin(s) concordant(s)"]
        if governance is not None:
            platform, people = governance
            count = witness.verify_signatures(check.entries, people, platform.name, platform.identity_token)
            words.append(f"{count} signature(s) vérifiée(s)")
    except LedgerBroken as error:
        print(f"Erreur : {error}", file=sys.stderr)  # noqa: T201
        return EXIT_KO
    print("\n".join([f"Registre entier : {', '.join(words)}.", *check.notes]))  # noqa: T201
    return EXIT_OK


def show_ledger(options: argparse.Namespace) -> int:
    """`ledger show`: one line an entry, of a verified chain."""
    from nonreg.ledger import FILE, read_entries
    from reports.text import format_moment

    entries = read_entries(Path(options.runs_dir) / FILE)
    chosen = [entry for entry in entries if options.kind in ("", entry.kind)]
    for entry in chosen:
        decision = f"{entry.decision.id} {entry.decision.subject}" if entry.decision else ""
        words = f"{entry.sequence:>5}  {format_moment(entry.at)}  {entry.kind:<12} {entry.platform}  "
        words += f"{entry.person or '—'}  {entry.ticket or '—'}  {decision}"
        shown = "".join(char if char.isprintable() or char == NO_BREAK_SPACE else "?" for char in words)
        print(shown.rstrip())  # noqa: T201
    print(f"{len(chosen)} entrée(s)")  # noqa: T201
    return EXIT_OK


def show_head(options: argparse.Namespace) -> int:
    """`ledger head`: the head as one line to keep elsewhere."""
    from nonreg.ledger import FILE, read_head
    from nonreg.ledger_witness import format_head

    head = read_head(Path(options.runs_dir) / FILE)
    if head is None:
        raise UsageError(f"Il n'y a pas de registre dans {options.runs_dir}.")
    print(f"Registre AQUARÉEL, tête à garder : {format_head(head)}")  # noqa: T201
    return EXIT_OK
