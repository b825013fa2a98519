"""reviews.toml: what a review says, what is refused, and that the embedded platform's are true of its runbooks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import PLATFORMS_DIR, load_platform
from nonreg.errors import ConfigError
from nonreg.handover.readiness_binder import BINDER
from nonreg.handover.reviews import FILE, Review, find_last_review, load_reviews
from nonreg.handover.runbook_file import list_runbooks
from nonreg.people import load_people
from tests.handover.prepared import EMBEDDED, TOKEN, runbooks

PEOPLE = load_people(EMBEDDED, TOKEN)
TODAY = date(2026, 12, 1)
ENTRY = """[[reviews]]
runbook = "acces"
version = "1.0"
application_version = "5.2.0"
reviewed_on = 2026-11-30
person = "titulaire-essai"
"""


def load(folder: Path, text: str) -> tuple[Review, ...]:
    (folder / FILE).write_text(text, encoding="utf-8")
    return load_reviews(folder, PEOPLE, list_runbooks(), TODAY)


def test_a_folder_without_the_file_has_no_review(tmp_path: Path) -> None:
    assert load_reviews(tmp_path, PEOPLE, list_runbooks(), TODAY) == ()


def test_of_several_reviews_of_a_runbook_the_last_one_counts(tmp_path: Path) -> None:
    found = load(tmp_path, ENTRY + ENTRY.replace("2026-11-30", "2026-06-01").replace('"1.0"', '"0.9"'))
    last = find_last_review(found, "acces")
    assert last == Review("acces", "1.0", "5.2.0", date(2026, 11, 30), "titulaire-essai")
    assert find_last_review(found, "contacts") is None


@given(st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 1)), min_size=1, unique=True))
def test_the_order_of_reviews_in_the_file_does_not_matter(days: list[date]) -> None:
    found = [Review("acces", "1.0", "5.2.0", day, "titulaire-essai") for day in days]
    last = find_last_review(found, "acces")
    assert last is not None
    assert last.reviewed_on == max(days)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("autre = 1\n", "seules des tables [[reviews]]"),
        ("reviews = 1\n", "seules des tables [[reviews]]"),
        ("reviews = [1]\n", "une table est attendue"),
        (ENTRY + "couleur = 1\n", "clé inconnue « couleur »"),
        (ENTRY.replace('"1.0"', '""'), "clé « version » absente ou vide"),
        (ENTRY.replace('"1.0"', "1.0"), "clé « version » absente ou vide"),
        (ENTRY.replace('"acces"', '"cuisine"'), "runbook inconnu : « cuisine »"),
        (ENTRY.replace("titulaire-essai", "personne"), "« personne » n'est pas dans people.toml"),
        (ENTRY.replace("2026-11-30", "2026-12-02"), "est dans l'avenir"),
        (ENTRY.replace("2026-11-30", '"2026-11-30"'), "doit être un jour"),
        (ENTRY.replace("2026-11-30", "2026-11-30T08:00:00Z"), "doit être un jour"),
        (ENTRY + ENTRY, "a déjà une relecture du 30/11/2026"),
        ("[[reviews]\n", "reviews.toml"),
    ],
)
def test_a_wrong_review_is_one_french_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert sentence in str(caught.value)


def test_the_reviews_of_the_embedded_platform_are_of_its_runbooks_as_they_are_now() -> None:
    platform = load_platform(str(PLATFORMS_DIR / "embarquee.toml"))
    found = load_reviews(EMBEDDED, PEOPLE, list_runbooks(), date.max)
    for runbook_id in BINDER:
        last = find_last_review(found, runbook_id)
        assert last is not None, runbook_id
        assert last.version == runbooks()[runbook_id].version, f"{runbook_id} : à relire, puis reviews.toml"
        assert last.application_version == platform.application_version
