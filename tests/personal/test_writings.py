"""Writings of a name that nobody foresaw: what can be nobody else's is replaced, the rest is found and left."""

from __future__ import annotations

import io
import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.people import holds_name
from nonreg.personal.pieces import OVERLAP, read_pieces
from nonreg.personal.terms import Terms, make_terms
from nonreg.personal.writings import find_writings

NAME = "Jean-Barnabé de l'Élégant-Tresmœnt"
TERMS = make_terms("renfort-2", NAME)
WAYS = (
    "JEAN BARNABE DE L'ELEGANT TRESMOENT",
    "Jean Barnabé de l’Élégant Tresmœnt",
    "jean\u2011barnabé de l'élégant\u2011tresmœnt",
    "ÉLÉGANT-TRESMŒNT Jean-Barnabé",
    "Elegant Tresmoent, Jean Barnabe",
    "J.-B. de l'Élégant-Tresmœnt",
    "J.B. Elegant-Tresmoent",
    "JB Élégant Tresmœnt",
    "Élégant-Tresmœnt JB",
    "J. Elegant Tresmoent",
    "Jean-Barnabé\n    de l'Élégant-Tresmœnt",
    "Jean-Barnabé\r\n# de l'Élégant-Tresmœnt",
    unicodedata.normalize("NFD", "JEAN BARNABÉ DE L'ÉLÉGANT TRESMŒNT"),
)


@pytest.mark.parametrize("writing", WAYS)
def test_an_unusual_writing_of_all_the_words_gives_way_to_the_id(writing: str) -> None:
    text = f"avant {writing}, après"
    assert TERMS.holds(text)
    assert TERMS.replace(text) == "avant renfort-2, après"
    assert not TERMS.holds(TERMS.replace(text))


@pytest.mark.parametrize(
    "text",
    [
        '{"prenom": "Jean-Barnabé", "nom": "Élégant-Tresmœnt"}',
        "Jean-Barnabé;Élégant-Tresmœnt",
        "il voit Jean Barnabé. Élégant Tresmœnt est un pont",
        "j b elegant tresmoent",
        "Jean-Barnabé\n\nÉlégant-Tresmœnt",
    ],
)
def test_what_may_be_somebody_else_or_holds_a_format_together_is_left(text: str) -> None:
    assert find_writings(text, NAME) == []


def test_a_name_of_one_word_has_no_unusual_writing() -> None:
    assert find_writings("Colette COLETTE colette", "Colette") == []


@given(st.sampled_from(WAYS), st.text(max_size=40), st.text(max_size=40))
def test_nothing_but_the_writing_is_taken_away(writing: str, before: str, after: str) -> None:
    text = f"{before} | {writing} | {after}"
    replaced = TERMS.replace(text)
    assert "| renfort-2 |" in replaced
    if not holds_name(before, NAME) and not holds_name(after, NAME):
        assert replaced == f"{before} | renfort-2 | {after}"


def pieces_hold(content: bytes, size: int, terms: Terms) -> bool:
    return any(terms.holds(one) for one in read_pieces(io.BytesIO(content), size))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_name_across_two_pieces_is_found_wherever_they_end(encoding: str) -> None:
    terms = make_terms("renfort-2", "Barnabé Tresmontagne")
    size = 3 * OVERLAP
    for shift in range(-60, 4):
        text = (
            "mot " * ((size + shift) // 4)
            + "x" * ((size + shift) % 4)
            + " Barnabé Tresmontagne "
            + "fin " * OVERLAP
        )
        assert pieces_hold(text.encode(encoding), size, terms), shift


@given(st.binary(max_size=3000), st.integers(1, 700))
def test_whatever_a_file_holds_its_pieces_tell_it_all(content: bytes, size: int) -> None:
    whole = content.decode("utf-8", "replace") if not content.startswith((b"\xff\xfe", b"\xfe\xff")) else ""
    told = list(read_pieces(io.BytesIO(content), size))
    if whole:
        assert all(word in "\n".join(told) for word in whole.split())


def test_an_id_that_is_the_beginning_of_another_is_not_found_because_a_piece_ends_there() -> None:
    terms = make_terms("renfort-2", "Barnabé Tresmontagne")
    for shift in range(20):
        content = ("mot " * 4000 + "x" * shift + " renfort-22 " + "mot " * 4000).encode()
        for size in (16_000 + 8 * shift // 5, 16_010, 16_019):
            assert not any(terms.holds_id(one) for one in read_pieces(io.BytesIO(content), size))


def test_a_big_file_is_never_whole_in_memory() -> None:
    class Endless(io.RawIOBase):
        left = 64

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= 1 << 20
            self.left -= 1
            return random.Random(self.left).randbytes(size // 64) * 64 if self.left else b""

    longest = max(len(one) for one in read_pieces(Endless()))  # type: ignore[arg-type]
    assert longest <= (1 << 20) + 3 * OVERLAP
