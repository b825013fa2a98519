"""Retries: whole scenarios again, in a fresh process, and nothing of the first attempt is lost."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import store
from nonreg.attempts import choose_retries
from nonreg.config import PLATFORMS_DIR, load_platform
from nonreg.execute import execute_plan, run_attempts
from nonreg.model import CampaignPlan, CampaignRun, Effect, Failure, Outcome, Scenario, ScenarioResult
from nonreg.plan import CampaignRequest, collect_scenarios, identify_tool, plan_campaign
from nonreg.progress import read_progress
from nonreg.pytest_process import starting_pytest
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from nonreg.waiting import wait_until
from tests.run_samples import AT, make_plan, make_scenario

pytestmark = pytest.mark.xdist_group("retries")  # what they share is run once
HEADER = """
import os
from pathlib import Path
import pytest
from nonreg.errors import Unreachable
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario

MAJEURE, WRITES = Criticality.MAJEURE, Effect.WRITES_TEST_DATA
STATE = Path(__file__).parent

def count(name):
    file = STATE / name
    file.write_text(file.read_text() + "x" if file.exists() else "x")
    return len(file.read_text())
"""
GOOD = """
@scenario("BASE-900", "Bon", MAJEURE)
def test_good(witness):
    witness.expect_equal(count("bon"), 1, "une seule fois")
"""
FLAKY = """
@scenario("BASE-901", "Instable", MAJEURE)
def test_flaky(witness):
    n = count("instable")
    witness.attach("pièce", f"essai {n}, processus {os.getpid()}")
    witness.expect_equal(n, 2, "SELECT essai")
"""
FAILING = """
@scenario("BASE-902", "Faux", MAJEURE)
def test_failing(witness):
    witness.expect_equal(count("faux"), 0, "SELECT faux")
"""
UNPROVED = """
@pytest.fixture
def dirty():
    yield
    raise Unreachable("hôte éteint")

@scenario("BASE-903", "Écrit sans preuve de nettoyage", MAJEURE, WRITES)
def test_unproved(witness, dirty):
    witness.expect_equal(count("sale"), 0, "SELECT sale")
"""
CRASH = """
@scenario("BASE-904", "Tue pytest", MAJEURE)
def test_crash(witness):
    witness.expect_equal(1, 2, "SELECT 1")
    if count("mort") == 2:
        os._exit(7)
"""
STUCK = """
@scenario("BASE-905", "Bloqué au second essai", MAJEURE)
def test_stuck(witness):
    witness.expect_equal(1, 2, "SELECT 1")
    if count("bloque") == 2:
        __import__("threading").Event().wait(50)
"""
WRITER = """
@scenario("BASE-906", "Écrit", MAJEURE, WRITES, queries=("bench_create_station",))
def test_writer(witness, bench):
    left = bench.session.query("test_data_left", campaign_id=bench.campaign_id)
    witness.expect_no_rows(left, "rien du premier essai")
    bench.create_station()
    bench.session.commit()
    witness.expect_equal(count("ecrit"), 2, "SELECT essai")
"""


BODIES = {
    "BASE-900": GOOD,
    "BASE-901": FLAKY,
    "BASE-902": FAILING,
    "BASE-903": UNPROVED,
    "BASE-904": CRASH,
    "BASE-905": STUCK,
}
RETRIES = 3


def write_scenarios(folder: Path, *bodies: str) -> Path:
    folder.mkdir()
    (folder / "test_essai.py").write_text(HEADER + "".join(bodies), encoding="utf-8")
    return folder


@dataclasses.dataclass
class Retried:
    """A run of a scenario folder without any platform, with its retries."""

    run_dir: Path
    run: CampaignRun

    def attempts(self, scenario_id: str) -> list[tuple[int, Outcome]]:
        return [(one.attempt, one.outcome) for one in self.results(scenario_id)]

    def results(self, scenario_id: str) -> list[ScenarioResult]:
        return [one for one in self.run.results if one.scenario_id == scenario_id]


@dataclasses.dataclass(frozen=True)
class Runner:
    """Runs some of the scenarios above in a folder of their own; what was collected of all of them is used again."""

    catalog: tuple[Scenario, ...]

    def __call__(
        self,
        parent: Path,
        ids: tuple[str, ...],
        retries: int,
        stop: threading.Event | None = None,
        clean: Callable[[], str] = lambda: "",
        body: str = "",
    ) -> Retried:
        folder = write_scenarios(parent / "scenarios", body or "".join(BODIES[one] for one in ids))
        run_dir = parent / "passage"
        scenarios = tuple(one for one in self.catalog if one.id in ids)
        plan = dataclasses.replace(make_plan(), scenarios=scenarios, retries=retries)
        store.save_plan(run_dir, plan)
        store.save_guards(run_dir, ())
        file = PLATFORMS_DIR / "embarquee.toml"
        with starting_pytest(plan, run_dir, file, folder) as started:
            code, said = run_attempts(started, plan, run_dir, file, folder, stop or threading.Event(), clean)
        store.save_end(run_dir, datetime.now(UTC), code, " ".join(filter(None, said)))
        return Retried(run_dir, store.load_run(run_dir))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    folder = write_scenarios(tmp_path_factory.mktemp("catalogue") / "scenarios", *BODIES.values())
    return Runner(collect_scenarios(folder))


@pytest.fixture(scope="module")
def retried(run: Runner, tmp_path_factory: pytest.TempPathFactory) -> Retried:
    """A good, a flaky and a failing scenario, and a writer that proves no cleanup, with three retries."""
    ids = ("BASE-900", "BASE-901", "BASE-902", "BASE-903")
    return run(tmp_path_factory.mktemp("essais"), ids, RETRIES)


def test_a_scenario_that_passes_on_retry_keeps_its_failed_first_attempt(retried: Retried) -> None:
    assert retried.attempts("BASE-900") == [(1, Outcome.OK)]
    assert retried.attempts("BASE-901") == [(1, Outcome.KO), (2, Outcome.OK)]
    first, second = retried.results("BASE-901")
    assert first.failure is Failure.ECART
    assert second.failure is None
    assert retried.run.pytest_exit == 1


def test_the_evidence_of_each_attempt_stays_and_comes_from_a_process_of_its_own(retried: Retried) -> None:
    files = [item for result in retried.results("BASE-901") for item in result.evidence]
    assert [item.path for item in files] == [
        "evidence/BASE-901/pi-ce.txt",
        "evidence/BASE-901/essai-2/pi-ce.txt",
    ]
    texts = [(retried.run_dir / item.path).read_text(encoding="utf-8") for item in files]
    assert [text.split(",")[0] for text in texts] == ["essai 1", "essai 2"]
    assert len({text.split()[-1] for text in texts}) == 2
    hashes = [store.hash_file(retried.run_dir / item.path) for item in files]
    assert hashes == [item.sha256 for item in files]
    assert (retried.run_dir / "pytest.log").is_file()
    assert (retried.run_dir / "pytest-essai-2.log").is_file()


def test_a_scenario_is_tried_again_until_it_is_good_or_the_retries_are_used_up(retried: Retried) -> None:
    assert [number for number, _ in retried.attempts("BASE-901")] == [1, 2]
    assert retried.attempts("BASE-902") == [(number, Outcome.KO) for number in range(1, RETRIES + 2)]


def test_a_writer_whose_cleanup_was_not_proved_is_not_tried_again(retried: Retried) -> None:
    assert retried.attempts("BASE-903") == [(1, Outcome.KO)]


def test_without_retries_nothing_is_tried_twice(run: Runner, tmp_path: Path) -> None:
    assert run(tmp_path, ("BASE-901",), retries=0).attempts("BASE-901") == [(1, Outcome.KO)]


def test_nothing_is_tried_again_when_test_data_cannot_be_removed(run: Runner, tmp_path: Path) -> None:
    found = run(tmp_path, ("BASE-902",), retries=1, clean=lambda: "Nettoyage impossible.")
    assert found.attempts("BASE-902") == [(1, Outcome.KO)]
    assert (found.run.interruption, found.run.pytest_exit) == ("Nettoyage impossible.", 1)


def test_a_retry_whose_process_dies_is_told_by_the_exit_code(run: Runner, tmp_path: Path) -> None:
    found = run(tmp_path, ("BASE-904",), retries=2)
    assert found.run.pytest_exit == 7
    first, second = found.results("BASE-904")
    assert first.outcome is Outcome.KO
    assert (second.attempt, second.outcome, second.failure) == (2, Outcome.INCONCLUSIF, Failure.DELAI)


def test_a_first_process_that_dies_is_not_followed_by_another(run: Runner, tmp_path: Path) -> None:
    found = run(tmp_path, ("BASE-904",), retries=2, body=CRASH.replace('count("mort") == 2', "True"))
    assert found.run.pytest_exit == 7
    assert [number for number, _ in found.attempts("BASE-904")] == [1]


def test_a_stop_during_a_retry_ends_it_and_keeps_the_first_attempt(run: Runner, tmp_path: Path) -> None:
    mark, stop = tmp_path / "scenarios" / "bloque", threading.Event()

    def stop_in_second() -> None:
        wait_until(lambda: mark.exists() and len(mark.read_text()) == 2, 60)
        stop.set()

    threading.Thread(target=stop_in_second, daemon=True).start()
    found = run(tmp_path, ("BASE-905",), 1, stop)
    assert found.run.interruption == "Campagne arrêtée à la demande."
    assert found.attempts("BASE-905") == [(1, Outcome.KO), (2, Outcome.INCONCLUSIF)]
    assert found.run.pytest_exit is None


def test_progress_counts_scenarios_and_shows_which_were_tried_again(retried: Retried) -> None:
    state = read_progress(retried.run_dir)
    assert (state.done, state.total, state.percent) == (4, 4, 100.0)
    remarks = [(one.scenario_id, one.remark.strip()) for one in state.finished]
    assert remarks[4:6] == [("BASE-901", "(2e essai)"), ("BASE-902", "(2e essai)")]
    assert remarks[6:] == [("BASE-902", "(3e essai)"), ("BASE-902", "(4e essai)")]
    assert state.tally == "2 OK  2 KO  dont 1 instable(s)"


def test_progress_names_the_attempt_under_way(retried: Retried, tmp_path: Path) -> None:
    under_way = Path(shutil.copytree(retried.run_dir, tmp_path / "passage"))
    (under_way / store.END).unlink()
    assert read_progress(under_way).stage == "4e essai"


def test_a_writer_finds_nothing_of_its_first_attempt(sandbox: Layout, tmp_path: Path) -> None:
    folder = write_scenarios(tmp_path / "scenarios", WRITER)
    platform = load_platform(str(sandbox.platform_file))
    request = CampaignRequest(str(sandbox.platform_file), scenarios=str(folder))
    plan = plan_campaign(request, platform, collect_scenarios(folder), "passage", identify_tool(request))
    run_dir = tmp_path / "passage"
    store.save_plan(run_dir, dataclasses.replace(plan, retries=1))
    plan = store.load_json(CampaignPlan, run_dir / store.PLAN)
    execute_plan(platform, plan, run_dir, sandbox.platform_file, folder, threading.Event())
    results = store.load_run(run_dir).results
    assert [(one.attempt, one.outcome, one.message) for one in results] == [
        (1, Outcome.KO, "Attendu : 2 ; trouvé : 1."),
        (2, Outcome.OK, ""),
    ]
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE)) as connection:
        row = connection.execute("SELECT count(*) FROM nr.marque").fetchone()
    assert row == (0,)


OUTCOMES = st.sampled_from(list(Outcome))
EFFECTS = st.sampled_from(list(Effect))


@given(
    ended=st.lists(st.tuples(OUTCOMES, EFFECTS, st.booleans(), st.booleans()), max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_only_whole_failed_and_restored_scenarios_are_chosen_in_plan_order(
    ended: list[tuple[Outcome, Effect, bool, bool]], order: object
) -> None:
    ids = [f"BASE-{number:03d}" for number in range(len(ended))]
    effects = {one: effect for one, (_, effect, _, _) in zip(ids, ended, strict=True)}
    plan = dataclasses.replace(
        make_plan(), scenarios=tuple(make_scenario(one, effect) for one, effect in effects.items())
    )
    events = [
        {
            "event": "scenario_finished",
            "at": AT.isoformat(),
            "result": json.loads(json.dumps(dataclasses.asdict(ScenarioResult(one, outcome)))),
            "restored": restored,
        }
        for one, (outcome, _, restored, finished) in zip(ids, ended, strict=True)
        if finished
    ]
    order.shuffle(events)  # type: ignore[attr-defined]
    chosen = choose_retries(plan, events, 2)
    assert list(chosen) == sorted(chosen)
    for one, (outcome, effect, restored, finished) in zip(ids, ended, strict=True):
        wanted = (
            finished
            and outcome in (Outcome.KO, Outcome.INCONCLUSIF)
            and (effect is Effect.READ_ONLY or (effect is Effect.WRITES_TEST_DATA and restored))
        )
        assert (one in chosen) is wanted
    assert choose_retries(plan, events, 3) == ()


@pytest.mark.parametrize("number", [2, 3])
def test_events_of_other_attempts_do_not_decide(number: int) -> None:
    plan = make_plan("BASE-001")
    results = [
        ScenarioResult("BASE-001", Outcome.KO, attempt=1),
        ScenarioResult("BASE-001", Outcome.OK, attempt=2),
    ]
    events = [{"event": "scenario_finished", "result": dataclasses.asdict(one)} for one in results]
    assert choose_retries(plan, events, number) == (("BASE-001",) if number == 2 else ())
