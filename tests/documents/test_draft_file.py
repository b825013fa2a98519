"""A draft is read back as it was written, whatever people typed in it, and is refused when it is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.documents.blanks import list_blanks
from nonreg.documents.draft_file import MAX_BYTES, load_draft, read_draft, require_id, write_draft
from nonreg.errors import ConfigError, UsageError
from nonreg.model.documents import Action, DecisionRecord, DocumentKind, Draft, FinalReport, UrgentReport
from tests.documents.sites import corrections, delivery, head, record, urgent

FILE = Path("projet.toml")
DRAFTS: dict[str, Draft] = {
    "A.1": delivery(),
    "A.2": FinalReport(head(DocumentKind.TEST_REPORT), "passage", "rien"),
    "A.3": urgent(),
    "A.9": record(),
    "A.11": corrections(),
}


@pytest.mark.parametrize("kind", DRAFTS)
def test_a_draft_is_read_back_as_it_was_written(kind: str) -> None:
    assert read_draft(write_draft(DRAFTS[kind]), FILE) == DRAFTS[kind]


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_person_types_makes_a_sound_file_that_does_not_change_again(one: str, other: str) -> None:
    written = write_draft(record(summary=one, alerts=(other,), actions=(Action(other, one),)))
    again = read_draft(written, FILE)
    assert write_draft(again) == written
    assert isinstance(again, DecisionRecord)
    assert len(again.actions) == 1


@pytest.mark.parametrize("words", ["lu\nC:\\nouveau", "a\n\\\\n", 'x\n"""\n\\'])
def test_a_path_of_windows_on_several_lines_is_written_as_it_is(words: str) -> None:
    again = read_draft(write_draft(record(summary=words)), FILE)
    assert isinstance(again, DecisionRecord)
    assert again.summary == words


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('kind = "A.9"', 'kind = "A.7"', "document.kind"),
        ("summary = ", "sumary = ", "sumary"),
        ('ticket = "AQ-12"', 'ticket = "douze"', "AQ-123"),
        ('id = "A9-20261130-0a1b2c"', 'id = "../registre"', "document.id"),
        ("held_on = 2026-11-26", 'held_on = "un jour"', "held_on"),
        ("[document]", "[document", "TOML"),
    ],
)
def test_a_file_that_is_no_draft_is_refused_in_one_sentence_that_names_the_key(
    before: str, after: str, told: str
) -> None:
    text = write_draft(record())
    assert before in text
    with pytest.raises(ConfigError, match=told):
        read_draft(text.replace(before, after), FILE)


def test_an_instant_without_a_zone_is_refused() -> None:
    text = write_draft(urgent()).replace("2026-11-26T16:00:00+01:00", "2026-11-26T16:00:00")
    with pytest.raises(ConfigError, match="fuseau"):
        read_draft(text, FILE)


def test_a_draft_that_is_too_long_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "projet.toml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="trop long"):
        load_draft(file)


@pytest.mark.parametrize(
    "name", ["", "..", "A9-20261130-0a1b2c/../..", "A9-20261130-0A1B2C", "A4-20261130-0a1b2c"]
)
def test_an_id_that_is_none_names_no_folder(name: str) -> None:
    with pytest.raises(UsageError):
        require_id(name)


def test_what_is_empty_is_to_be_filled_in_and_what_nobody_knows_is_not() -> None:
    empty = UrgentReport(head(DocumentKind.URGENT))
    assert list_blanks(empty)[-6:] == (
        "Alerte",
        "Appel téléphonique",
        "Prise en charge",
        "Diagnostic",
        "Rétabli",
        "Clôture",
    )
    told = replace(urgent(), restored=replace(urgent().restored, at="n.d."), cause="n.d.")
    assert list_blanks(told) == ()
    assert list_blanks(record(actions=(Action("Livrer", " "),))) == (
        "Actions n° 1, responsable",
        "Actions n° 1, échéance",
    )
    assert list_blanks(record(participants=("", " "))) == ("Participants",)
