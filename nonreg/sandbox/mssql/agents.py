"""The two agents of the pair: jobs of SQL Server Agent, found by what they carry, started, stopped, waited for.

A job that is asked to start or stop answers before it has: what counts is the activity that msdb has of it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from nonreg.errors import RequestFailed
from nonreg.sandbox.mssql.install import exists, find_value, run
from nonreg.waiting import DeadlinePassed, wait_until

POLL_SECONDS = 1.0
AGENT_SECONDS = 60.0


class Agent(Enum):
    """Which one; the value is what it carries, in French."""

    LOG_READER = "lecture du journal"
    DISTRIBUTION = "distribution"


# Of a published database. There is one subscription: its agent needs no further name.
FIND_JOB = {
    Agent.LOG_READER: "SELECT CONVERT(nvarchar(36), CAST(MAX(g.job_id) AS uniqueidentifier)) "
    "FROM distribution.dbo.MSlogreader_agents g WHERE g.publisher_db = ?",
    Agent.DISTRIBUTION: "SELECT CONVERT(nvarchar(36), CAST(MAX(d.job_id) AS uniqueidentifier)) "
    "FROM distribution.dbo.MSdistribution_agents d WHERE d.publisher_db = ? AND d.subscriber_id >= 0",
}
LAST_WORDS = {
    Agent.LOG_READER: "SELECT TOP (1) CAST(h.comments AS nvarchar(500)) FROM distribution.dbo.MSlogreader_history h "
    "JOIN distribution.dbo.MSlogreader_agents g ON g.id = h.agent_id WHERE g.publisher_db = ? "
    "ORDER BY h.[timestamp] DESC",
    Agent.DISTRIBUTION: "SELECT TOP (1) CAST(h.comments AS nvarchar(500)) "
    "FROM distribution.dbo.MSdistribution_history h JOIN distribution.dbo.MSdistribution_agents d "
    "ON d.id = h.agent_id WHERE d.publisher_db = ? ORDER BY h.[timestamp] DESC",
}
RUNNING = (
    "SELECT MAX(a.session_id) FROM msdb.dbo.sysjobactivity a WHERE a.job_id = CAST(? AS uniqueidentifier) "
    "AND a.session_id = (SELECT MAX(s.session_id) FROM msdb.dbo.syssessions s) "
    "AND a.start_execution_date IS NOT NULL AND a.stop_execution_date IS NULL"
)
START = "DECLARE @job uniqueidentifier = ?; EXEC msdb.dbo.sp_start_job @job_id = @job;"
STOP = "DECLARE @job uniqueidentifier = ?; EXEC msdb.dbo.sp_stop_job @job_id = @job;"


def find_job(connection: Any, agent: Agent, database: str) -> str | None:
    """The number of an agent's job; None when this database has no such agent, or the server no distribution."""
    if not exists(connection, "SELECT DB_ID(?)", "distribution"):
        return None
    found = find_value(connection, FIND_JOB[agent], database)
    return None if found is None else str(found)


def start_agent(connection: Any, agent: Agent, database: str) -> None:
    """Return once it runs, whoever started it; RequestFailed when there is none or it does not in time."""
    job = find_job(connection, agent, database)
    if job is None:
        raise RequestFailed(f"Aucun agent de {agent.value} pour la base « {database} ».")
    set_running(connection, agent, job, wanted=True)


def stop_agent(connection: Any, agent: Agent, database: str) -> None:
    """Return once it does not run, which is so at once when there is none; RequestFailed when it goes on."""
    job = find_job(connection, agent, database)
    if job is not None:
        set_running(connection, agent, job, wanted=False)


def set_running(connection: Any, agent: Agent, job: str, *, wanted: bool) -> None:
    """Ask again as long as the job is not as wanted: one that is just changing refuses both orders."""

    def ask() -> None:
        if exists(connection, RUNNING, job) is not wanted:
            run(connection, START if wanted else STOP, job)

    state = "en marche" if wanted else "arrêté"
    what = f"L'agent de {agent.value} n'est pas {state} en {AGENT_SECONDS:g} s"
    insist(ask, AGENT_SECONDS, what)
    try:
        wait_until(lambda: exists(connection, RUNNING, job) is wanted, AGENT_SECONDS, "", POLL_SECONDS)
    except DeadlinePassed as late:
        raise RequestFailed(f"{what}.") from late


def say_last_words(connection: Any, database: str) -> str:
    """What each agent of a published database said last, for who has to find why it does not carry anything."""
    said = [(agent, find_value(connection, LAST_WORDS[agent], database)) for agent in Agent]
    return " ; ".join(f"{agent.value} : {words or 'rien'}" for agent, words in said)


def insist(act: Callable[[], object], within_seconds: float, what: str) -> None:
    """Act again until no error comes; RequestFailed with the last one at the deadline."""
    last: list[Exception] = []

    def succeed() -> bool:
        try:
            act()
        except Exception as error:
            last[:] = [error]
            return False
        return True

    try:
        wait_until(succeed, within_seconds, "", POLL_SECONDS)
    except DeadlinePassed:
        raise RequestFailed(f"{what} : {last[0]}") from last[0]
