"""What a scenario declares that it runs is what it runs: nothing less on a platform, nothing more in the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonreg import fixtures
from nonreg.clients.sql import list_queries
from nonreg.config import load_platform
from nonreg.errors import UsageError
from nonreg.grants.manifest import Account, load_manifest
from nonreg.model import Effect, Failure, Outcome, Scenario, ScenarioResult
from nonreg.plan import (
    SCENARIOS_DIR,
    CampaignRequest,
    collect_scenarios,
    identify_tool,
    list_declared,
    plan_campaign,
)
from nonreg.probes.schema import SUBJECTS
from nonreg.sandbox.layout import Layout
from tests.campaigns import run_campaign
from tests.reachable import Place, find_faults, find_reachable

QUERIES = load_manifest().queries
# Names that the code says and that one scenario does not run: a subject chosen by name, a method named as another one.
NOT_TOLD_APART = {*SUBJECTS.values(), "bench_measures", "bench_create_threshold"}
TOOL: tuple[Place, ...] = (
    ("nonreg.execute", "execute_plan"),
    ("nonreg.discovery.catalog", "read_catalog"),
    ("nonreg.snapshot", "write_snapshot"),
    ("nonreg.migration.structure", "compare_subject"),
    ("nonreg.migration.data", "compare_one"),
)
HEADER = """
import os
import threading
import pytest
from nonreg.config import load_platform
from nonreg.errors import NotOnEngine
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.recorder import PLATFORM_VARIABLE, runs_queries, scenario
from nonreg.witness import NotApplicable

MINEURE = Criticality.MINEURE

def ask(witness, session, name):
    rows = session.query(name)
    witness.expect(bool(rows.rows), rows.request, "une ligne", "aucune")
"""
TOLD = """
@scenario("BASE-901", "Déclarée", MINEURE, queries=("site_role",))
def test_told(witness, active):
    ask(witness, active, "site_role")
"""
UNTOLD = """
@scenario("BASE-902", "Non déclarée", MINEURE)
def test_untold(witness, active):
    ask(witness, active, "site_role")
"""
OTHERS = """
@scenario("BASE-903", "Deux dans un fil", MINEURE, queries=("operators",), alone=True)
def test_threaded(witness, campaign):
    def look():
        with campaign.session(campaign.active_site) as session:
            for name in ("site_role", "operators", "components"):
                ask(witness, session, name)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

@scenario("BASE-904", "Écart", MINEURE)
def test_gap(witness, active):
    witness.expect_equal(active.query("site_role").scalar(), "AUCUN", "rôle")

@scenario("BASE-905", "Absente de ce moteur", MINEURE)
def test_absent(witness, active):
    active.query("checkdb_age")

@scenario("BASE-906", "Essayée", MINEURE)
def test_tried(witness, active):
    witness.expect_equal(active.try_query("site_role"), "", "rôle")

@pytest.fixture
@runs_queries("site_role")
def role(active):
    return active.query("site_role").scalar()

@pytest.fixture
def again(role):
    return role

@scenario("BASE-907", "Par sa préparation", MINEURE)
def test_fixture(witness, again):
    witness.expect_equal(again, "ACTIF", "rôle")

@scenario("BASE-908", "Sans nom", MINEURE)
def test_free_text(witness, active):
    witness.expect_equal(active.execute("SELECT 1 AS un").scalar(), 1, "un")

@scenario("BASE-909", "Sans nom, d'un lot", MINEURE)
def test_free_batch(witness, active):
    witness.expect_equal(len(active.run_batch("SELECT 1 AS un").sets), 1, "un lot")

@pytest.fixture(scope="session")
@runs_queries("site_role")
def shared():
    campaign = Campaign(load_platform(os.environ[PLATFORM_VARIABLE]), None, None)
    with campaign.session(campaign.active_site) as session:
        yield session.query("site_role").scalar()
        session.query("site_role")

@scenario("BASE-910", "Préparation commune", MINEURE)
def test_shared(witness, shared):
    witness.expect_equal(shared, "ACTIF", "rôle")

@scenario("BASE-911", "Dernière", MINEURE, alone=True)
def test_last(witness):
    witness.expect_equal(1, 1, "un")
"""


@pytest.fixture(scope="module")
def shipped() -> tuple[Scenario, ...]:
    return collect_scenarios(SCENARIOS_DIR)


def write_folder(folder: Path, *bodies: str) -> Path:
    """A folder of scenarios of one's own."""
    folder.mkdir()
    (folder / "test_essai.py").write_text(HEADER + "".join(bodies), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def results(sandbox: Layout, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ScenarioResult]:
    """A campaign on a folder of one's own, by scenario."""
    root = tmp_path_factory.mktemp("declarees")
    folder = write_folder(root / "scenarios", TOLD, UNTOLD, OTHERS)
    report = run_campaign(sandbox.platform_file, root / "passage", scenarios=str(folder))
    return {result.scenario_id: result for result in report.run.results}


def test_a_query_that_is_declared_by_the_scenario_or_beside_its_fixture_is_run_and_nothing_said(
    results: dict[str, ScenarioResult],
) -> None:
    for name in ("BASE-901", "BASE-907", "BASE-910"):
        assert (results[name].outcome, results[name].message) == (Outcome.OK, "")


def test_a_query_that_is_not_declared_is_a_defect_of_the_scenario_and_where_to_declare_it_is_told(
    results: dict[str, ScenarioResult],
) -> None:
    assert (results["BASE-902"].outcome, results["BASE-902"].failure) == (
        Outcome.INCONCLUSIF,
        Failure.CONTROLE,
    )
    assert results["BASE-902"].message == (
        "Contrôle défaillant : BASE-902 exécute la requête « site_role » sans la déclarer : ajoutez-la à queries=(…) "
        "de son @scenario, dans test_essai.py."
    )


def test_what_a_fixture_of_all_scenarios_runs_at_their_end_is_no_defect_of_the_last_one(
    results: dict[str, ScenarioResult],
) -> None:
    assert [*results][-1] == "BASE-911"
    assert (results["BASE-911"].outcome, results["BASE-911"].message) == (Outcome.OK, "")


@pytest.mark.parametrize("scenario_id", ["BASE-908", "BASE-909"])
def test_a_text_without_a_name_has_no_rights_and_is_a_defect_of_the_scenario(
    results: dict[str, ScenarioResult], scenario_id: str
) -> None:
    assert results[scenario_id].outcome is Outcome.INCONCLUSIF
    assert results[scenario_id].message == (
        f"Contrôle défaillant : {scenario_id} exécute du SQL sans nom, dont les droits ne se déclarent pas : faites-en "
        "une requête nommée ou un scénario .sql (test_essai.py)."
    )


@pytest.mark.parametrize(
    ("scenario_id", "outcome", "words"),
    [
        ("BASE-903", Outcome.INCONCLUSIF, "les requêtes « components », « site_role » sans les déclarer"),
        (
            "BASE-904",
            Outcome.KO,
            "trouvé : ACTIF. Contrôle défaillant : BASE-904 exécute la requête « site_role »",
        ),
        ("BASE-905", Outcome.INCONCLUSIF, "BASE-905 exécute la requête « checkdb_age »"),
        ("BASE-906", Outcome.INCONCLUSIF, "BASE-906 exécute la requête « site_role »"),
    ],
)
def test_whoever_runs_it_and_however_it_ends_it_is_told(
    results: dict[str, ScenarioResult], scenario_id: str, outcome: Outcome, words: str
) -> None:
    assert results[scenario_id].outcome is outcome
    assert words in results[scenario_id].message


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ('("site_rôle",)', "Requête inconnue : « site_rôle », que test_essai.py::test_told déclare"),
        ('"site_role"', "Requêtes mal déclarées : test_essai.py::test_told (queries est une liste de noms)."),
        ("7", "Requêtes mal déclarées"),
    ],
)
def test_what_is_no_list_of_named_queries_is_one_sentence(tmp_path: Path, declared: str, words: str) -> None:
    folder = write_folder(tmp_path / "scenarios", TOLD.replace('("site_role",)', declared))
    with pytest.raises(UsageError) as caught:
        collect_scenarios(folder)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fixture_that_declares_an_unknown_query_is_told_too(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "scenarios", OTHERS.replace('@runs_queries("site_role")', '@runs_queries("x")')
    )
    with pytest.raises(UsageError, match="Requête inconnue : « x »"):
        collect_scenarios(folder)


def find_own(scenario: Scenario) -> frozenset[str]:
    """What the code of a shipped scenario and of its faults could run, its fixtures' apart."""
    path, _, function = scenario.node_id.partition("::")
    module = "nonreg.scenarios." + path.removesuffix(".py").replace("/", ".")
    faults = find_faults({fault.kind for fault in scenario.drill.faults}) if scenario.drill else ()
    return find_reachable([(module, function), *faults])


def declared_by(name: str) -> set[str]:
    """What a shipped fixture declares."""
    return set(getattr(getattr(fixtures, name)._get_wrapped_function(), "queries"))  # noqa: B009


def test_each_shipped_scenario_declares_what_its_code_can_run_on_any_engine_and_nothing_else(
    shipped: tuple[Scenario, ...],
) -> None:
    given = {name for fixture in ("bench", "drill", "trial") for name in declared_by(fixture)}
    for scenario in shipped:
        own = find_own(scenario)
        assert set(scenario.queries) - given <= own, f"{scenario.id} déclare ce qu'il n'exécute pas"
        assert own <= {*scenario.queries, *NOT_TOLD_APART}, f"{scenario.id} ne déclare pas tout"
    assert sum(len(scenario.queries) for scenario in shipped) > 300, "plus rien n'est déclaré"


@pytest.mark.parametrize("name", ["bench", "drill", "trial"])
def test_each_fixture_declares_what_its_code_can_run_and_nothing_else(name: str) -> None:
    declared, own = declared_by(name), find_reachable([("nonreg.fixtures", name)])
    assert declared <= own
    assert own <= {*declared, *NOT_TOLD_APART}


def test_a_scenario_that_only_reads_never_has_the_write_account(shipped: tuple[Scenario, ...]) -> None:
    for scenario in shipped:
        if scenario.effect is Effect.READ_ONLY:
            assert not {*scenario.queries} & set(QUERIES.writer), scenario.id


def test_what_the_tool_runs_by_itself_is_what_the_manifest_says() -> None:
    reached = find_reachable(TOOL) - {*QUERIES.itself, *QUERIES.not_given}
    assert {*QUERIES.tool_reader, *QUERIES.tool_writer} == reached, "tool_reader, tool_writer du manifeste"
    for account, names in ((Account.READER, QUERIES.tool_reader), (Account.WRITER, QUERIES.tool_writer)):
        assert not [name for name in names if account not in QUERIES.accounts(name)]


def test_each_named_query_is_run_by_a_scenario_or_by_the_tool(shipped: tuple[Scenario, ...]) -> None:
    run = {name for scenario in shipped for name in scenario.queries}
    others = {*QUERIES.tool_reader, *QUERIES.tool_writer, *QUERIES.itself, *QUERIES.not_given}
    unused = list_queries() - run - others
    assert unused == set(), (
        "à déclarer par un scénario, ou pour l'outil (tool_reader du manifeste, et TOOL ici)"
    )


def test_a_plan_says_what_its_whole_folder_declares_whatever_is_selected(
    sandbox: Layout, shipped: tuple[Scenario, ...]
) -> None:
    request = CampaignRequest(str(sandbox.platform_file), select="BASE-001")
    platform = load_platform(request.platform)
    plan = plan_campaign(request, platform, shipped, "essai", identify_tool(request))
    assert [found.id for found in plan.scenarios] == ["BASE-001"]
    assert plan.declared == list_declared(shipped)
    assert {one.scenario_id for one in plan.declared} >= {"APP-002", "HD-012", "BASE-034"}
    assert [one.writes for one in plan.declared if one.scenario_id in ("APP-002", "HD-012")] == [False, True]
