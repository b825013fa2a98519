"""What says that it only reads never gets the account that writes, whatever its code asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonreg.model import Failure, Outcome
from nonreg.sandbox.layout import Layout
from tests.campaigns import run_campaign

SCENARIOS = """
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario

@scenario("BASE-601", "Écrit parmi d'autres sans le dire", Criticality.MAJEURE)
def test_among_others(witness, trial):
    witness.expect_equal(1, 1, "un")

@scenario("BASE-602", "Écrit seul sans le dire", Criticality.MAJEURE, alone=True)
def test_alone(witness, bench):
    witness.expect_equal(1, 1, "un")

@scenario("BASE-603", "Dit qu'il écrit", Criticality.MAJEURE, Effect.WRITES_TEST_DATA)
def test_writes(witness, trial):
    witness.expect_equal(1, 1, "un")
"""


@pytest.mark.parametrize(
    ("effects", "refused"), [("lecture", {"BASE-601", "BASE-602"}), ("donnees-marquees", {"BASE-601"})]
)
def test_a_scenario_that_writes_and_says_that_it_reads_is_a_defect_and_does_not_write(
    sandbox: Layout, tmp_path: Path, effects: str, refused: set[str]
) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "test_essai.py").write_text(SCENARIOS, encoding="utf-8")
    report = run_campaign(sandbox.platform_file, tmp_path / "passage", scenarios=str(folder), effects=effects)
    found = {one.scenario_id: one for one in report.run.results}
    assert set(found) == {"BASE-601", "BASE-602"} | ({"BASE-603"} if effects != "lecture" else set())
    told = {key for key, one in found.items() if one.outcome is Outcome.INCONCLUSIF}
    assert told == refused
    for one in (found[key] for key in refused):
        assert one.failure is Failure.CONTROLE
        assert "demande le compte qui écrit" in one.message
