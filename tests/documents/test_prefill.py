"""The stamps of an urgent intervention: a note tells of one by a first line that says it and nothing else."""

from __future__ import annotations

import pytest

from nonreg.documents.prefill import WORDS, find_stamps, read_step
from nonreg.model.tracker import TicketNote
from tests.documents.sites import at


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("Prise en charge", "taken"),
        ("PRIS EN CHARGE.", "taken"),
        ("  prise  en charge :\nle renfort regarde", "taken"),
        ("Diagnostic\r\nLa courbe est absente.", "diagnosed"),
        ("Diagnostic posé", "diagnosed"),
        ("Service re\u0301tabli !", "restored"),
        ("Retabli", "restored"),
        ("Appel", "phone_call"),
        ("Prise en charge impossible avant demain", ""),
        ("Prise en charge ?", ""),
        ("Prise en charge : impossible, pas d'accès", ""),
        ("Pas de prise en charge", ""),
        ("Diagnostic en cours", ""),
        ("Rétabli en partie seulement", ""),
        ("Appel sans réponse", ""),
        ("Vu\nPrise en charge", ""),
        ("", ""),
        (" … ", ""),
    ],
)
def test_a_note_stamps_what_its_whole_first_line_names(text: str, step: str) -> None:
    assert read_step(text) == step


@pytest.mark.parametrize("name", WORDS)
def test_the_first_note_that_says_it_is_the_stamp(name: str) -> None:
    word = WORDS[name][0]
    notes = [
        TicketNote(at(26, hour), "titulaire-essai", text)
        for hour, text in ((9, f"{word} impossible"), (11, word.upper()), (10, word), (12, word))
    ]
    assert find_stamps(None, notes, ())[name].at == at(26, 10)
