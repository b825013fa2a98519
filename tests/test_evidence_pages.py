"""A readiness page is as its line of the ledger says, or is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonreg.evidence.signatures import find_people
from nonreg.evidence.verify import Means, State, verify_runs
from nonreg.handover.readiness import FOLDER
from tasks.handover_work import make_work
from tasks.readiness import keep_readiness, measure_readiness
from tests.governed import NOW, Governed


@pytest.fixture
def page(governed: Governed) -> Path:
    """The page of a night that was measured."""
    work = make_work(str(governed.platform_file), governed.runs_dir)
    return keep_readiness(work, measure_readiness(work, NOW))


def look(governed: Governed) -> list[tuple[State, str, str]]:
    found = verify_runs(governed.runs_dir, Means(find_people(governed.runs_dir), {}))
    return [(one.state, one.about, one.text) for one in found if FOLDER in one.about]


def test_a_page_as_it_was_kept_is_sound(governed: Governed, page: Path) -> None:
    assert look(governed) == [(State.GOOD, FOLDER, "1 page(s) conformes à leur ligne du registre")]


@pytest.mark.parametrize("suffix", [".html", ".pdf", ".json"])
def test_a_file_of_a_page_that_is_changed_or_removed_is_named(
    governed: Governed, page: Path, suffix: str
) -> None:
    file = page.with_suffix(suffix)
    content = file.read_bytes()
    file.write_bytes(content + b" ")
    place = f"{FOLDER}/{page.stem}"
    assert look(governed) == [(State.WRONG, place, f"fichiers modifié(s) : {file.name} (registre, ligne 2)")]
    file.unlink()
    assert look(governed) == [(State.WRONG, place, f"fichiers absent(s) : {file.name} (registre, ligne 2)")]


def test_a_page_that_is_gone_is_told(governed: Governed, page: Path) -> None:
    for file in page.parent.glob(f"{page.stem}.*"):
        file.unlink()
    assert look(governed) == [
        (State.NOTE, FOLDER, "1 page(s) du registre ne sont plus là (purgées, ou retirées)")
    ]
