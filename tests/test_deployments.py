"""The deployments of prefect.yaml: what they start, the forms that they show, what none of them may do."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
from prefect import Flow

from nonreg.busy import WhenBusy
from nonreg.model import EffectLimit
from nonreg.plan import CampaignRequest, parse_effects
from tests.deployments import DEPLOYMENTS

BY_NAME = {one["name"]: one for one in DEPLOYMENTS}
CAMPAIGNS = [one for one in DEPLOYMENTS if one["entrypoint"] == "flows.campaign.campaign"]
# Words of the code, which say nothing to whoever fills a form in.
CODE_NAME = re.compile(r"^[a-z]+(_[a-z]+)*$")
FRENCH = re.compile(r"[éèàêçùôî’']|\b(de|du|des|la|le|les|une?|vide|pour|sans)\b", re.IGNORECASE)
CHOICES = {
    "campagne": {
        "effects": ["lecture", "donnees-marquees"],
        "when_busy": ["refuser", "attendre"],
        "families": ["base", "applicatif", "hd"],
    },
    "avant-intervention": {"touches_replication": ["oui", "non"], "sensitive": ["oui", "non"]},
    "activation": {
        "reason": ["absence-prevue", "absence-imprevue", "pointe", "situation-exceptionnelle"],
        "anomaly": ["bloquante", "majeure", "mineure", "aucune"],
        "needs": [
            *("correction", "script-ou-base", "tests", "documentation"),
            *("coordination", "tickets-et-risques", "copil-et-releves"),
        ],
    },
    "pilotage": {"meeting": ["hebdo", "copil"]},
    "migration": {"families": ["base", "applicatif", "hd"], "parts": ["scenarios", "structure", "donnees"]},
}
REQUIRED = {
    "avant-intervention": {"ticket", "kind", "touches_replication", "replication_reason"},
    "promotion": {"run", "decision"},
    "migration": {"platform_from", "platform_to"},
    "activation": {"reason", "anomaly", "needs", "person"},
}


def load_flow(declared: dict[str, Any]) -> Flow[..., Any]:
    module, _, name = declared["entrypoint"].rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, Flow)
    return found


def read_schema(declared: dict[str, Any]) -> dict[str, Any]:
    return load_flow(declared).parameters.model_dump()


def list_choices(schema: dict[str, Any], name: str) -> list[str]:
    field = schema["properties"][name]
    reference = field.get("$ref") or field.get("items", {}).get("$ref")
    choices: list[str] = schema["definitions"][reference.rpartition("/")[2]]["enum"]
    return choices


@pytest.mark.parametrize("name", BY_NAME)
def test_a_deployment_is_described_in_french_tagged_and_one_at_a_time(name: str) -> None:
    declared = BY_NAME[name]
    assert FRENCH.search(declared["description"])
    assert len(declared["description"]) > 60
    assert declared["tags"]
    assert declared["concurrency_limit"]["limit"] == 1
    assert load_flow(declared).description


@pytest.mark.parametrize("name", BY_NAME)
def test_each_field_of_a_form_has_a_french_name_and_its_help(name: str) -> None:
    for parameter, field in read_schema(BY_NAME[name])["properties"].items():
        assert not CODE_NAME.fullmatch(field["title"]), parameter
        assert field.get("description"), parameter
        assert FRENCH.search(field["title"] + " " + field["description"]), parameter


@pytest.mark.parametrize("name", BY_NAME)
def test_what_a_deployment_presets_is_accepted_by_its_flow(name: str) -> None:
    flow, preset = load_flow(BY_NAME[name]), BY_NAME[name].get("parameters", {})
    assert {*preset} <= {*flow.parameters.properties}
    required = {*read_schema(BY_NAME[name])["required"]}
    assert required == REQUIRED.get(flow.name, set())
    flow.validate_parameters(
        {**dict.fromkeys(required, "AQ-1"), **preset, **REQUIRED_VALUES.get(flow.name, {})}
    )


REQUIRED_VALUES = {
    "avant-intervention": {"kind": "script_sql", "touches_replication": "non"},
    "activation": {"reason": "pointe", "anomaly": "aucune", "needs": ["tests"]},
}


@pytest.mark.parametrize("name", BY_NAME)
def test_what_can_be_chosen_is_a_list_and_not_a_text_to_type(name: str) -> None:
    schema = read_schema(BY_NAME[name])
    for parameter, choices in CHOICES.get(load_flow(BY_NAME[name]).name, {}).items():
        assert list_choices(schema, parameter) == choices


def test_the_technical_fields_of_a_campaign_come_last_and_say_so() -> None:
    properties = read_schema(BY_NAME["a-la-demande"])["properties"].values()
    titles = [one["title"] for one in sorted(properties, key=lambda one: one["position"])]
    technical = [title.startswith("Technique : ") for title in titles]
    assert technical == sorted(technical)
    assert titles[:4] == ["Plateforme", "Familles", "Effets permis", "Ticket"]


def test_the_nightly_only_reads_and_the_weekly_writes_tagged_data() -> None:
    nightly, weekly = BY_NAME["nuit"], BY_NAME["semaine"]
    assert parse_effects(nightly["parameters"]["effects"]) is EffectLimit.LECTURE
    assert parse_effects(weekly["parameters"]["effects"]) is EffectLimit.DONNEES_MARQUEES
    assert ("effet:lecture" in nightly["tags"], "effet:donnees-marquees" in weekly["tags"]) == (True, True)


def test_only_the_drills_deployment_may_break_and_it_has_no_schedule() -> None:
    assert [one["name"] for one in DEPLOYMENTS if one.get("parameters", {}).get("drills")] == ["exercices-hd"]
    assert "schedules" not in BY_NAME["exercices-hd"]
    assert [one["name"] for one in DEPLOYMENTS if "effet:perturbateur" in one["tags"]] == ["exercices-hd"]


def test_campaigns_wait_for_their_turn_except_drills() -> None:
    waiting = {one["name"]: WhenBusy(one["parameters"]["when_busy"]) for one in CAMPAIGNS}
    assert waiting.pop("exercices-hd") is WhenBusy.REFUSER
    assert {*waiting.values()} == {WhenBusy.ATTENDRE}
    assert CampaignRequest("embarquee").wait_minutes == 0  # a terminal does not wait unless asked to
