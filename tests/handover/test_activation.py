"""Opening an activation: one execution and one clock a profile, all of it or nothing, once however often it begins."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nonreg.errors import UsageError
from nonreg.handover.activation import Need, OpenAnomaly, Profile, Reason
from reports.activation import describe_activation
from tasks.activation import Asked, open_activation
from tasks.handover_work import Work
from tests.governed import Governed
from tests.handover.activations import make_site, play, script_of, work_on
from tests.handover.executions import PILOTAGE, TECHNIQUE, TITULAIRE


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    return make_site(tmp_path)


@pytest.fixture
def work(governed: Governed) -> Work:
    return work_on(governed)


def ask(
    reason: Reason = Reason.EXCEPTIONAL,
    anomaly: OpenAnomaly = OpenAnomaly.BLOQUANTE,
    needs: tuple[Need, ...] = (Need.CORRECTION,),
    ticket: str = "AQ-150",
    called_at: datetime | None = None,
    **subjects: str,
) -> Asked:
    by_profile = {Profile(name): one for name, one in subjects.items()}
    return Asked(reason, anomaly, needs, TITULAIRE, ticket, by_profile, called_at, rehearsal=True)


def test_each_profile_has_its_execution_of_the_runbook_of_the_table(work: Work) -> None:
    opened = open_activation(work, ask())
    assert [one.subject for one in opened.executions] == [TECHNIQUE, PILOTAGE]
    assert {one.runbook.id for one in opened.executions} == {"activation-exceptionnelle"}
    assert work.journal.list_ids() == tuple(one.id for one in opened.executions)


def test_the_choice_and_its_reason_are_kept_with_each_execution(work: Work) -> None:
    first, second = open_activation(work, ask()).executions
    said = [{one.field: one.value for one in execution.parameters} for execution in (first, second)]
    assert [one["profil"] for one in said] == ["renfort technique", "renfort pilotage"]
    for one in said:
        assert one["profils"] == "renfort technique, renfort pilotage"
        assert one["anomalie la plus grave"] == "bloquante"
        assert one["urgence"] == "oui, par un ticket et un appel"
        assert "personne ne peut faire les deux" in one["justification"]
    assert said[1]["avec l'exécution"] == first.id


def test_each_profile_has_its_own_clock(work: Work, governed: Governed) -> None:
    first, second = open_activation(work, ask()).executions
    after = play(work, script_of(governed, "activation-exceptionnelle"), first, until="A6")
    assert after.clock.started_at is not None
    assert work.journal.load(second.id).clock.started_at is None


def test_a_flow_that_begins_again_finds_what_it_has_opened(work: Work) -> None:
    first = open_activation(work, ask(), origin="passage-1")
    again = open_activation(work, ask(), origin="passage-1")
    assert [one.id for one in again.executions] == [one.id for one in first.executions]
    assert len(work.journal.list_ids()) == 2
    open_activation(work, ask(), origin="passage-2")
    assert len(work.journal.list_ids()) == 4


def test_a_flow_that_was_killed_between_two_profiles_opens_the_one_that_is_missing(work: Work) -> None:
    alone = ask(anomaly=OpenAnomaly.AUCUNE)  # the technical profile only
    (first,) = open_activation(work, alone, origin="passage-1").executions
    opened = open_activation(work, ask(), origin="passage-1")
    assert opened.executions[0].id == first.id
    assert opened.executions[1].subject == PILOTAGE


def test_the_same_command_typed_again_opens_only_what_it_had_not_opened(work: Work) -> None:
    first, _ = open_activation(work, ask()).executions
    lines = work.journal.file.read_bytes().splitlines(keepends=True)
    work.journal.file.write_bytes(
        b"".join(lines[:-1])
    )  # as a command leaves it that is killed between two profiles
    assert work.journal.list_ids() == (first.id,)
    opened = [one.id for one in open_activation(work, ask()).executions]
    assert opened == [first.id, opened[1]] == [*work.journal.list_ids()]
    assert [one.id for one in open_activation(work, ask()).executions] == opened


@pytest.mark.parametrize("asked", [{"ticket": "AQ-151"}, {"anomaly": OpenAnomaly.MAJEURE}])
def test_another_activation_has_clocks_of_its_own(work: Work, asked: dict[str, Any]) -> None:
    first, other = open_activation(work, ask()), open_activation(work, ask(**asked))
    assert not {one.id for one in first.executions} & {one.id for one in other.executions}


def test_an_activation_that_was_closed_is_not_taken_for_the_next_one(work: Work) -> None:
    first = open_activation(work, ask()).executions
    for one in first:
        work.journal.close(one, TITULAIRE, datetime.now(UTC), "demande retirée")
    again = open_activation(work, ask()).executions
    assert not {one.id for one in first} & {one.id for one in again}


def test_a_flow_that_begins_again_goes_on_with_somebody_whose_contract_ended_meanwhile(
    work: Work, governed: Governed
) -> None:
    first = open_activation(work, ask(), origin="passage-1")
    file = governed.governance / "people.toml"
    text = file.read_text(encoding="utf-8")
    assert "contract_until = 2035-12-31" in text
    file.write_text(text.replace("contract_until = 2035-12-31", "contract_until = 2026-01-31"), "utf-8")
    again = open_activation(work_on(governed), ask(), origin="passage-1")
    assert [one.id for one in again.executions] == [one.id for one in first.executions]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (ask(pilotage=TITULAIRE), "n'est pas renfort pilotage"),
        (ask(pilotage="personne-inconnue"), "n'est pas dans people.toml"),
        (ask(technique=PILOTAGE), "n'est pas renfort technique"),
        (ask(ticket=""), "Donnez la référence du ticket"),
        (ask(Reason.PEAK), "donnez son instant"),
        (ask(needs=()), "au moins un besoin"),
    ],
)
def test_nothing_is_opened_unless_all_of_it_can_be(work: Work, asked: Asked, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        open_activation(work, asked)
    assert work.journal.list_ids() == ()


def test_the_instant_of_the_call_is_kept_where_no_step_asks_for_it(work: Work) -> None:
    called_at = datetime(2026, 11, 30, 8, 5, tzinfo=UTC)
    (opened,) = open_activation(work, ask(Reason.PEAK, called_at=called_at)).executions
    said = {one.field: one.value for one in opened.parameters}
    assert said["appel passé le"] == "2026-11-30T09:05+01:00"


def test_what_is_shown_names_each_execution_and_how_to_follow_the_other(work: Work) -> None:
    opened = open_activation(work, ask())
    page = describe_activation(
        opened.executions,
        opened.choice.justification,
        urgent=opened.choice.urgent,
        others=("renfort-technique-2",),
        platform="embarquee",
    )
    first, second = opened.executions
    assert "**URGENT**" in page
    assert first.id in page
    assert f"python -m nonreg runbook resume {second.id}" in page
    assert f"runbook resume {first.id}" not in page
    assert "renfort-technique-2" in page


ACTIVATE = (
    "activate",
    "--reason",
    "situation-exceptionnelle",
    "--anomaly",
    "bloquante",
    "--need",
    "correction",
)


def test_the_command_shows_the_table_without_opening_anything(work: Work, governed: Governed) -> None:
    done = governed.cli(*ACTIVATE, "--table")
    assert (done.returncode, work.journal.list_ids()) == (0, ())
    assert "renfort technique, renfort pilotage" in done.stdout
    assert "Urgent : oui" in done.stdout


def test_the_command_opens_one_execution_a_profile_and_says_how_to_follow_the_other(
    work: Work, governed: Governed
) -> None:
    done = governed.cli(*ACTIVATE, "--person", TITULAIRE, "--ticket", "AQ-150", "--rehearsal", "--no-follow")
    assert done.returncode == 2, done.stderr
    first, second = work.journal.list_ids()
    assert f"Exécution ouverte pour {TECHNIQUE} : {first}" in done.stdout
    assert f"python -m nonreg runbook resume {second}" in done.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--person", TITULAIRE), "ticket"),
        ((), "qui demande"),
        (("--person", TITULAIRE, "--called", "demain"), "--called"),
        (("--person", TITULAIRE, "--called", "30/11/2049 10:00"), "avenir"),
        (("--anomaly", "grave", "--person", TITULAIRE), "bloquante, majeure, mineure, aucune"),
    ],
)
def test_the_command_says_in_one_sentence_what_is_missing(
    work: Work, governed: Governed, words: tuple[str, ...], why: str
) -> None:
    done = governed.cli(*ACTIVATE, *words)
    assert done.returncode == 3
    assert why in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert work.journal.list_ids() == ()


def test_the_command_contacts_says_who_answers_on_a_day(work: Work, governed: Governed) -> None:
    nobody = governed.cli("contacts")
    assert nobody.returncode == 0
    assert "répond : le titulaire" in nobody.stdout
    wrong = governed.cli("contacts", "--on", "bientôt")
    assert (wrong.returncode, "--on" in wrong.stderr) == (3, True)
