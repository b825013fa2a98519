"""What each profile may start: the table against prefect.yaml and the runbooks, and who is refused, in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.__main__ import build_parser
from nonreg.errors import ConfigError, UsageError
from nonreg.handover.profiles import (
    PROFILES_FILE,
    RENFORTS,
    Profiles,
    Thing,
    list_deployments,
    load_profiles,
    may_person,
    may_start,
    require_may,
)
from nonreg.handover.signing import Delegation
from nonreg.model import EffectLimit, Role
from nonreg.model.handover import StepKind
from nonreg.people import load_people
from nonreg.plan import parse_effects
from tasks.handover import open_execution
from tasks.handover_work import Work, make_work
from tasks.profiles import require_may_start, say_scope
from tests.deployments import DEPLOYMENTS
from tests.governed import Governed
from tests.handover.executions import MOA, PILOTAGE, TECHNIQUE, TITULAIRE, make_played
from tests.handover.prepared import EMBEDDED, TOKEN, runbooks

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
PEOPLE = load_people(EMBEDDED, TOKEN)
TABLE = load_profiles()
NAMES = {
    Thing.DEPLOYMENT: tuple(one["name"] for one in DEPLOYMENTS),
    Thing.RUNBOOK: tuple(runbooks()),
}
ROLES = st.sampled_from(Role)


def profile(role: Role) -> Any:
    return TABLE.profiles[role]


def test_the_deployments_that_are_read_are_those_of_prefect_yaml() -> None:
    assert list_deployments() == NAMES[Thing.DEPLOYMENT]


def test_the_titulaire_may_start_everything() -> None:
    assert all(may_start(Role.TITULAIRE, name) for name in NAMES[Thing.DEPLOYMENT])
    assert all(profile(Role.TITULAIRE).may(Thing.RUNBOOK, name) for name in (*runbooks(), "propre-au-site"))


@pytest.mark.parametrize("role", [one for one in Role if one is not Role.TITULAIRE])
@pytest.mark.parametrize("name", ["exercices-hd", "promotion"])
def test_nobody_but_the_titulaire_starts_drills_or_a_promotion(role: Role, name: str) -> None:
    assert not may_start(role, name)


@pytest.mark.parametrize("declared", DEPLOYMENTS, ids=lambda one: one["name"])
def test_a_renfort_pilotage_starts_no_campaign_that_writes(declared: dict[str, Any]) -> None:
    writes = {"effet:donnees-marquees", "effet:perturbateur"} & {*declared["tags"]}
    assert not (writes and may_start(Role.RENFORT_PILOTAGE, declared["name"]))


@pytest.mark.parametrize("runbook_id", profile(Role.RENFORT_PILOTAGE).runbooks)
def test_no_runbook_of_the_renfort_pilotage_runs_a_campaign_that_writes(runbook_id: str) -> None:
    for step in runbooks()[runbook_id].steps:
        if step.kind is StepKind.CAMPAIGN and step.campaign is not None:
            assert parse_effects(step.campaign.effects) is EffectLimit.LECTURE


@pytest.mark.parametrize(
    "runbook_id", ["installation", "deploiement", "retour-arriere", "tests", "bascule-hd", "acces"]
)
def test_a_renfort_pilotage_opens_no_technical_runbook_and_a_renfort_technique_does(runbook_id: str) -> None:
    assert not profile(Role.RENFORT_PILOTAGE).may(Thing.RUNBOOK, runbook_id)
    assert profile(Role.RENFORT_TECHNIQUE).may(Thing.RUNBOOK, runbook_id)


def test_a_renfort_technique_has_neither_committees_nor_minutes_nor_activations() -> None:
    own = profile(Role.RENFORT_TECHNIQUE)
    named = (*own.deployments, *own.runbooks, *own.commands)
    assert [one for one in named if any(word in one for word in ("copil", "releve", "activ"))] == []


def test_whoever_does_the_first_step_of_an_activation_may_open_it() -> None:
    for runbook_id, runbook in runbooks().items():
        role = runbook.steps[0].role.role
        if runbook_id.startswith("activation-") and role is not None:
            assert profile(role).may(Thing.RUNBOOK, runbook_id), runbook_id


def test_a_renfort_neither_sends_nor_confirms_a_notice_to_the_moa() -> None:
    assert [profile(role).avis_moa for role in RENFORTS] == [False, False]
    assert profile(Role.TITULAIRE).avis_moa
    for runbook in runbooks().values():
        for step in runbook.steps:
            # Notices: what R34 keeps from a renfort, with a reference or an instant of what was sent.
            if "R34" in step.requirement_ids and "Avis" in step.title and step.role.role is not None:
                assert profile(step.role.role).avis_moa, (runbook.id, step.id)


def test_every_command_of_the_table_exists_and_the_titulaire_has_all_of_them() -> None:
    actions: Any = next(one for one in build_parser()._actions if one.choices)
    known = {*actions.choices}
    assert {*profile(Role.TITULAIRE).commands} == known
    assert all({*one.commands} <= known for one in TABLE.profiles.values())


@given(ROLES, st.text(max_size=20))
def test_what_is_named_nowhere_is_refused(role: Role, name: str) -> None:
    for thing in (Thing.DEPLOYMENT, Thing.COMMAND):
        if name not in (*profile(role).deployments, *profile(role).commands):
            assert not profile(role).may(thing, name)


def delegate(person: str, until: str = "2026-12-01", reference: str = "SCV-12") -> tuple[Delegation, ...]:
    return (Delegation(person, until, reference, "RB-1"),)


def test_a_delegate_may_what_the_titulaire_may_until_the_last_day_and_only_with_a_reference() -> None:
    person = PEOPLE.find(PILOTAGE)
    assert person is not None

    def may(at: datetime, delegations: tuple[Delegation, ...]) -> bool:
        return may_person(TABLE, person, Thing.DEPLOYMENT, "promotion", at, delegations)

    assert may(NOW, delegate(PILOTAGE))
    assert not may(NOW, delegate(TECHNIQUE))
    assert not may(NOW, delegate(PILOTAGE, reference=""))
    assert not may(NOW + timedelta(days=1), delegate(PILOTAGE))
    assert not may_person(TABLE, person, Thing.DEPLOYMENT, "inconnu", NOW, delegate(PILOTAGE))


def test_somebody_who_is_not_entitled_that_day_starts_nothing() -> None:
    person = PEOPLE.find(TITULAIRE)
    assert person is not None
    assert may_person(TABLE, person, Thing.DEPLOYMENT, "nuit", NOW)
    gone = replace(person, valid_until=NOW)
    assert not may_person(TABLE, gone, Thing.DEPLOYMENT, "nuit", NOW)


def test_a_refusal_is_one_sentence_that_names_who_may() -> None:
    person = PEOPLE.find(TECHNIQUE)
    assert person is not None
    with pytest.raises(UsageError) as caught:
        require_may(TABLE, PEOPLE, person, Thing.RUNBOOK, "activation-absence-imprevue", NOW)
    assert str(caught.value) == (
        f"« {TECHNIQUE} » (renfort technique) ne lance pas le runbook « activation-absence-imprevue » : il faut "
        f"{TITULAIRE} (titulaire), {PILOTAGE} (renfort pilotage), {MOA} (MOA (SCV))."
    )


TEXT = PROFILES_FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            '"semaine", "reprise", "a-la-demande", "exercices-hd"',
            '"semaine", "reprise", "exercices-hd"',
            "a-la-demande",
        ),
        ('["disponibilite"]', '["disponibilite", "cuisine"]', "déploiement inconnu : « cuisine »"),
        ('["activation-absence-imprevue", "contacts"]', '["cuisine"]', "runbook inconnu : « cuisine »"),
        ('["activation-absence-imprevue", "contacts"]', '["*"]', "« * » n'est que pour le titulaire"),
        ("[profiles.spc_gd]", "[profiles.autre]", "autre"),
        ('title = "MOA (SCV)"', 'title = ""', "title et scope ne sont pas vides"),
        (
            'title = "renfort pilotage"',
            'title = "renfort pilotage"\navis_moa = true',
            "un renfort n'écrit pas à la MOA",
        ),
        ('title = "renfort pilotage"', 'title = "renfort pilotage"\ncouleur = 1', "couleur"),
    ],
)
def test_a_wrong_table_is_one_french_sentence(tmp_path: Path, before: str, after: str, sentence: str) -> None:
    assert TEXT.count(before) >= 1
    file = tmp_path / "profiles.toml"
    file.write_text(TEXT.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_profiles(file)
    assert sentence in str(caught.value)
    assert "profiles.toml" in str(caught.value)


def test_a_deployment_that_the_table_does_not_know_starts_nothing() -> None:
    with pytest.raises(ConfigError, match=r"« nouveau » : prefect\.yaml le déclare"):
        load_profiles(deployments=(*list_deployments(), "nouveau"))
    assert isinstance(load_profiles(), Profiles)


@pytest.fixture
def work(governed: Governed) -> Work:
    return make_work(str(governed.platform_file), governed.runs_dir)


def start(work: Work, person: str, runbook_id: str, origin: str = "", subject: str = TECHNIQUE) -> str:
    return open_execution(
        work, runbook_id, ticket="AQ-7", person=person, subject=subject, rehearsal=False, origin=origin
    ).id


def test_whoever_may_not_open_a_runbook_opens_nothing(work: Work) -> None:
    with pytest.raises(UsageError, match=f"« {PILOTAGE} » .renfort pilotage. ne lance pas"):
        start(work, PILOTAGE, "bascule-hd")
    assert work.journal.list_ids() == ()
    assert start(work, TECHNIQUE, "bascule-hd")
    assert start(work, PILOTAGE, "activation-absence-imprevue", subject=PILOTAGE)


def test_what_a_flow_run_has_opened_goes_on_whatever_its_opener_may_do_now(
    work: Work, governed: Governed
) -> None:
    opened = start(work, TECHNIQUE, "bascule-hd", "passage-1")
    file = governed.governance / "people.toml"
    file.write_text(
        file.read_text("utf-8").replace('role = "renfort_technique"', 'role = "renfort_pilotage"'), "utf-8"
    )
    again = make_work(str(governed.platform_file), governed.runs_dir)
    assert start(again, TECHNIQUE, "bascule-hd", "passage-1") == opened
    with pytest.raises(UsageError):
        start(again, TECHNIQUE, "bascule-hd", "passage-2")


def test_the_command_refuses_in_one_sentence(governed: Governed) -> None:
    refused = governed.cli("runbook", "open", "bascule-hd", "--person", PILOTAGE, "--subject", TECHNIQUE)
    assert refused.returncode == 3
    assert refused.stderr.startswith(f"Erreur : « {PILOTAGE} » (renfort pilotage) ne lance pas le runbook")
    assert refused.stderr.count("\n") == 1
    asked = (
        "--ticket",
        "AQ-1",
        "--kind",
        "script_sql",
        "--touches-replication",
        "non",
        "--reason",
        "Elle ne touche aucune table.",
    )
    refused = governed.cli("pre-intervention", *asked, "--person", PILOTAGE)
    assert "ne lance pas la commande « pre-intervention »" in refused.stderr


def test_the_command_shows_a_renfort_the_scope_that_was_signed_or_that_there_is_none(
    governed: Governed,
) -> None:
    opened = governed.cli(
        "runbook", "open", "contacts", "--person", TECHNIQUE, "--subject", TECHNIQUE, "--no-follow"
    )
    assert f"Aucun périmètre signé pour « {TECHNIQUE} »" in opened.stdout


def test_nobody_declared_or_somebody_unknown_is_told_of_elsewhere(work: Work) -> None:
    for person in ("", "inconnu"):
        require_may_start(work, person, Thing.DEPLOYMENT, "promotion")


def test_a_renfort_is_told_that_no_scope_was_signed_and_nobody_else_is(work: Work) -> None:
    assert say_scope(work, TECHNIQUE) == (
        f"Aucun périmètre signé pour « {TECHNIQUE} » : le titulaire le signe à l'intégration (O10)."
    )
    assert say_scope(work, TITULAIRE) == ""
    assert say_scope(work, "") == ""


def test_a_signed_delegation_opens_what_the_table_refuses_and_a_played_one_does_in_plays_only(
    tmp_path: Path,
) -> None:
    played = make_played(tmp_path)
    work = make_work(str(played.governed.platform_file), played.governed.runs_dir)
    values = {"delegataire": PILOTAGE, "delegation_jusqu_au": "2099-12-31", "reference_moa": "SCV-12"}

    def ask(rehearsal: bool = False, person: str = PILOTAGE) -> None:
        require_may_start(work, person, Thing.RUNBOOK, "bascule-hd", rehearsal=rehearsal)

    with pytest.raises(UsageError):
        ask()
    execution = played.reach("O3")
    signed = played.sign(execution, "O3", MOA, **values)
    played.answer(execution, "O3", MOA, signed=signed, **values)
    ask()
    with pytest.raises(UsageError, match=f"{PILOTAGE} .renfort pilotage."):
        require_may_start(work, TECHNIQUE, Thing.RUNBOOK, "restitution")
    with pytest.raises(UsageError):
        ask(rehearsal=True)
