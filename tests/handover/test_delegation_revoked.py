"""A delegation that the MOA ends before its day: at once, by a signature, and what was signed before stays."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.clients.sshsig import load_key_file
from nonreg.decision import SignedDecision, sign_decision
from nonreg.errors import DecisionRefused, UsageError
from nonreg.handover.answer import Answer
from nonreg.handover.profiles import Thing
from nonreg.handover.revocation import request_revocation
from nonreg.handover.signing import list_delegations, verify_again
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model.handover import Execution
from tasks.handover import answer_step, publish_record
from tasks.handover_control import revoke_delegation
from tasks.handover_work import Work
from tasks.profiles import require_may_start
from tests.handover.executions import AT, MOA, PILOTAGE, TECHNIQUE, TITULAIRE, Played, make_played
from tests.retention.cut import cut
from tests.retention.sites import verify

DELEGATION = {"delegataire": PILOTAGE, "delegation_jusqu_au": "2099-12-02", "reference_moa": "SCV-13"}
WHY = "le titulaire est de retour"


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return make_played(tmp_path)


def work_of(played: Played) -> Work:
    return Work(
        played.journal, played.governed.platform, str(played.governed.platform_file), played.governed.people
    )


def delegate(played: Played, at: datetime = AT + timedelta(hours=1)) -> Execution:
    execution = played.reach("O3")
    signed = played.sign(execution, "O3", MOA, at=at, **DELEGATION)
    return played.answer(execution, "O3", MOA, at=at, signed=signed, **DELEGATION)


def sign(
    played: Played, execution: Execution, person: str = MOA, key: str = "", reason: str = WHY
) -> SignedDecision:
    who = played.governed.people.find(person)
    assert who is not None
    request = request_revocation(played.governed.platform, execution, reason, who, datetime.now(UTC))
    return sign_decision(request, load_key_file(Path(played.governed.key(key or person))))


def revoke(played: Played, execution: Execution, reason: str = WHY) -> Execution:
    return revoke_delegation(work_of(played), execution, reason, sign(played, execution, reason=reason))


def capable(played: Played, execution: Execution) -> Execution:
    at = datetime.now(UTC)
    signed = played.sign(execution, "O4", PILOTAGE, at=at)
    return answer_step(work_of(played), execution, Answer("O4", PILOTAGE, {}, signed))


def test_from_the_revocation_on_the_delegate_signs_and_starts_nothing(played: Played) -> None:
    work, execution = work_of(played), delegate(played)
    require_may_start(work, PILOTAGE, Thing.RUNBOOK, "bascule-hd")
    before = played.sign(execution, "O4", PILOTAGE, at=datetime.now(UTC))
    after = revoke(played, execution)
    assert played.journal.list_delegations(after) == ()
    with pytest.raises(UsageError, match="ne fait pas l'étape O4"):
        answer_step(work, after, Answer("O4", PILOTAGE, {}, before))
    with pytest.raises(UsageError, match="ne lance pas"):
        require_may_start(work, PILOTAGE, Thing.RUNBOOK, "bascule-hd")
    elsewhere = played.open()
    with pytest.raises(UsageError, match="ne fait pas l'étape O0"):
        played.answer(elsewhere, "O0", PILOTAGE, at=datetime.now(UTC), demande_le="30/11/2026 10:00")


def test_what_the_delegate_signed_before_stays_and_the_ledger_verifies(played: Played) -> None:
    execution = capable(played, delegate(played))
    closed = played.journal.close(execution, "", datetime.now(UTC))
    after = revoke(played, closed)  # after the end of its execution too
    done = after.find("O4")
    assert done is not None
    assert done.person == PILOTAGE
    assert after.closed_at is not None
    verify_ledger(played.journal.file, collect_witnesses(played.governed.runs_dir))
    verify_again(after, played.journal.read(after.id), played.governed.people, datetime.now(UTC))


def test_a_record_that_a_kill_cut_while_it_was_made_anew_is_sealed_by_the_next_one(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = work_of(played)
    monkeypatch.setattr(
        "tasks.handover.write_pdf", lambda document, at: document.title.encode()
    )  # fork, no fonts
    closed = played.journal.close(capable(played, delegate(played)), "", datetime.now(UTC))
    publish_record(work, closed)
    after = revoke(played, closed)
    before = tmp_path / "avant"
    shutil.copytree(work.runs_dir, before)
    changes, killed = 0, True
    while killed:
        killed = cut(lambda: publish_record(work, after), work.runs_dir, changes)
        page = publish_record(work, after)
        assert WHY in page.read_text("utf-8")
        assert verify(played.governed) == [], changes
        shutil.rmtree(work.runs_dir)
        shutil.copytree(before, work.runs_dir)
        changes += 1
    assert changes > 3


@pytest.mark.parametrize("person", [TITULAIRE, TECHNIQUE, PILOTAGE])
def test_nobody_but_the_moa_revokes(played: Played, person: str) -> None:
    execution = delegate(played)
    with pytest.raises(DecisionRefused, match="ne peut pas prendre une décision de revocation"):
        revoke_delegation(work_of(played), execution, WHY, sign(played, execution, person))
    with pytest.raises(DecisionRefused, match="est celle de"):
        revoke_delegation(work_of(played), execution, WHY, sign(played, execution, MOA, person))
    assert len(played.journal.list_delegations(execution)) == 1


def test_a_signature_of_another_reason_or_another_execution_revokes_nothing(played: Played) -> None:
    execution, other = delegate(played), delegate(played)
    signed = sign(played, execution)
    with pytest.raises(DecisionRefused, match="empreinte diffère"):
        revoke_delegation(work_of(played), execution, "autre motif", signed)
    with pytest.raises(DecisionRefused, match="porte sur"):
        revoke_delegation(work_of(played), other, WHY, signed)
    assert len(played.journal.list_delegations(execution)) == 2


def test_a_signature_made_to_last_revokes_nothing(played: Played) -> None:
    execution, who = delegate(played), played.governed.people.find(MOA)
    assert who is not None
    request = request_revocation(played.governed.platform, execution, WHY, who, datetime.now(UTC))
    late = dataclasses.replace(request.decision, expires_at=datetime.now(UTC) + timedelta(days=90))
    signed = sign_decision(
        dataclasses.replace(request, decision=late), load_key_file(Path(played.governed.key(MOA)))
    )
    with pytest.raises(DecisionRefused, match="vaut plus de 48 h"):
        revoke_delegation(work_of(played), execution, WHY, signed)


def test_a_delegation_is_revoked_once_and_only_if_there_is_one(played: Played) -> None:
    with pytest.raises(UsageError, match="n'a donné aucune délégation"):
        sign(played, played.reach("O4"))
    execution = delegate(played)
    second = sign(played, execution)
    after = revoke(played, execution)
    with pytest.raises(UsageError, match="déjà révoquée"):
        sign(played, after)
    with pytest.raises(UsageError, match="déjà révoquée"):
        revoke_delegation(work_of(played), execution, WHY, second)


@pytest.mark.parametrize("reason", ["", " \n", "caché\u202e"])
def test_a_revocation_has_a_reason_that_can_be_read(played: Played, reason: str) -> None:
    with pytest.raises(UsageError, match="otif"):
        sign(played, delegate(played), reason=reason)


def test_a_revocation_outlives_whoever_signed_it(played: Played) -> None:
    """A right that was taken away does not come back once the signature that took it is nobody's any more."""
    execution = revoke(played, delegate(played))
    *before, last = played.journal.read(execution.id)
    told = {"platform": "embarquee", "rehearsal": False, "people": played.governed.people}
    assert len(list_delegations(before, [execution], **told)) == 1  # type: ignore[arg-type]
    nobody = dataclasses.replace(last, signature="")
    assert list_delegations([*before, nobody], [execution], **told) == ()  # type: ignore[arg-type]


def test_a_new_delegation_counts_after_a_revocation(played: Played) -> None:
    revoke(played, delegate(played))
    again = delegate(played)
    assert [one.person for one in played.journal.list_delegations(again)] == [PILOTAGE]
    assert capable(played, again).find("O4")


def test_the_command_writes_the_request_then_takes_its_signature_and_the_record_shows_it(
    played: Played,
) -> None:
    execution = delegate(played, datetime.now(UTC))
    ask = ("runbook", "revoke", execution.id, "--reason", WHY, "--person", MOA)
    asked = played.governed.cli(*ask)
    assert asked.returncode == 2, asked.stderr
    assert "Demande à signer" in asked.stdout
    assert len(played.journal.list_delegations(execution)) == 1
    refused = played.governed.cli(
        "runbook", "revoke", execution.id, "--reason", WHY, "--key", played.governed.key(TITULAIRE)
    )
    assert (refused.returncode, "ne peut pas prendre" in refused.stderr) == (3, True)
    done = played.governed.cli(*ask, "--key", played.governed.key(MOA), "--yes")
    assert done.returncode == 0, done.stderr
    assert f"Délégation de « {PILOTAGE} » révoquée" in done.stdout
    after = played.journal.load(execution.id)
    (revoked,) = after.revoked
    page = publish_record(work_of(played), after).read_text("utf-8")
    assert f"Délégation de {PILOTAGE} révoquée, décision signée {revoked.decision_id}" in page
    assert WHY in page
    assert played.journal.list_delegations(after) == ()
