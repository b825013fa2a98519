"""Taking up what a dead campaign left: its platform put back, what it recorded judged and published, its state told.

Every step may be cut and done again: what is settled is forgotten last. A run whose process lives is never touched,
and of two who take the same run up one does it (nonreg.orphans).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import State
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from nonreg.config import Platform, find_platform_file, load_platform
from nonreg.drills.aftermath import heal_all, heal_earlier
from nonreg.drills.register import hold_drills, open_register
from nonreg.errors import NonregError, PlatformBusy
from nonreg.execute import clean_leftovers
from nonreg.lock import hold_platform_lock
from nonreg.model import CampaignReport
from nonreg.orphans import forget, read_flow_runs, take_up
from nonreg.store import PLAN, load_json
from nonreg.waiting import observe_until
from reports.labels import VERDICTS
from tasks.publication import is_published, judge_folder, publish_report
from tasks.showing import keep_secrets_of, redact

GONE_SECONDS = 60.0  # for the pytest of a killed campaign to notice, on a busy machine
SILENCE_SECONDS = 900.0  # without a heartbeat, which comes every 3 minutes
AGAIN_SECONDS = 200.0  # a server that was away has heard nobody: it is asked again after a heartbeat's time
RUNS_DIR = "runs"  # where the flow's form puts it
DEAD = frozenset({StateType.CRASHED, StateType.CANCELLED})
NOTHING_PLANNED = "Arrêtée avant son plan : rien n'a été exécuté."
LOST = "Le processus de la campagne n'existe plus, et aucun passage n'est resté ouvert."


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of an orphan: what its flow run says, and in French what could not be done.

    One that is not settled is taken up again the next time.
    """

    run_dir: Path
    message: str
    problems: tuple[str, ...] = ()
    is_settled: bool = True


def recover_run(run_dir: Path, state_seconds: float = 0.0) -> Recovered | None:
    """Take one orphan up to its end; None when there is nothing of ours to do.

    It stays an orphan until its flow runs tell what became of it. A worker that lives has `state_seconds` to say
    first how the process ended: what it says later would hide what we say.
    """
    with take_up(run_dir) as life:
        if life is None:
            return None
        problems: list[str] = []
        message, is_settled = NOTHING_PLANNED, False
        try:
            if (run_dir / PLAN).is_file():
                if not is_published(run_dir):
                    problems += put_back(life.platform, run_dir)
                    problems += publish_report(run_dir, judge_folder(run_dir)).problems
                message = describe_end(run_dir)
            for flow_run in life.flow_runs:
                tell_end(UUID(flow_run), " ".join((message, *problems)), state_seconds)
            forget(run_dir)
            is_settled = True
        except Exception as error:  # whatever it is, the next orphan and the platform do not wait for it
            problems.append(f"Passage {run_dir.name} à reprendre : {str(error) or type(error).__name__}")
        return Recovered(run_dir, message, tuple(problems), is_settled)


def put_back(platform_name: str, run_dir: Path) -> tuple[str, ...]:
    """Heal what the dead campaign broke and remove its test data; a sentence when that is still to be done.

    Another campaign that has the platform meanwhile did both before it began, unless it is of another machine.
    PlatformBusy when it is the run itself that has the platform: it lives, where its file's lock is not seen from here.
    """
    try:
        platform, file = load_platform(platform_name), find_platform_file(platform_name)
        keep_secrets_of(platform)
        restore(platform, file, run_dir)
    except PlatformBusy:
        raise
    except (NonregError, OSError) as error:
        return (f"Plateforme à remettre en état : {error}",)
    return ()


def heal_platform(platform_name: str) -> tuple[str, ...]:
    """Heal what is pending of campaigns that are gone; nothing while one is under way. NonregError for what is left."""
    platform = load_platform(platform_name)
    keep_secrets_of(platform)
    register = open_register(platform)
    if not register.pending():
        return ()
    try:
        with hold_drills(register, "reprise"):
            done = heal_all(platform, "reprise")
    except PlatformBusy as error:
        return (str(error),)
    if left := [str(one) for one in done if one.error]:
        raise NonregError(f"Plateforme à remettre en état : {' ; '.join(left)}.")
    return tuple(map(str, done))


def restore(platform: Platform, platform_file: Path, run_dir: Path) -> None:
    """Under the locks of a campaign, so that none is under way; its own pytest is waited for."""
    register, deadline = open_register(platform), time.monotonic() + GONE_SECONDS
    while True:
        try:
            with hold_drills(register, f"reprise de {run_dir.name}", drills=False):
                heal_earlier(platform, run_dir, run_dir.name, platform_file)
                with hold_platform_lock(platform) as lock:
                    if lock.held:
                        clean_leftovers(platform)
                    elif lock.unreachable:
                        raise NonregError(lock.message)
                    elif run_dir.name in lock.holder:
                        raise PlatformBusy(lock.message)
            return
        except PlatformBusy as error:
            if run_dir.name not in str(error):
                if register.pending():
                    raise NonregError(str(error)) from error
                return
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.2)


def describe_end(run_dir: Path) -> str:
    """What the flow run says of a run that was taken up: its verdict, and where the report is."""
    report = load_json(CampaignReport, run_dir / "report.json")
    what = report.run.interruption or "Interrompue après ses contrôles."
    return f"{what} {VERDICTS[report.assessment.verdict].text} — {run_dir / 'report.html'}"


def tell_end(flow_run_id: UUID, message: str, state_seconds: float = 0.0) -> None:
    """A flow run that its process left is Crashed, and says why; one that was stopped says it in its own state.

    A flow run that was never on this server, or was removed, is told nothing; neither is one that ended by itself.
    """
    message = redact(message)
    if not PREFECT_API_URL.value():
        return
    with get_client(sync_client=True) as client:
        try:
            state = observe_until(
                lambda: client.read_flow_run(flow_run_id).state, is_final, state_seconds, 0.5
            )
        except ObjectNotFound:
            return
        if is_final(state) and state is not None and state.type not in DEAD:
            return
        kind = StateType.CANCELLED if is_cancelling(state) else StateType.CRASHED
        name = "Cancelled" if kind is StateType.CANCELLED else "Crashed"
        if state is None or (state.type, state.message) != (kind, message):
            client.set_flow_run_state(flow_run_id, State(type=kind, name=name, message=message), force=True)


def is_final(state: State[Any] | None) -> bool:
    """True when a flow run has ended."""
    return state is not None and state.is_final()


def is_cancelling(state: State[Any] | None) -> bool:
    """True when somebody asked for the end."""
    return state is not None and state.type in (StateType.CANCELLED, StateType.CANCELLING)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a flow run without a folder must be silent, and how long after it is asked again, in seconds."""

    silence_seconds: float = SILENCE_SECONDS
    again_seconds: float = AGAIN_SECONDS


def settle_lost(flow_name: str, runs_dir: Path, patience: Patience = Patience()) -> tuple[str, ...]:
    """Mark as crashed the flow runs that died before their run's folder was there; their names.

    A flow run that lives is heard: its process tells a heartbeat to the server. One whose runs lie elsewhere, and one
    that was heard in the second look, is left alone.
    """
    if not PREFECT_API_URL.value():
        return ()
    with get_client(sync_client=True) as client:
        silent = find_silent(client, flow_name, runs_dir, patience)
        if not silent:
            return ()
        time.sleep(patience.again_seconds)
        still = find_silent(client, flow_name, runs_dir, patience).keys() & silent.keys()
    for flow_run_id in still:
        tell_end(flow_run_id, LOST)
    return tuple(sorted(silent[flow_run_id] for flow_run_id in still))


def find_silent(
    client: SyncPrefectClient, flow_name: str, runs_dir: Path, patience: Patience
) -> dict[UUID, str]:
    """Running flow runs of that folder that it does not know, and that were not heard for so long: name by id."""
    running = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[flow_name])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(
                type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.CANCELLING])
            )
        ),
    )
    known = read_flow_runs(runs_dir)
    since = datetime.now(UTC) - timedelta(seconds=patience.silence_seconds)
    return {
        found.id: found.name
        for found in running
        if str(found.id) not in known
        and Path(found.parameters.get("runs_dir", RUNS_DIR)).resolve() == runs_dir.resolve()
        and found.state is not None
        and found.state.timestamp < since
        and not was_heard(client, found.id, since)
    }


def was_heard(client: SyncPrefectClient, flow_run_id: UUID, since: datetime) -> bool:
    """True when the server got any event of that flow run since then."""
    answer = client.request(
        "POST",
        "/events/filter",
        json={
            "limit": 1,
            "filter": {
                "occurred": {"since": since.isoformat()},
                "any_resource": {"id": [f"prefect.flow-run.{flow_run_id}"]},
            },
        },
    )
    answer.raise_for_status()
    return bool(answer.json()["events"])
