"""A person is found in every writing of their name, and the id takes its place; a river of the same word is left."""

from __future__ import annotations

import html
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import UsageError
from nonreg.people import holds_name
from nonreg.personal.terms import make_terms

PERSON, NAME = "renfort-technique-essai", "Barnabé Tresmontagne"
TERMS = make_terms(PERSON, NAME, ["p-barnabe"], ["b.tresmontagne@exemple.invalid", "06 12 34 56 78"])


@pytest.mark.parametrize(
    "writing",
    [
        NAME,
        "TRESMONTAGNE Barnabé",
        "Tresmontagne, Barnabé",
        "barnabe tresmontagne",
        unicodedata.normalize("NFD", NAME),
        json.dumps(NAME)[1:-1],
        "Barnab&eacute;&nbsp;Tresmontagne",
        "Barnab&#233; Tresmontagne",
        "Barnabé\u00a0Tresmontagne",
        "Barnabé P. Tresmontagne",
        "B. Tresmontagne",
        "Tresmontagne B.",
        "M. Tresmontagne",
        "p-barnabe",
        "B.Tresmontagne@exemple.invalid",
        "0612345678",
        "+33 6 12 34 56 78",
        "06.12.34.56.78",
        "+33\u00a0(0)6\u00a012\u00a034\u00a056\u00a078",
    ],
)
def test_every_writing_gives_way_to_the_id(writing: str) -> None:
    text = f"avant {writing}, après"
    assert TERMS.holds(text)
    assert TERMS.replace(text) == f"avant {PERSON}, après"
    assert not TERMS.holds(TERMS.replace(text))


@pytest.mark.parametrize(
    "text", [PERSON, "Barnabé seul", "le pont de Tresmontagne", "p-barnabe2", "10612345678"]
)
def test_a_word_that_may_be_anything_is_left(text: str) -> None:
    assert not TERMS.holds(text)
    assert TERMS.replace(text) == text


def test_a_word_too_short_to_be_looked_for_is_refused() -> None:
    with pytest.raises(UsageError, match="trop court"):
        make_terms(PERSON, NAME, others=["bt"])


def test_somebody_erased_has_no_name_to_look_for_and_the_dash_is_none() -> None:
    terms = make_terms(PERSON, "—")
    assert not terms.holds("un tiret — et un autre")


WORD = st.text(st.sampled_from("abcdeéèçïôœABCÉ'"), min_size=3, max_size=8).filter(str.isalpha)


@given(WORD, WORD, st.text(max_size=20), st.text(max_size=20), st.sampled_from(["texte", "json", "html"]))
def test_whatever_the_name_nothing_of_it_stays_between_words(
    first: str, last: str, before: str, after: str, how: str
) -> None:
    name = f"{first} {last}"
    terms = make_terms("p-1", name)
    written = {"texte": name, "json": json.dumps(name)[1:-1], "html": html.escape(name)}[how]
    replaced = terms.replace(f"{before} {written} {after}")
    assert written not in replaced or holds_name(f"{before} {after}", name)


@given(
    st.sampled_from(["Barnabé Tresmontagne", "Élodie d'Ô", "Anaïs Le Cœur"]), st.text(max_size=30), st.data()
)
def test_what_the_people_file_recognises_is_never_passed_over(
    name: str, around: str, data: st.DataObject
) -> None:
    first, *_, last = name.split()
    ways = [
        name,
        name.upper(),
        f"{last} {first}",
        f"{first[0]}. {last}",
        f"Mme {last}",
        unicodedata.normalize("NFD", name),
    ]
    text = f"{around} {data.draw(st.sampled_from(ways))} {around}"
    if holds_name(text, name):
        assert make_terms("p-1", name).holds(text)
