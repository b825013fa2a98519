"""Word files: what another reader finds in them, in the project's template or a site's, whatever the texts hold."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docx
import pytest
from docx.document import Document as WordFile
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.document import (
    Cell,
    Chart,
    Charts,
    Code,
    Column,
    Document,
    Figures,
    Items,
    Listing,
    Matrix,
    Names,
    Pairs,
    Paragraph,
    Prose,
    Section,
    Span,
    Table,
)
from reports.docx import LETTER_TWIPS, WIDTH_TWIPS, load_template, share_width, write_docx
from reports.tame import MOST_CHARACTERS, tame_text
from reports.view import build_document
from tests.hostile import HOSTILE, MISLEADING
from tests.report_samples import rich_report

AT = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


def make(*blocks: object, title: str = "Essai", **changes: object) -> Document:
    section = Section("un", "1. Chapitre", blocks)  # type: ignore[arg-type]
    values: dict[str, object] = {
        "title": title,
        "status": "Brouillon",
        "subject": "objet",
        "run_id": "X-1",
        "generated": "hier",
        "alerts": (Paragraph("alerte", "warn", "!"),),
        "verdict": Cell("bon", "✓", "ok"),
        "conclusion": "fin",
        "reasons": ("raison",),
        "sections": (section,),
    }
    return Document(**{**values, **changes})  # type: ignore[arg-type]


def read(content: bytes) -> WordFile:
    return docx.Document(io.BytesIO(content))


def list_texts(word: WordFile) -> list[str]:
    cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    return [*(one.text for one in word.paragraphs), *cells]


def read_parts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name).decode("utf-8", "replace") for name in file.namelist()}


def change_template(change: dict[str, tuple[str, str]]) -> bytes:
    """The template of the project as somebody edited it: a part, and what becomes what in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(load_template())) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name in change:
                before, after = (one.encode() for one in change[name])
                assert before in content
                content = content.replace(before, after)
            target.writestr(name, content)
    return made.getvalue()


def test_every_block_is_found_again_by_another_reader() -> None:
    cell = Cell("valeur", "✗", "ko")
    columns = (Column("Colonne"), Column("Nombre", numeric=True))
    blocks = (
        Table("Légende", columns, ((cell, Cell("12")),), note="note"),
        Table("Vide", columns, (), empty="rien du tout"),
        Paragraph("paragraphe"),
        Pairs((("étiquette", "contenu"),), (("large", "empreinte"),)),
        Figures((("3", "tests", "ok"),)),
        Code("titre de code", "ligne 1\n\tligne 2"),
        Items("liste", ("premier",)),
        Names("noms", ("A", "B")),
        Prose((Span("gras", "strong"), Span("code", "code"))),
        Listing(((Span("sept"),),), start=7),
        Charts((Chart("dessin", "ce qu'il montre", "<svg onload='x()'/>"),)),
        Matrix("matrice", "coin", ("tête",), (("rang", (Cell("mauvais", "✗", "ko"),), "dit"),), "légende"),
    )
    found = list_texts(read(write_docx(make(*blocks), AT)))
    for words in (
        *("Légende", "Colonne", "✗\u00a0valeur", "12", "note", "rien du tout", "paragraphe", "étiquette"),
        *(
            "contenu",
            "empreinte",
            "tests",
            "ligne 1\n\tligne 2",
            "premier",
            "noms A, B.",
            "grascode",
            "7. sept",
        ),
        *(
            "ce qu'il montre",
            "rang",
            "✗",
            "! alerte",
            "Verdict\u00a0: ✓\u00a0bon",
            "fin",
            "raison",
            "1. Chapitre",
        ),
    ):
        assert words in found, words
    assert not any("onload" in one for one in found)


def test_title_status_and_id_stand_where_the_template_puts_them_header_and_footer_included() -> None:
    word = read(write_docx(make(), AT))
    assert [one.text for one in word.paragraphs][:2] == ["Essai", "Brouillon"]
    assert word.sections[0].header.paragraphs[0].text == "Essai — Brouillon"
    assert word.sections[0].footer.paragraphs[0].text == "Exécution X-1"
    assert word.core_properties.title == "Essai"
    assert word.core_properties.author == "Le titulaire du marché"


@pytest.mark.parametrize("words", HOSTILE)
def test_a_hostile_text_stays_a_text(words: str) -> None:
    table = Table(words, (Column(words),), ((Cell(words),),), note=words)
    content = write_docx(
        make(table, Paragraph(words), Code(words, words), Pairs(((words, words),)), title=words), AT
    )
    parts = read_parts(content)
    body = parts["word/document.xml"]
    assert "<script" not in body
    assert "instrText" not in body
    written = "".join(parts[one] for one in parts if one.endswith(".xml"))
    assert not MISLEADING.search(written.replace("\r\n", "\n"))
    assert not {"\ufffd", "\uffff"} & set(written)
    shown = max(list_texts(read(content)), key=len)
    assert len(shown) >= len(tame_text(words)) - 3
    assert not any("External" in parts[name] for name in parts if name.endswith(".rels"))


@settings(max_examples=25)
@given(st.text(max_size=80))
def test_any_text_makes_a_file_that_another_reader_opens(words: str) -> None:
    assert read(write_docx(make(Paragraph(words), Table("t", (Column("c"),), ((Cell(words),),))), AT)).tables


def test_a_text_of_a_million_characters_is_cut_and_says_so() -> None:
    content = write_docx(make(Paragraph("x" * 1_000_000)), AT)
    longest = max(list_texts(read(content)), key=len)
    assert longest.startswith("x" * MOST_CHARACTERS)
    assert "980\u202f000 caractères de plus" in longest


def test_the_same_document_gives_the_same_bytes_and_another_moment_other_ones() -> None:
    document = build_document(rich_report())
    first = write_docx(document, AT)
    assert write_docx(document, AT) == first
    assert write_docx(document, AT + timedelta(days=1)) != first


def test_a_table_has_a_heading_row_told_on_each_page_and_the_document_its_language() -> None:
    table = Table("Légende", (Column("Colonne"),), tuple((Cell(str(n)),) for n in range(100)))
    parts = read_parts(write_docx(make(table), AT))
    assert parts["word/document.xml"].count("<w:tblHeader/>") == 1
    assert '<w:tblCaption w:val="Légende"/>' in parts["word/document.xml"]
    assert 'w:val="fr-FR"' in parts["word/styles.xml"]


def test_a_site_edits_its_template_and_word_may_have_cut_a_placeholder_in_pieces() -> None:
    cut = "{{ti</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>tre}} du site"
    found = write_docx(make(), AT, change_template({"word/document.xml": ("{{titre}}", cut)}))
    assert read(found).paragraphs[0].text == "Essai du site"


def test_styles_are_found_by_their_names_whatever_ids_a_word_in_french_gives_them() -> None:
    french = change_template({"word/styles.xml": ('w:styleId="Heading1"', 'w:styleId="Titre1"')})
    word = read(write_docx(make(), AT, french))
    headed = next(one for one in word.paragraphs if one.text == "1. Chapitre")
    assert headed.style is not None
    assert headed.style.name == "Heading 1"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (b"", "n'est pas un fichier"),
        (b"PK\x03\x04 rien", "n'est pas un fichier"),
        (change_template({"word/document.xml": ("{{contenu}}", "rien")}), "contenu"),
        (change_template({"word/document.xml": ("{{objet}}", "{{contenu}}")}), "un seul"),
        (change_template({"word/document.xml": ("{{objet}}", "{{salaire}}")}), "salaire"),
        (change_template({"word/styles.xml": ('"heading 2"', '"perdu"')}), "Heading 2"),
    ],
)
def test_a_template_that_cannot_be_one_is_refused_in_words(template: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        write_docx(make(), AT, template or b"\x00")


def test_a_whole_report_is_a_word_file_too(tmp_path: Path) -> None:
    document = build_document(rich_report())
    found = list_texts(read(write_docx(document, AT)))
    for section in document.sections:
        assert (section.title in found) is section.on_paper


ORDER = {  # of ISO/IEC 29500: Word repairs, or refuses, a file whose elements stand otherwise
    "tblPr": ("tblStyle", "tblW", "jc", "tblBorders", "tblLayout", "tblCellMar", "tblLook", "tblCaption"),
    "tblBorders": ("top", "left", "bottom", "right", "insideH", "insideV"),
    "tcPr": ("tcW", "gridSpan", "tcBorders", "shd"),
    "pPr": ("pStyle", "keepNext", "keepLines", "spacing", "ind", "jc"),
    "rPr": ("rFonts", "b", "i", "color", "sz", "szCs"),
    "tbl": ("tblPr", "tblGrid", "tr"),
}


def test_elements_stand_in_the_order_of_the_standard_and_every_cell_ends_with_a_paragraph() -> None:
    word = read(write_docx(build_document(rich_report()), AT))
    seen = set()
    for element in word.element.body.iter():
        name, children = local(element.tag), [local(one.tag) for one in element]
        if name in ORDER:
            seen.add(name)
            places = [ORDER[name].index(one) for one in children]
            assert places == sorted(places), (name, children)
        if name == "tc":
            assert children[-1] == "p"
        if name == "tbl":
            assert local(element.getnext().tag) == "p"
    assert seen == {*ORDER}


def local(tag: str) -> str:
    return tag.rpartition("}")[2]


def test_a_column_has_room_for_its_longest_word_and_the_whole_width_is_shared() -> None:
    heads = [("Titre", 80, False, False), ("Exigences", 5, False, False), ("SHA-256", 15, False, True)]
    rows = ((Cell("Un titre"), Cell("[à compléter]", "!", "warn"), Cell("ab" * 32)),)
    title, needs, sha = share_width(heads, rows)
    assert needs >= len("compléter]") * LETTER_TWIPS
    assert title > sha
    assert WIDTH_TWIPS - 3 <= title + needs + sha <= WIDTH_TWIPS
    even = share_width([(str(one), 10, False, False) for one in range(4)], ())
    assert even == [WIDTH_TWIPS // 4] * 4


@given(
    st.lists(st.tuples(st.integers(1, 100), st.text("abc ", max_size=40)), min_size=1, max_size=12),
)
def test_however_narrow_columns_fill_the_width_and_none_is_lost(columns: list[tuple[int, str]]) -> None:
    heads = [(title, weight, False, False) for weight, title in columns]
    widths = share_width(heads, ())
    assert min(widths) > 0
    assert WIDTH_TWIPS - len(widths) ** 2 <= sum(widths) <= WIDTH_TWIPS


def test_a_row_is_not_cut_by_the_end_of_a_page_and_a_command_keeps_its_spaces() -> None:
    parts = read_parts(
        write_docx(
            make(
                Table("t", (Column("c"),), ((Cell("« un », « deux » : trois"),),) * 3), Code("", "a ; b : c")
            ),
            AT,
        )
    )
    body = parts["word/document.xml"]
    assert body.count("<w:cantSplit/>") == 4
    assert "«\u00a0un\u00a0», «\u00a0deux\u00a0»\u00a0: trois" in body
    assert "a ; b : c" in body
