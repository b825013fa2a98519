"""What a drill asks of a person: confirmed by their own signature, for that step, in time; silence is never yes."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.sshsig import load_key_file
from nonreg.config import Platform
from nonreg.decision import DecisionKind, DecisionRequest, hash_shown, sign_decision, write_signed
from nonreg.drills.operator import (
    CLOSED,
    OperatorStep,
    ask,
    close,
    confirm,
    describe_step,
    find_confirmation,
    list_open,
    open_folder,
    render_step,
    request_confirmation,
    wait_confirmed,
)
from nonreg.errors import DrillRefused, NonregError
from nonreg.waiting import wait_until
from tests.governed import Governed, make_governed


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Governed:
    return make_governed(tmp_path_factory.mktemp("etapes"))


@pytest.fixture
def platform(shared: Governed, tmp_path: Path) -> Platform:
    """The same people, a folder of its own."""
    return dataclasses.replace(shared.platform, base_dir=str(tmp_path))


def make_step(
    instruction: str = "Débranchez srv-a, puis confirmez.", within_seconds: float = 60.0
) -> OperatorStep:
    return OperatorStep.new("passage", "HD-924", "1", instruction, within_seconds)


def sign(
    shared: Governed,
    platform: Platform,
    step: OperatorStep,
    key: str = "titulaire-essai",
    **changes: object,
) -> Path:
    """A confirmation beside the step, whatever it is worth."""
    found = shared.people.find("titulaire-essai")
    assert found is not None
    request = request_confirmation(platform, step, found, datetime.now(UTC))
    decision = dataclasses.replace(request.decision, **changes)  # type: ignore[arg-type]
    shown = request.shown if decision.content_sha256 == hash_shown(request.shown) else "autre\n"
    signed = sign_decision(DecisionRequest(decision, shown), load_key_file(Path(shared.key(key))))
    return confirm(platform, step, signed)


@pytest.mark.parametrize("person", ["titulaire-essai", "renfort-technique-essai"])
def test_a_step_is_confirmed_by_the_titulaire_or_the_technical_renfort(
    shared: Governed, platform: Platform, person: str
) -> None:
    step, who = make_step(), shared.people.find(person)
    assert who is not None
    ask(platform, step)
    assert list_open(platform) == (step,)
    request = request_confirmation(platform, step, who, datetime.now(UTC))
    assert step.instruction in request.shown

    def act() -> None:
        wait_until(lambda: list_open(platform), 10)
        confirm(platform, step, sign_decision(request, load_key_file(Path(shared.key(person)))))

    thread = threading.Thread(target=act)
    thread.start()
    found = wait_confirmed(platform, shared.people, step, 10.0)
    thread.join()
    assert (found.person, found.decision) == (person, request.decision.id)
    assert abs(found.confirmed_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_silence_is_never_a_yes(shared: Governed, platform: Platform) -> None:
    step = make_step()
    ask(platform, step)
    with pytest.raises(DrillRefused) as caught:
        wait_confirmed(platform, shared.people, step, 0.3)
    assert "n'a pas été confirmée en 0.3 s : Débranchez srv-a" in str(caught.value)


FORGED: dict[str, tuple[dict[str, object], str, str]] = {
    "another person's key": ({}, "moa-scv-essai", "est celle de « moa-scv-essai »"),
    "another role": ({"role": "renfort_technique"}, "titulaire-essai", "« titulaire-essai » est titulaire"),
    "another step": ({"subject": "E-000000000000"}, "titulaire-essai", "porte sur « E-000000000000 »"),
    "another text": (
        {"content_sha256": hash_shown("autre\n")},
        "titulaire-essai",
        "n'est pas celui de la décision",
    ),
    "another kind": ({"kind": DecisionKind.EXERCICE}, "titulaire-essai", "pas de confirmation"),
    "another platform": ({"identity_token": "0a1b"}, "titulaire-essai", "le jeton d'identité diffère"),
    "an old signature": (
        {
            "decided_at": datetime(2026, 1, 1, tzinfo=UTC),
            "expires_at": datetime(2026, 1, 2, tzinfo=UTC),
        },
        "titulaire-essai",
        "a expiré",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_proves_nothing_is_passed_over_and_its_reason_is_told(
    shared: Governed, platform: Platform, name: str
) -> None:
    changes, key, words = FORGED[name]
    step = make_step()
    ask(platform, step)
    path = sign(shared, platform, step, key, **changes)
    found, reasons = find_confirmation(platform, shared.people, step, datetime.now(UTC))
    assert found is None
    (reason,) = reasons
    assert reason.startswith(f"{path.name} : ")
    assert words in reason
    with pytest.raises(DrillRefused, match="Refusé : "):
        wait_confirmed(platform, shared.people, step, 0.1)
    sign(shared, platform, step)
    assert wait_confirmed(platform, shared.people, step, 1.0).person == "titulaire-essai"


def test_a_person_whose_role_confirms_nothing_is_refused_before_and_after_signing(
    shared: Governed, platform: Platform
) -> None:
    step, moa = make_step(), shared.people.find("moa-scv-essai")
    assert moa is not None
    ask(platform, step)
    with pytest.raises(
        DrillRefused, match="ne confirme pas d'étape : il faut renfort_technique ou titulaire"
    ):
        request_confirmation(platform, step, moa, datetime.now(UTC))
    sign(shared, platform, step, "moa-scv-essai", person="moa-scv-essai", role=moa.role)
    _, (reason,) = find_confirmation(platform, shared.people, step, datetime.now(UTC))
    assert "ne peut pas prendre une décision de confirmation" in reason


@pytest.mark.parametrize("content", ["", "{", "[]", '{"decision": 1, "shown": "", "signature": ""}', "\x00"])
def test_a_foreign_file_neither_confirms_nor_breaks_anything(
    shared: Governed, platform: Platform, content: str
) -> None:
    step = make_step()
    ask(platform, step)
    folder = open_folder(platform)
    for name in (f"{step.id}.x.signed.json", "E-etranger.json", "autre.txt"):
        (folder / name).write_text(content, encoding="utf-8")
    assert list_open(platform) == (step,)
    assert find_confirmation(platform, shared.people, step, datetime.now(UTC))[0] is None
    sign(shared, platform, step)
    assert wait_confirmed(platform, shared.people, step, 1.0)


def test_a_confirmation_of_one_step_does_not_serve_for_another(shared: Governed, platform: Platform) -> None:
    first, second = make_step(), make_step()
    for step in (first, second):
        ask(platform, step)
    path = sign(shared, platform, first)
    (path.parent / path.name.replace(first.id, second.id)).write_bytes(path.read_bytes())
    found, reasons = find_confirmation(platform, shared.people, second, datetime.now(UTC))
    assert found is None
    assert first.id in reasons[0]


def test_a_closed_step_is_asked_no_more_and_is_kept_with_its_confirmations(
    shared: Governed, platform: Platform
) -> None:
    step, other = make_step(), make_step("Rebranchez.")
    ask(platform, step)
    ask(platform, other)
    path = sign(shared, platform, step)
    close(platform, step)
    close(platform, step)
    assert list_open(platform) == (other,)
    kept = {one.name for one in (open_folder(platform) / CLOSED).iterdir()}
    assert kept == {f"{step.id}.json", path.name}


def test_steps_are_listed_oldest_first_with_how_to_confirm_them(platform: Platform) -> None:
    assert list_open(platform) == ()
    steps = [make_step(f"Étape {number}.") for number in range(3)]
    for step in reversed(steps):
        ask(platform, step)
    assert list(list_open(platform)) == steps
    said = describe_step(steps[0], "essai.toml")
    assert "Étape 0." in said
    assert f"python -m nonreg confirm --platform essai.toml {steps[0].id} --key CLÉ" in said


@given(st.text())
def test_whatever_an_instruction_holds_it_can_be_shown_and_signed(instruction: str) -> None:
    assert hash_shown(render_step(make_step(instruction)))


def test_a_signature_that_is_written_while_we_look_is_no_confirmation_yet(
    shared: Governed, platform: Platform
) -> None:
    step = make_step()
    ask(platform, step)
    path = sign(shared, platform, step)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NonregError):
        wait_confirmed(platform, shared.people, step, 0.1)
    path.write_bytes(whole)
    assert wait_confirmed(platform, shared.people, step, 1.0)


def test_a_file_of_another_decision_is_not_taken_for_a_step(shared: Governed, platform: Platform) -> None:
    step = make_step()
    ask(platform, step)
    file = open_folder(platform) / f"{step.id}.json"
    (open_folder(platform) / "E-111111111111.json").write_bytes(file.read_bytes())
    assert list_open(platform) == (step,)
    write_signed(
        open_folder(platform) / "E-222222222222.D-000000000000.signed.json",
        sign_decision(
            request_confirmation(platform, step, shared.people.persons[0], datetime.now(UTC)),
            load_key_file(Path(shared.key())),
        ),
    )
    assert list_open(platform) == (step,)
