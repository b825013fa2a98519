"""SQL Server Agent's jobs: disabled, never run, and run once with its history purged since are three states."""

from __future__ import annotations

from dataclasses import dataclass

from nonreg.clients.sql import Rows

NEVER_RUN, DISABLED = "never_run", "disabled"
BAD_OUTCOMES = {"failed": "en échec", "canceled": "annulée", "retry": "en nouvelle tentative"}


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its state, how its last run ended (empty when it never ran), how long that took."""

    name: str
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
    if job.state == NEVER_RUN:
        return f"tâche {job.name} : jamais exécutée"
    ended = BAD_OUTCOMES.get(job.last_outcome)
    return f"tâche {job.name} : dernière exécution {ended}" if ended else ""


def judge_jobs(jobs: tuple[Job, ...], expected: tuple[str, ...]) -> tuple[str, ...]:
    """What is wrong with the expected jobs, those that are not there included; jobs of others are not judged."""
    known = {job.name: job for job in jobs}
    missing = (f"tâche {name} : absente" for name in expected if name not in known)
    wrong = (judge_job(known[name]) for name in expected if name in known)
    return (*missing, *filter(None, wrong))
