"""SQL scenarios against a real platform: every way in which one can end, and nothing stays of what one wrote."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from nonreg import store
from nonreg.model import CampaignRun, Failure, Outcome, ScenarioResult, Verdict
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from tests.campaigns import run_campaign

pytestmark = pytest.mark.xdist_group("sql_scenarios")  # the campaign that they share is run once
EXAMPLES = Path(__file__).parent.parent / "docs" / "exemples" / "sql"
TAG = "00000000-0000-4000-8000-000000000901"


@dataclass(frozen=True)
class Written:
    """A scenario's file, and how it must end: outcome, kind of failure, words of the message."""

    text: str
    outcome: Outcome
    failure: Failure | None = None
    words: str = ""
    header: str = ""
    expected: str = "aucune ligne"
    effect: str = "read_only"
    engine: str = "postgresql"


ORPHANS = (
    "SELECT c.cap_id FROM ref.capteur c LEFT JOIN ref.station s USING (sta_code) WHERE s.sta_code IS NULL"
)
THRESHOLDS = (
    "SELECT seu_type, seu_ouverture FROM ref.seuil s JOIN ref.capteur c USING (cap_id) "
    "WHERE c.sta_code = 'V714401001' ORDER BY seu_ordre"
)
CREATE = f"SELECT * FROM nr.usp_creer_station('{TAG}')"
PERFORM = f"DO $$ BEGIN PERFORM nr.usp_creer_station('{TAG}'); END $$"
SCENARIOS = {
    "BASE-901": Written(ORPHANS, Outcome.OK),
    "BASE-902": Written(
        "DO $$ DECLARE n integer; BEGIN SELECT count(*) INTO n FROM ref.station; "
        "IF n > 3 THEN RAISE EXCEPTION 'trop de stations'; END IF; END $$",
        Outcome.KO,
        Failure.ECART,
        "Attendu : aucune erreur ; trouvé : rejet du script : trop de stations",
        expected="aucune erreur",
    ),
    "BASE-903": Written(
        "SELECT sta_code FROM ref.station ORDER BY sta_code LIMIT 2",
        Outcome.KO,
        Failure.ECART,
        "Attendu : aucune ligne ; trouvé : 2 ligne(s).",
    ),
    "BASE-904": Written(
        THRESHOLDS,
        Outcome.KO,
        Failure.ECART,
        "trouvé : 0 absente(s), 0 en trop, 1 changée(s).",
        expected="fichier faux.csv",
    ),
    "BASE-905": Written(
        THRESHOLDS, Outcome.OK, expected="fichier juste.csv", header="-- ordre: celui du résultat\n"
    ),
    "BASE-906": Written(
        THRESHOLDS.replace("ORDER BY seu_ordre", "ORDER BY seu_ordre DESC"),
        Outcome.KO,
        Failure.ECART,
        "Attendu : 3 ligne(s) de juste.csv dans cet ordre ; trouvé : 2 ligne(s) à une autre place.",
        expected="fichier juste.csv",
        header="-- ordre: celui du résultat\n",
    ),
    "BASE-907": Written(
        "SELECT a FROM ref.absente", Outcome.INCONCLUSIF, Failure.PLATEFORME, "rejette la requête (42P01)"
    ),
    "BASE-908": Written(
        "SELECT uti_nom FROM securite.utilisateur", Outcome.INCONCLUSIF, Failure.PLATEFORME, "refuse ce droit"
    ),
    "BASE-909": Written(
        "DO $$ BEGIN NULL; END $$",
        Outcome.INCONCLUSIF,
        Failure.CONTROLE,
        "le lot n'a renvoyé aucun résultat",
        expected="aucune erreur",
    ),
    "BASE-910": Written("SELECT 1 AS a; SELECT 2 AS b", Outcome.OK, expected="aucune erreur"),
    "BASE-911": Written(
        "SELECT TOP (1) sta_code FROM ref.station",
        Outcome.NON_APPLICABLE,
        words="Scénario écrit pour SQL Server",
        engine="mssql",
    ),
    "BASE-912": Written(
        "SELECT pg_sleep(30)",
        Outcome.INCONCLUSIF,
        Failure.DELAI,
        "Délai du scénario dépassé",
        header="-- delai: 1 s\n",
    ),
    "BASE-913": Written(
        f"{PERFORM}; SELECT sta_code FROM nr.marque WHERE campaign_id <> '{TAG}'",
        Outcome.OK,
        effect="writes_test_data",
    ),
    "BASE-914": Written(
        f"{CREATE}; DO $$ BEGIN RAISE EXCEPTION 'non'; END $$",
        Outcome.KO,
        Failure.ECART,
        "rejet du script : non",
        effect="writes_test_data",
    ),
    "BASE-915": Written(
        f"{PERFORM}; SELECT sta_code FROM nr.marque WHERE campaign_id = '{TAG}'",
        Outcome.KO,
        Failure.ECART,
        "trouvé : 1 ligne(s).",
        effect="writes_test_data",
    ),
    "BASE-916": Written(
        "SELECT 1 AS a WHERE false; SELECT sta_code FROM ref.station ORDER BY 1 LIMIT 3; SELECT 2 AS b WHERE false",
        Outcome.KO,
        Failure.ECART,
        "Attendu : aucune ligne dans le résultat 2 sur 3 ; trouvé : 3 ligne(s).",
    ),
    "BASE-917": Written(
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT cap_id FROM ref.capteur LOOP "
        "ASSERT r.cap_id < 0, format('capteur %s', r.cap_id); END LOOP; END $$",
        Outcome.KO,
        Failure.ECART,
        "rejet du script : capteur ",
    ),
    "BASE-918": Written("TABLE ref.station", Outcome.KO, Failure.ECART, "ligne(s)."),
    "HD-901": Written(
        "SELECT sit_role FROM ref.site WHERE sit_role = 'ACTIF' AND NOT pg_is_in_recovery() AND EXISTS "
        "(SELECT 1 FROM pg_subscription)",
        Outcome.KO,
        Failure.ECART,
        "trouvé : 1 ligne(s).",
        header="-- site: PASSIF\n",
    ),
}
GOLDEN = "seu_type;seu_ouverture\nJAUNE;2500\nORANGE;{}\nROUGE;6000.000\n"


def write_folder(folder: Path) -> Path:
    """All the scenarios above in one folder."""
    folder.mkdir()
    for scenario_id, one in SCENARIOS.items():
        header = (
            f"-- id: {scenario_id}\n-- titre: Essai\n-- criticite: mineure\n-- effet: {one.effect}\n"
            f"-- moteur: {one.engine}\n-- attendu: {one.expected}\n{one.header}\n"
        )
        (folder / f"{scenario_id}.sql").write_text(f"{header}{one.text};\n", encoding="utf-8")
    (folder / "juste.csv").write_text(GOLDEN.format(4000), encoding="utf-8")
    (folder / "faux.csv").write_text(GOLDEN.format(4100), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run_dir(sandbox: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("sql")
    run_campaign(sandbox.platform_file, parent / "passage", scenarios=str(write_folder(parent / "essais")))
    return parent / "passage"


@pytest.fixture(scope="module")
def run(run_dir: Path) -> CampaignRun:
    return store.load_run(run_dir)


def find(run: CampaignRun, scenario_id: str) -> ScenarioResult:
    return next(one for one in run.results if one.scenario_id == scenario_id)


@pytest.mark.parametrize("scenario_id", SCENARIOS)
def test_each_sql_scenario_ends_as_it_must(run: CampaignRun, scenario_id: str) -> None:
    result, one = find(run, scenario_id), SCENARIOS[scenario_id]
    assert (result.outcome, result.failure) == (one.outcome, one.failure), result.message
    assert one.words in result.message


def test_the_gap_shows_the_batch_as_it_was_sent_and_the_rows(run: CampaignRun) -> None:
    (gap,) = find(run, "BASE-903").gaps
    assert gap.request.splitlines()[1:] == ["SELECT sta_code FROM ref.station ORDER BY sta_code LIMIT 2;"]
    assert (gap.columns, len(gap.rows), gap.rows_total) == (("sta_code",), 2, 2)


def test_a_changed_row_shows_both_values_and_what_was_found_is_kept(run: CampaignRun, run_dir: Path) -> None:
    result = find(run, "BASE-904")
    assert result.gaps[0].rows == (("changée", "ORANGE", "4100 → 4000"),)
    kept = next(one for one in result.evidence if one.title == "résultat obtenu")
    text = (run_dir / kept.path).read_text(encoding="utf-8")
    assert text == "seu_type;seu_ouverture\nJAUNE;2500.000\nORANGE;4000.000\nROUGE;6000.000\n"


def test_what_a_sql_scenario_wrote_is_rolled_back_however_it_ended(run: CampaignRun, sandbox: Layout) -> None:
    assert find(run, "BASE-915").gaps  # it was there inside the transaction
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE)) as connection:
        row = connection.execute("SELECT count(*) FROM nr.marque").fetchone()
    assert row == (0,)


def test_the_shipped_examples_are_good_here_or_are_for_the_other_engine(
    sandbox: Layout, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(EXAMPLES, tmp_path / "exemples"))
    report = run_campaign(sandbox.platform_file, tmp_path / "passage", scenarios=str(folder))
    results = store.load_run(tmp_path / "passage").results
    ends = {one.scenario_id: one.outcome for one in results}
    foreign = {
        path.name.partition("_")[0]
        for path in folder.glob("*.sql")
        if "moteur: postgresql" not in path.read_text(encoding="utf-8")
    }
    assert {one for one, outcome in ends.items() if outcome is Outcome.NON_APPLICABLE} == foreign
    assert {outcome for one, outcome in ends.items() if one not in foreign} == {Outcome.OK}, results
    assert report.assessment.verdict in (Verdict.OK, Verdict.OK_AVEC_RESERVES)
