"""A fault and a drill of one's own, the examples of the documentation: planned, approved, injected, healed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nonreg.clients.sftp import open_share
from nonreg.clients.ssh import open_shell
from nonreg.config import load_platform
from nonreg.decision import load_signed
from nonreg.drills.register import open_register
from nonreg.errors import ConfigError, DrillRefused
from nonreg.model import Outcome, Scenario, SiteRole, Verdict
from nonreg.plan import collect_scenarios
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import Layout
from tests.campaigns import run_campaign
from tests.drills.drilling import approve, drill
from tests.drills.operating import write_platform

pytestmark = [pytest.mark.drills, pytest.mark.xdist_group("drills-own-fault")]
EXAMPLES = Path(__file__).parents[2] / "docs" / "exemples"
DRILL, CHECK = "HD-901", "HD-001"
STUBBORN = """
from pathlib import Path
from faults_fichiers_illisibles import UnreadableFiles
from nonreg.faults import register

@register("stubborn_files")
class StubbornFiles(UnreadableFiles):
    def heal(self, before):
        if Path({obstacle!r}).exists():
            raise ValueError("fichier verrouillé")
        super().heal(before)
"""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """One platform; each test leaves it as found."""
    instance = start_instance(tmp_path_factory.mktemp("pannes") / "banc")
    yield instance.layout
    stop_instance(instance)


@pytest.fixture(scope="module")
def catalog() -> tuple[Scenario, ...]:
    return collect_scenarios(EXAMPLES / "scenarios")


@pytest.fixture
def faults(layout: Layout, tmp_path: Path) -> Path:
    """A copy of the folder of faults of the documentation."""
    folder = tmp_path / "pannes"
    folder.mkdir()
    for file in (EXAMPLES / "pannes").glob("*.py"):
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def name_faults(layout: Layout, faults: Path, *changes: tuple[str, str], more: str = "") -> Path:
    """The platform's file, that names this folder of faults."""
    own = ('state_dir = "exercices"', f'state_dir = "exercices"\nfaults = "{faults}"')
    return write_platform(layout, "pannes", own, *changes, more=more)


def list_dropped(layout: Layout) -> list[str]:
    """Files of the example's fault that lie on the active site."""
    platform = load_platform(str(layout.platform_file))
    host = platform.site(SiteRole.ACTIF).host
    with open_shell(platform, host) as shell, open_share(shell) as share:
        folders = ("echange/entree", "echange/traites", "echange/rejets")
        names = [name for folder in folders for name in share.list_files(folder)]
    return [name for name in names if name.startswith("nr_illisible_")]


def test_a_fault_of_ones_own_is_planned_approved_injected_and_healed(
    layout: Layout, faults: Path, tmp_path: Path, catalog: tuple[Scenario, ...]
) -> None:
    file, scenarios = name_faults(layout, faults), str(EXAMPLES / "scenarios")
    signed = approve(
        layout, tmp_path / "decisions", DRILL, platform_file=file, scenarios=scenarios, catalog=catalog
    )
    shown = load_signed(signed).shown
    assert "Action : déposer 5 fichiers illisibles : sftp put echange/entree/nr_illisible_1.csv…" in shown
    assert "Minuteur de sécurité : aucun" in shown
    report = drill(layout, tmp_path, DRILL, platform_file=file, scenarios=scenarios, catalog=catalog)
    (result,) = report.run.results
    assert result.outcome is Outcome.OK, (result.message, result.gaps)
    assert {one.outcome for one in report.run.closing} <= {Outcome.OK, Outcome.MESURE}
    assert len(report.run.closing) == 9  # HD-001 to HD-009 but HD-005
    (healing,) = report.run.drills[0].healings
    assert healing.error == ""
    assert list_dropped(layout) == []


def test_a_fault_that_was_changed_since_it_was_approved_is_not_injected(
    layout: Layout, faults: Path, tmp_path: Path, catalog: tuple[Scenario, ...]
) -> None:
    file, scenarios = name_faults(layout, faults), str(EXAMPLES / "scenarios")
    signed = approve(layout, tmp_path, DRILL, platform_file=file, scenarios=scenarios, catalog=catalog)
    with (faults / "fichiers_illisibles.py").open("a", encoding="utf-8") as own:
        own.write("# une ligne de plus\n")
    with pytest.raises(DrillRefused, match="est d'un autre plan que celui-ci"):
        run_campaign(file, tmp_path / "passage", "hd", DRILL, scenarios, drills=str(signed), catalog=catalog)


def test_a_fault_that_cannot_be_healed_stops_every_campaign_until_it_can(
    layout: Layout, faults: Path, tmp_path: Path, catalog: tuple[Scenario, ...]
) -> None:
    obstacle = tmp_path / "obstacle"
    obstacle.touch()
    (faults / "tetus.py").write_text(STUBBORN.format(obstacle=str(obstacle)), encoding="utf-8")
    file = name_faults(layout, faults, more='[drills.replace]\nunreadable_files = "stubborn_files"\n')
    scenarios = str(EXAMPLES / "scenarios")
    report = drill(layout, tmp_path, DRILL, platform_file=file, scenarios=scenarios, catalog=catalog)
    (result,) = report.run.results
    assert result.outcome is Outcome.KO
    assert "Plateforme non remise en état : déposer 5 fichiers illisibles" in result.message
    assert "fichier verrouillé" in result.message
    assert report.assessment.verdict is Verdict.KO
    assert "fichier verrouillé" in report.run.interruption
    (entry,) = open_register(load_platform(str(file))).pending()
    assert entry.error == "fichier verrouillé"

    refused = run_campaign(file, tmp_path / "refuse", "hd", CHECK, scenarios, catalog=catalog)
    assert refused.run.results == ()
    assert "Non guéri — HD-901, déposer 5 fichiers illisibles" in refused.run.interruption
    unknown = run_campaign(
        layout.platform_file, tmp_path / "inconnue", "hd", CHECK, scenarios, catalog=catalog
    )
    assert unknown.run.results == ()
    assert "Panne inconnue : « stubborn_files »" in unknown.run.interruption

    obstacle.unlink()
    after = run_campaign(file, tmp_path / "suivant", "hd", CHECK, scenarios, catalog=catalog)
    assert [one.outcome for one in after.run.results] == [Outcome.OK]
    (healed,) = after.run.healed
    assert healed.startswith("Guéri — HD-901, déposer 5 fichiers illisibles")
    assert list_dropped(layout) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def :", "Panne illisible : .*panne.py .SyntaxError"),
        (
            "from nonreg.faults import Fault, register\n\n@register('link_cut')\nclass Mine(Fault): pass\n",
            "Panne illisible : .*panne.py .*« link_cut » existe déjà",
        ),
        (
            "from nonreg.faults import register\nfrom faults_fichiers_illisibles import UnreadableFiles\n\n"
            "@register('blind_files')\nclass Blind(UnreadableFiles):\n"
            "    def describe(self): return 1 / 0\n",
            "la panne « blind_files » ne se décrit pas .ZeroDivisionError",
        ),
    ],
    ids=("not-python", "taken-name", "broken-description"),
)
def test_a_fault_that_is_wrongly_written_is_named_in_one_sentence_before_anything_is_signed(
    layout: Layout, faults: Path, tmp_path: Path, catalog: tuple[Scenario, ...], text: str, said: str
) -> None:
    (faults / "panne.py").write_text(text, encoding="utf-8")
    file = name_faults(layout, faults, more='[drills.replace]\nunreadable_files = "blind_files"\n')
    with pytest.raises(ConfigError, match=said):
        approve(
            layout,
            tmp_path,
            DRILL,
            platform_file=file,
            scenarios=str(EXAMPLES / "scenarios"),
            catalog=catalog,
        )
