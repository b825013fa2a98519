"""Commands around an intervention: ask GO or NO-GO before it, and check the answer just before acting."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from nonreg.commands import EXIT_KO, EXIT_OK, Commands, add_platform, add_runs_dir

YES, NO = "oui", "non"
KINDS = ("bascule", "replication", "deploiement", "script_sql", "parametrage", "systeme", "autre")
EXIT_CODES = (
    "codes de sortie : 0 GO (avec ou sans réserves), 1 NO-GO ou intervention bloquée,\n"
    "3 erreur d'utilisation ou de configuration"
)


def add_commands(commands: Commands) -> None:
    """Add `pre-intervention` and `require-go`."""
    ask = commands.add_parser(
        "pre-intervention",
        help="répondre GO, GO avec réserves ou NO-GO avant une intervention",
        description="Répond d'après un passage assez récent de la même version, ou lance une campagne, et publie\n"
        "la page à montrer à la MOA et la décision que d'autres outils vérifient.",
        epilog=EXIT_CODES,
    )
    ask.set_defaults(run_command=answer)
    ask.add_argument(
        "--reason",
        required=True,
        metavar="TEXTE",
        help="pourquoi elle touche la réplication, ou non, en une phrase",
    )
    ask.add_argument(
        "--sensitive", choices=(YES, NO), default=YES, help="intervention sensible (défaut : oui)"
    )
    ask.add_argument("--person", default="", metavar="ID", help="identifiant de la personne qui demande")
    ask.add_argument(
        "--remote",
        choices=(YES, NO),
        default=YES,
        help="intervention à distance : signalée hors des jours et heures ouvrés (défaut : oui)",
    )
    ask.add_argument(
        "--planned-at",
        default="",
        metavar="INSTANT",
        help="début prévu, avec fuseau : 2026-12-31T18:00+01:00 (défaut : dès maintenant)",
    )
    ask.add_argument(
        "--max-age-hours",
        type=float,
        metavar="HEURES",
        help="âge maximal du passage (défaut : celui de la plateforme)",
    )
    ask.add_argument(
        "--new-campaign", action="store_true", help="lancer une campagne même si un passage récent existe"
    )
    check = commands.add_parser(
        "require-go",
        help="vérifier qu'une intervention sensible a un GO encore valable",
        description="À appeler juste avant d'agir : échoue, en disant pourquoi, sans GO encore valable.",
        epilog=EXIT_CODES,
    )
    check.set_defaults(run_command=check_go)
    closing = commands.add_parser(
        "close-intervention",
        help="clore une intervention, en disant ce qu'elle change dans la documentation",
        description="Enregistre la fin d'une intervention. Les documents mis à jour sont nommés avec leur version, ou\n"
        "bien il est dit pourquoi aucun n'est concerné : sans cette réponse, rien n'est clos.",
    )
    closing.set_defaults(run_command=close)
    closing.add_argument("--person", required=True, metavar="ID", help="personne qui la clôt")
    closing.add_argument(
        "--document",
        action="append",
        default=[],
        metavar="NOM, VERSION",
        help="document mis à jour (plusieurs fois possible)",
    )
    closing.add_argument(
        "--no-impact", default="", metavar="MOTIF", help="pourquoi aucun document n'est concerné"
    )
    for command in (ask, check, closing):
        command.add_argument(
            "--ticket", required=True, metavar="REF", help="ticket de l'intervention, par exemple AQ-123"
        )
        command.add_argument("--kind", required=True, choices=KINDS, help="nature de l'intervention")
        if command is not closing:
            command.add_argument(
                "--touches-replication",
                required=True,
                choices=(YES, NO),
                help="touche-t-elle la réplication ?",
            )
        add_platform(command)
        add_runs_dir(command)


def parse_planned(text: str) -> datetime | None:
    """The planned time, None for now; UsageError for what is no time."""
    from nonreg.errors import UsageError

    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(
            f"Heure prévue illisible : « {text} » (attendu : 2026-12-31T18:00+01:00)."
        ) from error


def answer(options: argparse.Namespace) -> int:
    """`pre-intervention`: a fresh run or a new campaign, then the answer."""
    from nonreg.commands.campaign import conclude, start_campaign
    from nonreg.commands.tracker import tell_unverified
    from nonreg.config import load_platform
    from nonreg.handover.profiles import Thing
    from nonreg.intervention import make_intervention
    from nonreg.model import Answer, InterventionKind
    from nonreg.plan import CampaignRequest
    from reports.intervention import ANSWERS
    from tasks.handover_work import make_work
    from tasks.intervention import decide, find_run, observe_version, publish_decision, read_max_age
    from tasks.profiles import require_may_start, say_scope

    asked = make_intervention(
        options.ticket,
        InterventionKind(options.kind),
        options.sensitive == YES,
        options.touches_replication == YES,
        options.reason,
        options.remote == YES,
        parse_planned(options.planned_at),
    )
    platform = load_platform(options.platform)
    runs_dir = Path(options.runs_dir)
    if options.person:
        work = make_work(options.platform, runs_dir)
        require_may_start(work, options.person, Thing.COMMAND, options.command)
        if scope := say_scope(work, options.person):
            print(scope, flush=True)  # noqa: T201
    tell_unverified(platform, options.ticket)  # before a campaign of half an hour
    hours = read_max_age(platform, options.max_age_hours)
    run_dir = None
    if not options.new_campaign:
        run_dir = find_run(platform, asked, runs_dir, datetime.now(UTC), hours)
    if run_dir is None:
        families = ",".join(family.name.lower() for family in asked.families)
        request = CampaignRequest(options.platform, families, "", options.ticket)
        run_dir = start_campaign(request, runs_dir, "Avant intervention", [])
        if run_dir is not None:
            conclude(run_dir)
    else:
        print(f"Passage assez récent : {run_dir}")  # noqa: T201
    decision, report = decide(
        platform, asked, run_dir, observe_version(platform), datetime.now(UTC), hours, options.person
    )
    answered = publish_decision(platform, decision, report, runs_dir)
    lines = [
        "",
        f"Réponse : {ANSWERS[decision.answer].text}",
        *(f"  {reason}" for reason in decision.reasons),
    ]
    lines += [
        f"Page : {answered.folder / 'page.html'}",
        f"       {answered.folder / 'page.pdf'}",
        f"Décision : {answered.folder / 'decision.json'}",
    ]
    print("\n".join(lines))  # noqa: T201
    return EXIT_KO if decision.answer is Answer.NO_GO else EXIT_OK


def check_go(options: argparse.Namespace) -> int:
    """`require-go`: exit code 0 only with a GO that holds now."""
    import sys

    from nonreg.config import load_platform
    from nonreg.errors import InterventionBlocked
    from nonreg.model import Answer, InterventionKind
    from reports.intervention import ANSWERS, describe_acceptance
    from tasks.intervention import require_go

    try:
        permission = require_go(
            load_platform(options.platform),
            options.ticket,
            InterventionKind(options.kind),
            options.touches_replication == YES,
            Path(options.runs_dir),
            datetime.now(UTC),
        )
    except InterventionBlocked as error:
        print(f"Erreur : {error}", file=sys.stderr)  # noqa: T201
        return EXIT_KO
    decision = permission.decision
    print(  # noqa: T201
        f"{ANSWERS[decision.answer].text} : décision {decision.id}, "
        f"valable jusqu'au {decision.expires_at:%d/%m/%Y à %H:%M UTC}."
    )
    if decision.answer is Answer.GO_AVEC_RESERVES:
        print("\n".join(f"  réserve : {reason}" for reason in decision.reasons))  # noqa: T201
    accepted = describe_acceptance(decision, permission.said)
    if accepted:
        print(f"  réserves {accepted}")  # noqa: T201
    if permission.outside_hours:
        print(f"Attention : {permission.outside_hours}", file=sys.stderr)  # noqa: T201
    return EXIT_OK


def close(options: argparse.Namespace) -> int:
    """`close-intervention`: what it changes in the documentation, recorded."""
    from nonreg.config import load_platform
    from nonreg.handover.profiles import Thing
    from nonreg.model import InterventionKind
    from tasks.handover_work import make_work
    from tasks.intervention_closing import close_intervention, make_impact
    from tasks.profiles import require_may_start

    work = make_work(options.platform, Path(options.runs_dir))
    require_may_start(work, options.person, Thing.COMMAND, options.command)
    impact = make_impact(tuple(options.document), options.no_impact)
    head = close_intervention(
        load_platform(options.platform),
        options.ticket,
        InterventionKind(options.kind),
        options.person,
        impact,
        Path(options.runs_dir),
        datetime.now(UTC),
    )
    print(f"Intervention {options.kind} close ({options.ticket}), registre ligne {head.sequence}.")  # noqa: T201
    return EXIT_OK
