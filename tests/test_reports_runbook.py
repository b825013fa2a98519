"""The paper binder: a runbook that is followed and filled in by hand."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nonreg.handover.runbook_file import find_runbook, list_runbooks
from nonreg.model.handover import Actor, ClockMove, Field, FieldKind, Runbook, Step, StepKind
from reports.runbook import FORM_ROWS, build_binder_page
from tests.execution_samples import integration
from tests.hostile import HOSTILE
from tests.pages import check_page, check_pdf, read_all

TEXTS = st.text(max_size=60) | st.sampled_from(HOSTILE)


def make_runbook(text: str = "Un texte.", **changes: object) -> Runbook:
    """One step, every text of which is the same."""
    step = Step(
        id="X1",
        title=text,
        role=Actor.TITULAIRE,
        kind=StepKind.CONFIRMATION,
        instructions=text,
        evidence=text,
        precondition=text,
        undo=text,
        command=text,
        fields=(Field("champ", text, help=text), Field("choix", text, FieldKind.CHOICE, options=(text, "b"))),
    )
    step = dataclasses.replace(step, **changes)  # type: ignore[arg-type]
    return Runbook("essai", text, text, text, (step,), sha256="ab" * 32, unknown=(text,))


@pytest.mark.parametrize("name", list_runbooks())
def test_each_runbook_of_the_project_is_a_page_and_a_pdf_as_all_others_are(name: str) -> None:
    runbook = find_runbook(name)
    page = check_page(build_binder_page(runbook))
    titles = [f"{step.id} — {step.title}" for step in runbook.steps]
    places = [page.text.rindex(" ".join(title.split())) for title in titles]
    assert places == sorted(places)


@pytest.mark.parametrize("name", list_runbooks())
def test_the_first_page_names_all_that_the_site_has_not_told_with_the_version_and_the_hash(name: str) -> None:
    runbook = find_runbook(name)
    reader = check_pdf(build_binder_page(runbook))
    first = "".join(reader.pages[0].extract_text().split()).replace("-", "")
    for words in (*runbook.unknown, f"version {runbook.version}", runbook.sha256):
        assert "".join(words.split()).replace("-", "") in first, words


def test_a_runbook_whose_site_has_told_everything_is_complete() -> None:
    runbook = dataclasses.replace(integration(), unknown=())
    document = build_binder_page(runbook)
    assert document.verdict.text == "complète"
    assert "inconnu" not in [one.anchor for one in document.sections]


def test_a_step_tells_all_that_a_person_needs_without_the_tool() -> None:
    runbook = make_runbook(
        delegates=True,
        subject_excluded=True,
        kind=StepKind.SIGNATURE,
        deadline_hours=48,
        clock=ClockMove.START,
        may_be_skipped=True,
        precondition="Le VPN est ouvert.",
        instructions="Lancer `psql`.\n\n1. Un\n2. Deux",
        evidence="Le relevé.",
        undo="Fermer.",
        command="psql -h a",
    )
    page = check_page(build_binder_page(runbook))
    for words in (
        "titulaire, ou son délégataire, jamais la personne concernée",
        "décision signée par une personne (clé SSH)",
        "48 h ouvrées (2 jours ouvrés, ou 48 heures d'ouverture) après le départ de l'horloge",
        "part à cette étape",
        "possible, avec un motif écrit",
        "Avant de commencer : Le VPN est ouvert.",
        "Preuve attendue : Le relevé.",
        "Pour revenir en arrière : Fermer.",
        "Commande psql -h a",
        "☐ faite ☐ sans objet",
        "Date et heure Nom Paraphe",
    ):
        assert words in page.text, words
    tags = [tag for tag, _ in page.tags]
    assert "code" in tags
    assert "ol" in tags


def test_choices_are_boxes_to_tick_and_a_long_form_is_cut_so_that_it_fits_on_pages() -> None:
    fields = (
        Field("accord", "Accord", FieldKind.YES),
        Field("reste", "Reste", FieldKind.YES_NO),
        Field("profil", "Profil", FieldKind.CHOICE, options=("technique", "pilotage")),
        *(Field(f"n{number}", f"Champ {number}") for number in range(2 * FORM_ROWS)),
    )
    document = build_binder_page(make_runbook(fields=fields))
    page = check_page(document)
    for words in ("☐ oui", "☐ oui ☐ non", "☐ technique ☐ pilotage"):
        assert words in page.text.replace("\u00a0", " ")
    text = read_all(check_pdf(document))
    assert [n for n in range(2 * FORM_ROWS) if f"Champ{n}" not in text] == []
    assert "Formulaire(suite)" in text


def test_a_step_stays_with_the_box_of_its_visa_on_one_page() -> None:
    runbook = integration()
    pages = [" ".join(page.extract_text().split()) for page in check_pdf(build_binder_page(runbook)).pages]
    titles = [f"{step.id} — {step.title}" for step in runbook.steps]
    for text in pages:
        assert text.count("Visa de l'étape") == sum(title in text for title in titles)


def test_a_step_longer_than_a_page_goes_on_over_the_next_one() -> None:
    lines = [f"Ligne {number} de la consigne." for number in range(200)]
    reader = check_pdf(build_binder_page(make_runbook(instructions="\n\n".join(lines))))
    pages = [page.extract_text() for page in reader.pages]
    shown = [sum(line in page for line in lines) for page in pages]
    assert sum(shown) == len(lines)
    assert max(shown) < 60


@given(TEXTS)
@example("`<b>gras</b>` **<b>gras</b>**")
@example("```\n<b>gras</b>\n```")
@settings(max_examples=25)
def test_hostile_texts_are_never_markup(text: str) -> None:
    document = build_binder_page(make_runbook(text))
    page = check_page(document)
    assert not {"a", "b", "i", "del", "em"} & {tag for tag, found in page.tags if "href" not in found}
    assert all((found["href"] or "").startswith("#") for _, found in page.tags if "href" in found)


@given(TEXTS)
@example("\n".join(HOSTILE))
@settings(max_examples=6)
def test_hostile_texts_are_always_set_on_paper(text: str) -> None:
    check_pdf(build_binder_page(make_runbook(text)))
