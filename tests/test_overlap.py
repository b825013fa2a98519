"""Scenarios that only read run at once, each as if it were alone; those that may not run alone, in plan order."""

from __future__ import annotations

import ast
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import store
from nonreg.clients import scope
from nonreg.clients.scope import CONNECTED_SCENARIOS, SSH_LOGINS, Scope
from nonreg.errors import NonregError
from nonreg.model import CampaignRun, Effect, Failure, Outcome, ScenarioResult
from nonreg.overlappable import split_stretches
from nonreg.plan import SCENARIOS_DIR, collect_scenarios
from nonreg.progress import read_progress
from nonreg.sandbox.layout import Layout
from nonreg.slowness import MARGIN_BY_UNIT
from nonreg.waiting import wait_until
from tests.campaigns import run_campaign
from tests.folder_runs import run_folder

LOADS_THE_SERVERS = {"BASE-035", "HD-009", "HD-009b"}
TALKERS = 40
HEADER = """
import contextvars, logging, os, sys, threading, time
from pathlib import Path
import pytest
from nonreg.clients.scope import adopt_scope, current_scope
from nonreg.model import Criticality, Effect
from nonreg.recorder import RUN_VARIABLE, scenario

MAJEURE = Criticality.MAJEURE
WRITES = Effect.WRITES_TEST_DATA
meet = threading.Barrier(2)
writings = []

def is_main():
    return threading.current_thread() is threading.main_thread()
"""
WORKING = """
@scenario("BASE-101", "Attend l'autre", MAJEURE)
def test_first(witness):
    meet.wait(60)
    witness.expect_equal(writings, [], "avant toute écriture")

@scenario("BASE-102", "Attend l'une", MAJEURE)
def test_second(witness):
    meet.wait(60)
    witness.expect_equal(is_main(), False, "fil")

@scenario("BASE-103", "Mesure un temps", MAJEURE)
def test_measure(witness):
    witness.measure("latence", 1.0, "s", 2.0, "mesure")

@scenario("BASE-104", "Mesure une taille", MAJEURE)
def test_size(witness):
    witness.measure("volume", 1.0, "octets", 2.0, "mesure")

@scenario("BASE-105", "Seul", MAJEURE, alone=True)
def test_alone(witness):
    witness.expect_equal(is_main(), True, "fil")
    witness.measure("latence", 1.0, "s", 2.0, "mesure")

@scenario("BASE-106", "Écrit", MAJEURE, WRITES)
def test_write(witness):
    writings.append(1)
    witness.expect_equal(is_main(), True, "fil")

@scenario("BASE-107", "Lit ce qui fut écrit", MAJEURE)
def test_read(witness):
    witness.expect_equal((is_main(), writings), (False, [1]), "fil et écritures")

@scenario("BASE-108", "Égalité", MAJEURE)
def test_equality(witness):
    witness.expect_equal(1, 1, "un")
    assert "a" * 300 == "b" * 300

@scenario("BASE-109", "La même égalité, seule", MAJEURE, alone=True)
def test_equality_alone(witness):
    witness.expect_equal(1, 1, "un")
    assert "a" * 300 == "b" * 300
"""
TALKING = """
LOG = logging.getLogger("essai")

def say(what, number):
    print(f"{what} {number} sortie")
    print(f"{what} {number} erreur", file=sys.stderr)
    LOG.warning("%s %s journal", what, number)

@pytest.fixture
def own():
    return object()

@pytest.fixture
def talk(own, witness):
    say("avant", witness._scenario_id)
    yield own
    say("après", witness._scenario_id)

def check(witness, own, talk):
    number = witness._scenario_id
    say("pendant", number)
    context = contextvars.copy_context()
    for thread in (
        threading.Thread(target=context.run, args=(say, "fil", number)),
        threading.Thread(target=say, args=("fil perdu", "inconnu")),
    ):
        thread.start()
        thread.join()
    witness.expect(talk is own, "préparation", "la sienne", "une autre")
    witness.attach("le sien", number)
"""
TALKER = """
@scenario("BASE-{0}", "Parle", MAJEURE)
def test_{0}(witness, own, talk):
    check(witness, own, talk)
"""
CONFTEST = """
import json, os
from pathlib import Path

def pytest_runtest_logreport(report):
    with (Path(os.environ["NONREG_RUN_DIR"]) / "reports.jsonl").open("a") as file:
        found = [report.nodeid.partition("::")[2], report.when, report.outcome, report.sections]
        file.write(json.dumps(found) + "\\n")
"""
STUCK = """
@pytest.fixture
def torn(witness):
    yield
    (Path(os.environ[RUN_VARIABLE]) / "fini").touch()

@scenario("BASE-301", "Tourne sans fin", MAJEURE, timeout_seconds=0.5)
def test_loop(witness, torn):
    witness.expect_equal(1, 1, "un")
    while True:
        time.sleep(0.01)

@scenario("BASE-302", "Bloqué", MAJEURE, timeout_seconds=0.5)
def test_blocked(witness):
    print("bloqué ici")
    helper = __import__("concurrent.futures").futures.ThreadPoolExecutor(1)
    helper.submit(threading.Event().wait)
    threading.Event().wait()

@scenario("BASE-303", "Bloqué au nettoyage", MAJEURE, timeout_seconds=0.5)
def test_dirty(witness, request_less):
    witness.expect_equal(1, 1, "un")

@pytest.fixture
def request_less():
    yield
    while True:
        time.sleep(0.01)
"""
BETWEEN = """
from nonreg import overlap

enter = overlap.Job.enter

def enter_slowly(job, phase):
    entered = enter(job, phase)
    until = time.monotonic() + 30
    while phase == "call" and not job.is_claimed and time.monotonic() < until:
        time.sleep(0.01)
    return entered

overlap.Job.enter = enter_slowly

@pytest.fixture
def torn(witness):
    yield
    (Path(os.environ[RUN_VARIABLE]) / "fini").touch()

@scenario("BASE-501", "Arrêté entre deux phases", MAJEURE, timeout_seconds=0.5)
def test_between(witness, torn):
    witness.expect_equal(1, 1, "un")

@scenario("BASE-502", "Rapide", MAJEURE)
def test_other(witness):
    witness.expect_equal(1, 1, "un")
"""
QUICK = """
@scenario("BASE-{0}", "Rapide", MAJEURE)
def test_{0}(witness):
    witness.expect_equal(1, 1, "un")
"""
SERIAL = """
@pytest.fixture(scope="module")
def shared():
    return 1

@pytest.fixture(params=[1])
def valued(request):
    return 1

@pytest.fixture
def asking(request):
    return 1

@scenario("BASE-401", "Préparation commune", MAJEURE)
def test_shared(witness, shared):
    witness.expect_equal(is_main(), True, "fil")

@scenario("BASE-402", "Capture", MAJEURE)
def test_capture(witness, capsys):
    witness.expect_equal(is_main(), True, "fil")

@scenario("BASE-403", "Change le processus", MAJEURE)
def test_patch(witness, monkeypatch):
    witness.expect_equal(is_main(), True, "fil")

@scenario("BASE-404", "Demande n'importe quoi", MAJEURE)
def test_request(witness, request):
    witness.expect_equal(is_main(), True, "fil")

@scenario("BASE-405", "Par sa préparation", MAJEURE)
def test_asking(witness, asking):
    witness.expect_equal(is_main(), True, "fil")

@scenario("BASE-406", "Valeur choisie", MAJEURE)
def test_valued(witness, valued):
    witness.expect_equal(is_main(), True, "fil")

@scenario("BASE-407", "Marquée", MAJEURE)
@pytest.mark.skipif(False, reason="jamais")
def test_marked(witness):
    witness.expect_equal(is_main(), True, "fil")

class TestGroup:
    @scenario("BASE-408", "Dans une classe", MAJEURE)
    def test_method(self, witness):
        witness.expect_equal(is_main(), True, "fil")
"""


def write_run(root: Path, *bodies: str, conftest: str = "") -> tuple[CampaignRun, Path]:
    """A folder of scenarios of one's own, and its run."""
    folder, run_dir = root / "scenarios", root / "passage"
    folder.mkdir()
    (folder / "test_essai.py").write_text(HEADER + "".join(bodies), encoding="utf-8")
    if conftest:
        (folder / "conftest.py").write_text(conftest, encoding="utf-8")
    return run_folder(folder, run_dir), run_dir


def by_id(run: CampaignRun) -> dict[str, ScenarioResult]:
    return {result.scenario_id: result for result in run.results}


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ScenarioResult]:
    return by_id(write_run(tmp_path_factory.mktemp("ensemble"), WORKING)[0])


@pytest.mark.parametrize(
    "scenario_id",
    [
        pytest.param("BASE-101", id="two wait for each other, before anything is written"),
        pytest.param("BASE-102", id="each in a thread of its own"),
        pytest.param("BASE-104", id="what is no time may be measured"),
        pytest.param("BASE-105", id="one that says alone runs alone, and may measure a time"),
        pytest.param("BASE-106", id="one that writes runs alone"),
        pytest.param("BASE-107", id="what comes after a writing reads after it"),
    ],
)
def test_scenarios_run_at_once_where_they_may_and_nowhere_else(
    working: dict[str, ScenarioResult], scenario_id: str
) -> None:
    assert (working[scenario_id].outcome, working[scenario_id].message) == (Outcome.OK, "")


def test_a_time_measured_while_others_run_is_a_defect_whose_remedy_is_told_and_is_not_kept(
    working: dict[str, ScenarioResult],
) -> None:
    result = working["BASE-103"]
    assert (result.outcome, result.failure, result.measures) == (
        Outcome.INCONCLUSIF,
        Failure.CONTROLE,
        (),
    )
    assert result.message == (
        "Contrôle défaillant : BASE-103 mesure un temps (« latence ») pendant que d'autres scénarios s'exécutent ; "
        "ajoutez alone=True à son @scenario."
    )


def test_a_failed_assertion_says_the_same_alone_and_among_others(working: dict[str, ScenarioResult]) -> None:
    assert working["BASE-108"].outcome is Outcome.KO
    assert working["BASE-108"].message == working["BASE-109"].message


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignRun, Path]:
    bodies = [TALKER.format(number) for number in range(201, 201 + TALKERS)]
    return write_run(tmp_path_factory.mktemp("parole"), TALKING, *bodies, conftest=CONFTEST)


def read_reports(run_dir: Path) -> list[Any]:
    return [json.loads(line) for line in (run_dir / "reports.jsonl").read_text("utf-8").splitlines()]


def test_what_a_scenario_says_in_each_phase_is_in_its_own_report_and_nowhere_else(
    talking: tuple[CampaignRun, Path],
) -> None:
    run, run_dir = talking
    assert {result.outcome for result in run.results} == {Outcome.OK}
    for name, when, _, sections in read_reports(run_dir):
        if when == "teardown":  # pytest's last report has the sections of all phases
            said = {title: text.split("\n") for title, text in sections}
            number = f"BASE-{name.removeprefix('test_')}"
            for phase, words in (
                ("setup", ["avant"]),
                ("call", ["pendant", "fil"]),
                ("teardown", ["après"]),
            ):
                assert said[f"Captured stdout {phase}"] == [*(f"{one} {number} sortie" for one in words), ""]
                assert said[f"Captured stderr {phase}"] == [*(f"{one} {number} erreur" for one in words), ""]
                logged = [line for line in said[f"Captured log {phase}"] if line]
                assert len(logged) == len(words)
                assert all(
                    line.endswith(f"{one} {number} journal") for line, one in zip(logged, words, strict=True)
                )


def test_what_a_thread_of_nobody_says_is_in_the_output_of_pytest(talking: tuple[CampaignRun, Path]) -> None:
    output = (talking[1] / "pytest.log").read_text(encoding="utf-8")
    for kind in ("sortie", "erreur", "journal"):
        assert output.count(f"fil perdu inconnu {kind}") == TALKERS


def test_the_evidence_of_each_scenario_is_its_own(talking: tuple[CampaignRun, Path]) -> None:
    run, run_dir = talking
    for result in run.results:
        (evidence,) = result.evidence
        assert (run_dir / evidence.path).read_text(encoding="utf-8") == result.scenario_id
        assert store.hash_file(run_dir / evidence.path) == evidence.sha256


def test_reports_reach_pytest_in_the_order_of_the_plan(talking: tuple[CampaignRun, Path]) -> None:
    run, run_dir = talking
    expected = [
        [one.node_id.partition("::")[2], when, "passed"]
        for one in run.plan.scenarios
        for when in ("setup", "call", "teardown")
    ]
    assert [report[:3] for report in read_reports(run_dir)] == expected


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignRun, Path]:
    bodies = [QUICK.format(number) for number in range(310, 350)]
    return write_run(tmp_path_factory.mktemp("bloqués"), STUCK, *bodies)


@pytest.mark.parametrize(
    ("scenario_id", "words", "failure"),
    [
        ("BASE-301", "Délai du scénario dépassé.", Failure.DELAI),
        ("BASE-302", "Délai du scénario dépassé.", Failure.DELAI),
        ("BASE-303", "Remise en état non prouvée : Délai du scénario dépassé.", Failure.CONTROLE),
    ],
)
def test_a_scenario_that_takes_too_long_is_told_so_and_keeps_nobody_waiting(
    stuck: tuple[CampaignRun, Path], scenario_id: str, words: str, failure: Failure
) -> None:
    results = by_id(stuck[0])
    result = results.pop(scenario_id)
    assert (result.outcome, result.failure, result.message) == (Outcome.INCONCLUSIF, failure, words)
    assert (stuck[0].pytest_exit, stuck[0].interruption) == (1, "")
    assert {results[f"BASE-{number}"].outcome for number in range(310, 350)} == {Outcome.OK}


def test_where_a_scenario_was_when_its_time_had_passed_is_in_the_output_of_pytest(
    stuck: tuple[CampaignRun, Path],
) -> None:
    output = (stuck[1] / "pytest.log").read_text(encoding="utf-8")
    assert "Timeout : test_essai.py::test_blocked" in output
    assert "in test_blocked" in output
    assert "2 failed, 41 passed, 1 error" in output


def test_one_that_runs_without_end_is_stopped_and_what_it_had_opened_is_closed(
    stuck: tuple[CampaignRun, Path],
) -> None:
    assert (stuck[1] / "fini").exists()


def test_one_whose_time_passes_between_two_phases_closes_what_it_had_opened_too(tmp_path: Path) -> None:
    run, run_dir = write_run(tmp_path, BETWEEN)
    assert by_id(run)["BASE-501"].message == "Délai du scénario dépassé."
    assert (run_dir / "fini").exists()


def test_what_is_not_known_to_be_safe_among_others_runs_alone(tmp_path: Path) -> None:
    run, _ = write_run(tmp_path, SERIAL)
    assert len(run.results) == SERIAL.count("@scenario")
    assert {(result.scenario_id, result.message) for result in run.results if result.message} == set()
    assert {result.outcome for result in run.results} == {Outcome.OK}


@pytest.mark.parametrize(
    "conftest", ["def pytest_runtest_call(item):\n    pass\n", "def pytest_fixture_setup():\n    pass\n"]
)
def test_a_folder_that_does_something_around_each_test_runs_one_by_one(tmp_path: Path, conftest: str) -> None:
    body = QUICK.format(401).replace("1, 1", "is_main(), True")
    run, _ = write_run(tmp_path, body, conftest=conftest)
    assert [result.outcome for result in run.results] == [Outcome.OK]


def test_a_run_whose_events_cannot_be_written_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "passage" / store.EVENTS).mkdir(parents=True)
    run, run_dir = write_run(tmp_path, QUICK.format(401), QUICK.format(402))
    assert run.pytest_exit == pytest.ExitCode.INTERNAL_ERROR
    assert "IsADirectoryError" in (run_dir / "pytest.log").read_text(encoding="utf-8")


Kinds = st.lists(st.sampled_from(["at once", "reads", "writes"]))


@given(Kinds)
def test_nothing_that_reads_passes_something_that_writes(kinds: list[str]) -> None:
    items = list(enumerate(kinds))
    stretches = split_stretches(items, lambda one: one[1] != "writes", lambda one: one[1] == "at once")
    order = [item for together, serial in stretches for item in (*together, *serial)]
    assert sorted(order) == items
    place = {item: position for position, item in enumerate(order)}
    for position, item in enumerate(items):
        for later in items[position + 1 :]:
            if "writes" in (item[1], later[1]):
                assert place[item] < place[later]
    serial = [item for item in order if item[1] != "at once"]
    assert serial == sorted(serial)


@given(st.lists(st.sampled_from(["at once", "reads"]), min_size=1))
def test_all_that_may_run_at_once_between_two_writings_does(kinds: list[str]) -> None:
    ((together, _),) = split_stretches(kinds, lambda _: True, lambda one: one == "at once")
    assert len(together) == kinds.count("at once")


def test_a_second_look_at_a_torn_last_line_by_two_threads_adds_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / store.EVENTS).write_bytes(b'{"event": "to')
    both, pread = threading.Barrier(2), os.pread

    def look(*arguments: int) -> bytes:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)  # the other one looks at the same moment, if it can
        return pread(*arguments)

    monkeypatch.setattr(os, "pread", look)
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(store.append_event, tmp_path, {"event": "e"}) for _ in range(2)]:
            done.result()
    assert b"\n\n" not in (tmp_path / store.EVENTS).read_bytes()
    assert len(list(store.read_events(tmp_path))) == 2


def in_scope(number: int) -> Scope:
    return Scope(f"BASE-{number}", lambda _: None)


def test_few_enough_scenarios_hold_connections_at_once_and_one_that_does_opens_more_without_waiting() -> None:
    first = [in_scope(number) for number in range(CONNECTED_SCENARIOS)]
    for one in first:
        one.connect()
        one.connect()
    late = in_scope(999)
    thread = threading.Thread(target=late.connect)
    thread.start()
    wait_until(lambda: late.waited_seconds() > 0, 30, "le suivant attend")
    first[0].disconnect()
    assert thread.is_alive()  # it still holds one
    first[0].disconnect()
    thread.join(30)
    assert not thread.is_alive()
    waited = late.waited_seconds()
    assert waited == late.waited_seconds() > 0
    for one in first[1:]:
        one.disconnect()
        one.disconnect()
    late.disconnect()


def test_the_turn_of_a_scenario_whose_time_has_passed_goes_to_others_and_it_asks_nothing_more() -> None:
    first = [in_scope(number) for number in range(CONNECTED_SCENARIOS)]
    for one in first:
        one.connect()
    first[0].end()
    late = in_scope(999)
    late.connect()
    for act in (first[0].connect, lambda: first[0].tell("site_role")):
        with pytest.raises(NonregError, match="Le délai de BASE-0 est dépassé"):
            act()
    first[0].disconnect()  # its turn was given back already
    for one in (*first[1:], late):
        one.disconnect()


def test_one_whose_time_passes_while_it_waits_for_its_turn_keeps_nobody_waiting() -> None:
    first = [in_scope(number) for number in range(CONNECTED_SCENARIOS)]
    for one in first:
        one.connect()
    late = in_scope(999)
    with ThreadPoolExecutor(2) as threads:
        connecting = threads.submit(late.connect)
        wait_until(lambda: late.waited_seconds() > 0, 30, "le suivant attend")
        ending = threads.submit(late.end)
        try:
            assert ending.exception(30) is None
            assert isinstance(connecting.exception(30), NonregError)
        finally:
            for one in first:
                one.disconnect()


def test_a_host_sees_few_logins_at_once() -> None:
    inside, most, lock = [0], [0], threading.Lock()

    def log_in(number: int) -> None:
        scope.adopt_scope(in_scope(number))
        with scope.hold_login("192.0.2.1", 22):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            threading.Event().wait(0.002)
            with lock:
                inside[0] -= 1

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(log_in, range(64)))
    assert most[0] <= SSH_LOGINS


def find_times(path: Path, name: str) -> bool:
    """True when a test, or a function of its module that it calls, measures a time."""
    functions = {
        node.name: node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    todo, seen = [name], set()
    while todo:
        current = todo.pop()
        if current in seen or current not in functions:
            continue
        seen.add(current)
        for node in ast.walk(functions[current]):
            if isinstance(node, ast.Name):
                todo.append(node.id)
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "measure"
                and isinstance(node.args[2], ast.Constant)
                and node.args[2].value in MARGIN_BY_UNIT
            ):
                return True
    return False


def says_alone(path: Path, name: str) -> bool:
    (function,) = (
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    (mark,) = (one for one in function.decorator_list if isinstance(one, ast.Call))
    return any(word.arg == "alone" for word in mark.keywords)


def test_each_shipped_scenario_that_reads_and_measures_a_time_or_loads_the_servers_says_alone() -> None:
    alone = set()
    for one in collect_scenarios(SCENARIOS_DIR):
        file, _, name = one.node_id.partition("::")
        path = SCENARIOS_DIR / file
        if one.effect is Effect.READ_ONLY and says_alone(path, name):
            alone.add(one.id)
        if one.effect is Effect.READ_ONLY and (find_times(path, name) or one.id in LOADS_THE_SERVERS):
            assert says_alone(path, name), one.id
    assert len(alone) == 10, "autant qu'il en faut, et pas plus"


def test_progress_names_the_first_of_those_under_way_and_says_how_many_more(
    talking: tuple[CampaignRun, Path], tmp_path: Path
) -> None:
    run = talking[0]
    store.save_plan(tmp_path, run.plan)
    first, second, *_ = run.plan.scenarios
    started, finished = store.SCENARIO_EVENTS

    def add(event: str, **values: object) -> str:
        store.append_event(tmp_path, {"event": event, "at": datetime.now(UTC).isoformat(), **values})
        return read_progress(tmp_path).current

    assert add(started, scenario_id=first.id) == f"{first.id} Parle"
    assert add(started, scenario_id=second.id) == f"{first.id} (+ 1) Parle"
    result = {"scenario_id": first.id, "outcome": "OK", "duration_seconds": 0.1}
    assert add(finished, result=result) == f"{second.id} Parle"
    assert add(finished, result={**result, "scenario_id": second.id}) == ""


QUERYING = """
from concurrent.futures import ThreadPoolExecutor
from nonreg.comparison.run import Place, compare_table
from nonreg.clients.sql import Session

together = threading.Barrier(4)

@scenario("BASE-501", "Déclare", MAJEURE, queries=("site_role",))
def test_told(witness, active):
    together.wait(60)
    for _ in range(20):
        witness.expect_equal(active.query("site_role").scalar(), "ACTIF", "rôle")

@scenario("BASE-502", "Ne déclare pas", MAJEURE)
def test_untold(witness, active):
    together.wait(60)
    for _ in range(20):
        witness.expect_equal(active.query("operators").rows != (), True, "exploitants")

@scenario("BASE-503", "Fil de personne", MAJEURE, queries=("site_role",))
def test_nobody(witness, campaign):
    together.wait(60)
    def look():
        with campaign.session(campaign.active_site) as session:
            return session.query("site_role").scalar()
    with ThreadPoolExecutor(1, "perdu") as threads:
        witness.expect_equal(threads.submit(look).result(), "ACTIF", "rôle")

@scenario("BASE-504", "Compare", MAJEURE)
def test_compare(witness, campaign):
    together.wait(60)
    left, right = (Place(campaign.platform, site) for site in (campaign.active_site, campaign.passive_site))
    witness.expect_equal(compare_table(left, right, "ref.parametre").differences, (), "les mêmes")
"""
CONNECTED = """
@scenario("BASE-{0}", "Connectée", MAJEURE, queries=("site_role",))
def test_{0}(witness, active, passive, campaign):
    with campaign.session(campaign.active_site) as third, campaign.session(campaign.active_site) as fourth:
        for session in (active, passive, third, fourth):
            witness.expect(session.query("site_role").scalar() != "", "rôle", "un rôle", "aucun")
    with campaign.shell(campaign.active_site) as shell:
        witness.expect_equal(shell.run("system").status, 0, "uname")
"""


LEAVING = "left = []\n"
LEAVER = """
@scenario("BASE-{0}", "Laisse une session ouverte", MAJEURE, timeout_seconds=20, queries=("site_role",))
def test_{0}(witness, campaign):
    left.append(campaign.session(campaign.active_site))
    witness.expect(left[-1].__enter__().query("site_role").scalar() != "", "rôle", "un rôle", "aucun")
"""


def test_sessions_that_scenarios_leave_open_keep_no_turn(sandbox: Layout, tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    numbers = range(700, 701 + CONNECTED_SCENARIOS)
    bodies = [LEAVER.format(number) for number in numbers]
    (folder / "test_essai.py").write_text(HEADER + LEAVING + "".join(bodies), encoding="utf-8")
    report = run_campaign(sandbox.platform_file, tmp_path / "passage", scenarios=str(folder))
    assert [one.outcome for one in report.run.results] == [Outcome.OK] * len(numbers)


@pytest.fixture(scope="module")
def querying(sandbox: Layout, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ScenarioResult]:
    root = tmp_path_factory.mktemp("requêtes")
    folder = root / "scenarios"
    folder.mkdir()
    bodies = [CONNECTED.format(number) for number in range(510, 570)]
    (folder / "test_essai.py").write_text(HEADER + QUERYING + "".join(bodies), encoding="utf-8")
    report = run_campaign(sandbox.platform_file, root / "passage", scenarios=str(folder))
    return by_id(report.run)


def test_sixty_scenarios_with_four_sessions_each_are_all_connected(
    querying: dict[str, ScenarioResult],
) -> None:
    found = [querying[f"BASE-{number}"] for number in range(510, 570)]
    assert {(one.outcome, one.message) for one in found} == {(Outcome.OK, "")}


@pytest.mark.parametrize(
    ("scenario_id", "outcome", "words"),
    [
        ("BASE-501", Outcome.OK, ""),
        ("BASE-502", Outcome.INCONCLUSIF, "BASE-502 exécute la requête « operators » sans la déclarer"),
        ("BASE-503", Outcome.INCONCLUSIF, "le fil « perdu_0 » interroge une base pendant que plusieurs"),
        ("BASE-504", Outcome.INCONCLUSIF, "BASE-504 exécute la requête « compare_columns » sans la déclarer"),
    ],
)
def test_each_scenario_is_judged_by_its_own_queries_and_a_thread_of_nobody_asks_nothing(
    querying: dict[str, ScenarioResult], scenario_id: str, outcome: Outcome, words: str
) -> None:
    assert querying[scenario_id].outcome is outcome
    assert words in querying[scenario_id].message
