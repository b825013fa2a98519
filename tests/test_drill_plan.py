"""The plan of drills: what a scenario declares, resolved on a platform to exact actions, in the order of the day."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import DrillSettings, Platform, SwitchoverMode, load_platform
from nonreg.drills.planning import allow_for_people, plan_drills
from nonreg.errors import ConfigError, UsageError
from nonreg.model import (
    Criticality,
    Drill,
    DrillFault,
    DrillStage,
    Effect,
    Family,
    PlannedDrill,
    Scenario,
    SiteRole,
)
from nonreg.plan import (
    SCENARIOS_DIR,
    CampaignRequest,
    collect_scenarios,
    draft_plan,
    plan_campaign,
    select_scenarios,
)
from tests.drilled import STOP_CLIENT, TOOL, write_catalog

ROOT = Path(__file__).parent.parent
STOP = DrillFault("service_stopped", SiteRole.PASSIF, (("service", "client"),), 20.0)
OWN_FAULT = """
from nonreg.faults import register
from nonreg.faults.services import ServiceStopped

@register("own_stop")
class OwnStop(ServiceStopped):
    '''A site's own.'''
    def describe(self):
        import dataclasses
        self.kind = "service_stopped"
        told = super().describe()
        self.kind = "own_stop"
        return dataclasses.replace(told, action="à notre façon, " + told.action)
"""


@pytest.fixture
def platform() -> Platform:
    return load_platform("embarquee")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the code of the scenarios made here is said to be."""
    return write_catalog(tmp_path / "scenarios", STOP_CLIENT)


def make_drill(
    scenario_id: str, *faults: DrillFault, stage: DrillStage = DrillStage.SECOURS, timeout: float = 60.0
) -> Scenario:
    return Scenario(
        scenario_id,
        "Essai",
        Family.HD,
        Criticality.MAJEURE,
        Effect.DISRUPTIVE,
        timeout,
        node_id="test_essai.py::test_essai",
        drill=Drill(stage, faults),
    )


def make_quiet(scenario_id: str, effect: Effect = Effect.READ_ONLY) -> Scenario:
    family = Family(scenario_id.split("-")[0])
    return Scenario(scenario_id, "Essai", family, Criticality.MAJEURE, effect, 60.0)


def plan_one(platform: Platform, folder: Path, *faults: DrillFault) -> PlannedDrill:
    (planned,) = plan_drills(platform, [make_quiet("HD-001"), make_drill("HD-915", *faults)], folder)
    return planned


def change(platform: Platform, **settings: object) -> Platform:
    drills: DrillSettings = dataclasses.replace(platform.drills, **settings)  # type: ignore[arg-type]
    return dataclasses.replace(platform, drills=drills)


def test_what_a_drill_declares_is_read_at_collection(folder: Path) -> None:
    (found,) = collect_scenarios(folder)
    assert found.effect is Effect.DISRUPTIVE
    assert found.drill == Drill(DrillStage.SECOURS, (STOP,), ("Prévenir la salle.",))


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("Effect.DISRUPTIVE", "Scénario perturbateur sans exercice : HD-915"),
        ("Effect.DISRUPTIVE, drill='secours'", "Scénario perturbateur sans exercice : HD-915"),
        ("Effect.READ_ONLY, drill=Drill(DrillStage.CHARGE)", "Exercice refusé : HD-915"),
    ],
)
def test_a_disruptive_scenario_without_drill_or_a_drill_of_another_effect_is_refused_in_one_sentence(
    tmp_path: Path, declared: str, expected: str
) -> None:
    body = f"@scenario('HD-915', 'T', Criticality.MAJEURE, {declared})\ndef test_a(witness): pass\n"
    with pytest.raises(UsageError) as caught:
        collect_scenarios(write_catalog(tmp_path, body))
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_fault_is_planned_with_its_exact_commands_its_host_and_its_timer(
    platform: Platform, folder: Path
) -> None:
    (fault,) = plan_one(platform, folder, STOP).faults
    assert (fault.id, fault.kind, fault.site, fault.hosts) == (
        "HD-915/1",
        "service_stopped",
        "SITE-B",
        ("srv-b",),
    )
    assert "systemctl stop aquareel-client.service" in fault.action
    assert fault.healing == "systemctl start aquareel-client.service"
    assert "--on-active=20" in fault.dead_man
    assert fault.parameters == STOP.parameters


def test_every_service_of_the_platform_file_is_one_fault_in_its_order_and_nothing_else_is(
    platform: Platform, folder: Path
) -> None:
    every = DrillFault("service_killed", SiteRole.SURVEILLANCE, (("service", "*"),), 30.0)
    faults = plan_one(platform, folder, STOP, every).faults
    assert [(one.id, one.site, one.parameter("service")) for one in faults] == [
        ("HD-915/1", "SITE-B", "client"),
        ("HD-915/2", "SITE-S", "puits"),
        ("HD-915/3", "SITE-S", "supervision"),
    ]


def test_a_replaced_fault_is_planned_as_what_takes_its_place(platform: Platform, folder: Path) -> None:
    by_hand = change(platform, replace={"machine_off": "by_hand"})
    (fault,) = plan_one(by_hand, folder, DrillFault("machine_off", SiteRole.ACTIF)).faults
    assert (fault.kind, fault.by_hand, fault.parameter("remplace")) == ("by_hand", True, "machine_off")


def test_what_people_may_take_is_added_to_the_time_of_a_drill_and_of_nothing_else(
    platform: Platform, folder: Path
) -> None:
    by_operator = change(platform, switchover=SwitchoverMode.OPERATEUR)
    drill = make_drill("HD-915", STOP, DrillFault("switched_over", max_seconds=300.0), timeout=400.0)
    scenarios = [make_quiet("HD-001"), drill]
    for where, allowed in ((platform, 400.0), (by_operator, 1000.0)):
        planned = allow_for_people(scenarios, plan_drills(where, scenarios, folder))
        assert [one.timeout_seconds for one in planned] == [60.0, allowed]


@pytest.mark.parametrize(
    ("fault", "settings", "expected"),
    [
        (DrillFault("meteorite", SiteRole.ACTIF), {}, "Panne inconnue : « meteorite »"),
        (DrillFault("machine_off", SiteRole.ACTIF), {"hypervisor": None}, "n'a pas de [drills.hypervisor]"),
        (DrillFault("link_cut"), {"link_control": None}, "n'a pas de commande de liaison"),
        (DrillFault("machine_off"), {}, "demande un site"),
        (DrillFault("service_stopped", SiteRole.ACTIF), {}, "demande le paramètre « service »"),
        (DrillFault("service_stopped", None, (("service", "*"),)), {}, "ne dit pas de quel site"),
        (dataclasses.replace(STOP, max_seconds=0.0), {}, "au moins 1 s"),
        (dataclasses.replace(STOP, max_seconds=float("nan")), {}, "au moins 1 s"),
        (
            STOP,
            {"replace": {"service_stopped": "service_killed", "service_killed": "by_hand"}},
            "est déjà un remplacement",
        ),
    ],
)
def test_a_fault_that_cannot_be_done_here_is_refused_in_one_sentence_that_names_the_drill(
    platform: Platform, folder: Path, fault: DrillFault, settings: dict[str, object], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_one(change(platform, **settings), folder, fault)
    assert expected in str(caught.value)
    assert "HD-915" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_code_of_a_drill_is_that_of_its_scenario_and_of_its_faults_wherever_they_lie(
    platform: Platform, folder: Path, tmp_path: Path
) -> None:
    own = tmp_path / "pannes" / "arret.py"
    own.parent.mkdir()
    own.write_text(OWN_FAULT, encoding="utf-8")
    with_own = change(platform, faults=str(own.parent), replace={"service_stopped": "own_stop"})
    before = plan_one(with_own, folder, STOP)
    assert before.faults[0].action.startswith("à notre façon, arrêter le service client")
    assert plan_one(with_own, folder, STOP) == before

    moved = write_catalog(tmp_path / "ailleurs", STOP_CLIENT)
    assert plan_one(with_own, moved, STOP).code_sha256 == before.code_sha256

    own.write_text(OWN_FAULT + "# une ligne de plus\n", encoding="utf-8")
    changed = plan_one(with_own, folder, STOP)
    assert (changed.faults, changed.code_sha256 == before.code_sha256) == (before.faults, False)
    write_catalog(folder, STOP_CLIENT, "# une ligne de plus\n")
    assert plan_one(with_own, folder, STOP).code_sha256 not in (before.code_sha256, changed.code_sha256)
    assert plan_one(platform, folder, STOP).code_sha256 != plan_one(with_own, folder, STOP).code_sha256

    judged = plan_one(with_own, folder, STOP)
    (folder / "jugement.py").write_text("LIMIT = 1\n", encoding="utf-8")  # what the drills of a folder share
    assert plan_one(with_own, folder, STOP).code_sha256 != judged.code_sha256


QUIET = (
    make_quiet("HD-001"),
    make_quiet("HD-005", Effect.WRITES_TEST_DATA),
    make_quiet("HD-014"),
    make_quiet("BASE-002"),
    make_quiet("BASE-001", Effect.WRITES_TEST_DATA),
)
DRILLS = (
    make_drill("HD-030", stage=DrillStage.BILAN),
    make_drill("HD-012", stage=DrillStage.PLANIFIE),
    make_drill("HD-023", stage=DrillStage.PERTE),
    make_drill("HD-024", stage=DrillStage.PERTE),
    make_drill("HD-025", stage=DrillStage.RESEAU),
    make_drill("HD-016", stage=DrillStage.SECOURS),
    make_drill("HD-013", stage=DrillStage.CHARGE),
)


@given(st.permutations(QUIET + DRILLS))
def test_drills_come_last_gentlest_first_when_they_are_asked_for(pool: list[Scenario]) -> None:
    chosen = select_scenarios(tuple(pool), tuple(Family), "", drills=True)
    ids = [found.id for found in chosen]
    assert ids[:5] == ["BASE-001", "BASE-002", "HD-001", "HD-014", "HD-005"]
    assert ids[5:] == ["HD-013", "HD-016", "HD-012", "HD-025", "HD-023", "HD-024", "HD-030"]


@given(st.sets(st.sampled_from(Family)), st.sampled_from(["", "*", "HD-0*", "HD-023"]))
def test_nothing_disruptive_is_ever_selected_unless_drills_are_asked_for(
    families: set[Family], selection: str
) -> None:
    chosen = select_scenarios(QUIET + DRILLS, tuple(families), selection)
    assert not set(chosen) & set(DRILLS)


def read_deployments() -> list[dict[str, object]]:
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
    found: list[dict[str, object]] = yaml.safe_load(text)["deployments"]
    return found


@pytest.mark.parametrize("scheduled", [one for one in read_deployments() if one.get("schedules")])
def test_what_runs_by_itself_at_night_has_no_way_to_a_drill(
    platform: Platform, scheduled: dict[str, object]
) -> None:
    given_parameters = scheduled["parameters"]
    assert isinstance(given_parameters, dict)
    assert "drills" not in given_parameters
    known = {field.name for field in dataclasses.fields(CampaignRequest)}
    request = CampaignRequest(**{key: value for key, value in given_parameters.items() if key in known})
    shipped = collect_scenarios(SCENARIOS_DIR)
    plan = plan_campaign(request, platform, shipped + DRILLS, "passage", TOOL)
    assert plan.drills == ()
    assert not [found.id for found in plan.scenarios if found.effect is Effect.DISRUPTIVE or found.drill]
    assert {one.id for one in DRILLS} <= set(plan.drills_left_out)


def test_every_check_from_hd_001_to_hd_009_closes_a_plan_with_drills_whatever_is_selected(
    platform: Platform, folder: Path
) -> None:
    pool = (*QUIET, make_quiet("HD-009b"), make_drill("HD-009", STOP), make_drill("HD-915", STOP))
    request = CampaignRequest("embarquee", select="HD-915", scenarios=str(folder))
    plan = draft_plan(request, platform, pool, "passage", TOOL, drills=True)
    assert plan.families == (Family.HD,)
    assert [found.id for found in plan.scenarios] == ["HD-915"]
    assert [found.id for found in plan.closing] == ["HD-001", "HD-005", "HD-009b"]
    quiet = dataclasses.replace(request, select="")
    assert draft_plan(quiet, platform, pool, "passage", TOOL, drills=False).closing == ()


@pytest.mark.parametrize(
    ("pool", "select", "expected"),
    [
        (QUIET, "", "Aucun exercice ne correspond"),
        ((*QUIET, make_drill("HD-915", STOP)), "HD-0*", "Aucun exercice ne correspond"),
        ((make_quiet("HD-014"), make_drill("HD-915", STOP)), "", "aucun contrôle HD-001 à HD-009"),
    ],
)
def test_a_plan_without_drill_or_without_anything_to_prove_its_end_is_refused(
    platform: Platform, folder: Path, pool: tuple[Scenario, ...], select: str, expected: str
) -> None:
    request = CampaignRequest("embarquee", select=select, scenarios=str(folder))
    with pytest.raises(UsageError, match=expected):
        draft_plan(request, platform, pool, "passage", TOOL, drills=True)
