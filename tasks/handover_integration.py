"""« integration_a_jour », and the record of installed runbooks that « poste » leaves for it.

What somebody reads at O7 are the runbooks of their workstation: the step that looks at it keeps their hashes, which
the ledger protects.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from nonreg.config import find_platform_file
from nonreg.errors import ConfigError
from nonreg.files import read_json
from nonreg.handover.activation import load_table
from nonreg.handover.checks import CHECKS, CheckContext, CheckResult, Point
from nonreg.handover.integrated import (
    INSTALLED_TITLE,
    Reading,
    find_complete,
    find_reading,
    list_integrations,
    list_points,
)
from nonreg.handover.runbook_file import find_runbook, list_runbooks
from nonreg.model.handover import Execution, Step
from nonreg.store import hash_file
from tasks.handover_production import Produced, Production
from tasks.handover_sources import load_executions
from tasks.handover_work import Work


def check_workstation(work: Work, execution: Execution, step: Step) -> Production:
    """The check of the workstation, and the hashes of the runbooks that are installed on it."""
    at, file = datetime.now(UTC), find_platform_file(work.platform_name).resolve()
    context = CheckContext(work.platform, file, work.people, execution.subject, at, work.runs_dir)
    content = json.dumps(hash_runbooks(), ensure_ascii=False, indent=2) + "\n"
    installed = Produced(f"{step.id}-runbooks-installes.json", INSTALLED_TITLE, content.encode("utf-8"))
    return Production(CHECKS["poste"](context), (installed,))


def check_integration(work: Work, execution: Execution, step: Step) -> Production:
    """Whether the person whom an activation is about was integrated, and may act on it yet."""
    executions, broken = load_executions(work)
    found = list_integrations(
        executions,
        subject=execution.subject,
        platform=work.platform.name,
        rehearsal=execution.rehearsal,
    )
    reading = find_reading(found)
    points = list_points(
        execution.subject,
        work.people,
        find_complete(found),
        reading,
        read_installed(work, reading),
        hash_runbooks(),
        load_table().integration,
        datetime.now(UTC),
    )
    unread = tuple(Point("Exécution illisible, laissée de côté", True, one) for one in broken)
    return Production(CheckResult((*points, *unread)))


def hash_runbooks() -> dict[str, str]:
    """SHA-256 of the file of each runbook, by its id."""
    return {name: find_runbook(name).sha256 for name in list_runbooks()}


def read_installed(work: Work, reading: Reading | None) -> dict[str, str]:
    """Hashes of the runbooks when they were read; nothing without a record, or from one that is not as it was."""
    if reading is None or reading.installed is None:
        return {}
    path = work.journal.folder(reading.execution.id) / reading.installed.path
    try:
        if not path.is_file() or hash_file(path) != reading.installed.sha256:
            return {}
        data = read_json(path)
    except (ConfigError, OSError):
        return {}
    return {str(name): str(sha256) for name, sha256 in data.items()} if isinstance(data, dict) else {}
