"""SQL scenarios are collected like any other, and a file that is none stops the collection in one French sentence."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from nonreg.errors import ConfigError, UsageError
from nonreg.model import Criticality, Effect, Family, Scenario, SiteRole
from nonreg.plan import collect_scenarios
from nonreg.sqlfiles.collect import allow_time
from nonreg.sqlfiles.golden import Golden
from nonreg.sqlfiles.header import parse_header
from nonreg.sqlfiles.scenario_file import SqlScenario, load_scenario, run_scenario
from nonreg.witness import Witness
from tests.governed import Governed

EXAMPLES = Path(__file__).parent.parent / "docs" / "exemples" / "sql"
HEADER = """\
-- id: BASE-210
-- titre: Chaque capteur a une station
-- criticite: majeure
-- effet: read_only
-- attendu: aucune ligne

"""
GOLDEN_HEADER = HEADER.replace("aucune ligne", "fichier BASE-210.csv")
UTF16 = "le fichier est en UTF-16 (« Unicode » dans SSMS et Excel) : enregistrez-le en UTF-8."
READ = "SELECT cap_id FROM ref.capteur\n"
PYTHON = """
from nonreg.model import Criticality
from nonreg.recorder import scenario

@scenario("BASE-211", "En Python", Criticality.MINEURE)
def test_python(witness):
    witness.expect_equal(1, 1, "requête")
"""


def write(
    folder: Path, text: str | bytes, name: str = "base_capteurs.sql", golden: str | bytes | None = None
) -> Path:
    """A folder with one SQL scenario, and perhaps its golden file."""
    folder.mkdir(exist_ok=True)
    for file, content in ((name, text), ("BASE-210.csv", golden)):
        if content is not None:
            (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def refuse(folder: Path, name: str = "base_capteurs.sql") -> str:
    """Why the only scenario of a folder is refused."""
    with pytest.raises(ConfigError) as caught:
        load_scenario(folder / name)
    said = str(caught.value)
    assert said.startswith(f"Scénario SQL refusé : {name} : ")
    assert said.endswith(".")
    assert "\n" not in said
    return said


def test_a_sql_file_is_collected_beside_python_scenarios_under_a_stable_name(tmp_path: Path) -> None:
    folder = tmp_path / "essais"
    folder.mkdir()
    write(folder / "base", HEADER + READ)
    (folder / "test_python.py").write_text(PYTHON, encoding="utf-8")
    found = collect_scenarios(folder)
    assert found == collect_scenarios(folder)
    assert sorted(one.id for one in found) == ["BASE-210", "BASE-211"]
    assert found[0] == Scenario(
        id="BASE-210",
        title="Chaque capteur a une station",
        family=Family.BASE,
        criticality=Criticality.MAJEURE,
        effect=Effect.READ_ONLY,
        timeout_seconds=60.0,
        requirement_ids=("R04",),
        node_id="base/base_capteurs.sql::BASE-210",
    )


def test_a_refused_file_stops_the_collection_with_its_sentence(tmp_path: Path) -> None:
    folder = write(tmp_path / "essais", HEADER + "DELETE FROM ref.capteur")
    with pytest.raises(UsageError) as caught:
        collect_scenarios(folder)
    assert str(caught.value) == refuse(folder)
    assert "ligne 7 : DELETE dans autre chose" in str(caught.value)


def test_an_id_used_twice_is_told_with_both_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "essais", HEADER + READ)
    write(folder, HEADER + READ, "base_autre.sql")
    with pytest.raises(UsageError) as caught:
        collect_scenarios(folder)
    assert str(caught.value) == (
        "Identifiant de scénario en double : BASE-210 "
        "(base_autre.sql::BASE-210 et base_capteurs.sql::BASE-210)."
    )


@pytest.mark.parametrize(
    ("text", "golden", "words"),
    [
        (READ, None, "aucun en-tête"),
        ("", None, "base_capteurs.sql : le fichier est vide."),
        ("\ufeff\n \n", None, "base_capteurs.sql : le fichier est vide."),
        (HEADER.replace("-- titre: Chaque capteur a une station\n", "") + READ, None, "manque : titre"),
        (HEADER.replace("titre", "intitule") + READ, None, "ligne 2 : clé inconnue « intitule »"),
        (HEADER.replace("BASE-210", "BASE") + READ, None, "identifiant mal formé : « BASE »"),
        (HEADER.replace("majeure", "haute") + READ, None, "criticite refusé : « haute »"),
        (HEADER.replace("read_only", "disruptive") + READ, None, "effet refusé : « disruptive »"),
        (HEADER.replace("read_only", "manual") + READ, None, "effet refusé : « manual »"),
        (HEADER + READ + "GO\n" + READ, None, "base_capteurs.sql : ligne 8 : « GO » sépare deux lots"),
        (HEADER.replace("read_only", "writes_test_data") + READ + "go\n", None, "ligne 8 : « GO »"),
        (HEADER, None, "base_capteurs.sql : le fichier ne contient aucune instruction."),
        (
            HEADER + "SELECT 'a",
            None,
            "base_capteurs.sql : ligne 7 : texte ou nom entre guillemets jamais fermé",
        ),
        (
            HEADER + "UPDATE ref.capteur SET cap_inhibe = 1",
            None,
            "base_capteurs.sql : ce scénario est read_only, et son texte n'est pas seulement une lecture : "
            "ligne 7 : UPDATE dans autre chose qu'une variable de table",
        ),
        (HEADER + "SELECT a FROM t WHERE", None, "l'analyseur ne le lit pas"),
        (HEADER + "EXEC cfg.usp_purge", None, "EXEC de « cfg.usp_purge »"),
        (HEADER.replace("read_only", "writes_test_data") + "DELETE FROM t COMMIT", None, "le mot « COMMIT »"),
        ((HEADER + "SELECT 'é'").encode("latin-1"), None, "le fichier n'est pas en UTF-8 (octet "),
        ((HEADER + READ).encode("utf-16"), None, UTF16),
        ((HEADER + READ).encode("utf-16-be"), None, UTF16),
        (("\ufeff" + HEADER + READ).encode("utf-16-be"), None, UTF16),
        (GOLDEN_HEADER + READ, "cap_id\n1\n".encode("utf-16"), f"BASE-210.csv : {UTF16}"),
        (GOLDEN_HEADER + READ, "", "BASE-210.csv : le fichier est vide."),
        (GOLDEN_HEADER + READ, None, "le fichier « BASE-210.csv » n'est pas à côté du scénario"),
        (
            GOLDEN_HEADER + READ,
            "cap_id\né\n".encode("latin-1"),
            "BASE-210.csv : le fichier n'est pas en UTF-8",
        ),
        (GOLDEN_HEADER + READ, "cap_id\n", "BASE-210.csv : aucune ligne sous les noms de colonnes"),
        (GOLDEN_HEADER + READ, "a;A\n1;2\n", "BASE-210.csv : colonne en double : « a »"),
        (GOLDEN_HEADER + READ, "a;b\n1\n", "BASE-210.csv : ligne 2 : 1 valeur(s) pour 2 colonne(s)"),
        (
            GOLDEN_HEADER.replace("\n\n", "\n-- ignorer: A\n\n") + READ,
            "a\n1\n",
            "BASE-210.csv : toutes ses colonnes sont ignorées",
        ),
    ],
)
def test_each_unsound_file_is_refused_in_one_sentence(
    tmp_path: Path, text: str | bytes, golden: str | bytes | None, words: str
) -> None:
    assert words in refuse(write(tmp_path / "essais", text, golden=golden))


@pytest.mark.parametrize("name", ["BASE-211.sql", "base_211_capteurs.sql", "HD-210.sql", "base-211b.sql"])
def test_a_file_name_that_says_another_id_is_refused(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "essais", HEADER + READ, name)
    assert "le nom du fichier ne dit pas « BASE-210 »" in refuse(folder, name)


@pytest.mark.parametrize(
    "name", ["BASE-210.sql", "base_210_capteurs.sql", "base_capteurs.sql", "capteurs.SQL"]
)
def test_a_file_name_says_the_id_or_none(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "essais", HEADER + READ, name)
    assert load_scenario(folder / name).header.id == "BASE-210"


def test_the_request_shown_is_the_batch_without_its_header_and_what_is_sent_is_the_file(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path / "essais", "\ufeff" + HEADER + "-- Les capteurs\n" + READ)
    found = load_scenario(folder / "base_capteurs.sql")
    assert found.request == "-- Les capteurs\nSELECT cap_id FROM ref.capteur"
    assert found.text == HEADER + "-- Les capteurs\n" + READ


@pytest.mark.parametrize(("mark", "end"), [("", "\n"), ("\ufeff", "\n"), ("", "\r\n"), ("\ufeff", "\r\n")])
def test_a_file_may_have_a_mark_and_either_end_of_line(tmp_path: Path, mark: str, end: str) -> None:
    text, golden = (mark + GOLDEN_HEADER + READ).replace("\n", end), (mark + "cap_id\n1\n").replace("\n", end)
    found = load_scenario(write(tmp_path / "essais", text, golden=golden) / "base_capteurs.sql")
    assert (found.header.id, found.golden) == ("BASE-210", Golden(("cap_id",), (("1",),)))
    assert found.request == "SELECT cap_id FROM ref.capteur"


def test_a_text_that_was_not_guarded_at_the_collection_is_not_sent(tmp_path: Path) -> None:
    header = parse_header(HEADER)
    unguarded = SqlScenario("base_capteurs.sql", HEADER + "DELETE FROM ref.capteur", header)
    nowhere: Any = None  # asking it anything would be another error
    with pytest.raises(ConfigError, match=r"base_capteurs\.sql : ce scénario est read_only"):
        run_scenario(unguarded, nowhere, Witness("BASE-210", tmp_path))


def test_snapshot_isolation_is_admitted_only_where_the_tool_opens_no_transaction_before(
    tmp_path: Path,
) -> None:
    text = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT\n" + READ
    vouching = HEADER.replace("\n\n", "\n-- procedures_de_lecture: cfg.usp_liste\n\n")
    for header in (vouching, HEADER.replace("read_only", "writes_test_data")):
        folder = write(tmp_path / "essais", header + text)
        assert "sans procédure et sans écriture elle est admise" in refuse(folder)
    folder = write(tmp_path / "essais", HEADER + text)
    assert load_scenario(folder / "base_capteurs.sql").header.id == "BASE-210"


def test_the_shipped_examples_are_sound(tmp_path: Path) -> None:
    folder = tmp_path / "exemples"
    shutil.copytree(EXAMPLES, folder)
    found = collect_scenarios(folder)
    assert len(found) == len(list(EXAMPLES.glob("*.sql"))) >= 4
    assert {one.effect for one in found} == {Effect.READ_ONLY, Effect.WRITES_TEST_DATA}


def test_a_batch_may_take_as_long_as_its_header_says_and_never_less_than_elsewhere(
    governed: Governed,
) -> None:
    site = governed.platform.site(SiteRole.ACTIF)
    assert site.database is not None
    usual = site.database.query_timeout_seconds
    for asked, allowed in ((usual / 2, usual), (600.0, 600.0)):
        database = allow_time(site, asked).database
        assert database is not None
        assert database.query_timeout_seconds == allowed
