"""Discovery on the embedded platform: its proposals are sound, they run, they find what has changed, and they stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from nonreg.__main__ import main
from nonreg.clients.sql import open_session
from nonreg.commands import EXIT_INCOMPLETE, EXIT_OK
from nonreg.config import load_platform
from nonreg.errors import AccessDenied
from nonreg.model import SiteRole
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from nonreg.sqlfiles.header import Expectation
from nonreg.sqlfiles.scenario_file import SqlScenario, load_scenario

# Functions without parameters that the reader may not call on the embedded platform, where no query needs them.
NOT_GRANTED = ("cfg.tvf_taches_export", "evt.tvf_alarmes_a_transmettre", "ha.tvf_abonnes", "ha.tvf_noeud")
LOCAL = "cfg.*,ref.v_*"
ACTIVE_CURVES = (
    "SELECT b.sta_code, b.crb_id, b.crb_loi, b.crb_deb, b.crb_fin FROM ref.courbe b WHERE b.crb_active"
)


@pytest.fixture
def admin(sandbox: Layout) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as connection:
        yield connection


def discover(sandbox: Layout, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the command says."""
    command = ["discover", "--platform", str(sandbox.platform_file), "--output", str(folder), *options]
    assert main(command) == EXIT_OK
    return capsys.readouterr().out


def review(folder: Path) -> list[SqlScenario]:
    """Rename every proposal and load it, as a person would."""
    return [
        load_scenario(path.rename(path.with_suffix("")))
        for path in sorted(folder.glob("proposes/*.proposition"))
    ]


def run_all(sandbox: Layout, scenarios: list[SqlScenario]) -> dict[str, int | None]:
    """Rows that each scenario gives, by title; None when the account may not."""
    platform = load_platform(str(sandbox.platform_file))
    counts: dict[str, int | None] = {}
    for scenario in scenarios:
        with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
            try:
                batch = session.run_batch(scenario.text)
            except AccessDenied:
                counts[scenario.header.title] = None
            else:
                counts[scenario.header.title] = sum(len(one.rows) for one in batch.sets)
    return counts


def test_every_proposal_is_sound_and_good_on_the_platform_that_it_was_made_from(
    sandbox: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = discover(sandbox, tmp_path, capsys)
    scenarios = review(tmp_path)
    counts = run_all(sandbox, scenarios)
    assert {
        "Vue prod.v_mesure lisible",
        "Fonction prod.tvf_dernieres exécutable",
        "Procédure ha.usp_etat exécutable",
        "Contraintes du schéma ref présentes, actives et vérifiées",
        "Code des modules du schéma prod inchangé",
    } <= set(counts)
    empty = [one for one in scenarios if one.header.expectation is Expectation.NO_ROWS]
    assert {counts[one.header.title] for one in empty} == {0}
    assert len(empty) > 10
    assert {title for title, count in counts.items() if count is None} == {
        f"Fonction {name} exécutable" for name in NOT_GRANTED
    }
    assert "  vues : 3" in told
    assert "  a des paramètres : " in told
    assert not [title for title in counts if "usp_affinage" in title or "usp_purge" in title]


def test_the_rights_that_proposals_ask_for_are_missing_until_they_are_given(
    sandbox: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    discover(sandbox, tmp_path, capsys, "--only", ",".join(NOT_GRANTED))
    command = ["grants", "--platform", str(sandbox.platform_file), "--check", "--scenarios", str(tmp_path)]
    assert main(command) == EXIT_OK
    capsys.readouterr()
    review(tmp_path)
    assert main(command) == EXIT_INCOMPLETE
    told = capsys.readouterr().out
    for name in NOT_GRANTED:
        assert f"  manque : nr_reader ne peut pas lire {name} : SELECT manque (pour BASE-3" in told


def test_what_changed_since_is_found_by_the_scenarios_and_told_by_the_next_discovery(
    sandbox: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str], admin: psycopg.Connection
) -> None:
    discover(sandbox, tmp_path, capsys, "--only", LOCAL)
    scenarios = review(tmp_path)
    before = {path.name for path in tmp_path.glob("proposes/*.sql")}
    admin.execute(
        "ALTER TABLE cfg.noeud DROP CONSTRAINT ck_noeud_unique"
    )  # no article: nothing is propagated
    admin.execute("CREATE VIEW ref.v_nouvelle AS SELECT sta_code FROM ref.station")
    admin.execute(f"CREATE OR REPLACE VIEW ref.v_courbe_active AS {ACTIVE_CURVES} AND true")  # type: ignore[call-overload]
    try:
        counts = run_all(sandbox, scenarios)
        told = discover(sandbox, tmp_path, capsys, "--only", LOCAL)
    finally:
        admin.execute(f"CREATE OR REPLACE VIEW ref.v_courbe_active AS {ACTIVE_CURVES}")  # type: ignore[call-overload]
        admin.execute("DROP VIEW ref.v_nouvelle")
        admin.execute("ALTER TABLE cfg.noeud ADD CONSTRAINT ck_noeud_unique CHECK (id = 1)")
    assert counts["Contraintes du schéma cfg présentes, actives et vérifiées"] == 1
    assert counts["Code des modules du schéma ref inchangé"] == 1
    assert counts["Code des modules du schéma cfg inchangé"] == 0
    assert (
        "Disparus de la base depuis une découverte précédente (1) :\n  contrainte cfg.noeud.ck_noeud_unique ("
        in told
    )
    assert "Code différent de l'empreinte déjà proposée (1) :\n  ref.v_courbe_active" in told
    assert before <= {path.name for path in tmp_path.glob("proposes/*.sql")}
    new = [path.name for path in tmp_path.glob("proposes/*.proposition")]
    assert {name.split("-", 2)[2] for name in new} == {
        "vue-ref-v_nouvelle.sql.proposition",
        "modules-ref-2.sql.proposition",
    }


def test_discovery_again_writes_nothing(
    sandbox: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    discover(sandbox, tmp_path, capsys)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.proposition")}
    told = discover(sandbox, tmp_path, capsys)
    assert told.splitlines()[1].startswith("0 proposition nouvelle")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.proposition")} == files
