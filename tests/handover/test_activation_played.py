"""An activation of two profiles, played: both executions to their end; answers of a file open nothing in earnest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from flows.activation import activation
from flows.runbook import follow_or_open
from nonreg.errors import UsageError
from nonreg.handover.activation import Need, OpenAnomaly, Reason
from nonreg.handover.contacts import list_duties
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.people import find_reserved_keys
from tasks.activation import Asked, open_activation
from tasks.handover import publish_record
from tests.governed import Governed
from tests.handover.activations import REHEARSALS, integrate, make_site, play, script_of, work_on
from tests.handover.executions import PILOTAGE, TECHNIQUE, TITULAIRE

RUNBOOK = "activation-exceptionnelle"
ANSWERS = str(REHEARSALS / f"{RUNBOOK}.toml")
OWN_TOKEN, KEY = "0b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de", re.compile(r"ssh-ed25519 [A-Za-z0-9+/=]+")
REFUSED = "Des réponses écrites d'avance ne servent que dans une répétition"


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    return make_site(tmp_path)


@pytest.fixture
def real(governed: Governed) -> Governed:
    """The same, as a platform whose people are really somebody."""
    people = governed.governance / "people.toml"
    for token in set(find_reserved_keys().values()):
        for file in (governed.platform_file, people):
            file.write_text(file.read_text("utf-8").replace(token, OWN_TOKEN), encoding="utf-8")
    people.write_text(KEY.sub(make_key, people.read_text("utf-8")), encoding="utf-8")
    return governed


def make_key(_: re.Match[str]) -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")


def test_both_executions_are_played_to_their_end_each_with_its_own_clock(governed: Governed) -> None:
    work = work_on(governed)
    for subject in (TECHNIQUE, PILOTAGE):
        integrate(work, subject=subject)
    asked = Asked(
        Reason.EXCEPTIONAL,
        OpenAnomaly.BLOQUANTE,
        (Need.CORRECTION,),
        TITULAIRE,
        "AQ-150",
        {},
        rehearsal=True,
    )
    opened = open_activation(work, asked).executions
    assert [one.subject for one in opened] == [TECHNIQUE, PILOTAGE]
    ended = []
    for execution in opened:
        script = script_of(governed, RUNBOOK)
        after = play(work, script, execution)
        assert [one.step_id for one in after.done] == [one.id for one in after.runbook.steps]
        assert after.failed == ()
        assert after.clock.started_at is not None
        assert after.clock.stopped_at is not None
        ended.append(work.journal.close(after, "", after.done[-1].at))
    first, second = (work.journal.load(one.id) for one in ended)
    assert (first.clock.stopped_at, first.abandoned) != (second.clock.stopped_at, None)
    assert publish_record(work, second).is_file()
    for one in (first, second):  # each reads about itself only
        renfort = one.find("A7b")
        assert renfort is not None
        assert renfort.person == one.subject
    assert list_duties([first, second], {}, platform="embarquee", rehearsal=True) == ()
    verify_ledger(work.journal.file, collect_witnesses(work.runs_dir))


def test_the_second_execution_is_no_less_checked_than_the_first(governed: Governed) -> None:
    work = work_on(governed)
    integrate(work, subject=TECHNIQUE)
    asked = Asked(
        Reason.EXCEPTIONAL, OpenAnomaly.BLOQUANTE, (Need.CORRECTION,), TITULAIRE, "AQ-150", {}, rehearsal=True
    )
    first, second = open_activation(work, asked).executions
    assert play(work, script_of(governed, RUNBOOK), first).clock.stopped_at is not None
    stopped = play(work, script_of(governed, RUNBOOK), second)
    assert stopped.find("A7") is None
    assert "Aucune sur cette plateforme" in stopped.failed[-1].message


def test_answers_of_a_file_are_refused_before_an_activation_opens_anything(real: Governed) -> None:
    done = real.cli(
        *(
            "activate",
            "--reason",
            "situation-exceptionnelle",
            "--anomaly",
            "bloquante",
            "--need",
            "correction",
        ),
        *("--person", TITULAIRE, "--ticket", "AQ-150", "--answers", ANSWERS),
    )
    assert (done.returncode, REFUSED in done.stderr) == (3, True)
    with pytest.raises(Exception, match=REFUSED):
        activation.fn(
            Reason.EXCEPTIONAL,
            OpenAnomaly.BLOQUANTE,
            [Need.CORRECTION],
            TITULAIRE,
            ticket="AQ-150",
            platform=str(real.platform_file),
            runs_dir=str(real.runs_dir),
            answers=ANSWERS,
        )
    assert work_on(real).journal.list_ids() == ()


@pytest.mark.parametrize("answers", [ANSWERS, "absent.toml"])
def test_answers_that_may_not_or_cannot_be_read_open_no_runbook(real: Governed, answers: str) -> None:
    done = real.cli("runbook", "open", "contacts", "--person", TITULAIRE, "--answers", answers)
    assert done.returncode == 3
    with pytest.raises(UsageError if answers == ANSWERS else Exception):
        follow_or_open(
            str(real.platform_file), str(real.runs_dir), "contacts", TITULAIRE, "", "AQ-1", "", False, answers
        )
    assert work_on(real).journal.list_ids() == ()
