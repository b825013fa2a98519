"""A triage pack as Markdown: everything that a ticket needs, and nothing of it is obeyed."""

from __future__ import annotations

import dataclasses
import re
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from nonreg.model import Cause, Difference, Evidence, Gap, LogExcerpt, Outcome, Triage
from nonreg.triage import render_triage_markdown
from tests.run_samples import AT, make_result, make_run

GAP = Gap(
    "SELECT valeur FROM prod.mesure", "3 lignes", "2 lignes", ("écart", "valeur"), (("absente", "4|5"),), 30
)
RESULT = dataclasses.replace(
    make_result("BASE-001"), gaps=(GAP,), evidence=(Evidence("lignes", "evidence/BASE-001/lignes.tsv", "0"),)
)
PASSED = make_result("BASE-001", Outcome.OK, "", None, attempt=2)
TRIAGE = Triage(
    "BASE-001",
    "abcdef012345",
    Cause.APPLICATION,
    ("SITE-A, Système : « a » devenu « b ».",),
    "hier",
    AT,
    (Difference("SITE-A", "Système", "a", "b"),),
    (LogExcerpt("srv-a/client.log", ("ligne 1", "ligne 2"), 7),),
    "--- référence\n+++ SITE-A\n-a\n+b\n",
)


def test_the_pack_says_what_failed_how_often_why_and_what_changed() -> None:
    text = render_triage_markdown(TRIAGE, make_run(PASSED, RESULT))
    for words in (
        "# Fiche de diagnostic BASE-001 — Scénario BASE-001",
        "abcdef012345",
        "**application**",
        "| 1 | KO | écart |",
        "| 2 | OK |",
        "SELECT valeur FROM prod.mesure",
        "| absente | 4\\|5 |",
        "… 1 ligne montrée sur 30.",
        "evidence/BASE-001/lignes.tsv",
        "Dernier passage bon : `hier`",
        "| SITE-A | Système | a | b |",
        "```diff\n--- référence",
        "`srv-a/client.log` (7 autres lignes non reprises)",
        "--select BASE-001",
    ):
        assert words in text
    assert text.index("| 1 | KO") < text.index("| 2 | OK")


def test_a_failure_without_history_nor_result_says_so() -> None:
    run = make_run(RESULT)
    run = dataclasses.replace(run, results=())
    text = render_triage_markdown(Triage("BASE-001", "0", Cause.BANC_DE_TEST, ("Motif.",)), run)
    assert "Aucun résultat n'a été enregistré." in text
    assert "Aucun passage bon connu pour ce scénario." in text


def test_no_text_of_the_pack_holds_a_secret_an_address_or_an_account() -> None:
    leak = "l'utilisateur « nr_reader » de 127.0.0.1:5432, PWD={Aze;rty}, tél:0612345678"
    gap = Gap(leak, leak, leak, (leak,), ((leak,),), 1)
    result = dataclasses.replace(RESULT, message=leak, gaps=(gap,))
    triage = dataclasses.replace(
        TRIAGE,
        why=(leak,),
        differences=(Difference(leak, leak, leak, leak),),
        logs=(LogExcerpt("x", (leak,)),),
        diff=leak,
        missing=(leak,),
        drift=(leak,),
    )
    text = render_triage_markdown(triage, make_run(result))
    for secret in ("nr_reader", "nr\\_reader", "127.0.0.1", "5432", "rty}", "0612345678"):
        assert secret not in text
    assert text.count("téléphone") >= 15


def test_figures_and_hours_are_written_as_in_french_and_in_one_time() -> None:
    paris = dataclasses.replace(RESULT, started_at=AT.astimezone(ZoneInfo("Europe/Paris")))
    alone = dataclasses.replace(TRIAGE, logs=(LogExcerpt("x", ("ligne",), 1),))
    text = render_triage_markdown(alone, make_run(paris))
    assert "| 2026-11-23 01:30:00 TU | 2,0 s |" in text
    assert "`x` (1 autre ligne non reprise)" in text
    assert "Toutes les heures de cette fiche sont en temps universel (TU)." in text


def test_rows_that_were_not_recorded_are_counted_too() -> None:
    text = render_triage_markdown(TRIAGE, make_run(dataclasses.replace(RESULT, gaps=(GAP,))))
    assert "… 1 ligne montrée sur 30." in text
    whole = dataclasses.replace(GAP, rows_total=1)
    assert "montrée" not in render_triage_markdown(
        TRIAGE, make_run(dataclasses.replace(RESULT, gaps=(whole,)))
    )


def test_what_the_platform_wrote_cannot_leave_its_block() -> None:
    evil = "````\n# Titre\n<script>alert(1)</script> @equipe"
    triage = dataclasses.replace(TRIAGE, logs=(LogExcerpt("x", (evil,)),), why=(evil,))
    text = render_triage_markdown(triage, make_run(dataclasses.replace(RESULT, message=evil)))
    # A block ends at the first line of at least as many backquotes as it began with.
    outside = re.sub(r"^(`{3,})[^`\n]*\n.*?^\1`*$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"^# Titre", outside, re.MULTILINE)
    assert not re.search(r"(?<!\\)<script", outside)
    assert not re.search(r"(?<!\\)@equipe", outside)


@given(line=st.text(), cell=st.text(max_size=300))
def test_no_text_breaks_a_table_or_a_code_block(line: str, cell: str) -> None:
    gap = dataclasses.replace(GAP, rows=((cell, "x"),), found=line)
    triage = dataclasses.replace(TRIAGE, logs=(LogExcerpt("x", (line,)),), diff=line)
    text = render_triage_markdown(triage, make_run(dataclasses.replace(RESULT, gaps=(gap,))))
    (row,) = re.findall(r"^\| .*? \| x \|$", text, re.MULTILINE)
    assert len(re.findall(r"(?<!\\)\|", row.replace("\\\\", ""))) == 3
    assert text.count("\n## ") >= 3
