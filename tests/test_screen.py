"""What is printed gives a terminal no order, whatever the texts in it; a command says so, not only the function."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.__main__ import main
from nonreg.commands.comparison import defuse_cell
from nonreg.screen import GuardedStream, guarded, show, unguarded
from tests.hostile import ALL, HOSTILE, MISLEADING, TEXTS, select


@given(st.text())
def test_a_text_gives_no_order_and_loses_nothing_that_is_seen(text: str) -> None:
    shown = show(text)
    assert MISLEADING.search(shown) is None
    shown.encode()  # no half of a pair is left
    assert show(shown) == shown
    if text.isprintable():
        assert shown == text


def test_what_french_is_written_with_is_left_as_it_is() -> None:
    assert show("Débit :\u00a012\u202f000 m³/s — « été » …\n\tfin 😀 e\u0301") == (
        "Débit :\u00a012\u202f000 m³/s — « été » …\n\tfin 😀 e\u0301"
    )


def test_what_a_terminal_would_obey_is_shown_by_its_number() -> None:
    assert show(TEXTS["terminal colour"]) == "[U+001B][31mrouge[U+001B][0m"
    assert show("OK\rKO\x9b2J\ud800") == "OK[U+000D]KO[U+009B]2J[U+D800]"


def test_whatever_is_printed_in_the_block_is_shown_and_what_draws_has_the_stream_itself() -> None:
    real, out = sys.stdout, io.StringIO()
    sys.stdout = out
    try:
        with guarded():
            print(ALL)  # noqa: T201
            sys.stdout.writelines(HOSTILE)
            assert unguarded(sys.stdout) is out
        assert sys.stdout is out
        assert unguarded(out) is out
    finally:
        sys.stdout = real
    assert MISLEADING.search(out.getvalue()) is None
    assert "<script>alert(1)</script>" in out.getvalue()
    assert GuardedStream(out).getvalue() == out.getvalue()


@pytest.mark.parametrize(
    "hostile",
    [
        *select(
            "terminal colour", "terminal title and link", "terminal erase", "right to left", "zero width"
        ),
        "octet \udcff d'une ligne de commande",
    ],
    ids=range(6),
)
@pytest.mark.parametrize(
    "words",
    [("report", "{}"), ("ledger", "show", "--runs-dir", "{}"), ("scenarios", "--select", "{}"), ("{}",)],
    ids=lambda words: words[0],
)
def test_no_command_prints_an_order_that_it_was_given(
    hostile: str,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with contextlib.suppress(SystemExit):  # as the parser refuses an option
        main([word.format(hostile) for word in words])
    printed = capsys.readouterr()
    assert MISLEADING.search(printed.out + printed.err) is None


@given(st.text(max_size=40))
def test_no_cell_of_differences_is_a_formula(words: str) -> None:
    cell = defuse_cell(words)
    assert cell in (words, f"'{words}")
    assert not cell.lstrip().startswith(("=", "@", "|"))


def test_numbers_of_differences_stay_numbers_and_texts_are_defused() -> None:
    assert [defuse_cell(one) for one in ("-2.5", "+1e-3", "-3", "12", "é")] == [
        "-2.5",
        "+1e-3",
        "-3",
        "12",
        "é",
    ]
    assert [defuse_cell(TEXTS[one])[0] for one in TEXTS if one.startswith("formula")] == ["'"] * 8
    made = io.StringIO()
    csv.writer(made, delimiter=";").writerow(map(defuse_cell, ("t", TEXTS["formula"])))
    assert made.getvalue().startswith("t;'=")
