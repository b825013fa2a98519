"""From a catalog to proposals, files and back: what is known stays, what is new comes, what has gone is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.discovery.catalog import Catalog, Constraint, ModuleHash, Scope, read_scope
from nonreg.discovery.folder import write_proposals
from nonreg.discovery.known import Known, read_known
from nonreg.discovery.numbering import FIRST, LAST, allot, name_id
from nonreg.discovery.proposals import Discovery, Sort, discover
from nonreg.discovery.summary import write_summary
from nonreg.discovery.text import name_file, write_scenario
from nonreg.errors import ConfigError
from nonreg.sqlfiles.scenario_file import load_scenario
from tests.discovered import HASH, SMALL, function, procedure, view

EVERYTHING = Scope()
ENGINES = ["mssql", "postgresql"]
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\x00", exclude_categories=["Cs"]), min_size=1
)


def run(
    catalog: Catalog, folder: Path, *, engine: str = "mssql", scope: Scope = EVERYTHING
) -> tuple[Discovery, tuple[Path, ...]]:
    """What the command does, without a database."""
    known = read_known([folder])
    found = discover(catalog, known, engine, "securite", scope)
    ids = allot((one.subject for one in found.drafts), known.ids(), known.taken)
    return found, write_proposals(found.drafts, ids, engine, folder)


def in_postgresql(catalog: Catalog) -> Catalog:
    """The same with a procedure's body as that engine keeps it."""
    modules = [
        dataclasses.replace(one, definition="SELECT 1 AS a") if one.name == "usp_lister" else one
        for one in catalog.modules
    ]
    return dataclasses.replace(catalog, modules=tuple(modules))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_proposed_file_is_a_sound_scenario_once_renamed(tmp_path: Path, engine: str) -> None:
    catalog = SMALL if engine == "mssql" else in_postgresql(SMALL)
    found, written = run(catalog, tmp_path, engine=engine)
    assert {one.sort for one in found.drafts} == set(Sort)
    assert len(written) == len(found.drafts) == 6
    for path in written:
        scenario = load_scenario(path.rename(path.with_suffix("")))
        assert scenario.header.engine == engine
        assert path.name.startswith(scenario.header.id)


def test_no_proposal_is_collected_before_it_is_renamed(tmp_path: Path) -> None:
    _, written = run(SMALL, tmp_path)
    assert {path.parent for path in written} == {tmp_path / "proposes"}
    assert not [path for path in written if path.suffix == ".sql"]
    assert all("à relire" in path.read_text(encoding="utf-8") for path in written)


def test_what_cannot_be_expected_to_stay_is_left_out_with_its_reason(tmp_path: Path) -> None:
    found, _ = run(SMALL, tmp_path)
    assert {one.what: one.reason for one in found.left_out} == {
        "contrainte ref.seuil.CK__seuil__3F466844": "nom donné par le système, différent d'une base à l'autre",
        "contrainte ref.seuil.ck_seuil": "désactivée aujourd'hui : à corriger d'abord",
        "contrainte ref.seuil.fk_seuil": "non vérifiée aujourd'hui : à corriger d'abord",
        "empreinte de evt.usp_chiffree": "définition illisible",
        "fonction prod.tvf_cumul": "a des paramètres",
        "procédure evt.usp_chiffree": "définition chiffrée, ou que le compte ne peut pas lire",
    }


def test_a_name_that_rights_cannot_say_is_left_out(tmp_path: Path) -> None:
    found, _ = run(Catalog((view("v de l'été"),), (), ()), tmp_path)
    assert [one.reason for one in found.left_out] == ["son nom ne s'écrit pas dans « droits »"]


def test_the_same_catalog_again_proposes_nothing_and_writes_nothing(tmp_path: Path) -> None:
    _, written = run(SMALL, tmp_path)
    before = {path: path.read_bytes() for path in written}
    found, again = run(SMALL, tmp_path)
    assert (found.drafts, again, found.gone, found.changed) == ((), (), (), ())
    assert len(found.already) == 7
    assert {path: path.read_bytes() for path in written} == before


def test_an_edited_file_is_left_as_it_is_and_a_renamed_one_is_still_known(tmp_path: Path) -> None:
    _, written = run(SMALL, tmp_path)
    for number, path in enumerate(written):
        path.write_text(path.read_text(encoding="utf-8") + "-- relu\n", encoding="utf-8")
        ending = ("", ".ecarte")[number % 2]
        moved = tmp_path / "ailleurs" / (path.name.removesuffix(".proposition") + ending)
        moved.parent.mkdir(exist_ok=True)
        path.rename(moved)
    found, again = run(SMALL, tmp_path)
    assert (found.drafts, again) == ((), ())
    assert all(
        path.read_text(encoding="utf-8").endswith("-- relu\n") for path in (tmp_path / "ailleurs").iterdir()
    )


def test_what_is_new_gets_new_ids_and_a_group_gets_a_second_file(tmp_path: Path) -> None:
    _, written = run(SMALL, tmp_path)
    ids = {path.name[:8] for path in written}
    changed = dataclasses.replace(
        SMALL,
        modules=(*SMALL.modules, view("v_autre")),
        constraints=(*SMALL.constraints, Constraint("ref", "station", "ck_nouvelle")),
    )
    found, again = run(changed, tmp_path)
    assert [one.subject for one in found.drafts] == ["contraintes ref (2)", "vue prod.v_autre"]
    assert [one.rows for one in found.drafts if one.rows] == [(("ref", "station", "ck_nouvelle"),)]
    assert not ids & {path.name[:8] for path in again}


def test_what_has_gone_or_changed_is_told_and_its_file_kept(tmp_path: Path) -> None:
    _, written = run(SMALL, tmp_path)
    left = Catalog((), SMALL.constraints[1:], (ModuleHash("prod", "v_mesure", "cd" * 32),))
    found, _ = run(left, tmp_path)
    assert [one.partition(" (")[0] for one in found.gone] == [
        "contrainte ref.station.pk_station",
        "fonction prod.tvf_dernieres",
        "procédure evt.usp_lister",
        "vue prod.v_mesure",
    ]
    assert all("BASE-3" in one and ".sql.proposition)" in one for one in found.gone)
    assert found.changed == ("prod.v_mesure",)
    assert all(path.is_file() for path in written)


def test_a_module_that_has_gone_is_told_for_its_hash_too(tmp_path: Path) -> None:
    run(SMALL, tmp_path)
    found, _ = run(dataclasses.replace(SMALL, hashes=()), tmp_path)
    assert [one.partition(" (")[0] for one in found.gone] == ["module prod.v_mesure"]


def test_a_constraint_that_is_disabled_now_has_not_gone(tmp_path: Path) -> None:
    run(SMALL, tmp_path)
    disabled = dataclasses.replace(SMALL.constraints[0], is_enabled=False)
    found, _ = run(dataclasses.replace(SMALL, constraints=(disabled, *SMALL.constraints[1:])), tmp_path)
    assert (found.gone, found.drafts) == ((), ())


def test_a_line_put_in_a_comment_is_not_proposed_again(tmp_path: Path) -> None:
    _, written = run(SMALL, tmp_path)
    path = next(one for one in written if "contraintes-ref" in one.name)
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("    (N'ref', N'station', N'pk", "    -- (N'ref', N'station', N'pk"), encoding="utf-8"
    )
    assert "-- (N'ref'" in path.read_text(encoding="utf-8")
    found, _ = run(SMALL, tmp_path)
    assert found.drafts == ()


def test_rows_on_one_line_are_read_back_and_a_list_after_in_is_not(tmp_path: Path) -> None:
    _, written = run(SMALL, tmp_path)
    path = next(one for one in written if "contraintes-ref" in one.name)
    joined = path.read_text(encoding="utf-8").replace("),\n    (", "), (")
    path.write_text(joined + "-- AND x IN ('a', 'b', 'c')\n", encoding="utf-8")
    rows = next(one.rows for one in read_known([tmp_path]).files if one.path == path)
    assert rows == (("ref", "station", "ck_l'autre"), ("ref", "station", "pk_station"))


def test_only_looks_at_what_its_patterns_cover(tmp_path: Path) -> None:
    run(SMALL, tmp_path)
    nothing = Catalog((), (), ())
    found, _ = run(nothing, tmp_path, scope=read_scope("PROD.*"))
    assert {one.partition(" (")[0] for one in found.gone} == {
        "contrainte prod.mesure.pk_mesure",
        "fonction prod.tvf_dernieres",
        "module prod.v_mesure",
        "vue prod.v_mesure",
    }
    fresh, _ = run(SMALL, tmp_path / "autre", scope=read_scope("evt.*, ref.sta*"))
    assert [one.subject for one in fresh.drafts] == ["contraintes ref", "procédure evt.usp_lister"]


def test_ids_of_scenarios_in_python_and_in_sql_are_never_given(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text('@scenario("BASE-300", "…")', encoding="utf-8")
    (tmp_path / "a.sql").write_text("-- id: BASE-301\n-- titre: autre\nSELECT 1", encoding="utf-8")
    _, written = run(SMALL, tmp_path)
    assert min(path.name[:8] for path in written) == "BASE-302"


def test_two_files_about_the_same_thing_are_refused(tmp_path: Path) -> None:
    _, written = run(SMALL, tmp_path)
    (tmp_path / "copie.sql").write_bytes(written[0].read_bytes())
    with pytest.raises(ConfigError, match=r"Deux fichiers pour « contraintes prod »"):
        read_known([tmp_path])


def test_a_file_that_is_there_by_another_hand_is_not_replaced(tmp_path: Path) -> None:
    found, _ = run(SMALL, tmp_path / "essai")
    output = tmp_path / "autre"
    taken = output / "proposes" / name_file(found.drafts[0], name_id(FIRST))
    taken.parent.mkdir(parents=True)
    taken.write_text("à moi", encoding="utf-8")
    with pytest.raises(ConfigError, match="n'est pas remplacé"):
        run(SMALL, output)
    assert taken.read_text(encoding="utf-8") == "à moi"


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=8, unique=True), st.sampled_from(ENGINES))
def test_whatever_the_names_a_group_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, str]], engine: str
) -> None:
    folder = tmp_path_factory.mktemp("noms")
    catalog = Catalog((), tuple(Constraint("ref", table, name) for table, name in members), ())
    found, written = run(catalog, folder, engine=engine)
    assert len(written) == 1
    (back,) = read_known([folder]).files
    assert set(back.rows) == {("ref", table, name) for table, name in members}
    assert run(catalog, folder, engine=engine)[0].drafts == ()
    assert found.drafts[0].subject == back.subject


def test_the_summary_counts_names_and_gives_reasons(tmp_path: Path) -> None:
    known = Known()
    found = discover(SMALL, known, "mssql", "securite", EVERYTHING)
    allotment = allot((one.subject for one in found.drafts), {}, ())
    assert write_summary(found, allotment, tmp_path).splitlines()[:6] == [
        f"6 propositions nouvelles, dans {tmp_path}",
        "  vues : 1",
        "  fonctions table sans paramètre : 1",
        "  procédures de lecture sans paramètre : 1",
        "  3 contraintes en 2 fichiers",
        "  1 empreinte de module en 1 fichier",
    ]
    assert "  a des paramètres : fonction prod.tvf_cumul" in write_summary(found, allotment, tmp_path)


def test_the_summary_says_when_the_range_is_exhausted(tmp_path: Path) -> None:
    found = discover(SMALL, Known(), "mssql", "securite", EVERYTHING)
    taken = [name_id(number) for number in range(FIRST, LAST)]
    allotment = allot((one.subject for one in found.drafts), {}, taken)
    told = write_summary(found, allotment, tmp_path)
    assert told.startswith("1 proposition nouvelle")
    assert "Plage d'identifiants épuisée (BASE-300 à BASE-999) : sans proposition (5) :" in told
    assert len(write_proposals(found.drafts, allotment, "mssql", tmp_path)) == 1


def test_a_hash_is_checked_with_the_very_text_that_discovery_asked(tmp_path: Path) -> None:
    from nonreg.clients.sql import load_query

    found = discover(SMALL, Known(), "mssql", "securite", EVERYTHING)
    text = write_scenario(next(one for one in found.drafts if one.sort is Sort.HASHES), "BASE-300", "mssql")
    assert "\n-- droits: VIEW DEFINITION\n" in text  # of this database: nothing of the whole server
    asked = [line for line in load_query("mssql", "discover_hashes").split("\n") if not line.startswith("--")]
    assert all(f"    {line}" in text for line in asked)
    assert f"(N'prod', N'v_mesure', N'{HASH}')" in text


def test_odd_names_are_quoted_in_both_engines() -> None:
    from nonreg.discovery.text import quote_name

    assert quote_name("a]b", "mssql") == "[a]]b]"
    assert quote_name('a"b', "postgresql") == '"a""b"'


def test_a_function_is_called_without_parameters_and_a_procedure_executed(tmp_path: Path) -> None:
    catalog = Catalog(
        (function("tvf_x"), procedure("usp_x", "CREATE PROC evt.usp_x AS SELECT 1 AS a")), (), ()
    )
    _, written = run(catalog, tmp_path)
    batches = [path.read_text(encoding="utf-8").split("\n\n")[-1].strip() for path in written]
    assert batches == ["SELECT TOP (100) *\nFROM [prod].[tvf_x]();", "EXEC [evt].[usp_x];"]
