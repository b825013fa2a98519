"""A step asked at the terminal: whatever is wrong is asked again, nothing is recorded before it is right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.commands.asking import ask_to_the_end
from nonreg.errors import UsageError
from nonreg.handover.form import check_value
from nonreg.handover.terminal import Terminal, ask_field, expand
from nonreg.model.handover import Actor, Execution, Field, FieldKind, Step, StepKind
from tasks.handover_work import Work
from tests.handover.executions import MOA, TECHNIQUE, TITULAIRE, Played, make_played

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
STEP = Step("O1", "Essai", Actor.TITULAIRE, StepKind.CONFIRMATION, "Faire.", "La preuve.")


class Typing:
    """What somebody types, and what is shown."""

    def __init__(self, *lines: str | type[BaseException]) -> None:
        self.lines = list(lines)
        self.shown: list[str] = []

    def read(self, question: str) -> str:
        self.shown.append(question)
        if not self.lines:
            raise EOFError
        line = self.lines.pop(0)
        if not isinstance(line, str):
            raise line
        return line

    def terminal(self) -> Terminal:
        return Terminal(self.read, self.shown.append, lambda: datetime.now(UTC))

    def text(self) -> str:
        return "\n".join(self.shown)


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        (Field("a", "Titre"), ("", "un texte"), "un texte"),
        (Field("a", "Titre", required=False), ("",), ""),
        (Field("a", "Fin", FieldKind.DATE), ("demain", "31/02/2026", "30/11/2026"), "2026-11-30"),
        (Field("a", "Vu", FieldKind.INSTANT), ("25:00", "30/11/2026 10:00"), "2026-11-30T10:00+01:00"),
        (Field("a", "Combien", FieldKind.NUMBER), ("douze", "12,5"), "12.5"),
        (Field("a", "Fait", FieldKind.YES), ("non", "peut-être", "o"), "oui"),
        (Field("a", "Ou pas", FieldKind.YES_NO), ("x", "N"), "non"),
        (Field("a", "Lequel", FieldKind.CHOICE, options=("un", "deux")), ("3", "0", "trois", "2"), "deux"),
        (
            Field("a", "Lesquels", FieldKind.CHOICES, options=("un", "deux", "trois")),
            ("4", "1, 3"),
            "un, trois",
        ),
    ],
)
def test_a_field_is_asked_until_it_is_right(field: Field, typed: tuple[str, ...], value: str) -> None:
    typing = Typing(*typed)
    assert ask_field(typing.terminal(), STEP, field) == value
    assert sum(field.label in line and "Étape O1" in line for line in typing.shown) == len(typed) - 1


def test_now_is_an_instant() -> None:
    typing = Typing("maintenant")
    assert ask_field(typing.terminal(), STEP, Field("a", "Vu", FieldKind.INSTANT)).startswith("20")
    assert "« maintenant »" in typing.text()


@given(st.text(max_size=30))
def test_a_short_answer_never_becomes_what_the_form_would_refuse(text: str) -> None:
    field = Field("a", "Lesquels", FieldKind.CHOICES, options=("un", "deux"))
    with suppress(UsageError):
        value = check_value(STEP, field, expand(field, text, NOW), NOW)
        assert set(value.split(", ")) <= {"un", "deux"}


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return make_played(tmp_path)


def ask(
    played: Played, execution: Execution, typing: Typing, follow: Callable[[Execution], bool] | None = None
) -> Execution:
    work = Work(played.journal, played.governed.platform, "p.toml", played.governed.people)

    def close(one: Execution) -> bool:
        played.journal.close(one, "", datetime.now(UTC))
        return True

    return ask_to_the_end(work, execution, follow or close, typing.terminal())


def test_steps_are_asked_signed_with_the_key_of_who_answers_and_closed(played: Played) -> None:
    execution = played.reach("O3")
    typing = Typing(
        *(
            MOA,
            "",
            "renfort-pilotage-essai",
            "05/12/2099",
            "SCV-13",
            "absente",
            played.governed.key(MOA),
        ),
        *(TITULAIRE, played.governed.key()),
    )
    after = ask(played, execution, typing)
    assert [one.step_id for one in after.done][-2:] == ["O3", "O4"]
    assert after.done[-1].person == TITULAIRE
    assert after.done[-1].decision_id in played.journal.file.read_text(encoding="utf-8")
    assert after.closed_at is not None
    assert "Ce texte est signé par « titulaire-essai »" in typing.text()
    assert "absente" in typing.text()


def test_a_step_that_does_not_apply_is_passed_with_its_reason(played: Played) -> None:
    after = ask(played, played.reach("O3"), Typing("", "le titulaire reste joignable"))
    assert after.done[-1].note == "le titulaire reste joignable"


def test_the_key_of_somebody_else_is_refused_and_asked_again(played: Played) -> None:
    execution = played.reach("O4")
    typing = Typing("", played.governed.key(TECHNIQUE), "", played.governed.key())
    after = ask(played, execution, typing)
    assert "Refusé : " in typing.text()
    assert after.done[-1].step_id == "O4"


def test_who_may_not_answer_is_asked_again(played: Played) -> None:
    typing = Typing("renfort-technique-essai", "inconnu", KeyboardInterrupt)
    after = ask(played, played.reach("O0"), typing)
    assert after.done == ()
    assert typing.text().count("L'une de ces personnes est attendue") == 2


@pytest.mark.parametrize("end", [KeyboardInterrupt, EOFError])
def test_stopped_in_the_middle_of_a_step_nothing_of_it_is_recorded_and_it_goes_on_later(
    played: Played, end: type[BaseException]
) -> None:
    execution = played.reach("O1")
    typing = Typing("", "SCV-12", end)
    after = ask(played, execution, typing)
    assert [one.step_id for one in after.done] == ["O0"]
    assert after.closed_at is None
    assert "se reprend à sa première étape non faite" in typing.text()
    again = ask(played, after, Typing("", "SCV-12", "oui"), lambda one: False)
    assert [one.step_id for one in again.done] == ["O0", "O1"]


def test_a_failed_check_is_tried_again_or_given_up_with_a_reason(played: Played) -> None:
    execution = played.reach("O2")
    played.journal.add_failed(execution, "O2", "VPN fermé.", "Ouvrez-le.", datetime.now(UTC))
    tries = []

    def fail(one: Execution) -> bool:
        tries.append(one.id)
        played.journal.add_failed(one, "O2", "VPN fermé.", "Ouvrez-le.", datetime.now(UTC))
        return True

    typing = Typing("", "le VPN ne viendra pas", TITULAIRE)
    after = ask(played, execution, typing, fail)
    assert len(tries) == 1
    assert after.abandoned == "le VPN ne viendra pas"
    assert "À faire : Ouvrez-le." in typing.text()


def test_a_tool_that_does_nothing_is_not_asked_for_ever(played: Played) -> None:
    typing = Typing()
    after = ask(played, played.reach("O2"), typing, lambda one: True)
    assert after.closed_at is None
    assert "L'outil n'a rien pu faire" in typing.text()
