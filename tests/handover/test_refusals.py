"""What an adversary, or an unlucky hand, tries on a runbook: each is refused in one sentence, and stops nobody else."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.askers import Nobody, Suspending, Waiting, keep_request
from flows.step_form import write_value
from flows.steps import LOCK, ask_person, do_step, follow
from nonreg.clients.sshsig import load_key_file
from nonreg.decision import SignedDecision, sign_decision
from nonreg.errors import ConfigError, DecisionRefused, NonregError, UsageError
from nonreg.file_lock import hold_file_lock
from nonreg.handover.answer import Answer
from nonreg.handover.clock import view_clock
from nonreg.handover.control import GivingUp
from nonreg.handover.form import check_said, convert
from nonreg.handover.integrated import find_complete
from nonreg.handover.rehearsed_command import require_own_platform
from nonreg.handover.runbook_file import read_runbook
from nonreg.handover.scripted import Script
from nonreg.handover.signing import describe_step, list_delegations, request_signature
from nonreg.masking import list_secrets
from nonreg.model.handover import Execution, Field, FieldKind, Said, Step
from nonreg.people import People
from tasks.handover import answer_step, open_execution
from tasks.handover_work import Work, make_work
from tests.handover.executions import (
    AT,
    MOA,
    PILOTAGE,
    SMALL,
    TECHNIQUE,
    TITULAIRE,
    Played,
    make_played,
)

DELEGATION = {
    "delegataire": PILOTAGE,
    "delegation_jusqu_au": "2027-12-02",
    "reference_moa": "SCV-13",
}


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return make_played(tmp_path)


def work_of(played: Played, people: People | None = None) -> Work:
    return Work(
        played.journal,
        played.governed.platform,
        str(played.governed.platform_file),
        people or played.governed.people,
    )


def end(people: People, person_id: str, at: datetime) -> People:
    """The same people, one of whom is entitled until then only."""
    return dataclasses.replace(
        people,
        persons=tuple(
            dataclasses.replace(one, valid_until=at) if one.id == person_id else one for one in people.persons
        ),
    )


def delegate(played: Played, execution: Execution) -> Execution:
    signed = played.sign(execution, "O3", MOA, **DELEGATION)
    return played.answer(execution, "O3", MOA, signed=signed, **DELEGATION)


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_an_execution_is_not_closed_before_its_last_step_without_a_reason(
    played: Played, reason: str
) -> None:
    """It would be taken for one that went to its end: an integration, a rehearsal."""
    execution = played.open()
    done = played.governed.cli("runbook", "abandon", execution.id, "--reason", reason, "--person", TITULAIRE)
    assert done.returncode == 3
    assert "motif" in done.stderr
    with pytest.raises(UsageError, match="demande un motif"):
        played.journal.close(execution, TECHNIQUE, AT, reason)
    assert played.journal.load(execution.id).closed_at is None


@pytest.mark.parametrize("content", ["{", '{"decision": {}, "shown": "Autre chose"}', "[1]"])
def test_a_request_that_somebody_spoiled_is_signed_by_nobody_and_another_is_made(
    played: Played, content: str
) -> None:
    execution = played.reach("O4")
    step = execution.runbook.step("O4")
    assert step is not None
    work = work_of(played)
    path, first = keep_request(work, execution, step, TITULAIRE, ())
    assert keep_request(work, execution, step, TITULAIRE, ()) == (path, first)
    path.write_text(content, encoding="utf-8")
    other, second = keep_request(work, execution, step, TITULAIRE, ())
    assert other != path
    assert second.decision.id != first.decision.id


def test_what_was_cut_short_is_no_integration(played: Played) -> None:
    """Whatever the ledger of an earlier version holds."""
    cut = dataclasses.replace(played.open(), closed_at=AT)
    assert find_complete([cut]) is None


def test_only_a_step_of_the_moa_delegates() -> None:
    own = SMALL.replace(
        'role = "moa_scv"\nkind = "signature"', 'role = "renfort_technique"\nkind = "signature"'
    )
    assert own != SMALL
    with pytest.raises(ConfigError, match="par la MOA seule"):
        read_runbook(own, Path("essai.toml"))


def test_a_delegation_that_somebody_else_signed_is_worth_nothing(played: Played) -> None:
    """A runbook of one's own, whose step is one's own."""
    step = dataclasses.replace(played.runbook.steps[3], role=played.runbook.steps[4].role)
    runbook = dataclasses.replace(
        played.runbook, steps=(*played.runbook.steps[:3], step, played.runbook.steps[4])
    )
    own = dataclasses.replace(played, runbook=runbook)
    execution = own.reach("O3")
    signed = own.sign(execution, "O3", TITULAIRE, **DELEGATION)
    execution = own.answer(execution, "O3", TITULAIRE, signed=signed, **DELEGATION)
    assert played.journal.list_delegations(execution) == ()


def test_a_delegation_whose_signature_is_no_longer_genuine_is_worth_nothing(played: Played) -> None:
    execution = delegate(played, played.reach("O3"))
    entries, people = played.journal.read(execution.id), played.governed.people
    told = {"platform": "embarquee", "rehearsal": False, "people": people}
    assert [one.person for one in list_delegations(entries, [execution], **told)] == [PILOTAGE]  # type: ignore[arg-type]
    forged = [
        dataclasses.replace(one, signature=entries[-1].signature.replace("A", "B")) if one.decision else one
        for one in entries
    ]
    assert list_delegations(forged, [execution], **told) == ()  # type: ignore[arg-type]


def test_a_delegate_of_another_execution_does_not_answer_for_the_titulaire_about_himself(
    played: Played,
) -> None:
    delegate(played, played.reach("O3"))
    about_him = played.open(subject=PILOTAGE)
    with pytest.raises(UsageError, match="ne fait pas l'étape O0"):
        played.answer(about_him, "O0", PILOTAGE, demande_le="30/11/2026 10:00")
    about_another = played.open()
    assert played.answer(about_another, "O0", PILOTAGE, demande_le="30/11/2026 10:00").find("O0")


def test_a_signature_made_to_last_is_refused(played: Played) -> None:
    execution = played.reach("O4")
    step, who = execution.runbook.steps[4], played.governed.people.find(TITULAIRE)
    assert who is not None
    request = request_signature(played.governed.platform, execution, step, (), who, AT)
    for_years = dataclasses.replace(request.decision, expires_at=AT + timedelta(days=900))
    signed = sign_decision(
        dataclasses.replace(request, decision=for_years), load_key_file(Path(played.governed.key()))
    )
    with pytest.raises(DecisionRefused, match="vaut plus de 48 h"):
        played.answer(execution, "O4", TITULAIRE, signed=signed)


def test_two_sets_of_answers_are_never_signed_by_the_same_text(played: Played) -> None:
    execution, step = played.open(), played.runbook.steps[3]
    texts = {
        describe_step(execution, step, said)
        for said in (
            (Said("un", "1\ndeux : 2"), Said("deux", "3")),
            (Said("un", "1"), Said("deux", "2\ndeux : 3")),
        )
    }
    assert len(texts) == 2


def test_what_was_signed_falls_with_its_person_for_an_answer_at_a_terminal_too(played: Played) -> None:
    execution = delegate(played, played.reach("O3"))
    gone = work_of(played, end(played.governed.people, MOA, AT + timedelta(hours=2)))
    signed = played.sign(execution, "O4", TITULAIRE)
    with pytest.raises(DecisionRefused, match="n'est plus habilité"):
        answer_step(gone, execution, Answer("O4", TITULAIRE, {}, signed))


def test_an_execution_that_was_tampered_with_stops_nobody_else(played: Played) -> None:
    broken = delegate(played, played.reach("O3"))
    file = played.journal.folder(broken.id) / "runbook.json"
    file.write_text(file.read_text("utf-8").replace("Mise en capacité", "Autre chose"), encoding="utf-8")
    execution = played.answer(played.open(), "O0", TITULAIRE, demande_le="30/11/2026 10:00")
    assert execution.find("O0") is not None
    assert played.journal.list_delegations(execution) == ()


def test_a_step_that_nobody_may_do_waits_and_fills_nothing(played: Played) -> None:
    execution = played.reach("O1")
    gone = work_of(played, end(played.governed.people, MOA, datetime(2020, 1, 1, tzinfo=UTC)))
    step = execution.runbook.steps[1]
    with pytest.raises(Waiting, match="Personne d'habilité"):
        ask_person(gone, execution, step, Suspending())
    assert played.journal.load(execution.id).failed == ()


class Asking:
    """Gives one wrong answer, or one reason, and keeps what it was told."""

    def __init__(self, values: dict[str, str], given: GivingUp | None = None) -> None:
        self.values, self.given, self.told = values, given, list[str]()

    def ask(self, work: Work, execution: Execution, step: Step) -> Answer:
        check_said(step, self.values, AT)
        raise AssertionError

    def ask_retry(self, work: Work, execution: Execution, step: Step) -> GivingUp | None:
        return self.given

    def refused(self, error: NonregError) -> None:
        self.told.append(str(error))

    def has_asked(self, work: Work, execution: Execution, step: Step) -> bool:
        return True


def test_a_wrong_answer_that_holds_a_name_is_asked_again_without_it(played: Played) -> None:
    execution, asker = played.reach("O1"), Asking({"reference": "Mme Rivelune\nx", "accord": "oui"})
    ask_person(work_of(played), execution, execution.runbook.steps[1], asker)
    assert asker.told
    (failed,) = played.journal.load(execution.id).failed
    assert "contient le nom de « titulaire-essai »" in failed.message
    assert "Rivelune" not in played.journal.file.read_text("utf-8")


def test_a_reason_to_give_up_that_holds_a_name_is_asked_again(played: Played) -> None:
    execution = played.journal.add_failed(played.reach("O2"), "O2", "refusé", "ouvrez l'accès", AT)
    asker = Asking({}, GivingUp(TITULAIRE, "Mme Rivelune ne veut plus"))
    do_step(work_of(played), execution, execution.runbook.steps[2], asker, set())
    after = played.journal.load(execution.id)
    assert (after.closed_at, len(after.failed)) == (None, 2)
    assert "Rivelune" not in played.journal.file.read_text("utf-8")


def test_a_secret_of_the_platform_is_never_recorded(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    database = played.governed.platform.sites[0].database
    assert database is not None
    variable = database.reader_password_env
    assert variable
    monkeypatch.setenv(variable, "hibou-Nacre-77")
    assert "hibou-Nacre-77" in list_secrets(played.governed.platform)
    execution = played.reach("O1")
    with pytest.raises(UsageError, match="contient un secret"):
        played.answer(execution, "O1", MOA, reference="mot hibou-Nacre-77", accord="oui")
    with pytest.raises(UsageError, match="contient un secret"):
        played.answer(played.reach("O3"), "O3", MOA, skip="mot hibou-Nacre-77")
    wrong = Asking({"reference": "SCV\nhibou-Nacre-77", "accord": "oui"})
    ask_person(work_of(played), execution, execution.runbook.steps[1], wrong)
    assert "hibou-Nacre-77" not in played.journal.file.read_text("utf-8")


@pytest.mark.parametrize("reason", ["caché\u202e", "\x1b[31mrouge", "nul\x00", "x" * 5000])
def test_a_reason_hides_nothing_and_is_not_endless(played: Played, reason: str) -> None:
    with pytest.raises(UsageError, match="Motif"):
        played.answer(played.reach("O3"), "O3", MOA, skip=reason)
    with pytest.raises(UsageError, match="Motif"):
        played.journal.suspend(played.reach("O1"), reason, TITULAIRE, AT)
    with pytest.raises(UsageError, match="Motif"):
        played.journal.close(played.open(), TITULAIRE, AT, reason)


def test_nothing_after_the_stop_puts_a_deadline_back(played: Played) -> None:
    execution, late = played.reach("O4"), AT + timedelta(days=10)
    execution = played.journal.suspend(execution, "accès refusés", TITULAIRE, AT + timedelta(hours=2))
    execution = played.answer(
        execution, "O4", TITULAIRE, at=late, signed=played.sign(execution, "O4", TITULAIRE, at=late)
    )
    working = played.governed.platform.working_time
    before = view_clock(execution, working, late)
    after = played.journal.resume(execution, TITULAIRE, late + timedelta(days=30))
    assert view_clock(after, working, late + timedelta(days=31)) == before


def test_of_two_suspensions_at_once_one_is_recorded(played: Played) -> None:
    """Two would leave a clock that never runs again."""
    execution, both, told = played.reach("O1"), threading.Barrier(2), list[str]()

    def suspend() -> None:
        both.wait(10)
        try:
            played.journal.suspend(execution, "grève", TITULAIRE, AT)
        except UsageError as error:
            told.append(str(error))

    threads = [threading.Thread(target=suspend) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(told), len(played.journal.load(execution.id).clock.suspensions)) == (1, 1)


def test_two_processes_of_one_flow_run_open_one_execution(played: Played) -> None:
    both, ids = threading.Barrier(4), list[str]()

    def open_it() -> None:
        both.wait(10)
        ids.append(played.open(origin="passage-1").id)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(ids), len(set(ids))) == (4, 1)
    assert len(played.journal.list_ids()) == 1


def test_a_flow_run_finds_what_it_opened_though_its_person_is_gone_since(played: Played) -> None:
    """A hand-back ends the entitlement of the very person whom it is about."""
    work = make_work(str(played.governed.platform_file), played.governed.runs_dir)

    def open_it(work: Work) -> Execution:
        return open_execution(
            work,
            "restitution",
            ticket="AQ-1",
            person=TITULAIRE,
            subject=TECHNIQUE,
            rehearsal=False,
            origin="p-1",
        )

    first = open_it(work)
    gone = dataclasses.replace(work, people=end(work.people, TECHNIQUE, datetime(2020, 1, 1, tzinfo=UTC)))
    assert open_it(gone).id == first.id


def test_nobody_opens_no_runbook(played: Played) -> None:
    with pytest.raises(UsageError, match="Dites qui ouvre"):
        open_execution(
            work_of(played), "deploiement", ticket="AQ-1", person="", subject=TECHNIQUE, rehearsal=False
        )
    assert played.journal.list_ids() == ()


@pytest.mark.parametrize(
    ("value", "kept"), [("1234567", "1234567"), ("12,5", "12.5"), ("0.123456789", "0.123456789")]
)
def test_a_number_keeps_its_digits(value: str, kept: str) -> None:
    assert convert(Field("n", "Nombre", FieldKind.NUMBER), value, AT) == kept
    assert write_value(float(kept)) == kept


@pytest.mark.parametrize("value", ["nan", "inf", "-1e400"])
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=value[:3].replace("-1e", "inf")):
        convert(Field("n", "Nombre", FieldKind.NUMBER), value, AT)


def script_of(played: Played) -> Script:
    answers = {
        "O1": {"personne": MOA, "reference": "SCV-12", "accord": "oui"},
        "O4": {"personne": TITULAIRE},
    }
    return Script(Path("r.toml"), answers, played.governed.root / "identites")


def test_a_file_answers_nothing_in_earnest(played: Played) -> None:
    platform = dataclasses.replace(played.governed.platform, identity_token="un-autre-jeton")
    execution, step = played.reach("O1"), played.runbook.steps[1]
    with pytest.raises(UsageError, match="que dans une répétition"):
        script_of(played).answer(execution, step, platform, played.governed.people, AT)
    rehearsal = dataclasses.replace(execution, rehearsal=True)
    assert script_of(played).answer(rehearsal, step, platform, played.governed.people, AT).person == MOA


def test_a_file_signs_with_no_key_found_beside_a_real_platform(played: Played) -> None:
    platform = dataclasses.replace(played.governed.platform, identity_token="un-autre-jeton")
    step = played.runbook.steps[4]
    rehearsal = dataclasses.replace(played.reach("O4"), rehearsal=True)
    with pytest.raises(UsageError, match="se signe par une personne"):
        script_of(played).answer(rehearsal, step, platform, played.governed.people, AT)
    embedded = script_of(played).answer(rehearsal, step, played.governed.platform, played.governed.people, AT)
    assert isinstance(embedded.signed, SignedDecision)


@pytest.mark.parametrize(
    "words",
    [
        ("--platform", "/etc/prod.toml"),
        ("--platform=/etc/prod.toml",),
        ("--plat", "prod"),
        ("--p=prod",),
        ("--platform", "{banc}/../prod.toml"),
    ],
)
def test_a_command_of_a_rehearsal_touches_no_other_platform(played: Played, words: tuple[str, ...]) -> None:
    platform = played.governed.platform
    filled = tuple(one.replace("{banc}", str(platform.base_dir)) for one in words)
    with pytest.raises(UsageError, match="que sur la plateforme embarquée"):
        require_own_platform(platform, ("python", "-m", "nonreg", "campaign", *filled))
    own = f"{platform.base_dir}/renforts/x.toml"
    for fine in (
        ("--platform", own),
        (f"--platform={own}",),
        ("--person", TITULAIRE),
        ("--platform", "embarquee"),
    ):
        require_own_platform(platform, ("python", "-m", "nonreg", "campaign", *fine))


def test_an_execution_that_somebody_follows_is_followed_by_nobody_else_meanwhile(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nonreg.file_lock.LOCK_SECONDS", 0.1)
    execution = played.reach("O1")
    lock = played.journal.folder(execution.id) / LOCK
    with hold_file_lock(lock, "le premier"), pytest.raises(NonregError, match=f"{execution.id} : occupé"):
        follow(work_of(played), execution, Nobody())
