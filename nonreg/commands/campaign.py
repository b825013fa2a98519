"""Commands of campaigns: run, list, watch, report again, photograph the reference."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.busy import WAIT_MINUTES, WhenBusy
from nonreg.commands import EXIT_INCOMPLETE, EXIT_KO, EXIT_OK, Commands, add_runs_dir
from nonreg.errors import NonregError, UsageError
from nonreg.french import explain_os_error
from nonreg.model.vocabulary import EffectLimit
from nonreg.wording import plural

if TYPE_CHECKING:
    from nonreg.config import Platform
    from nonreg.model import CampaignPlan
    from nonreg.plan import CampaignRequest

HEAL_SECONDS = 600.0  # for a stopped campaign to heal what its drills broke, and to check it
EXIT_CODES = (
    "codes de sortie : 0 OK (avec ou sans réserves), 1 KO, 2 INCOMPLET,\n"
    "3 erreur d'utilisation ou de configuration"
)


def add_commands(commands: Commands) -> None:
    """Add `campaign`, `scenarios`, `report`, `watch` and `snapshot`."""
    campaign = commands.add_parser(
        "campaign",
        help="exécuter une campagne et publier son rapport",
        description="Exécute une campagne sur une plateforme de test et publie le rapport A.2.\n"
        "Exemple : python -m nonreg campaign --platform essai.toml --families base,hd --ticket AQ-123",
        epilog=EXIT_CODES,
    )
    campaign.set_defaults(run_command=run_campaign)
    add_selection(campaign)
    add_effects(campaign)
    campaign.add_argument(
        "--ticket", default="", metavar="REF", help="référence du ticket, par exemple AQ-123"
    )
    add_runs_dir(campaign)
    campaign.add_argument(
        "--label", default="Campagne", metavar="TEXTE", help="début du nom du passage dans Prefect"
    )
    campaign.add_argument(
        "--project-junit",
        nargs="+",
        default=[],
        metavar="FICHIER",
        help="fichiers JUnit des tests du projet, à compter dans le rapport",
    )
    campaign.add_argument(
        "--retries",
        type=int,
        default=0,
        metavar="N",
        help="nouveaux essais d'un scénario en échec, à la fin (défaut : 0) ; le premier échec reste au rapport",
    )
    campaign.add_argument(
        "--drills",
        default="",
        metavar="FICHIER",
        help="autorisation d'exercices signée par le titulaire (voir « plan ») : elle seule permet de casser quelque\n"
        "chose ; les familles sont alors hd par défaut",
    )
    campaign.add_argument(
        "--when-busy",
        default=WhenBusy.REFUSER.value,
        choices=[one.value for one in WhenBusy],
        help="quand une autre campagne est en cours sur la plateforme (défaut : refuser)",
    )
    campaign.add_argument(
        "--wait-minutes",
        type=int,
        default=WAIT_MINUTES,
        metavar="N",
        help=f"attente au plus, en minutes, avec « --when-busy attendre » (défaut : {WAIT_MINUTES})",
    )
    scenarios = commands.add_parser("scenarios", help="lister les scénarios qui seraient exécutés")
    scenarios.set_defaults(run_command=list_scenarios)
    add_selection(scenarios)
    add_effects(scenarios)
    scenarios.add_argument(
        "--drills",
        action="store_true",
        help="avec les exercices HD, qui demandent une autorisation signée (voir « plan »)",
    )
    report = commands.add_parser("report", help="juger ce qu'un passage a enregistré et refaire son rapport")
    report.set_defaults(run_command=report_run)
    report.add_argument("run", metavar="PASSAGE", help="dossier du passage (runs/…)")
    report.add_argument(
        "--project-junit", nargs="+", default=[], metavar="FICHIER", help="fichiers JUnit des tests du projet"
    )
    follow = commands.add_parser("watch", help="suivre un passage en cours, depuis un autre terminal")
    follow.set_defaults(run_command=watch)
    follow.add_argument("run", metavar="PASSAGE", help="dossier du passage (runs/…)")
    snapshot = commands.add_parser(
        "snapshot", help="écrire les fichiers de référence d'une plateforme, à relire dans git"
    )
    snapshot.set_defaults(run_command=take_snapshot)
    snapshot.add_argument(
        "--platform", required=True, metavar="NOM|FICHIER", help="plateforme à photographier"
    )
    snapshot.add_argument("--output", required=True, metavar="DOSSIER", help="dossier à écrire")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Options that say which scenarios, on which platform."""
    parser.add_argument(
        "--platform",
        default="embarquee",
        metavar="NOM|FICHIER",
        help="nom ou fichier TOML de la plateforme (défaut : embarquee)",
    )
    parser.add_argument(
        "--families", default="", metavar="LISTE", help="familles parmi base,applicatif,hd (défaut : toutes)"
    )
    parser.add_argument(
        "--select", default="", metavar="MOTIFS", help="motifs d'identifiants, par exemple 'HD-00*,BASE-004'"
    )
    parser.add_argument(
        "--scenarios", default="", metavar="DOSSIER", help="autre dossier de scénarios que celui du projet"
    )


def add_effects(parser: argparse.ArgumentParser) -> None:
    """What the scenarios may do."""
    parser.add_argument(
        "--effects",
        default="",
        choices=[limit.value for limit in EffectLimit],
        metavar="|".join(EffectLimit),
        help="ce que les scénarios peuvent faire au plus (défaut : donnees-marquees) ; en lecture, ceux qui écrivent\n"
        "sont laissés de côté",
    )


def run_campaign(options: argparse.Namespace) -> int:
    """`campaign`: run, then say the verdict."""
    from nonreg.plan import CampaignRequest

    request = CampaignRequest(
        options.platform,
        options.families,
        options.select,
        options.ticket,
        options.scenarios,
        options.retries,
        options.drills,
        options.effects,
        WhenBusy(options.when_busy).wait_minutes(options.wait_minutes),
    )
    run_dir = start_campaign(request, Path(options.runs_dir), options.label, options.project_junit)
    if options.drills:
        tell_unhealed(options.platform)
    return EXIT_INCOMPLETE if run_dir is None else conclude(run_dir)


def tell_unhealed(platform_name: str) -> None:
    """Say how to heal what a campaign with drills could not, even when it was killed."""
    from nonreg.config import load_platform
    from nonreg.drills.register import open_register

    left = open_register(load_platform(platform_name)).pending()
    if left:
        ids = ", ".join(dict.fromkeys(entry.scenario_id for entry in left))
        print(  # noqa: T201
            f"La plateforme n'est pas guérie ({ids}) : python -m nonreg heal --platform {platform_name}",
            file=sys.stderr,
        )


def start_campaign(
    request: CampaignRequest, runs_dir: Path, label: str, project_junit: list[str]
) -> Path | None:
    """Check the request, then run the flow with live progress; the run's folder, None if nothing was planned."""
    from nonreg.basis import load_basis
    from nonreg.config import load_platform
    from nonreg.flow_process import STOP_SECONDS, flow_process
    from nonreg.interrupts import raise_noted
    from nonreg.keeper import LOG
    from nonreg.plan import collect_scenarios, identify_tool, new_run_id, plan_campaign
    from nonreg.progress import watch_run
    from nonreg.store import PLAN

    platform = load_platform(request.platform)
    run_id = new_run_id(platform.name)
    # Usage errors are told now: the flow, which checks again, takes seconds to start.
    catalog = collect_scenarios(request.scenarios_dir())
    plan = plan_campaign(request, platform, catalog, run_id, identify_tool(request))
    load_basis(platform, plan, catalog, runs_dir)
    if plan.drills:
        record_use(platform, plan, request, runs_dir)
    run_dir = runs_dir / run_id
    try:
        run_dir.mkdir(parents=True)
    except OSError as error:
        raise NonregError(
            f"Dossier des passages impossible à écrire : {runs_dir} ({explain_os_error(error)})."
        ) from error
    counted = plural(len(plan.scenarios), "scénario", "scénarios")
    if plan.drills:
        counted += f", dont {plural(len(plan.drills), 'exercice', 'exercices')},"
    if plan.effects_left_out:
        left_out = plural(len(plan.effects_left_out), "laissé", "laissés")
        counted += f" ({left_out} de côté : lecture seule)"
    print(f"Campagne {run_id} : {counted} sur « {platform.title} »", flush=True)  # noqa: T201
    parameters = {
        "platform": request.platform,
        "families": [family.name.lower() for family in plan.families],
        "select": request.select,
        "ticket": request.ticket,
        "label": label,
        "scenarios": request.scenarios,
        "runs_dir": str(runs_dir),
        "run_id": run_id,
        "project_junit": project_junit,
        "retries": request.retries,
        "drills": request.drills,
        "effects": plan.effects.value,
        "when_busy": WhenBusy.ATTENDRE if request.wait_minutes else WhenBusy.REFUSER,
        "wait_minutes": request.wait_minutes or WAIT_MINUTES,
    }
    stop_seconds = HEAL_SECONDS if plan.drills else STOP_SECONDS
    try:
        with flow_process(run_dir, parameters, stop_seconds) as process, say_what_a_stop_does(plan):
            steps = make_teller(request.platform, platform, plan)
            watch_run(run_dir, lambda: raise_noted() or steps() or process.poll() is not None)
            process.wait()
    except KeyboardInterrupt:
        print("Interrompu : le rapport porte sur ce qui a été enregistré.")  # noqa: T201
    if not (run_dir / PLAN).is_file():
        print(f"La campagne n'a pas commencé ; voir {run_dir / LOG}.", file=sys.stderr)  # noqa: T201
        return None
    return run_dir


def record_use(platform: Platform, plan: CampaignPlan, request: CampaignRequest, runs_dir: Path) -> None:
    """Make sure that the approval is in the ledger before anything starts."""
    from datetime import UTC, datetime

    from nonreg.commands.tracker import tell_unverified
    from nonreg.decision import load_signed
    from nonreg.drills.approval import record_approval

    tell_unverified(platform, plan.ticket)
    record_approval(runs_dir, platform, plan, load_signed(Path(request.drills)), datetime.now(UTC))


@contextmanager
def say_what_a_stop_does(plan: CampaignPlan) -> Iterator[None]:
    """Whoever interrupts drills is told why it does not end at once."""
    try:
        yield
    except KeyboardInterrupt:
        if plan.drills:
            print("Arrêt : ce qui est cassé est guéri et contrôlé, patientez.", flush=True)  # noqa: T201
        raise


def make_teller(name: str, platform: Platform, plan: CampaignPlan) -> Callable[[], bool]:
    """Prints each operator step of the run once, as soon as a drill waits for it; always False."""
    from nonreg.drills.operator import describe_step, list_open

    told: set[str] = set()

    def tell() -> bool:
        for step in list_open(platform) if plan.drills else ():
            if step.run_id == plan.run_id and step.id not in told:
                told.add(step.id)
                print(describe_step(step, name), flush=True)  # noqa: T201
        return False

    return tell


def conclude(run_dir: Path) -> int:
    """Print the verdict and where the report is; if the flow could not publish, do it here."""
    from nonreg.model import CampaignReport, Outcome, Verdict
    from nonreg.store import load_json
    from tasks.publication import is_published, read_problems

    if not is_published(run_dir):
        publish(run_dir, ())
    for problem in read_problems(run_dir):
        print(problem, file=sys.stderr)  # noqa: T201
    report = load_json(CampaignReport, run_dir / "report.json")
    label = {
        Verdict.OK: "OK",
        Verdict.OK_AVEC_RESERVES: "OK AVEC RÉSERVES",
        Verdict.INCOMPLET: "INCOMPLET",
        Verdict.KO: "KO",
    }
    verdict = report.assessment.verdict
    lines = ["", f"Verdict : {label[verdict]}", *(f"  {reason}" for reason in report.assessment.reasons)]
    titles = {found.id: found.title for found in report.run.plan.scenarios}
    lines += [
        f"    {found.scenario_id} {titles[found.scenario_id]} — {found.outcome} : {found.note}"
        for found in report.assessment.findings
        if found.note and found.outcome in (Outcome.KO, Outcome.INCONCLUSIF)
    ]
    lines += [f"Rapport : {run_dir / 'report.html'}", f"          {run_dir / 'report.pdf'}"]
    print("\n".join(lines))  # noqa: T201
    return {Verdict.KO: EXIT_KO, Verdict.INCOMPLET: EXIT_INCOMPLETE}.get(verdict, EXIT_OK)


def publish(run_dir: Path, project_junit: tuple[Path, ...]) -> None:
    """Judge and report what a run recorded, without Prefect."""
    from tasks.publication import judge_folder, publish_report

    publish_report(run_dir, judge_folder(run_dir, project_junit))


def report_run(options: argparse.Namespace) -> int:
    """`report`: judge again, publish again."""
    from nonreg.store import is_running

    run_dir = Path(options.run)
    if is_running(run_dir):
        raise UsageError(
            f"Le passage {run_dir.name} est encore en cours ; suivez-le par « python -m nonreg watch {run_dir} »."
        )
    publish(run_dir, tuple(Path(file) for file in options.project_junit))
    return conclude(run_dir)


def list_scenarios(options: argparse.Namespace) -> int:
    """`scenarios`: what a campaign would execute."""
    from nonreg.config import load_platform
    from nonreg.plan import (
        DRILLS_WRITE,
        CampaignRequest,
        collect_scenarios,
        parse_effects,
        parse_families,
        select_scenarios,
    )

    load_platform(options.platform)
    request = CampaignRequest(options.platform, options.families, options.select, "", options.scenarios)
    limit = parse_effects(options.effects)
    if options.drills and limit is EffectLimit.LECTURE:
        raise UsageError(DRILLS_WRITE)
    chosen = select_scenarios(
        collect_scenarios(request.scenarios_dir()),
        parse_families(request.families),
        request.select,
        options.drills,
        limit,
    )
    for found in chosen:
        print(f"{found.id:<9} {found.criticality.value:<9} {found.effect.value:<17} {found.title}")  # noqa: T201
    print(f"{len(chosen)} scénario(s)")  # noqa: T201
    return EXIT_OK


def watch(options: argparse.Namespace) -> int:
    """`watch`: follow a run until it ends."""
    from nonreg.progress import watch_run

    run_dir = Path(options.run)
    if not run_dir.is_dir():
        raise UsageError(f"Passage introuvable : {run_dir}")
    watch_run(run_dir, lambda: False)
    return EXIT_OK


def take_snapshot(options: argparse.Namespace) -> int:
    """`snapshot`: write reference files for review."""
    from nonreg.config import load_platform
    from nonreg.snapshot import write_snapshot

    folder = Path(options.output)
    names = write_snapshot(load_platform(options.platform), folder)
    print(f"{folder} : {', '.join(names)}. À relire et à valider dans git.")  # noqa: T201
    return EXIT_OK
