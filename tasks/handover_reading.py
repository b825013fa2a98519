"""The documents that somebody acknowledges as read, kept with their hashes at that moment.

A field « oui » of a step names its document: a runbook as it is installed, the history of tickets, or the analysis
report where `site.toml` says that it is (`"rapport d'analyse" = "…"`); the tool holds no other copy of that one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from nonreg.errors import UsageError
from nonreg.files import read_text
from nonreg.french import explain_os_error
from nonreg.handover.activation import load_table
from nonreg.handover.integrated import name_runbook
from nonreg.handover.runbook_file import ANALYSIS, RUNBOOK_DOCUMENT, find_files, find_runbook, read_facts
from nonreg.model import Evidence
from nonreg.model.handover import Execution, Said, Step
from reports.briefing import build_ticket_history
from reports.html import write_html
from tasks.handover_production import Produced
from tasks.handover_sources import Gathering
from tasks.handover_work import Work

ANALYSIS_FACT = "rapport d'analyse"


def keep_documents(
    work: Work, execution: Execution, step: Step, said: tuple[Said, ...]
) -> tuple[Evidence, ...]:
    """Every document that these answers acknowledge; UsageError when one cannot be read."""
    acknowledged = {one.field for one in said if one.value}
    at, named = datetime.now(UTC), [one.document for one in step.fields if one.id in acknowledged]
    made = [one for name in named if name for one in read_document(work, execution, name, at)]
    return tuple(
        work.journal.keep_evidence(
            execution, f"{step.id}-{at:%Y%m%dT%H%M%SZ}-{one.name}", one.title, one.content
        )
        for one in made
    )


def read_document(work: Work, execution: Execution, name: str, at: datetime) -> Iterator[Produced]:
    """One document; nothing for an analysis report whose place the site has not told."""
    if name.startswith(RUNBOOK_DOCUMENT):
        runbook = find_runbook(name.removeprefix(RUNBOOK_DOCUMENT))
        content = read_text(find_files()[runbook.id]).encode("utf-8")
        yield Produced(f"{runbook.id}.toml", name_runbook(runbook.id, runbook.version), content)
    elif name == ANALYSIS:
        yield from read_analysis(work)
    else:
        briefing = Gathering(work, execution, load_table(), at).gather()
        page = write_html(build_ticket_history(briefing, execution))
        yield Produced("tickets.html", "Historique des tickets", page.encode("utf-8"))


def read_analysis(work: Work) -> Iterator[Produced]:
    """The analysis report, from a path that counts from the governance folder; UsageError when it is not there."""
    folder = work.people.file.parent
    told = read_facts(folder).get(ANALYSIS_FACT, "")
    if not told:
        return
    path = folder / told
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"Rapport d'analyse introuvable : {path} ({explain_os_error(error)}).") from error
    yield Produced(f"analyse{path.suffix}", "Rapport d'analyse", content)
