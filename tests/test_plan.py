"""The plan: what is selected, and the one sentence that answers what cannot be planned."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.busy import MAX_WAIT_MINUTES
from nonreg.config import load_platform
from nonreg.errors import UsageError
from nonreg.model import Criticality, Effect, EffectLimit, Family, Scenario
from nonreg.plan import (
    SCENARIOS_DIR,
    CampaignRequest,
    ToolIdentity,
    collect_scenarios,
    identify_tool,
    parse_families,
    plan_campaign,
    select_scenarios,
)

HEADER = "from nonreg.recorder import scenario\nfrom nonreg.model import Criticality\n"


def make_scenario(scenario_id: str, effect: Effect = Effect.READ_ONLY) -> Scenario:
    family = Family(scenario_id.split("-")[0])
    return Scenario(scenario_id, "Essai", family, Criticality.MAJEURE, effect, 60.0)


POOL = tuple(make_scenario(name) for name in ("HD-002", "BASE-010", "APP-001", "BASE-002", "HD-001"))


EMBEDDED, TOOL = load_platform("embarquee"), ToolIdentity("essai", "0", "0", "commande")


@pytest.fixture(scope="module")
def shipped() -> tuple[Scenario, ...]:
    return collect_scenarios(SCENARIOS_DIR)


def test_the_shipped_scenarios_cover_what_was_promised(shipped: tuple[Scenario, ...]) -> None:
    counts = {family: sum(found.family is family for found in shipped) for family in Family}
    assert counts[Family.BASE] >= 20
    assert counts[Family.APPLICATIF] >= 15
    assert counts[Family.HD] >= 10


def test_each_shipped_scenario_has_a_requirement_and_only_drills_are_disruptive(
    shipped: tuple[Scenario, ...],
) -> None:
    for found in shipped:
        quiet = found.effect in (Effect.READ_ONLY, Effect.WRITES_TEST_DATA)
        assert quiet == (found.drill is None)
        assert found.requirement_ids
        assert all(reference.startswith("R") for reference in found.requirement_ids)


def test_families_come_in_order_and_ids_in_order_inside() -> None:
    chosen = select_scenarios(POOL, tuple(Family), "")
    assert [found.id for found in chosen] == ["BASE-002", "BASE-010", "APP-001", "HD-001", "HD-002"]


def test_patterns_select_by_id() -> None:
    chosen = select_scenarios(POOL, tuple(Family), "HD-00*, BASE-002")
    assert [found.id for found in chosen] == ["BASE-002", "HD-001", "HD-002"]


def test_disruptive_and_manual_scenarios_are_never_selected() -> None:
    pool = (make_scenario("HD-021", Effect.DISRUPTIVE), make_scenario("HD-019", Effect.MANUAL))
    assert select_scenarios(pool, tuple(Family), "*") == ()


@given(st.permutations(POOL))
def test_the_selection_does_not_depend_on_the_order_of_collection(pool: list[Scenario]) -> None:
    assert select_scenarios(tuple(pool), tuple(Family), "") == select_scenarios(POOL, tuple(Family), "")


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(UsageError, match="Famille inconnue : « reseau »"):
        parse_families("base,reseau")


def test_no_family_means_all() -> None:
    assert parse_families("") == tuple(Family)


def plan(request: CampaignRequest) -> object:
    return plan_campaign(request, load_platform(request.platform), POOL, "essai", identify_tool(request))


def test_an_empty_selection_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="Sélection vide : aucun scénario de BASE"):
        plan(CampaignRequest("embarquee", "base", "BASE-9*"))


def test_a_malformed_ticket_is_refused() -> None:
    with pytest.raises(UsageError, match="ticket mal formée : « n importe quoi »"):
        plan(CampaignRequest("embarquee", ticket="n importe quoi"))


def test_a_platform_without_default_ticket_requires_one(tmp_path: Path) -> None:
    shipped = load_platform("embarquee")
    text = Path("nonreg/platforms/embarquee.toml")
    file = tmp_path / "sans.toml"
    file.write_text(
        text.read_text(encoding="utf-8").replace(f'default_ticket = "{shipped.default_ticket}"\n', ""),
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match="Indiquez un ticket"):
        plan(CampaignRequest(str(file)))


def test_the_command_of_a_run_reproduces_it() -> None:
    tool = identify_tool(CampaignRequest("embarquee", "base,hd", "HD-00*", "AQ-12"))
    assert tool.command == (
        "python -m nonreg campaign --platform embarquee --families base,hd --select 'HD-00*' --ticket AQ-12"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def test_nu(): pass\n", "Scénario sans métadonnées : test_essai.py::test_nu"),
        ("@scenario('BASE-1', 'T', Criticality.MINEURE)\ndef test_a(): pass\n", "mal formé : « BASE-1 »"),
        (
            "@scenario('BASE-001', '', Criticality.MINEURE)\ndef test_a(): pass\n",
            "incomplet : test_essai.py::test_a",
        ),
        ("@scenario('BASE-001', 'T', 'grave')\ndef test_a(): pass\n", "Métadonnées refusées pour"),
        (
            "@scenario('BASE-001', 'T', Criticality.MINEURE)\ndef test_a(): pass\n"
            "@scenario('BASE-001', 'U', Criticality.MINEURE)\ndef test_b(): pass\n",
            "Identifiant de scénario en double : BASE-001",
        ),
        ("import absent_de_partout\n", "Scénario illisible : test_essai.py ("),
        ("def test_a(:\n", "Scénario illisible : test_essai.py ("),
    ],
)
def test_an_unsound_scenario_is_refused_in_one_sentence(tmp_path: Path, body: str, expected: str) -> None:
    (tmp_path / "test_essai.py").write_text(HEADER + body, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        collect_scenarios(tmp_path)
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_empty_folder_has_no_scenarios(tmp_path: Path) -> None:
    assert collect_scenarios(tmp_path) == ()


def test_an_absent_folder_is_named() -> None:
    with pytest.raises(UsageError, match="introuvable : ailleurs"):
        collect_scenarios(Path("ailleurs"))


WRITING = (
    *POOL,
    make_scenario("BASE-020", Effect.WRITES_TEST_DATA),
    make_scenario("HD-004", Effect.WRITES_TEST_DATA),
)


def test_a_read_only_campaign_leaves_out_what_writes_and_names_it() -> None:
    request = CampaignRequest("embarquee", effects="lecture")
    planned = plan_campaign(request, load_platform("embarquee"), WRITING, "essai", identify_tool(request))
    assert [found.id for found in planned.scenarios] == [
        found.id for found in select_scenarios(POOL, tuple(Family), "")
    ]
    assert planned.effects_left_out == ("BASE-020", "HD-004")
    assert planned.command == "python -m nonreg campaign --platform embarquee --effects lecture"


def test_what_was_not_selected_is_not_left_out_for_its_effects() -> None:
    request = CampaignRequest("embarquee", "base", "BASE-0[012]*", effects="lecture")
    planned = plan_campaign(request, load_platform("embarquee"), WRITING, "essai", identify_tool(request))
    assert planned.effects_left_out == ("BASE-020",)


def test_nothing_is_left_out_of_a_campaign_that_may_write() -> None:
    request = CampaignRequest("embarquee")
    planned = plan_campaign(request, load_platform("embarquee"), WRITING, "essai", identify_tool(request))
    assert len(planned.scenarios) == len(WRITING)
    assert (planned.effects, planned.effects_left_out) == (EffectLimit.DONNEES_MARQUEES, ())


@given(
    st.sets(st.sampled_from(["BASE-001", "BASE-002", "APP-001", "HD-001", "HD-002"])),
    st.sampled_from(EffectLimit),
)
def test_what_is_planned_and_what_is_left_out_are_the_whole_selection(
    writers: set[str], limit: EffectLimit
) -> None:
    names = ("BASE-001", "BASE-002", "APP-001", "HD-001", "HD-002", "APP-009")
    pool = tuple(
        make_scenario(name, Effect.WRITES_TEST_DATA if name in writers else Effect.READ_ONLY)
        for name in names
    )
    request = CampaignRequest("embarquee", effects=limit.value)
    planned = plan_campaign(request, EMBEDDED, pool, "essai", TOOL)
    chosen = {found.id for found in planned.scenarios}
    assert chosen | {*planned.effects_left_out} == {*names}
    assert not chosen & {*planned.effects_left_out}
    assert all(found.effect in limit.effects for found in planned.scenarios)


def test_unknown_effects_are_named() -> None:
    with pytest.raises(
        UsageError, match="Effets inconnus : « tout » \\(connus : lecture, donnees-marquees\\)"
    ):
        plan(CampaignRequest("embarquee", effects="tout"))


def test_drills_do_not_go_with_a_read_only_campaign() -> None:
    with pytest.raises(UsageError, match="ne vont pas avec des effets limités à la lecture"):
        plan(CampaignRequest("embarquee", effects="lecture", drills="autorisation.json"))


def test_a_selection_that_only_writes_is_empty_in_a_read_only_campaign() -> None:
    request = CampaignRequest("embarquee", select="BASE-020", effects="lecture")
    with pytest.raises(UsageError, match="aucun scénario de BASE, APPLICATIF, HD en lecture seule"):
        plan_campaign(request, load_platform("embarquee"), WRITING, "essai", identify_tool(request))


@pytest.mark.parametrize("minutes", [-1, MAX_WAIT_MINUTES + 1])
def test_a_wait_without_measure_is_refused(minutes: int) -> None:
    with pytest.raises(UsageError, match="Attente refusée : "):
        plan(CampaignRequest("embarquee", wait_minutes=minutes))


def test_drills_never_wait_for_their_turn() -> None:
    with pytest.raises(UsageError, match="Des exercices n'attendent pas"):
        plan(CampaignRequest("embarquee", drills="autorisation.json", wait_minutes=5))
