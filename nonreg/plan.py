"""The plan of a campaign: scenarios found, then selected. Nothing is executed here but pytest's collection."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nonreg.config import Platform
from nonreg.errors import UsageError
from nonreg.model import CampaignPlan, Effect, Family, Scenario
from nonreg.recorder import COLLECT_VARIABLE, RUN_VARIABLE
from nonreg.selection import is_selected
from nonreg.store import load_json
from nonreg.tickets import require_ticket

SCENARIOS_DIR = Path(__file__).parent / "scenarios"
COLLECT_DEADLINE_SECONDS = 60
MAX_RETRIES = 3
RUN_NAMESPACE = uuid.UUID("7e0f0f0c-3c5e-4f7b-8a55-6a2f5c1b9d11")
FAMILY_NAMES = {
    "base": Family.BASE,
    "applicatif": Family.APPLICATIF,
    "app": Family.APPLICATIF,
    "hd": Family.HD,
}


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """What a person or a schedule asks for, as text; `scenarios` empty means the shipped ones."""

    platform: str
    families: str = ""
    select: str = ""
    ticket: str = ""
    scenarios: str = ""
    retries: int = 0

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
    git = ["git", "-C", str(SCENARIOS_DIR), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        described = subprocess.run(
            git, capture_output=True, text=True, timeout=10, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        described = ""
    options = {
        name: str(getattr(request, name) or "")
        for name in ("platform", "families", "select", "ticket", "scenarios", "retries")
    }
    words = [f"--{name} {shlex.quote(value)}" for name, value in options.items() if value]
    return ToolIdentity(
        operator=getpass.getuser(),
        version=importlib.metadata.version("aquareel-nonreg"),
        commit=described or "n.d.",
        command="python -m nonreg campaign " + " ".join(words),
    )


def new_run_id(platform_name: str) -> str:
    """A sortable, unique name: UTC start, platform, random end."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{platform_name}-{uuid.uuid4().hex[:6]}"


def pytest_command(scenarios_dir: Path) -> list[str]:
    """The pytest call that campaigns share: our plugins, none of the user's settings, nothing cached."""
    return [
        sys.executable,
        *("-m", "pytest", "-c", os.devnull, "--rootdir", str(scenarios_dir), "--import-mode=importlib"),
        *("-p", "no:cacheprovider", "-p", "nonreg.recorder", "-p", "nonreg.fixtures"),
        "--capture=sys",  # the recorder needs the real standard input
        *("-q", "--no-header", "--tb=no", str(scenarios_dir)),
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
            [*pytest_command(scenarios_dir), "--collect-only", "--tb=short"],
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


def select_scenarios(
    scenarios: tuple[Scenario, ...], families: tuple[Family, ...], selection: str
) -> tuple[Scenario, ...]:
    """Scenarios of the families whose id matches one of the comma-separated patterns (`HD-00*`).

    Families come in the order BASE, APPLICATIF, HD; ids in order inside. Only read-only and tagged-data
    scenarios: disruptive and manual ones need an approved plan.
    """
    order = list(Family)
    kept = [
        found
        for found in scenarios
        if found.family in families
        and found.effect in (Effect.READ_ONLY, Effect.WRITES_TEST_DATA)
        and is_selected(found.id, selection)
    ]
    return tuple(sorted(kept, key=lambda found: (order.index(found.family), found.id)))


def plan_campaign(
    request: CampaignRequest,
    platform: Platform,
    scenarios: tuple[Scenario, ...],
    run_id: str,
    tool: ToolIdentity,
) -> CampaignPlan:
    """The plan of one run; UsageError for an empty selection or a bad ticket reference."""
    if not 0 <= request.retries <= MAX_RETRIES:
        raise UsageError(f"Nombre de nouveaux essais refusé : {request.retries} (0 à {MAX_RETRIES}).")
    families, selection, ticket = parse_families(request.families), request.select, request.ticket
    reference = ticket or platform.default_ticket
    if not reference:
        raise UsageError(
            f"Indiquez un ticket (--ticket) : la plateforme « {platform.name} » n'en a pas par défaut."
        )
    chosen = select_scenarios(scenarios, families, selection)
    if not chosen:
        names = ", ".join(family.name for family in families)
        raise UsageError(
            f"Sélection vide : aucun scénario de {names} ne correspond à « {selection or '*'} »."
        )
    return CampaignPlan(
        run_id=run_id,
        campaign_id=str(uuid.uuid5(RUN_NAMESPACE, run_id)),
        platform=platform.identity(),
        ticket=require_ticket(reference),
        operator=tool.operator,
        created_at=datetime.now(UTC),
        families=families,
        selection=selection,
        scenarios=chosen,
        tool_version=tool.version,
        tool_commit=tool.commit,
        command=tool.command,
        limits=platform.list_limits(),
        catalog=request.scenarios and request.scenarios_dir().name,
        retries=request.retries,
    )
