"""What is printed gives a terminal no order, whatever the texts in it; a command says so, not only the function."""

from __future__ import annotations

import ast
import contextlib
import csv
import io
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.__main__ import main
from nonreg.alerts import __main__ as alerts
from nonreg.commands.comparison import defuse_cell
from nonreg.sandbox import __main__ as sandbox
from nonreg.sandbox.mssql import __main__ as mssql
from nonreg.sandbox.switchover import __main__ as switchover
from nonreg.screen import GuardedStream, ask, ask_secret, guarded, show, unguarded
from nonreg.service import __main__ as service
from tests import test_layers
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


@pytest.mark.parametrize(
    "program", [service, sandbox, switchover, mssql, alerts], ids=lambda one: one.__name__
)
@pytest.mark.parametrize(
    "words",
    [("{}",), ("status", "--dir", "{}", "--{}"), ("--dir", "{}", "--etat"), ("create", "{}"), ("list", "{}")],
    ids=range(5),
)
def test_no_other_program_prints_an_order_that_it_was_given(
    program: Any,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["programme", *(word.format("\x1b[31mrouge\u202efin") for word in words)]
    )
    with contextlib.suppress(SystemExit):  # as the parser refuses an option
        program.main()
    printed = capsys.readouterr()
    assert printed.out + printed.err
    assert MISLEADING.search(printed.out + printed.err) is None


def test_a_prompt_is_shown_too_and_nobody_asks_past_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "oui"

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("getpass.getpass", answer)
    assert (ask("Clé \x1b[31m ? "), ask_secret("Clé \u202e ? ")) == ("oui", "oui")
    assert asked == ["Clé [U+001B][31m ? ", "Clé [U+202E] ? "]
    askers = {
        path.relative_to(test_layers.ROOT).as_posix()
        for path in test_layers.MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", "") == "input" or getattr(node.func, "attr", "") == "getpass")
    }
    assert askers == {"nonreg/screen.py"}


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
