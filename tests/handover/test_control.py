"""Who stops a clock, lets it run again, or gives an execution up: never the person whose delay is measured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.step_form import CHOICE, PERSON, REASON, RetryChoice, make_retry_form
from flows.steps import do_step
from nonreg.commands.asking import ask_to_the_end
from nonreg.errors import ConfigError, NonregError, UsageError
from nonreg.handover.answer import Answer
from nonreg.handover.control import GivingUp
from nonreg.handover.profiles import PROFILES_FILE, Act, load_profiles
from nonreg.handover.terminal import Terminal
from nonreg.masking import list_secrets
from nonreg.model import Role
from nonreg.model.handover import Execution, Step
from tasks.handover import publish_record
from tasks.handover_control import give_up, list_who_may_give_up, resume_clock, suspend_clock
from tasks.handover_work import Work
from tests.handover.executions import MOA, PILOTAGE, TECHNIQUE, TITULAIRE, Played, make_played

TEXT = PROFILES_FILE.read_text(encoding="utf-8")
DELEGATION = {"delegataire": PILOTAGE, "delegation_jusqu_au": "2099-12-02", "reference_moa": "SCV-13"}


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return make_played(tmp_path)


def work_of(played: Played) -> Work:
    return Work(
        played.journal, played.governed.platform, str(played.governed.platform_file), played.governed.people
    )


def fail(played: Played, subject: str = TECHNIQUE) -> Execution:
    execution = played.reach("O2", subject)
    return played.journal.add_failed(execution, "O2", "VPN fermé.", "Ouvrez l'accès.", datetime.now(UTC))


def test_the_table_keeps_renforts_away_and_the_titulaire_from_stopping_his_own_clock() -> None:
    table = load_profiles().execution
    assert {role for roles in table.values() for role in roles} == {Role.TITULAIRE, Role.MOA_SCV}
    assert table[Act.SUSPEND] == (Role.MOA_SCV,)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('suspension = ["moa_scv"]', 'suspension = ["moa_scv", "titulaire"]', "sa propre horloge"),
        ('abandon = ["titulaire"', 'abandon = ["renfort_technique"', "un renfort n'y est pas"),
        ('suspension = ["moa_scv"]', "suspension = []", "personne n'y est"),
        ('suspension = ["moa_scv"]\n', "", "« suspension » absent"),
    ],
)
def test_a_table_that_would_let_them_is_one_french_sentence(
    tmp_path: Path, before: str, after: str, sentence: str
) -> None:
    assert before in TEXT
    file = tmp_path / "profiles.toml"
    file.write_text(TEXT.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_profiles(file)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("person", [TITULAIRE, TECHNIQUE, PILOTAGE])
def test_only_the_moa_stops_a_clock_from_a_terminal(played: Played, person: str) -> None:
    execution = played.reach("O2")
    stop = ("runbook", "suspend", execution.id, "--reason", "accès fermés par le SCV", "--person")
    refused = played.governed.cli(*stop, person)
    assert refused.returncode == 3
    assert "ne suspend pas l'horloge" in refused.stderr
    assert f"il faut {MOA} (MOA (SCV))." in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert played.journal.load(execution.id).clock.suspensions == ()
    assert played.governed.cli(*stop, MOA).returncode == 0
    assert played.journal.load(execution.id).clock.is_suspended


def test_the_titulaire_may_let_his_clock_run_again_and_a_renfort_may_not(played: Played) -> None:
    work, execution = work_of(played), played.reach("O2")
    execution = suspend_clock(work, execution, MOA, "accès fermés par le SCV")
    with pytest.raises(UsageError, match="ne fait pas repartir l'horloge"):
        resume_clock(work, execution, TECHNIQUE)
    refused = played.governed.cli("runbook", "unsuspend", execution.id, "--person", PILOTAGE)
    assert (refused.returncode, "ne fait pas repartir" in refused.stderr) == (3, True)
    after = resume_clock(work, execution, TITULAIRE)
    assert after.clock.suspensions[0].resumed_by == TITULAIRE


@pytest.mark.parametrize("person", [TECHNIQUE, PILOTAGE])
def test_a_renfort_gives_no_execution_up(played: Played, person: str) -> None:
    execution = played.reach("O2")
    ask = ("runbook", "abandon", execution.id, "--reason", "demande retirée", "--person", person)
    refused = played.governed.cli(*ask)
    assert (refused.returncode, "n'abandonne pas l'exécution" in refused.stderr) == (3, True)
    with pytest.raises(UsageError, match="n'abandonne pas l'exécution"):
        give_up(work_of(played), execution, GivingUp(person, "demande retirée"))
    assert played.journal.load(execution.id).closed_at is None


def test_whoever_a_runbook_is_about_gives_it_up_by_no_role(played: Played) -> None:
    execution = played.reach("O2", subject=TITULAIRE)
    with pytest.raises(UsageError, match="la personne concernée"):
        give_up(work_of(played), execution, GivingUp(TITULAIRE, "demande retirée"))
    assert [one.id for one in list_who_may_give_up(work_of(played), execution)] == [MOA]


def test_a_delegate_gives_up_in_the_titulaire_s_place_but_stops_no_clock(played: Played) -> None:
    execution = played.reach("O3")
    signed = played.sign(execution, "O3", MOA, **DELEGATION)
    execution = played.answer(execution, "O3", MOA, signed=signed, **DELEGATION)
    with pytest.raises(UsageError, match="ne suspend pas l'horloge"):
        suspend_clock(work_of(played), execution, PILOTAGE, "accès fermés")
    own = played.open(subject=PILOTAGE)
    with pytest.raises(UsageError, match="la personne concernée"):
        give_up(work_of(played), own, GivingUp(PILOTAGE, "demande retirée"))
    after = give_up(work_of(played), execution, GivingUp(PILOTAGE, "demande retirée"))
    assert (after.closed_by, after.abandoned) == (PILOTAGE, "demande retirée")


@pytest.mark.parametrize(
    ("person", "reason", "sentence"),
    [
        ("", "plus de VPN", "Dites qui abandonne"),
        (TITULAIRE, " \n", "Un abandon demande un motif"),
        ("inconnue", "plus de VPN", "n'est pas habilitée"),
    ],
)
def test_giving_up_without_a_person_or_a_reason_is_refused_in_one_sentence(
    played: Played, person: str, reason: str, sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        give_up(work_of(played), fail(played), GivingUp(person, reason))
    assert sentence in str(caught.value)
    assert str(caught.value).count(".") <= 2  # one sentence, and the dot of people.toml


def test_a_secret_of_the_platform_is_no_reason(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    database = played.governed.platform.sites[0].database
    assert database is not None
    assert database.reader_password_env
    monkeypatch.setenv(database.reader_password_env, "hibou-Nacre-77")
    assert "hibou-Nacre-77" in list_secrets(played.governed.platform)
    work, execution = work_of(played), fail(played)
    with pytest.raises(UsageError, match="contient un secret"):
        give_up(work, execution, GivingUp(TITULAIRE, "le mot est hibou-Nacre-77"))
    with pytest.raises(UsageError, match="contient un secret"):
        suspend_clock(work, execution, MOA, "le mot est hibou-Nacre-77")
    assert "hibou-Nacre-77" not in played.journal.file.read_text("utf-8")


class Giving:
    """What the form of a check that failed gives, and what is told of it."""

    def __init__(self, given: GivingUp) -> None:
        self.given, self.told = given, list[str]()

    def ask(self, work: Work, execution: Execution, step: Step) -> Answer:
        raise AssertionError

    def ask_retry(self, work: Work, execution: Execution, step: Step) -> GivingUp | None:
        return self.given

    def refused(self, error: NonregError) -> None:
        self.told.append(str(error))

    def has_asked(self, work: Work, execution: Execution, step: Step) -> bool:
        return True


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (GivingUp("", "plus de VPN"), "Dites qui abandonne"),
        (GivingUp(TITULAIRE, ""), "Un abandon demande un motif"),
        (GivingUp(TECHNIQUE, "plus de VPN"), "n'abandonne pas l'exécution"),
    ],
)
def test_a_form_that_gives_up_badly_is_asked_again_and_closes_nothing(
    played: Played, given: GivingUp, told: str
) -> None:
    execution, asker = fail(played), Giving(given)
    do_step(work_of(played), execution, execution.runbook.steps[2], asker, set())
    after = played.journal.load(execution.id)
    assert (len(asker.told), told in asker.told[0], after.closed_at) == (1, True, None)
    assert told in after.failed[-1].message


def test_a_form_that_gives_up_well_leaves_who_and_why_in_the_ledger_and_in_the_record(played: Played) -> None:
    execution, work = fail(played), work_of(played)
    given = GivingUp(TITULAIRE, "le VPN ne viendra pas")
    do_step(work, execution, execution.runbook.steps[2], Giving(given), set())
    last = played.journal.read(execution.id)[-1]
    assert (last.person, last.data["abandoned"]) == (TITULAIRE, "le VPN ne viendra pas")
    page = publish_record(work, played.journal.load(execution.id)).read_text("utf-8")
    assert f"Abandonnée par {TITULAIRE}, motif : le VPN ne viendra pas" in page


def test_the_form_offers_those_who_may_and_leaves_the_person_out_of_a_mere_retry() -> None:
    form = make_retry_form((TITULAIRE, MOA), "## O2")
    again = form.model_validate({CHOICE: "reessayer"})
    assert (getattr(again, CHOICE), getattr(again, PERSON)) == (RetryChoice.REESSAYER, None)
    filled = form.model_validate({CHOICE: "abandonner", PERSON: MOA, REASON: "plus de VPN"})
    assert getattr(filled, PERSON).value == MOA
    with pytest.raises(ValueError, match=PERSON):
        form.model_validate({CHOICE: "abandonner", PERSON: TECHNIQUE, REASON: "plus de VPN"})
    assert PERSON not in make_retry_form((), "## O2").model_fields


def test_at_the_terminal_whoever_gives_up_is_asked_for(played: Played) -> None:
    execution, typed = fail(played), ["le VPN ne viendra pas", TECHNIQUE, "", TITULAIRE]
    shown: list[str] = []

    def read(question: str) -> str:
        shown.append(question)
        return typed.pop(0)

    terminal = Terminal(read, shown.append, lambda: datetime.now(UTC))
    after = ask_to_the_end(work_of(played), execution, lambda one: False, terminal)
    assert (after.closed_by, after.abandoned) == (TITULAIRE, "le VPN ne viendra pas")
    assert sum("Qui abandonne ?" in one for one in shown) == 3


def test_at_the_terminal_a_reason_that_may_not_be_kept_is_told_and_asked_again(played: Played) -> None:
    execution, typed = fail(played), ["Mme Rivelune part", MOA, "le VPN ne viendra pas", MOA]
    shown: list[str] = []
    terminal = Terminal(lambda _: typed.pop(0), shown.append, lambda: datetime.now(UTC))
    after = ask_to_the_end(work_of(played), execution, lambda one: False, terminal)
    assert (after.closed_by, after.abandoned) == (MOA, "le VPN ne viendra pas")
    assert any("Refusé : " in one for one in shown)
