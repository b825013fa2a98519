"""The plan of a campaign: scenarios found, then selected. Nothing is executed here but pytest's collection."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nonreg.busy import MAX_WAIT_MINUTES
from nonreg.config import Platform
from nonreg.errors import UsageError
from nonreg.model import (
    CampaignPlan,
    DeclaredQueries,
    DrillStage,
    Effect,
    EffectLimit,
    Family,
    PlannedDrill,
    Scenario,
)
from nonreg.recorder import COLLECT_VARIABLE, RUN_VARIABLE
from nonreg.selection import is_selected
from nonreg.store import load_json
from nonreg.tickets import require_ticket
from nonreg.tool import read_commit, read_version

SCENARIOS_DIR = Path(__file__).parent / "scenarios"
COLLECT_DEADLINE_SECONDS = 60
MAX_RETRIES = 3
QUIET_EFFECTS = EffectLimit.DONNEES_MARQUEES.effects
CLOSING = re.compile(r"HD-00[1-9][a-z]?")  # « plateforme laissée comme trouvée »
DRILLED_FAMILIES = "hd"
DRILLS_NOW = "Des exercices n'attendent pas : ils casseraient la plateforme quand plus personne n'y pense."
DRILLS_WRITE = "Des exercices cassent et écrivent : ils ne vont pas avec des effets limités à la lecture."
RUN_NAMESPACE = uuid.UUID("7e0f0f0c-3c5e-4f7b-8a55-6a2f5c1b9d11")
FAMILY_NAMES = {
    "base": Family.BASE,
    "applicatif": Family.APPLICATIF,
    "app": Family.APPLICATIF,
    "hd": Family.HD,
}


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """What a person or a schedule asks for, as text; `scenarios` empty means the shipped ones.

    `drills` is the file of the decision that approves the drills; without one nothing disruptive is planned.
    `wait_minutes` is how long a platform that somebody else works on is waited for at most, 0 for not at all.
    """

    platform: str
    families: str = ""
    select: str = ""
    ticket: str = ""
    scenarios: str = ""
    retries: int = 0
    drills: str = ""
    effects: str = ""
    wait_minutes: int = 0

    def scenarios_dir(self) -> Path:
        """Folder that the scenarios come from."""
        return Path(self.scenarios).resolve() if self.scenarios else SCENARIOS_DIR


@dataclass(frozen=True, slots=True)
class ToolIdentity:
    """Who runs what: operator, version and commit of this tool, command that reproduces the run."""

    operator: str
    version: str
    commit: str
    command: str


def identify_tool(request: CampaignRequest) -> ToolIdentity:
    """Read from the process, the installed package and git."""
    options = {
        name: str(getattr(request, name) or "")
        for name in ("platform", "families", "select", "ticket", "effects", "scenarios", "retries", "drills")
    }
    words = [f"--{name} {shlex.quote(value)}" for name, value in options.items() if value]
    return ToolIdentity(
        operator=getpass.getuser(),
        version=read_version(),
        commit=read_commit() or "n.d.",
        command="python -m nonreg campaign " + " ".join(words),
    )


def new_run_id(platform_name: str) -> str:
    """A sortable, unique name: UTC start, platform, random end."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{platform_name}-{uuid.uuid4().hex[:6]}"


def pytest_command(scenarios_dir: Path) -> list[str]:
    """The pytest call that campaigns share: our plugins alone, none of the user's settings, nothing cached."""
    return [
        sys.executable,
        *("-m", "pytest", "-c", os.devnull, "--rootdir", str(scenarios_dir), "--import-mode=importlib"),
        # What else is installed would be loaded too, and costs a second at each start.
        *("--disable-plugin-autoload", "-p", "pytest_timeout"),
        *("-p", "no:cacheprovider", "-p", "nonreg.unswept", "-p", "nonreg.recorder", "-p", "nonreg.fixtures"),
        *("-p", "nonreg.sqlfiles.collect"),
        "--capture=sys",  # the recorder needs the real standard input
        # No summary of failures either: what a driver says may hold a password; events.jsonl has it without.
        *("-q", "-rN", "--no-header", "--tb=no", str(scenarios_dir)),
    ]


def collect_scenarios(scenarios_dir: Path) -> tuple[Scenario, ...]:
    """Every scenario of a folder, in pytest's order; UsageError with the reason when one is not sound."""
    if not scenarios_dir.is_dir():
        raise UsageError(f"Dossier de scénarios introuvable : {scenarios_dir}")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "scenarios.json"
        environment = {**os.environ, COLLECT_VARIABLE: str(target)}
        environment.pop(RUN_VARIABLE, None)
        done = subprocess.run(
            [*pytest_command(scenarios_dir), "--collect-only", "--tb=short", "-rE"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=COLLECT_DEADLINE_SECONDS,
            check=False,
        )
        if done.returncode == 5:
            return ()
        if done.returncode != 0:
            raise UsageError(describe_collection_failure(done.stdout + done.stderr, scenarios_dir))
        return load_json(tuple[Scenario, ...], target)


def describe_collection_failure(output: str, scenarios_dir: Path) -> str:
    """One French sentence from what pytest printed."""
    for line in output.splitlines():
        if line.startswith("ERROR: "):
            return line.removeprefix("ERROR: ")
    broken = re.search(r"^ERROR (\S+)", output, re.MULTILINE)
    if broken:
        file = os.path.relpath(os.path.abspath(broken[1]), scenarios_dir)
        reasons = re.findall(r"^E   +(\S.*)$", output, re.MULTILINE)
        return f"Scénario illisible : {file} ({reasons[-1] if reasons else 'erreur à l’import'})."
    return f"La collecte des scénarios de {scenarios_dir} a échoué."


def parse_families(text: str) -> tuple[Family, ...]:
    """Families from `base,hd`; UsageError names the unknown one."""
    families = []
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        if word not in FAMILY_NAMES:
            raise UsageError(f"Famille inconnue : « {word} » (connues : base, applicatif, hd).")
        families.append(FAMILY_NAMES[word])
    return tuple(dict.fromkeys(families)) or tuple(Family)


def parse_effects(text: str) -> EffectLimit:
    """The most that is allowed, tagged data unless told otherwise; UsageError names the unknown word."""
    if text and text not in list(EffectLimit):
        known = ", ".join(EffectLimit)
        raise UsageError(f"Effets inconnus : « {text} » (connus : {known}).")
    return EffectLimit(text or EffectLimit.DONNEES_MARQUEES)


def select_scenarios(
    scenarios: tuple[Scenario, ...],
    families: tuple[Family, ...],
    selection: str,
    drills: bool = False,
    limit: EffectLimit = EffectLimit.DONNEES_MARQUEES,
) -> tuple[Scenario, ...]:
    """Scenarios of the families whose id matches one of the comma-separated patterns (`HD-00*`).

    Families come in the order BASE, APPLICATIF, HD; ids in order inside. What the limit allows;
    disruptive ones when drills are asked for, then HD goes from what only reads to what breaks most (DOMAIN §2.4).
    """
    effects = limit.effects + ((Effect.DISRUPTIVE,) if drills else ())
    kept = [
        found
        for found in scenarios
        if found.family in families and found.effect in effects and is_selected(found.id, selection)
    ]

    def place(found: Scenario) -> tuple[int, int, int, str]:
        family = list(Family).index(found.family)
        if not drills or found.family is not Family.HD:
            return family, 0, 0, found.id
        stage = list(DrillStage).index(found.drill.stage) if found.drill else 0
        return family, effects.index(found.effect), stage, found.id

    return tuple(sorted(kept, key=place))


def plan_campaign(
    request: CampaignRequest,
    platform: Platform,
    scenarios: tuple[Scenario, ...],
    run_id: str,
    tool: ToolIdentity,
) -> CampaignPlan:
    """The plan of one run; UsageError for an empty selection or a bad ticket reference.

    Drills that are asked for are in it only with an approval that holds now: DrillRefused or DecisionRefused.
    """
    from nonreg.drills.approval import approve_plan

    plan = draft_plan(request, platform, scenarios, run_id, tool, bool(request.drills))
    return approve_plan(platform, plan, Path(request.drills), datetime.now(UTC)) if request.drills else plan


def draft_plan(
    request: CampaignRequest,
    platform: Platform,
    scenarios: tuple[Scenario, ...],
    run_id: str,
    tool: ToolIdentity,
    drills: bool,
) -> CampaignPlan:
    """The plan of one run, with what its drills would do, not yet approved by anybody."""
    if not 0 <= request.retries <= MAX_RETRIES:
        raise UsageError(f"Nombre de nouveaux essais refusé : {request.retries} (0 à {MAX_RETRIES}).")
    if not 0 <= request.wait_minutes <= MAX_WAIT_MINUTES:
        raise UsageError(f"Attente refusée : {request.wait_minutes} min (0 à {MAX_WAIT_MINUTES}).")
    if drills and request.wait_minutes:
        raise UsageError(DRILLS_NOW)
    families = parse_families(request.families or (DRILLED_FAMILIES if drills else ""))
    selection, ticket, limit = request.select, request.ticket, parse_effects(request.effects)
    if drills and limit is EffectLimit.LECTURE:
        raise UsageError(DRILLS_WRITE)
    reference = ticket or platform.default_ticket
    if not reference:
        raise UsageError(
            f"Indiquez un ticket (--ticket) : la plateforme « {platform.name} » n'en a pas par défaut."
        )
    chosen = select_scenarios(scenarios, families, selection, drills, limit)
    if not chosen:
        names = ", ".join(family.name for family in families)
        bounded = " en lecture seule" if limit is EffectLimit.LECTURE else ""
        raise UsageError(
            f"Sélection vide : aucun scénario de {names}{bounded} ne correspond à « {selection or '*'} »."
        )
    drilled, planned = resolve_drills(platform, chosen, request.scenarios_dir()) if drills else ((), chosen)
    return CampaignPlan(
        run_id=run_id,
        campaign_id=str(uuid.uuid5(RUN_NAMESPACE, run_id)),
        platform=platform.identity(),
        ticket=require_ticket(reference),
        operator=tool.operator,
        created_at=datetime.now(UTC),
        families=families,
        selection=selection,
        scenarios=planned,
        tool_version=tool.version,
        tool_commit=tool.commit,
        command=tool.command,
        limits=platform.list_limits(),
        catalog=request.scenarios and request.scenarios_dir().name,
        retries=request.retries,
        drills=drilled,
        closing=choose_closing(scenarios) if drills else (),
        drills_left_out=tuple(
            sorted(found.id for found in scenarios if found.drill is not None and found not in chosen)
        ),
        declared=list_declared(scenarios),
        effects=limit,
        effects_left_out=tuple(
            found.id
            for found in select_scenarios(scenarios, families, selection)
            if found.effect not in limit.effects
        ),
    )


def list_declared(scenarios: Iterable[Scenario]) -> tuple[DeclaredQueries, ...]:
    """What the scenarios declare, in order of ids: one that only reads has the read account alone."""
    return tuple(
        DeclaredQueries(found.id, found.queries, found.effect is not Effect.READ_ONLY)
        for found in sorted(scenarios, key=lambda one: one.id)
        if found.queries
    )


def resolve_drills(
    platform: Platform, chosen: tuple[Scenario, ...], scenarios_dir: Path
) -> tuple[tuple[PlannedDrill, ...], tuple[Scenario, ...]]:
    """What the chosen drills will do here, and the scenarios with what people may take; UsageError for no drill."""
    from nonreg.drills.planning import allow_for_people, plan_drills

    drills = plan_drills(platform, chosen, scenarios_dir)
    if not drills:
        raise UsageError("Aucun exercice ne correspond à cette sélection.")
    return drills, allow_for_people(chosen, drills)


def choose_closing(scenarios: tuple[Scenario, ...]) -> tuple[Scenario, ...]:
    """The checks done again after the drills, whatever was selected; UsageError when the catalog has none."""
    closing = sorted(
        (found for found in scenarios if CLOSING.fullmatch(found.id) and found.effect in QUIET_EFFECTS),
        key=lambda found: found.id,
    )
    if not closing:
        raise UsageError(
            "Ces scénarios n'ont aucun contrôle HD-001 à HD-009 : rien ne prouverait que les exercices laissent "
            "la plateforme comme ils l'ont trouvée."
        )
    return tuple(closing)
