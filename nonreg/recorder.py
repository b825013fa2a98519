"""The pytest plugin of campaigns: reads scenario marks, runs what was planned, records as it happens.

Two uses, chosen by environment variable: NONREG_COLLECT_TO=FILE writes the list of scenarios found;
NONREG_RUN_DIR=FOLDER executes the plan of that folder, or the retry announced last, and appends its events there.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from nonreg.attempts import read_attempt
from nonreg.clients.scope import only_read
from nonreg.clients.sql import FREE_TEXT, list_queries, watch_queries
from nonreg.conclusion import Ending, classify, classify_teardown, conclude, worsen
from nonreg.config import load_platform
from nonreg.errors import NotOnEngine
from nonreg.masking import Mask, list_secrets
from nonreg.model import (
    CampaignPlan,
    Criticality,
    Drill,
    Effect,
    EffectLimit,
    Failure,
    Family,
    Outcome,
    Scenario,
    ScenarioResult,
)
from nonreg.overlap import Overlap
from nonreg.overlappable import may_overlap, split_stretches
from nonreg.store import PLAN, append_event, dump_json, load_json, write_file
from nonreg.witness import NotApplicable, NotRestored, Witness

COLLECT_VARIABLE, RUN_VARIABLE = "NONREG_COLLECT_TO", "NONREG_RUN_DIR"
PLATFORM_VARIABLE = "NONREG_PLATFORM_FILE"
GO = b"."  # on standard input: collected scenarios may begin
ID_PATTERN = re.compile(r"(BASE|APP|HD)-\d{3}[a-z]?")
DEFAULT_TIMEOUT_SECONDS = 60.0
CLOSING_SECONDS = 5.0  # for scenarios whose time had passed: to close what they had opened
WITNESS = pytest.StashKey[Witness]()
RESULT = pytest.StashKey[ScenarioResult]()
RESTORED = pytest.StashKey[bool]()
CLOCK = pytest.StashKey[float]()
AMONG_OTHERS = pytest.StashKey[bool]()
STATUS = pytest.StashKey[int]()
FOUND = pytest.StashKey[Scenario]()
Function = TypeVar("Function", bound=Callable[..., object])


def scenario(
    id: str,  # noqa: A002 - the glossary's word
    title: str,
    criticality: Criticality,
    effect: Effect = Effect.READ_ONLY,
    requirements: tuple[str, ...] = ("R04",),
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    drill: Drill | None = None,
    queries: tuple[str, ...] = (),
    alone: bool = False,
) -> pytest.MarkDecorator:
    """Mark a test function as a scenario; its family is the prefix of its id, a disruptive one declares its drill.

    `queries` are the named queries that it runs, itself or through probes, steps and faults, on any engine; those of
    its fixtures stand beside them (`runs_queries`) and are not repeated. The rights of a campaign are worked out from
    there: a scenario that runs a query which neither declares is a defect.

    Those that only read run at once where they may (`nonreg.overlap`). One that measures a time, loads the servers or
    looks at what others do on them says `alone`.
    """
    return pytest.mark.scenario(
        id=id,
        title=title,
        criticality=criticality,
        effect=effect,
        requirements=requirements,
        timeout_seconds=timeout_seconds,
        drill=drill,
        queries=queries,
        alone=alone,
    )


def runs_queries(*names: str) -> Callable[[Function], Function]:
    """Declare, under `@pytest.fixture`, the named queries that a fixture runs, or that what it gives runs by itself."""

    def declare(function: Function) -> Function:
        function.queries = names  # type: ignore[attr-defined]
        return function

    return declare


def read_scenario(item: pytest.Item) -> Scenario:
    """The scenario that a collected test declares; pytest.UsageError says in French what is missing."""
    if (known := item.stash.get(FOUND, None)) is not None:
        return known
    mark = item.get_closest_marker("scenario")
    if mark is None:
        raise pytest.UsageError(f"Scénario sans métadonnées : {item.nodeid} (décorateur @scenario absent).")
    values = dict(mark.kwargs)
    missing = [key for key in ("id", "title", "criticality") if not values.get(key)]
    if missing:
        raise pytest.UsageError(f"Scénario incomplet : {item.nodeid} (manque : {', '.join(missing)}).")
    if not ID_PATTERN.fullmatch(str(values["id"])):
        raise pytest.UsageError(f"Identifiant de scénario mal formé : « {values['id']} » ({item.nodeid}).")
    try:
        found = Scenario(
            id=values["id"],
            title=values["title"],
            family=Family(values["id"].split("-")[0]),
            criticality=Criticality(values["criticality"]),
            effect=Effect(values.get("effect", Effect.READ_ONLY)),
            timeout_seconds=float(values.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS)),
            requirement_ids=tuple(values.get("requirements", ())),
            node_id=item.nodeid,
            drill=values.get("drill"),
            queries=read_queries(item, values.get("queries", ())),
        )
    except ValueError as error:
        raise pytest.UsageError(f"Métadonnées refusées pour {item.nodeid} : {error}.") from error
    check_drill(found)
    item.stash[FOUND] = found
    return found


def read_queries(item: pytest.Item, declared: object) -> tuple[str, ...]:
    """The named queries of a decorator and of the test's fixtures; pytest.UsageError for what is no list of them."""
    if isinstance(declared, str) or not isinstance(declared, Iterable):
        raise pytest.UsageError(f"Requêtes mal déclarées : {item.nodeid} (queries est une liste de noms).")
    names = sorted({*map(str, declared), *list_of_fixtures(item)})
    if unknown := [name for name in names if name not in list_queries()]:
        raise pytest.UsageError(
            f"Requête inconnue : « {unknown[0]} », que {item.nodeid} déclare, n'existe pour aucun moteur."
        )
    return tuple(names)


def list_of_fixtures(item: pytest.Item) -> Iterator[str]:
    """The queries that the fixtures of a test declare, and those that these ask for."""
    found: Any = item  # pytest has no public name for them
    for definitions in found._fixtureinfo.name2fixturedefs.values():
        for definition in definitions:
            yield from getattr(definition.func, "queries", ())


def list_of_shared_fixtures(item: pytest.Item) -> Iterator[str]:
    """Those of the fixtures that outlive the test: they end in the last scenario, which may not ask for them."""
    found: Any = item
    for definitions in found._fixtureinfo.name2fixturedefs.values():
        for definition in definitions:
            if definition.scope != "function":
                yield from getattr(definition.func, "queries", ())


def check_drill(found: Scenario) -> None:
    """pytest.UsageError unless a scenario is disruptive and says what it breaks, or neither."""
    if found.effect is Effect.DISRUPTIVE and not isinstance(found.drill, Drill):
        raise pytest.UsageError(
            f"Scénario perturbateur sans exercice : {found.id} ({found.node_id}) ne déclare pas ce qu'il casse "
            "(drill=Drill(…))."
        )
    if found.effect is not Effect.DISRUPTIVE and found.drill is not None:
        raise pytest.UsageError(
            f"Exercice refusé : {found.id} ({found.node_id}) en déclare un, mais son effet est « {found.effect} », "
            "pas « disruptive »."
        )


def only_reads(item: pytest.Item) -> bool:
    """True for a scenario that neither writes nor disturbs."""
    return read_scenario(item).effect is Effect.READ_ONLY


def says_alone(item: pytest.Item) -> bool:
    """True for a scenario that says that no other may run meanwhile."""
    mark = item.get_closest_marker("scenario")
    return mark is None or bool(mark.kwargs.get("alone"))


def read_scenarios(items: list[pytest.Item]) -> list[Scenario]:
    """Scenarios of all items, in order; a duplicate id is an error that names both places."""
    seen: dict[str, Scenario] = {}
    for item in items:
        found = read_scenario(item)
        if found.id in seen:
            raise pytest.UsageError(
                f"Identifiant de scénario en double : {found.id} ({seen[found.id].node_id} et {found.node_id})."
            )
        seen[found.id] = found
    return list(seen.values())


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario: metadata of a campaign scenario (see nonreg.recorder)")
    if collect_to := os.environ.get(COLLECT_VARIABLE):
        config.pluginmanager.register(Collector(Path(collect_to)), "nonreg-collector")
    if run_dir := os.environ.get(RUN_VARIABLE):
        may_begin = threading.Event()
        config.pluginmanager.register(Recorder(Path(run_dir), may_begin), "nonreg-recorder")
        threading.Thread(target=obey_campaign, args=(os.dup(0), may_begin), daemon=True).start()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> Generator[None]:
    yield
    session.config.stash[STATUS] = int(exitstatus)  # not when the end itself goes wrong


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """All is written: leave at once, since our caller waits while Python frees what was loaded, a third of a second.

    Whatever pytest or a scenario's thread still has to do or to say is done as usual.
    """
    status, ours = (
        config.stash.get(STATUS, None),
        RUN_VARIABLE in os.environ or COLLECT_VARIABLE in os.environ,
    )
    if ours and status in (0, 1) and not any(is_waited_for(thread) for thread in threading.enumerate()):
        leave(status)


def is_waited_for(thread: threading.Thread) -> bool:
    """True for one that Python waits for before it ends."""
    return not thread.daemon and thread is not threading.main_thread()


def leave(status: int) -> None:
    """End the process now."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def obey_campaign(pipe: int, may_begin: threading.Event) -> None:
    """Begin when told to, exit when the campaign that started us is gone, even killed: our standard input closes."""
    while os.read(pipe, len(GO)):
        may_begin.set()
    os._exit(3)


def judge_undeclared(result: ScenarioResult, found: Scenario, undeclared: frozenset[str]) -> ScenarioResult:
    """A check that asks for more than it declares is defective: nobody gave its rights on purpose."""
    for words in tell_undeclared(found.node_id.partition("::")[0], undeclared):
        told = f"Contrôle défaillant : {found.id} exécute {words}"
        result = worsen(result, Ending(Outcome.INCONCLUSIF, told, Failure.CONTROLE))
    return result


def tell_undeclared(file: str, undeclared: frozenset[str]) -> Iterator[str]:
    """What was run and where to declare it, one clause for what has no name and one for all that has."""
    names = sorted(undeclared - {FREE_TEXT})
    if FREE_TEXT in undeclared:
        yield (
            "du SQL sans nom, dont les droits ne se déclarent pas : faites-en une requête nommée ou un scénario .sql "
            f"({file})."
        )
    if names:
        shown = ", ".join(f"« {name} »" for name in names)
        one = len(names) == 1
        yield (
            f"{'la requête' if one else 'les requêtes'} {shown} sans "
            f"{'la déclarer : ajoutez-la' if one else 'les déclarer : ajoutez-les'} à queries=(…) de son @scenario, "
            f"dans {file}."
        )


class Collector:
    """Writes what was collected, for the plan."""

    def __init__(self, target: Path) -> None:
        self._target = target

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        scenarios = tuple(read_scenarios(items))
        write_file(self._target, dump_json(tuple[Scenario, ...], scenarios))


class Recorder:
    """Executes the scenarios of one attempt in plan order and records each event as it happens."""

    def __init__(self, run_dir: Path, may_begin: threading.Event) -> None:
        self._run_dir = run_dir
        self._may_begin = may_begin
        file = os.environ.get(PLATFORM_VARIABLE)
        self._mask = Mask(list_secrets(load_platform(file)) if file else ())
        plan = load_json(CampaignPlan, run_dir / PLAN)
        if plan.effects is EffectLimit.LECTURE:
            only_read()
        self._attempt = read_attempt(plan, run_dir)
        self._timeouts = {one.id: one.timeout_seconds for one in (*plan.closing, *plan.scenarios)}
        self._shared: set[str] = set()
        # A first pass that breaks nothing; what is tried again or checks what was left runs as simply as can be.
        self._overlaps = self._attempt.number == 1 and not self._attempt.closing and not plan.drills
        self._stuck: list[threading.Thread] = []
        self._exit_status = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        by_id = {found.id: item for found, item in zip(read_scenarios(items), items, strict=True)}
        kept = [by_id[planned] for planned in self._attempt.scenario_ids if planned in by_id]
        kept_items = {id(item) for item in kept}
        dropped = [item for item in items if id(item) not in kept_items]
        items[:] = kept
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        for item in items:
            item.add_marker(pytest.mark.timeout(self._timeouts[read_scenario(item).id]))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Items in plan order, those that only read at once between two others where they may be."""
        if not session.config.option.collectonly:
            self._may_begin.wait()
        if not self._overlaps or session.config.option.collectonly or session.testsfailed:
            return None  # pytest's own loop
        stretches = split_stretches(
            session.items,
            only_reads,
            lambda item: only_reads(item) and not says_alone(item) and may_overlap(item),
        )
        alone = [item for _, several in stretches for item in several]
        following = dict(itertools.pairwise(alone))
        for together, serial in stretches:
            if together:
                self._run_together(session, together)
            for item in serial:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following.get(item))
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
        return True

    def _run_together(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        for item in items:
            item.stash[AMONG_OTHERS] = True
        overlap = Overlap(session, self._look_up, self)
        try:
            overlap.run(items)
        finally:
            self._stuck += overlap.stuck

    def _look_up(self, item: pytest.Item) -> tuple[str, float]:
        """Its id, and seconds that it may take."""
        scenario_id = read_scenario(item).id
        return scenario_id, self._timeouts[scenario_id]

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """A scenario that nothing could end keeps nobody waiting for long, nor do the threads that it started."""
        deadline = time.monotonic() + CLOSING_SECONDS
        for thread in self._stuck:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self._stuck):
            leave(self._exit_status)

    def pytest_sessionfinish(self, exitstatus: int | pytest.ExitCode) -> None:
        self._exit_status = int(exitstatus)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self.begin(item)
        asked: set[str] = set()
        with watch_queries(asked.add):
            done = yield
        self.finish(item, asked)
        return done

    def begin(self, item: pytest.Item) -> None:
        """Record that a scenario starts."""
        found, number = read_scenario(item), self._attempt.number
        started_at = datetime.now(UTC)
        among_others = item.stash.get(AMONG_OTHERS, False)
        item.stash[CLOCK] = time.monotonic()
        item.stash[WITNESS] = Witness(found.id, self._run_dir, number, self._attempt.closing, among_others)
        item.stash[RESULT] = ScenarioResult(found.id, Outcome.OK, started_at=started_at, attempt=number)
        item.stash[RESTORED] = True
        self._record(self._attempt.events[0], started_at, scenario_id=found.id, attempt=number)

    def take(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Judge how one phase of a scenario ended."""
        if call.excinfo is not None:
            error = call.excinfo.value
            is_dirty = call.when == "teardown" or isinstance(error, NotRestored)
            ending = (classify_teardown if is_dirty else classify)(error)
            item.stash[RESULT] = worsen(item.stash[RESULT], ending)
            item.stash[RESTORED] = item.stash[RESTORED] and not is_dirty

    def finish(self, item: pytest.Item, asked: set[str], idle_seconds: float = 0.0) -> None:
        """Record how a scenario ended; what it waited for its turn is not its own time."""
        found = read_scenario(item)
        seconds = time.monotonic() - item.stash[CLOCK] - idle_seconds
        result = conclude(item.stash[RESULT], item.stash[WITNESS], seconds)
        self._shared.update(list_of_shared_fixtures(item))
        result = judge_undeclared(result, found, frozenset(asked - {*found.queries} - self._shared))
        self._record(
            self._attempt.events[1],
            datetime.now(UTC),
            result=dataclasses.asdict(result),
            restored=item.stash[RESTORED],
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        if not item.stash.get(AMONG_OTHERS, False):  # otherwise its own thread did
            self.take(item, call)
        report = yield
        skipped = (NotApplicable, NotOnEngine)
        if call.when != "teardown" and call.excinfo is not None and call.excinfo.errisinstance(skipped):
            report.outcome = "skipped"  # pytest knows no such end, and would call it a failure
            report.longrepr = (str(item.path), (item.location[1] or 0) + 1, str(call.excinfo.value))
        if call.when == "call" and item.stash[WITNESS].gaps:
            report.outcome = "failed"  # gaps do not raise: tell pytest, whose exit code is checked too
        return report

    def _record(self, event: str, at: datetime, **values: object) -> None:
        # The error of a driver may hold the whole address that it tried, with its password.
        append_event(self._run_dir, {"event": event, "at": at.isoformat(), **self._mask.hide(values)})
