"""The runbooks of `flows/runbooks`: what they say, commands that exist, nobody who is real."""

from __future__ import annotations

import ipaddress
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import nonreg.__main__
import nonreg.alerts.__main__
import nonreg.sandbox.__main__
import nonreg.sandbox.switchover.__main__
from nonreg.config import PLATFORMS_DIR, load_platform
from nonreg.handover.runbook_file import PLACEHOLDER, RUNBOOKS_DIR, load_runbook, read_facts
from nonreg.handover.signing import DELEGATE, DELEGATED_UNTIL, MOA_REFERENCE
from nonreg.model.handover import Actor, ClockMove, FieldKind, Runbook, Step, StepKind
from nonreg.model.run import Scenario
from nonreg.people import CIVILITY, GOVERNANCE_DIR, load_people
from nonreg.plan import SCENARIOS_DIR, collect_scenarios, parse_effects, parse_families, select_scenarios

EMERGENCY_FILE = [
    *("acces", "bascule-hd", "contacts", "deploiement", "installation", "retour-arriere", "tests")
]
ACTIVATIONS = [
    "activation-absence-imprevue",
    "activation-absence-prevue",
    "activation-exceptionnelle",
    "activation-pointe",
]
ALL = sorted([*EMERGENCY_FILE, *ACTIVATIONS, "integration", "restitution"])
CHECKS = {
    *("comptes_nommes", "droits", "acces", "vpn", "ssh", "base", "poste", "avis_scv", "dossier_de_reprise"),
    *("plan_de_passation", "integration_a_jour", "acces_revoques"),
}
# R10…R64 and R74 are all carried; what no runbook could carry would stand here with its reason.
NOT_CARRIED: dict[str, str] = {}
WANTED = [one for one in (*(f"R{number}" for number in range(10, 65)), "R74") if one not in NOT_CARRIED]
EMBEDDED = GOVERNANCE_DIR / "embarquee"
FACTS = read_facts(EMBEDDED)
FILES = [*sorted(RUNBOOKS_DIR.glob("*.toml")), EMBEDDED / "site.toml"]
PHONE = re.compile(r"(?<![\w.,/-])(?:\+\d{2}[ .-]?|0)[1-9](?:[ .-]?\d{2}){4}(?!\d)")
MAIL = re.compile(r"[\w.*+-]+@[\w-]+(?:\.[\w-]+)+")
FUTURE = re.compile(r"prévu|prochain|limite|échéance la plus|retour au titulaire", re.IGNORECASE)
PARSERS: dict[str, Callable[[], ArgumentParser]] = {
    "nonreg": nonreg.__main__.build_parser,
    "nonreg.alerts": nonreg.alerts.__main__.build_parser,
    "nonreg.sandbox": nonreg.sandbox.__main__.build_parser,
    "nonreg.sandbox.switchover": nonreg.sandbox.switchover.__main__.build_parser,
}


def load(runbook_id: str, facts: Mapping[str, str] = FACTS) -> Runbook:
    """The shipped one, whatever folder of its own the machine's site has."""
    return load_runbook(RUNBOOKS_DIR / f"{runbook_id}.toml", facts)


STEPS = [(f"{one} {step.id}", step) for one in ALL for step in load(one).steps]
OURS = [pytest.param(step, id=name) for name, step in STEPS if step.command.startswith("python -m nonreg")]
CAMPAIGNS = [pytest.param(step, id=name) for name, step in STEPS if step.kind is StepKind.CAMPAIGN]
each_runbook = pytest.mark.parametrize("runbook_id", ALL)
each_activation = pytest.mark.parametrize("runbook_id", ACTIVATIONS)


def find_step(runbook_id: str, step_id: str) -> Step:
    step = load(runbook_id).step(step_id)
    assert step is not None
    return step


def find_before(runbook: Runbook, step_id: str) -> set[str]:
    """Every step that comes before one, through whatever it comes after."""
    step = runbook.step(step_id)
    assert step is not None
    return {one for name in step.requires for one in (name, *find_before(runbook, name))}


def parse(command: str) -> None:
    """Have the tool's own parser read a command; SystemExit when it does not."""
    words = shlex.split(command)
    assert words[:2] == ["python", "-m"]
    PARSERS[words[2]]().parse_args(words[3:])


def test_there_are_thirteen_runbooks() -> None:
    assert [file.stem for file in FILES[:-1]] == ALL
    assert len(ALL) == 13


@each_runbook
def test_nothing_is_unknown_on_the_embedded_platform(runbook_id: str) -> None:
    assert load(runbook_id).unknown == ()


def test_a_site_without_its_file_sees_what_it_has_to_tell() -> None:
    unknown = {name for one in ALL for name in load(one, {}).unknown}
    assert unknown == FACTS.keys(), "a fact that no runbook asks for, or the other way round"
    step = load("contacts", {}).steps[0]
    assert "‹à compléter : téléphone d'urgence du titulaire›" in step.instructions


@each_runbook
def test_no_brace_of_a_placeholder_is_left(runbook_id: str) -> None:
    runbook = load(runbook_id)
    assert "{{" not in str(runbook)
    assert "}}" not in str(runbook)


def test_the_facts_of_the_embedded_platform_are_those_of_its_file() -> None:
    platform = load_platform(str(PLATFORMS_DIR / "embarquee.toml"))
    active, passive, witness = platform.sites
    assert active.database is not None
    assert passive.database is not None
    wanted = {
        "code du site actif": active.code,
        "code du site passif": passive.code,
        "base de production": active.database.name,
        "serveur SQL du site actif": f"{active.database.host},{active.database.port}",
        "serveur SQL du site passif": f"{passive.database.host},{passive.database.port}",
        "nom d'instance SQL du site actif": active.host.name,
        "nom d'instance SQL du site passif": passive.host.name,
        "adresse du frontal IP": active.web.frontal,
        "adresse du client léger du site actif": active.web.client,
        "adresse du client léger du site passif": passive.web.client,
        "adresse de la supervision": witness.web.supervision,
        "comptes des campagnes": f"{active.database.reader_user} et {active.database.writer_user}",
    }
    assert {name: FACTS[name] for name in wanted} == wanted
    assert sorted(FACTS["services Windows dans l'ordre d'arrêt"].split(",")) == sorted(active.host.services)


def test_the_switchover_tool_is_one_that_the_embedded_platform_has() -> None:
    named = [fact for fact in FACTS.values() if fact.startswith("python -m nonreg")]
    assert len(named) == 4
    for command in named:
        parse(command)


@pytest.mark.parametrize("number", WANTED)
def test_each_requirement_is_carried_by_a_step(number: str) -> None:
    assert any(number in step.requirement_ids for _, step in STEPS)


@each_runbook
def test_only_requirements_that_exist_are_named(runbook_id: str) -> None:
    runbook = load(runbook_id)
    named = {*runbook.requirement_ids, *(one for step in runbook.steps for one in step.requirement_ids)}
    assert named <= {f"R{number:02}" for number in range(1, 82)}


@pytest.mark.parametrize("runbook_id", EMERGENCY_FILE)
def test_each_of_the_seven_emergency_procedures_says_that_it_is_one(runbook_id: str) -> None:
    assert "R49" in load(runbook_id).requirement_ids


@each_runbook
def test_a_title_is_short_enough_for_the_name_of_a_task(runbook_id: str) -> None:
    assert [step.id for step in load(runbook_id).steps if not 0 < len(step.title) <= 60] == []


@each_runbook
def test_each_step_says_what_to_do_what_is_left_of_it_and_how_it_is_undone(runbook_id: str) -> None:
    for step in load(runbook_id).steps:
        for text in (step.instructions, step.evidence, step.undo):
            assert text.strip(), step.id
            assert text == text.strip("\n"), step.id
        assert step.requirement_ids, step.id


@pytest.mark.parametrize("step", CAMPAIGNS)
def test_no_campaign_that_must_pass_is_one_that_may_not_apply(step: Step) -> None:
    # Nobody answers a step of the tool: one that does not apply would hold up an emergency.
    assert not step.may_be_skipped


@pytest.mark.parametrize("runbook_id", ["bascule-hd", "deploiement", "retour-arriere"])
def test_what_is_done_in_an_emergency_waits_for_no_campaign(runbook_id: str) -> None:
    assert all(step.kind is not StepKind.CAMPAIGN for step in load(runbook_id).steps)


@pytest.mark.parametrize("step_id", ["AC8", "AC9"])
def test_access_that_fails_holds_up_neither_the_way_in_nor_a_closing(step_id: str) -> None:
    runbook = load("acces")
    checks = {step.id for step in runbook.steps if step.check}
    assert checks.isdisjoint(find_before(runbook, step_id))


def test_the_access_of_a_renfort_is_closed_whatever_the_state_of_the_platform() -> None:
    runbook = load("restitution")
    campaigns = {step.id for step in runbook.steps if step.kind is StepKind.CAMPAIGN}
    assert campaigns.isdisjoint(find_before(runbook, "H7b"))


@each_runbook
def test_only_checks_that_exist_are_asked(runbook_id: str) -> None:
    assert {step.check for step in load(runbook_id).steps if step.check} <= CHECKS


@pytest.fixture(scope="module")
def scenarios() -> tuple[Scenario, ...]:
    return collect_scenarios(SCENARIOS_DIR)


@pytest.mark.parametrize("step", CAMPAIGNS)
def test_each_pattern_of_a_campaign_selects_scenarios_that_exist(
    step: Step, scenarios: tuple[Scenario, ...]
) -> None:
    assert step.campaign is not None
    families = parse_families(",".join(step.campaign.families))
    limit = parse_effects(step.campaign.effects)
    for pattern in step.campaign.select.split(","):
        assert select_scenarios(scenarios, families, pattern, limit=limit), pattern


@pytest.mark.parametrize("step", OURS)
def test_each_command_of_ours_is_one_that_the_tool_understands(step: Step) -> None:
    parse(step.command)


@pytest.mark.parametrize(
    "wrong",
    [
        "python -m nonreg require-go --platform x --kind deploiement --touches-replication oui",
        "python -m nonreg campagne",
        "python -m nonreg.sandbox.switchover --vers SITE-S",
    ],
)
def test_a_command_that_does_not_exist_would_be_seen(wrong: str) -> None:
    with pytest.raises(SystemExit):
        parse(wrong)


@each_runbook
def test_commands_named_in_passing_exist_too(runbook_id: str) -> None:
    texts = " ".join(f"{step.instructions} {step.undo}" for step in load(runbook_id).steps)
    for module, word in re.findall(r"`python -m (nonreg[\w.]*) ([\w-]+)", texts):
        known = PARSERS[module]().format_help()
        # A sub-command begins a line of the help, an option stands in brackets.
        assert re.search(rf"(?:^ {{4}}|\[){re.escape(word)}(?![\w-])", known, re.MULTILINE), word


@each_runbook
def test_no_command_carries_an_account_or_a_password(runbook_id: str) -> None:
    commands = [step.command for step in load(runbook_id).steps]
    assert [one for one in commands if re.search(r"\s-[UP]\s|\b(?:UID|PWD)=", one)] == []


@each_runbook
def test_deadlines_lie_within_the_delay_in_both_readings_of_48_hours(runbook_id: str) -> None:
    runbook = load(runbook_id)
    started = any(step.clock is ClockMove.START for step in runbook.steps)
    for step in runbook.steps:
        hours = step.deadline_hours
        # 30 would be 30 office hours, later than the two days of « 48h » : a part of one day, or whole days.
        assert hours is None or (started and (hours <= 7 or hours in (24, 48))), step.id


@pytest.mark.parametrize("runbook_id", [*ACTIVATIONS, "integration"])
def test_the_delay_runs_from_the_request_to_a_signature_of_somebody_else(runbook_id: str) -> None:
    runbook = load(runbook_id)
    assert runbook.delay_hours == 48
    start, stop = (
        next(step for step in runbook.steps if step.clock is move)
        for move in (ClockMove.START, ClockMove.STOP)
    )
    assert next(one for one in start.fields if one.kind is FieldKind.INSTANT).id == "demande_le"
    assert (stop.kind, stop.role) == (StepKind.SIGNATURE, Actor.TITULAIRE)
    assert stop.subject_excluded
    due = {step.id for step in runbook.steps if step.deadline_hours}
    assert find_before(runbook, stop.id) >= due - {stop.id}


@each_runbook
def test_every_step_comes_before_the_last_one_or_is_the_last_one(runbook_id: str) -> None:
    runbook = load(runbook_id)
    last = runbook.steps[-1].id
    assert find_before(runbook, last) | {last} == {step.id for step in runbook.steps}


@pytest.mark.parametrize("step_id", ["O3", "O5", "O7", "O8"])
def test_nothing_is_opened_to_a_renfort_before_confidentiality_and_the_moa(step_id: str) -> None:
    assert find_before(load("integration"), step_id) >= {"O1", "O2"}


@each_activation
def test_a_delegation_has_the_answers_that_the_signatures_look_for(runbook_id: str) -> None:
    (step,) = [one for one in load(runbook_id).steps if one.delegates]
    assert (step.id, step.kind, step.role) == ("A8", StepKind.SIGNATURE, Actor.MOA_SCV)
    assert {one.id for one in step.fields if one.required} >= {DELEGATE, DELEGATED_UNTIL, MOA_REFERENCE}
    assert step.may_be_skipped == (runbook_id != "activation-absence-imprevue")


@each_activation
def test_only_the_titulaire_sends_a_notice_and_the_moa_confirms_when_he_is_absent(runbook_id: str) -> None:
    absent = runbook_id == "activation-absence-imprevue"
    assert find_step(runbook_id, "A2b").role is (Actor.MOA_SCV if absent else Actor.TITULAIRE)


@pytest.mark.parametrize("runbook_id", ["activation-absence-imprevue", "activation-exceptionnelle"])
def test_an_urgency_is_a_ticket_and_a_call_at_two_instants(runbook_id: str) -> None:
    fields = find_step(runbook_id, "A1b").fields
    instants = {one.id for one in fields if one.kind is FieldKind.INSTANT and one.required}
    assert instants == {"ticket_le", "appel_le"}


@each_activation
def test_a_replacement_is_confirmed_point_by_point_each_with_its_evidence(runbook_id: str) -> None:
    kinds = [field.kind for field in find_step(runbook_id, "A4b").fields if field.required]
    assert kinds[:6] == [FieldKind.YES, FieldKind.REFERENCE] * 3


@each_activation
def test_an_activation_ends_by_opening_the_hand_back(runbook_id: str) -> None:
    step = load(runbook_id).steps[-1]
    assert step.id == "A10"
    assert " runbook open restitution " in step.command
    assert "restitution_execution" in {one.id for one in step.fields if one.required}


@each_runbook
def test_no_answer_about_the_future_is_asked_as_an_instant(runbook_id: str) -> None:
    # The form refuses an instant until it has passed.
    asked = [one for step in load(runbook_id).steps for one in step.fields if one.kind is FieldKind.INSTANT]
    assert [one.id for one in asked if FUTURE.search(one.label)] == []


@each_runbook
def test_options_hold_no_comma_which_separates_several_answers(runbook_id: str) -> None:
    fields = [one for step in load(runbook_id).steps for one in step.fields]
    assert [option for one in fields for option in one.options if "," in option] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_file_holds_a_number_a_mail_or_a_name_of_somebody(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    people = load_people(EMBEDDED, load_platform(str(PLATFORMS_DIR / "embarquee.toml")).identity_token)
    assert not PHONE.findall(text)
    assert not [mail for mail in MAIL.findall(text) if not mail.endswith(".invalid")]
    assert people.find_name_in(text) is None
    assert not CIVILITY.search(text)


@pytest.mark.parametrize("number", ["04 75 00 00 00", "+33 4 75 00 00 00", "0475000000", "04.75.00.00.00"])
def test_a_number_would_be_seen(number: str) -> None:
    assert PHONE.findall(f"appeler le {number}, puis")


def test_a_mail_would_be_seen() -> None:
    assert MAIL.findall("écrire à quelqu-un@exemple.fr.")


@each_runbook
def test_no_runbook_knows_an_address_of_its_own(runbook_id: str) -> None:
    text = PLACEHOLDER.sub("", (RUNBOOKS_DIR / f"{runbook_id}.toml").read_text(encoding="utf-8"))
    assert "://" not in text
    for found in re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text):
        with pytest.raises(ValueError, match="IPv4"):
            ipaddress.IPv4Address(found)
