"""The PDF: first page, tags, bounds, fonts."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest
import typst
from pypdf import PdfReader

from nonreg.model import (
    Assessment,
    CampaignReport,
    Change,
    Fact,
    Finding,
    Gap,
    Outcome,
    ScenarioResult,
    Verdict,
)
from reports import pdf
from reports.document import Cell, Column, Paragraph, Table
from reports.render import render_pdf
from tests.pdf_structure import is_true
from tests.report_samples import (
    change_case,
    green_report,
    hash_text,
    interrupted_report,
    plan_sample,
    refused_report,
    rich_report,
)
from tests.test_reports_docx import AT, make


def read_pdf(report: CampaignReport) -> PdfReader:
    """Return the rendered PDF, opened."""
    return PdfReader(io.BytesIO(render_pdf(report)))


def read_page(reader: PdfReader, number: int = 0) -> str:
    """Return the text of a page, blanks folded."""
    return " ".join(reader.pages[number].extract_text().split())


@pytest.fixture(scope="module")
def rich() -> PdfReader:
    """Return the rich report as PDF."""
    return read_pdf(rich_report())


def test_the_first_page_has_verdict_and_everything_that_was_not_checked(rich: PdfReader) -> None:
    page = read_page(rich)
    for words in (
        "Rapport de tests de non-régression (A.2)",
        "Brouillon",
        "KO",
        "HD-003 Agents de réplication en marche (bloquante)",
        "HD-013, HD-015 (2 scénarios, dont 1 bloquant)",
        "Scénario perturbateur sans approbation.",
        "HD-014",
        "Prévu, mais aucun résultat",
        "APP-005",
        "Frontal secondaire injoignable.",
    ):
        assert words in page


def test_the_first_page_says_which_guards_refused_and_that_a_run_was_interrupted() -> None:
    page = read_page(read_pdf(refused_report()))
    assert "PRE-01" in page
    assert "Refusée" in page
    assert "Le marqueur d'identité n'est pas celui attendu." in page
    assert "Campagne interrompue : processus d'exécution arrêté (signal 9)." in read_page(
        read_pdf(interrupted_report())
    )


def test_every_unchecked_scenario_is_named_on_the_first_page_even_with_as_many_reasons() -> None:
    report = green_report()
    plan = plan_sample()
    findings = tuple(
        Finding(s.id, Outcome.INCONCLUSIF, Change.NEW, note=f"motif {n} : " + "délai dépassé " * 40)
        for n, s in enumerate(plan.scenarios)
    )
    reasons = tuple("motif du verdict " * 30 for _ in range(12))
    report = replace(report, assessment=Assessment(Verdict.INCOMPLET, reasons, findings))
    report = replace(report, run=replace(report.run, plan=replace(plan, command="commande " * 500)))
    page = read_page(read_pdf(report)).replace("- ", "-")
    assert [s.id for s in plan.scenarios if s.id not in page] == []


def test_the_pdf_is_tagged_french_and_titled(rich: PdfReader) -> None:
    root: Any = rich.trailer["/Root"]
    assert is_true(root["/MarkInfo"]["/Marked"])
    assert root["/Lang"].startswith("fr")
    assert "/StructTreeRoot" in root
    assert rich.metadata is not None
    assert rich.metadata.title == (
        "Rapport de tests de non-régression (A.2) : KO, Plateforme embarquée AQUARÉEL, version 7.4.2"
    )
    xmp = root["/Metadata"].get_data().decode()
    assert "pdfuaid" in xmp
    assert "pdfaid" in xmp


def test_every_page_has_its_number_and_the_run(rich: PdfReader) -> None:
    count = len(rich.pages)
    for number in range(count):
        page = read_page(rich, number)
        assert f"Page {number + 1} / {count}" in page
        assert "2026-03-28T2330Z-7c1e" in page


def test_chapters_are_bookmarks(rich: PdfReader) -> None:
    titles = [item.title for item in rich.outline if not isinstance(item, list)]
    assert titles[:3] == ["Métadonnées", "1. Synthèse", "1bis. Baselines et écarts"]
    assert titles[-1] == "Visas"


def test_only_the_embedded_fonts_are_used(rich: PdfReader) -> None:
    resources: list[Any] = [page["/Resources"]["/Font"] for page in rich.pages]
    names = {str(font.get_object()["/BaseFont"]) for fonts in resources for font in fonts.values()}
    families = {name.split("+")[-1].split("-")[0].strip("/") for name in names}
    assert families <= {"LibertinusSerif", "DejaVuSansMono"}


def test_a_hash_is_copied_whole(rich: PdfReader) -> None:
    text = "".join("".join(page.extract_text().split()) for page in rich.pages)
    assert hash_text("rows") in text
    assert hash_text("expected") in text
    assert "\u200b" not in text


def test_long_words_stay_inside_the_page() -> None:
    word = "0123456789abcdef" * 40
    gap = Gap(word, word, word, ("a" * 40, "b", "c", "d", "e", "f", "g"), ((word,) * 7,), 1)
    result = ScenarioResult("HD-001", Outcome.KO, word, gaps=(gap,))
    report = change_case(green_report(), result, Finding("HD-001", Outcome.KO, Change.SAME, note=word))
    run = replace(report.run, facts=(Fact(word, word, word),), interruption=word)
    report = replace(report, run=replace(run, plan=replace(run.plan, command=word, operator=word)))
    lines = [line for page in read_pdf(report).pages for line in page.extract_text().splitlines()]
    runs = [run for line in lines for run in re.findall("[0-9a-f]{8,}", line)]
    assert len(runs) > 100
    assert max(map(len, runs)) <= 120  # as many as the text width holds in the smallest size


def test_typst_markup_in_the_platforms_text_is_only_text() -> None:
    evil = '#panic("x") #include "/etc/hostname" *gras* _x_ $ 1/0 $ `raw` <label> @ref \\ // = titre'
    result = ScenarioResult("HD-001", Outcome.KO, evil, gaps=(Gap(evil, evil, evil),))
    report = change_case(green_report(), result, Finding("HD-001", Outcome.KO, Change.SAME))
    reader = read_pdf(report)
    text = " ".join(read_page(reader, number) for number in range(len(reader.pages)))
    assert '#panic("x") #include "/etc/hostname" *gras* _x_ $ 1/0 $ `raw` <label> @ref \\ // = titre' in text


def test_characters_without_a_glyph_are_shown_by_their_number() -> None:
    assert pdf.keep_drawable("é e\u0301 ✓ → 中 😀") == "é é ✓ → [U+4E2D] [U+1F600]"
    assert pdf.keep_drawable("a\tb") == "a   b"


def test_every_character_said_drawable_is_drawn_in_every_style() -> None:
    drawable = [chr(n) for n in range(0x20, 0x10000) if not 0xD800 <= n < 0xE000]
    drawable = [c for c in drawable if pdf.keep_drawable(c) == c]
    assert len(drawable) > 2000
    report = green_report()
    plan = report.run.plan
    chunks = [" ".join(drawable[i : i + 140]) for i in range(0, len(drawable), 140)]
    scenarios = tuple(replace(s, title=chunk) for s, chunk in zip(plan.scenarios, chunks, strict=False))
    assert len(scenarios) == len(chunks)
    report = replace(report, run=replace(report.run, plan=replace(plan, scenarios=scenarios)))
    for scenario in scenarios:  # titles are bold, messages regular, requests in fixed width
        gap = Gap(scenario.title, "", "")
        result = ScenarioResult(scenario.id, Outcome.KO, scenario.title, gaps=(gap,))
        report = change_case(report, result, Finding(scenario.id, Outcome.KO, Change.SAME))
    assert render_pdf(report).startswith(b"%PDF")


def test_words_of_the_language_are_left_to_hyphenation_and_others_may_be_cut() -> None:
    assert pdf.mark_breaks("l'interconnexion fonctionnelle.") == "l'interconnexion fonctionnelle."
    assert pdf.mark_breaks("(SURVEILLANCE)") == "(SURVEILLANCE)"
    assert cut("a" * 26) == ["aaaa"] * 6 + ["aa"]
    assert cut("production.mesure_h") == ["production.", "mesure_", "h"]
    assert cut("dbo.lire(@station)") == ["dbo.", "lire", "(@", "station)"]
    assert "".join(cut("x" * 100)) == "x" * 100


def cut(word: str) -> list[str]:
    """The pieces of a word that is none of the language, between its two marks."""
    before, inside, after = pdf.mark_breaks(word).split(pdf.WORD)
    assert before == after == ""
    return inside.split(pdf.BREAK)


def test_a_cut_id_has_no_hyphen_that_is_not_its_own_and_a_sign_stays_with_its_word() -> None:
    name = "renfort-pilotage-essai"
    columns = (Column("Sujet", 70), Column("Porteur", 14), Column("Autre", 16))
    told = "Le fichier « embarquee », ou « autre », est relu : une fois ; deux ? " * 12
    rows = ((Cell(told), Cell(name), Cell("dbo.sp_interconnexion_debits")),)
    made = pdf.write_pdf(make(Table("t", columns, rows), Paragraph(told)), AT)
    page = PdfReader(io.BytesIO(made)).pages[0].extract_text().replace("\u00ad", "-")
    assert name in "".join(page.split())
    assert "dbo.sp_interconnexion_debits" in "".join(page.split())
    assert not re.search("[ \n][:;?»]|«[ \n]", page), page


def test_the_heading_of_a_row_cannot_be_told_in_a_pdf_until_typst_offers_it() -> None:
    """The day this fails, `show-table` marks the first cell of a row with it, and tests.pdf_structure asks for it."""
    source = b'#table(columns: 2, table.header[A][B], pdf.header-cell(scope: "row")[un], [deux])'
    with pytest.raises(typst.TypstError, match="header-cell"):
        typst.compile(source, format="pdf")
