"""SQL Server Agent's jobs: disabled, never run, and run once with its history purged since are three states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nonreg.clients.sql import Rows

NEVER_RUN, DISABLED = "never_run", "disabled"
GOES_ON = "running"  # begun with the Agent and never ended: how it ended before an earlier stop says nothing
RUNNING = "running"
BAD_OUTCOMES = {"failed": "en échec", "canceled": "annulée", "retry": "en nouvelle tentative"}


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its state, how its last run ended (empty when it never ran), how long that took."""

    name: str
    owner: str
    enabled: bool
    state: str
    last_outcome: str
    duration_seconds: int | None
    enabled_schedules: int


def parse_jobs(rows: Rows) -> tuple[Job, ...]:
    """The rows of the query `agent_jobs`."""
    return tuple(
        Job(
            str(row["job_name"]),
            str(row["owner_name"] or ""),
            bool(row["enabled"]),
            str(row["state"]),
            str(row["last_outcome"] or ""),
            None if row["duration_seconds"] is None else int(row["duration_seconds"]),
            int(row["enabled_schedules"]),
        )
        for row in rows.dicts()
    )


def judge_job(job: Job) -> str:
    """What is wrong with a job that must run by itself, in French; empty when nothing is."""
    if not job.enabled or job.state == DISABLED:
        return f"tâche {job.name} : désactivée"
    if not job.enabled_schedules:
        return f"tâche {job.name} : aucune planification active"
    if job.state == GOES_ON:
        return ""
    if job.state == NEVER_RUN:
        return f"tâche {job.name} : jamais exécutée"
    ended = BAD_OUTCOMES.get(job.last_outcome)
    return f"tâche {job.name} : dernière exécution {ended}" if ended else ""


def judge_jobs(jobs: tuple[Job, ...], owners: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with the jobs that must be there, by name with their owners; jobs of others are not judged."""
    known = {job.name: job for job in jobs}
    missing = (f"tâche {name} : absente" for name in owners if name not in known)
    wrong = (judge_job(known[name]) for name in owners if name in known)
    moved = (
        f"tâche {name} : propriétaire {known[name].owner or 'inconnu'}, {owner} attendu"
        for name, owner in owners.items()
        if name in known and known[name].owner.casefold() != owner.casefold()
    )
    return (*missing, *filter(None, wrong), *moved)


def list_owners(jobs: tuple[Job, ...]) -> dict[str, str]:
    """Jobs that run by themselves, with their owners: what a reference keeps."""
    return {job.name: job.owner for job in jobs if job.enabled and job.enabled_schedules}


def judge_service(rows: Rows) -> str:
    """What is wrong with the Agent's service, from the query `agent_service`; empty when it runs."""
    states = [str(row["state"]) for row in rows.dicts()]
    if not states:
        return "le service n'est pas installé"
    stopped = [state for state in states if state.casefold() != RUNNING]
    return f"état du service : {stopped[0]}" if stopped else ""
