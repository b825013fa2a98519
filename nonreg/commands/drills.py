"""Commands of drills: have a plan approved, heal what is left, confirm what a person was asked to do."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_INCOMPLETE, EXIT_OK, RUNS_DIR, Commands, add_platform, add_signing
from nonreg.commands.campaign import add_selection
from nonreg.errors import DecisionRefused, NonregError, UsageError

if TYPE_CHECKING:
    from nonreg.config import Platform
    from nonreg.decision import DecisionRequest, SignedDecision
    from nonreg.drills.healing import Healed
    from nonreg.drills.operator import OperatorStep
    from nonreg.people import People, Person

HEALING, BY_HAND = "guérison", "by_hand"


def add_commands(commands: Commands) -> None:
    """Add `plan`, `heal` and `confirm`."""
    plan = commands.add_parser(
        "plan",
        help="montrer ce que des exercices casseraient, et le faire autoriser par le titulaire",
        description="Montre exactement ce que des exercices casseraient, comment c'est guéri et ce qui est contrôlé\n"
        "ensuite, sans rien demander à la plateforme. Avec --key ou --agent : le titulaire signe ce texte, et\n"
        "l'autorisation est à donner à « campaign --drills ». Sans : la demande à signer est écrite (voir « sign »).",
    )
    plan.set_defaults(run_command=plan_drills)
    add_selection(plan)
    plan.add_argument("--ticket", default="", metavar="REF", help="référence du ticket, par exemple AQ-123")
    plan.add_argument("--reason", default="", metavar="TEXTE", help="motif de la décision")
    plan.add_argument(
        "--valid-hours",
        type=float,
        default=24.0,
        metavar="HEURES",
        help="validité de l'autorisation (défaut : 24, au plus 168)",
    )
    plan.add_argument(
        "--runs-dir", default=RUNS_DIR, metavar="DOSSIER", help=f"dossier du registre (défaut : {RUNS_DIR})"
    )
    plan.add_argument("--decision", metavar="FICHIER", help="autorisation déjà signée (.signed.json)")
    heal = commands.add_parser(
        "heal",
        help="guérir ce qu'un exercice interrompu a laissé cassé",
        description="Guérit tout ce que le registre des pannes attend encore. Ce que seule une personne peut faire\n"
        "est dit ; --confirm le déclare fait, par une signature, et les rôles des sites sont alors vérifiés.",
        epilog="codes de sortie : 0 plus rien à guérir, 2 il en reste, 3 erreur d'utilisation ou de configuration",
    )
    heal.set_defaults(run_command=heal_platform)
    heal.add_argument(
        "--confirm",
        default="",
        metavar="PANNE",
        help="panne qu'une personne déclare guérie (avec --key ou --agent)",
    )
    confirm = commands.add_parser(
        "confirm",
        help="lister les étapes demandées à une personne, en confirmer une",
        description="Liste ce que des exercices en cours attendent d'une personne. Avec --key ou --agent : confirme,\n"
        "par une signature, que l'étape est faite.",
    )
    confirm.set_defaults(run_command=confirm_step)
    confirm.add_argument(
        "step", nargs="?", default="", metavar="ÉTAPE", help="identifiant, par exemple E-0123456789ab"
    )
    for command in (heal, confirm):
        add_platform(command)
    for command in (plan, heal, confirm):
        command.add_argument("--person", default="", metavar="ID", help="personne qui signe")
        add_signing(command, decision=False)


def plan_drills(options: argparse.Namespace) -> int:
    """`plan`: show, have it signed, record."""
    from datetime import UTC, datetime

    from nonreg.commands.governance import DECISIONS_DIR, obtain_decision
    from nonreg.commands.tracker import tell_unverified
    from nonreg.config import load_platform
    from nonreg.drills.approval import (
        record_approval,
        render_drill_plan,
        request_approval,
        require_people,
        verify_approval,
    )
    from nonreg.plan import CampaignRequest, collect_scenarios, draft_plan, identify_tool
    from reports.text import format_moment

    platform = load_platform(options.platform)
    people = require_people(platform)
    request = CampaignRequest(
        options.platform, options.families, options.select, options.ticket, options.scenarios
    )
    catalog = collect_scenarios(request.scenarios_dir())
    plan = draft_plan(request, platform, catalog, "", identify_tool(request), drills=True)
    text = render_drill_plan(platform, plan)
    tell_unverified(platform, plan.ticket)

    def ask(person: Person) -> DecisionRequest:
        return request_approval(
            platform, text, person, plan.ticket, options.reason, datetime.now(UTC), options.valid_hours
        )

    signed = obtain_decision(options, people, ask)
    if signed is None:
        return EXIT_OK
    approval = verify_approval(platform, people, signed, text, datetime.now(UTC))
    record_approval(Path(options.runs_dir), platform, plan, signed, datetime.now(UTC))
    file = options.decision or Path(options.runs_dir) / DECISIONS_DIR / f"{approval.decision}.signed.json"
    words = ["python", "-m", "nonreg", "campaign"]
    for name in ("platform", "families", "select", "ticket", "scenarios"):
        words += [f"--{name}", value] if (value := getattr(options, name)) else []
    print(  # noqa: T201
        f"Exercices autorisés par {approval.person} jusqu'au {format_moment(approval.expires_at)} : {file}\n"
        f"  {shlex.join([*words, '--drills', str(file)])}"
    )
    return EXIT_OK


def heal_platform(options: argparse.Namespace) -> int:
    """`heal`: heal everything pending, say what is left; exit code 2 while there is something."""
    from nonreg.config import load_platform
    from nonreg.drills.aftermath import close_steps, heal_all
    from nonreg.drills.register import hold_drills, open_register

    platform = load_platform(options.platform)
    register = open_register(platform)
    with hold_drills(register, HEALING):
        close_steps(platform)
        done = heal_all(platform, HEALING)
        for one in done:
            print(one, flush=True)  # noqa: T201
        if options.confirm:
            confirm_healed(options, platform, done)
        left = register.pending()
    if not done:
        print(f"Rien à guérir sur « {platform.title} ».")  # noqa: T201
        return EXIT_OK
    for entry in left:
        again = f"python -m nonreg heal --platform {shlex.quote(options.platform)}"
        by_hand = f" --confirm {entry.id} --key CLÉ" if entry.fault.kind == BY_HAND else ""
        print(f"Reste {entry.id}, {entry.scenario_id}. Une fois fait : {again}{by_hand}")  # noqa: T201
    right, roles = look_at_roles(platform)
    print(f"Rôles : {roles}")  # noqa: T201
    return EXIT_OK if right and not left else EXIT_INCOMPLETE


def confirm_healed(options: argparse.Namespace, platform: Platform, done: tuple[Healed, ...]) -> None:
    """Close what nothing can look at by a person's signature, if the roles are right; look again at anything else."""
    from datetime import UTC, datetime

    from nonreg.drills.healing import heal
    from nonreg.drills.operator import OperatorStep, ask, close, confirm, find_confirmation
    from nonreg.drills.register import HEALED, open_register

    chosen = next((one for one in done if one.entry.id == options.confirm and one.by_hand), None)
    if chosen is None:
        waiting = ", ".join(one.entry.id for one in done if one.by_hand) or "aucune"
        raise UsageError(f"« {options.confirm} » n'est pas une panne qui attend une personne ({waiting}).")
    entry, people = chosen.entry, load_people(platform)
    step = OperatorStep.new(entry.run_id, entry.scenario_id, entry.id, chosen.error, 0.0)
    ask(platform, step)
    try:
        signed = sign_step(options, platform, people, step)
        if signed is None:
            return
        confirm(platform, step, signed)
        confirmed, reasons = find_confirmation(platform, people, step, datetime.now(UTC))
    finally:
        close(platform, step)
    if confirmed is None:
        raise DecisionRefused(f"Confirmation refusée : {' '.join(reasons)}")
    register = open_register(platform)
    again = heal(platform, register, entry, confirmed.person)
    right, roles = look_at_roles(platform)
    if again.by_hand and entry.fault.kind == BY_HAND and right:
        register.mark(entry, HEALED, by=confirmed.person, decision=confirmed.decision)
        print(f"Guéri — {entry.scenario_id}, déclaré par {confirmed.person} ({confirmed.decision}).")  # noqa: T201
    elif again.error:
        why = again.error if right else f"les rôles ne sont pas ceux attendus : {roles}"
        print(f"Toujours pas guéri — {entry.scenario_id} : {why}")  # noqa: T201


def look_at_roles(platform: Platform) -> tuple[bool, str]:
    """Whether each site declares its expected role (PRE-02), and what was seen, in French."""
    from nonreg.guards import check_roles

    try:
        status, message = check_roles(platform)
    except NonregError as error:
        return False, str(error)
    return not status.stops, message


def confirm_step(options: argparse.Namespace) -> int:
    """`confirm`: list the open steps, or sign the confirmation of one."""
    from nonreg.config import load_platform
    from nonreg.drills.operator import confirm, describe_step, list_open

    platform = load_platform(options.platform)
    steps = list_open(platform)
    if not steps:
        print(f"Aucune étape n'attend de confirmation sur « {platform.title} ».")  # noqa: T201
    if not (options.key or options.agent):
        for step in steps:
            print(f"{step.id}  {describe_step(step, shlex.quote(options.platform))}")  # noqa: T201
        if options.step:
            raise UsageError("Signez la confirmation par --key ou --agent.")
        return EXIT_OK
    chosen = [step for step in steps if options.step in ("", step.id)]
    if len(chosen) != 1:
        known = ", ".join(step.id for step in steps) or "aucune"
        raise UsageError(f"Précisez une étape qui attend une confirmation ({known}).")
    signed = sign_step(options, platform, load_people(platform), chosen[0])
    if signed is None:
        return EXIT_INCOMPLETE
    confirm(platform, chosen[0], signed)
    print(f"Étape {chosen[0].id} confirmée par {signed.decision.person}.")  # noqa: T201
    return EXIT_OK


def sign_step(
    options: argparse.Namespace, platform: Platform, people: People, step: OperatorStep
) -> SignedDecision | None:
    """Show what is confirmed and sign it; None when the person says no."""
    from datetime import UTC, datetime

    from nonreg.commands import decisions
    from nonreg.commands.governance import open_signer
    from nonreg.decision import sign_decision
    from nonreg.drills.operator import request_confirmation

    if bool(options.key) == options.agent:
        raise UsageError("Il faut une des options --key et --agent.")
    with open_signer(options, people) as (signer, person):
        request = request_confirmation(platform, step, person, datetime.now(UTC))
        print(decisions.describe(request), flush=True)  # noqa: T201
        if not options.yes and sys.stdin.isatty() and not decisions.confirm():
            print("Rien n'a été signé.")  # noqa: T201
            return None
        return sign_decision(request, signer)


def load_people(platform: Platform) -> People:
    """Who may confirm; DrillRefused where nobody may decide anything."""
    from nonreg.drills.approval import require_people

    return require_people(platform)
