"""A purge of the runs of a platform, with the page that people read of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nonreg.errors import UsageError
from nonreg.model.retention import Purged, RetentionPlan
from nonreg.retention.plan import make_plan
from nonreg.retention.purge import Asked, run_purge
from nonreg.tickets import require_ticket
from reports.html import write_html
from reports.retention import build_purge_page
from tasks.handover_work import Work

PAGE = "purge.html"


def prepare_purge(work: Work, now: datetime) -> RetentionPlan:
    """What a purge would remove; a NonregError when something does not hold that has to."""
    return make_plan(work.platform, work.people, work.runs_dir, now)


def purge(work: Work, now: datetime, ticket: str = "", person: str = "") -> Purged:
    """Remove what may be removed; UsageError for a ticket or a person that is none."""
    if ticket:
        require_ticket(ticket)
    if person and work.people.find(person) is None:
        raise UsageError(f"Personne inconnue de {work.people.file.name} : « {person} ».")
    asked = Asked(work.platform, work.people, work.runs_dir, ticket, person, render_pages)
    return run_purge(asked, now)


def render_pages(plan: RetentionPlan, purge_id: str) -> Mapping[str, str | bytes]:
    """What people read of a purge."""
    return {PAGE: write_html(build_purge_page(plan, purge_id))}
