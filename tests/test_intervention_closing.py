"""An intervention is closed by saying what it changes in the documentation; then its GO holds no more (R74)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import ledger
from nonreg.errors import UsageError
from nonreg.sandbox.layout import Layout
from tasks.intervention_closing import make_impact
from tests.governed import Governed, make_governed, publish_run
from tests.test_pre_intervention import ASKED, require

CLOSE = ("close-intervention", "--ticket", "AQ-31", "--kind", "script_sql", "--person")


@pytest.fixture
def governed(sandbox: Layout, tmp_path: Path) -> Governed:
    """A platform whose intervention has its GO."""
    found = make_governed(tmp_path, sandbox.platform_file)
    publish_run(found, "frais", started_at=datetime.now(UTC))
    assert found.cli("pre-intervention", *ASKED).returncode == 0
    return found


Texts = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=20)


@given(st.lists(Texts), Texts)
def test_an_impact_names_documents_or_says_why_there_is_none(documents: list[str], reason: str) -> None:
    named = [one for one in documents if one.strip()]
    if bool(named) == bool(reason.strip()):
        with pytest.raises(UsageError, match="l'un ou l'autre"):
            make_impact(tuple(documents), reason)
    else:
        found = make_impact(tuple(documents), reason)
        assert bool(found.documents) != bool(found.reason)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("titulaire-essai",), "nommez les documents mis à jour"),
        (("titulaire-essai", "--document", "DEX, 2.1", "--no-impact", "rien"), "l'un ou l'autre"),
        (("inconnue", "--no-impact", "rien ne change"), "n'est pas habilitée"),
        (("titulaire-essai", "--document", "x" * 3000), "2000 caractères au plus"),
        (("titulaire-essai", "--document", "DEX\u202e, 2.1"), "invisible"),
        (
            ("moa-scv-essai", "--no-impact", "rien ne change"),
            "ne lance pas la commande « close-intervention »",
        ),
        (("renfort-pilotage-essai", "--no-impact", "rien ne change"), "ne lance pas la commande"),
    ],
)
def test_nothing_is_closed_without_that_answer(governed: Governed, words: tuple[str, ...], told: str) -> None:
    done = governed.cli(*CLOSE, *words)
    assert (done.returncode, told in done.stderr) == (3, True)
    assert require(governed)[0] == 0


def test_a_closed_intervention_has_no_go_any_more(governed: Governed) -> None:
    assert require(governed)[0] == 0
    done = governed.cli(*CLOSE, "titulaire-essai", "--document", "Dossier d'exploitation, 2.1")
    assert (done.returncode, "close (AQ-31)" in done.stdout) == (0, True), done.stderr
    entry = ledger.read_entries(governed.runs_dir / ledger.FILE)[-1]
    assert (entry.kind, entry.person, entry.data["documents"]) == (
        "cloture",
        "titulaire-essai",
        ["Dossier d'exploitation, 2.1"],
    )
    code, said = require(governed)
    assert (code, "cette intervention est close" in said) == (1, True)
    again = governed.cli(*CLOSE, "titulaire-essai", "--no-impact", "rien ne change")
    assert (again.returncode, "Aucune intervention" in again.stderr) == (3, True)
    assert governed.cli("pre-intervention", *ASKED).returncode == 0
    assert require(governed)[0] == 0
