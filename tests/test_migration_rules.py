"""The rules of a migration without a server: names of objects, lists that foresee, outcomes, verdicts, masks."""

from __future__ import annotations

import dataclasses
import glob
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.sql import Rows
from nonreg.comparison.differences import Difference, Kind
from nonreg.comparison.run import Comparison
from nonreg.errors import ConfigError
from nonreg.masking import Mask
from nonreg.migration.data import tell_table
from nonreg.migration.expected import (
    Answered,
    foresees,
    hash_list,
    keep_compared,
    load_expected,
    match_expected,
)
from nonreg.migration.found import merge
from nonreg.migration.judge import judge
from nonreg.migration.scenarios import MAX_GAPS, compare_runs
from nonreg.migration.structure import (
    compare_modules,
    compare_objects,
    keep_sight,
    name_columns,
    name_objects,
)
from nonreg.model import CampaignReport, Gap, Outcome, Role
from nonreg.model.migration import (
    Compared,
    ComparedSubject,
    ExpectedDifference,
    MigrationChange,
    MigrationDifference,
    MigrationSubject,
    MigrationVerdict,
    NotCompared,
    SignOff,
)
from nonreg.probes.schema import make_module
from tasks.publication import load_unaltered
from tests.governed import Governed, publish_run

NOW = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
SIGNED = Answered(SignOff("D-0123456789ab", "titulaire-1", Role.TITULAIRE, "AQ-1", NOW, NOW))
COLUMNS = ("schema_name", "table_name", "kind", "column_name", "type_name")
names = st.text(alphabet="abé._*?[]!-: 1", min_size=1, max_size=12)
subjects, changes = st.sampled_from(MigrationSubject), st.sampled_from(MigrationChange)
differences = st.builds(MigrationDifference, subjects, names, changes)
lines = st.builds(ExpectedDifference, subjects, names, changes, st.just("motif"), st.just("AQ-1"))


def make_line(
    object_name: str,
    subject: MigrationSubject = MigrationSubject.INDEXES,
    change: MigrationChange = MigrationChange.ABSENT,
) -> ExpectedDifference:
    return ExpectedDifference(subject, object_name, change, "motif", "AQ-1")


# Lists that foresee.


@given(differences, differences)
def test_a_line_with_the_very_name_of_an_object_foresees_that_object_alone(
    one: MigrationDifference, other: MigrationDifference
) -> None:
    line = make_line(glob.escape(one.object), one.subject, one.change)
    assert foresees(line, one)
    same = (one.subject, one.object, one.change) == (other.subject, other.object, other.change)
    assert foresees(line, other) is same


@given(lines, differences)
def test_a_line_foresees_nothing_of_another_subject_or_change(
    line: ExpectedDifference, one: MigrationDifference
) -> None:
    everything = dataclasses.replace(line, object="*")
    assert foresees(everything, one) is ((line.subject, line.change) == (one.subject, one.change))


@given(st.lists(differences, max_size=8), st.lists(lines, max_size=8))
def test_every_difference_is_told_with_a_line_that_foresees_it_whatever_the_order_of_the_list(
    found: list[MigrationDifference], wanted: list[ExpectedDifference]
) -> None:
    told, unmatched = match_expected(found, tuple(wanted))
    assert [dataclasses.replace(one, expected=None) for one in told] == found
    for one in told:
        assert (one.expected is None) is not any(foresees(line, one) for line in wanted)
        assert one.expected is None or foresees(one.expected, one)
    assert all((line in unmatched) is not any(foresees(line, one) for one in found) for line in wanted)
    again, left = match_expected(found, tuple(reversed(wanted)))
    assert [one.expected is None for one in again] == [one.expected is None for one in told]
    assert set(left) == set(unmatched)


def test_a_line_about_what_was_not_compared_is_not_said_to_be_missing() -> None:
    compared = Compared(
        (ComparedSubject(MigrationSubject.INDEXES, 3, 3), ComparedSubject(MigrationSubject.DATA, 0, 0))
    )
    wanted = tuple(make_line("a", subject) for subject in MigrationSubject)
    assert [line.subject for line in keep_compared(wanted, compared)] == [MigrationSubject.INDEXES]


@given(st.lists(lines, max_size=4), st.lists(lines, max_size=4))
def test_two_lists_have_the_same_hash_only_when_they_say_the_same(
    left: list[ExpectedDifference], right: list[ExpectedDifference]
) -> None:
    assert (hash_list(tuple(left)) == hash_list(tuple(right))) is (left == right)


GOOD = {
    "subject": "droits",
    "object": "app *",
    "change": "absent",
    "reason": "Compte retiré",
    "ticket": "AQ-7",
}


def write_toml(path: Path, *entries: dict[str, str], rest: str = "") -> Path:
    text = "".join(
        "[[expected]]\n" + "".join(f'{key} = "{value}"\n' for key, value in entry.items())
        for entry in entries
    )
    path.write_text(rest + text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": "vues"}, "clé « subject » : « vues » est inconnu (attendu : scénarios, colonnes,"),
        ({"change": "disparu"}, "clé « change » : « disparu » est inconnu"),
        ({"reason": " "}, "clé « reason » absente ou vide"),
        ({"ticket": "7"}, "référence de ticket mal formée : « 7 »"),
        ({"until": "demain"}, "clé inconnue « until »"),
        ({"object": "a\\u202Eb"}, "clé « object » : une seule ligne, sans caractère invisible"),
    ],
)
def test_a_list_that_is_not_sound_is_refused_by_its_line_and_key(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    path = write_toml(tmp_path / "liste.toml", GOOD, {**GOOD, "object": "autre", **change})
    with pytest.raises(ConfigError, match=re.escape("ligne attendue n° 2 : " + said)):
        load_expected(path)


def test_a_line_that_is_there_twice_or_anything_else_in_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="n° 2 : elle y est déjà"):
        load_expected(write_toml(tmp_path / "deux.toml", GOOD, {**GOOD, "reason": "autre"}))
    with pytest.raises(ConfigError, match="et rien d'autre"):
        load_expected(write_toml(tmp_path / "reste.toml", GOOD, rest='signed = "oui"\n'))


# Names of objects.


def read_columns(*rows: tuple[str, str, str]) -> dict[str, str]:
    return name_columns(
        Rows(COLUMNS, tuple((schema, table, "r", *column.split(" ")) for schema, table, column in rows), "")
    )


def compare_columns(left: dict[str, str], right: dict[str, str]) -> set[tuple[str, str]]:
    found = compare_objects(MigrationSubject.COLUMNS, left, right)
    return {(one.object, one.change.value) for one in found.differences}


def test_a_column_put_first_is_one_difference_and_two_exchanged_ones_another() -> None:
    left = read_columns(("ref", "t", "a int"), ("ref", "t", "b int"))
    added = read_columns(("ref", "t", "n int"), ("ref", "t", "a int"), ("ref", "t", "b int"))
    exchanged = read_columns(("ref", "t", "b int"), ("ref", "t", "a int"))
    assert compare_columns(left, added) == {("ref.t.n", "ajouté")}
    assert compare_columns(left, exchanged) == {("ref.t (ordre)", "modifié")}
    assert compare_columns(left, read_columns(("ref", "t", "a bigint"), ("ref", "t", "b int"))) == {
        ("ref.t.a", "modifié")
    }
    assert compare_columns(left, left) == set()


def test_a_constraint_that_the_server_named_is_known_by_what_it_says() -> None:
    def read(*definitions: str) -> dict[str, str]:
        rows = tuple(("ref", "t", "(nom du système)", "C", one) for one in definitions)
        return name_objects(
            Rows(("schema_name", "table_name", "constraint_name", "kind", "definition"), rows, ""), 3, "."
        )

    found = compare_objects(
        MigrationSubject.CONSTRAINTS, read("(a > 0)", "(b > 0)"), read("(b > 0)", "(c > 0)")
    )
    assert [(one.object, one.change.value) for one in found.differences] == [
        ("ref.t.(nom du système) : nature : C, définition : (a > 0)", "absent"),
        ("ref.t.(nom du système) : nature : C, définition : (c > 0)", "ajouté"),
    ]
    assert [(one.compared, one.same) for one in found.subjects] == [(3, 1)]


def test_what_is_alone_is_present_and_of_two_sides_only_what_differs_is_told() -> None:
    right = name_objects(Rows(("grantee", "privilege"), (("app", "SELECT"),), ""), 2, " ")
    (one,) = compare_objects(MigrationSubject.PERMISSIONS, right, {}).differences
    assert (one.object, one.before, one.after) == ("app SELECT", "présent", "")
    left, other = (
        read_columns(("ref", "t", f"a {kind}")) | read_columns(("ref", "t", "b text"))
        for kind in ("int", "bigint")
    )
    (one,) = compare_objects(MigrationSubject.COLUMNS, left, other).differences
    assert (one.object, one.before, one.after) == ("ref.t.a", "type : int", "type : bigint")


def test_on_sql_server_the_rights_to_see_every_object_are_asked_for_before_a_structure_is_compared() -> None:
    rights = {(right.object, right.right) for right in keep_sight().on("mssql")}
    assert rights == {
        ("DATABASE", "VIEW DEFINITION"),
        ("SERVER", "VIEW ANY DEFINITION"),
        ("dbo.MSreplication_objects", "SELECT"),  # where replication put its own procedures
    }
    assert keep_sight().on("postgresql") == ()  # its catalog is open to all


def test_two_modules_that_nobody_may_read_are_not_the_same() -> None:
    hidden, plain = (
        make_module("p.chiffree", "procedure", None),
        make_module("p.lisible", "procedure", "SELECT 1"),
    )
    side = {one.name: one for one in (hidden, plain)}
    found = compare_modules(side, side)
    assert [one.names for one in found.not_compared] == [("p.chiffree",)]
    assert [(one.compared, one.same) for one in found.subjects] == [(1, 1)]


# Scenarios.


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CampaignReport]:
    """A run by outcome of its one scenario, as published."""
    from tests.governed import make_governed

    governed: Governed = make_governed(tmp_path_factory.mktemp("passages"))
    found = {}
    for outcome in ("OK", "KO", "INCONCLUSIF", "NON_APPLICABLE", "MESURE"):
        found[outcome] = load_unaltered(
            publish_run(governed, outcome.lower(), {"BASE-001": Outcome(outcome)})
        )
    return found


@pytest.mark.parametrize(
    ("left", "right", "change"),
    [
        ("OK", "KO", "dégradé"),
        ("KO", "MESURE", "amélioré"),
        ("OK", "NON_APPLICABLE", "modifié"),
        ("OK", "OK", ""),
        ("KO", "KO", ""),
    ],
)
def test_an_outcome_that_changed_is_a_difference(
    reports: dict[str, CampaignReport], left: str, right: str, change: str
) -> None:
    found = compare_runs(reports[left], reports[right])
    assert [one.change.value for one in found.differences] == ([change] if change else [])
    assert found.failing == (("BASE-001",) if left == right == "KO" else ())
    assert found.not_compared == ()


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("other", ["OK", "KO", "INCONCLUSIF"])
def test_what_was_not_observed_is_never_the_same(
    reports: dict[str, CampaignReport], side: int, other: str
) -> None:
    pair = [reports[other], reports[other]]
    pair[side] = reports["INCONCLUSIF"]
    found = compare_runs(*pair)
    assert [one.names for one in found.not_compared] == [("BASE-001",)]
    assert [(one.compared, one.same) for one in found.subjects] == [(0, 0)]


def test_a_scenario_that_one_run_does_not_have_is_never_the_same(reports: dict[str, CampaignReport]) -> None:
    without = dataclasses.replace(
        reports["OK"], assessment=dataclasses.replace(reports["OK"].assessment, findings=())
    )
    found = compare_runs(reports["OK"], without)
    assert [(one.names, one.why) for one in found.not_compared] == [
        (("BASE-001",), "absent du passage à l'arrivée.")
    ]


def test_the_gaps_of_the_side_that_fails_are_told_and_the_rest_counted(
    reports: dict[str, CampaignReport],
) -> None:
    gaps = tuple(
        Gap(f"SELECT {n}", "aucune ligne", "1 ligne", ("c",), (("x",),)) for n in range(MAX_GAPS + 2)
    )
    report = reports["KO"]
    results = tuple(dataclasses.replace(one, gaps=gaps) for one in report.run.results)
    failing = dataclasses.replace(report, run=dataclasses.replace(report.run, results=results))
    (one,) = compare_runs(reports["OK"], failing).differences
    assert one.detail.count("Écart à l'arrivée\nSELECT ") == MAX_GAPS
    assert "Attendu : aucune ligne\nTrouvé : 1 ligne\nc\nx" in one.detail
    assert one.detail.endswith("… et 2 autres écarts, au rapport du passage.")
    assert one.title == "Essai BASE-001"


def test_runs_of_two_versions_of_the_tool_are_a_reserve(reports: dict[str, CampaignReport]) -> None:
    report = reports["OK"]
    plan = dataclasses.replace(report.run.plan, tool_commit="autre")
    other = dataclasses.replace(report, run=dataclasses.replace(report.run, plan=plan))
    assert compare_runs(report, report).reserves == ()
    (said,) = compare_runs(report, other).reserves
    assert said.startswith("Les passages ne sont pas de la même version de l'outil")


# Data.


def compare_rows(table: str, columns: Sequence[str], *found: Difference, more: int = 0) -> Compared:
    comparison = Comparison(table, tuple(columns), (columns[0],), 1, 1, found, more, (), 0.1)
    return tell_table(comparison, Mask(("motdepasse",)))


def test_only_the_columns_that_differ_are_told_and_all_of_a_row_that_is_alone() -> None:
    found = compare_rows(
        "ref.seuil",
        ("id", "a", "b"),
        Difference((1,), Kind.CHANGED, (1, 5, None), (1, 5, 7)),
        Difference((2,), Kind.MISSING, (2, 5, "motdepasse"), None),
        Difference((3,), Kind.EXTRA, None, (3, 0, "x")),
    )
    told = [(one.object, one.change.value, one.before, one.after) for one in found.differences]
    assert told == [
        ("ref.seuil:1", "modifié", "b = NULL", "b = 7"),
        ("ref.seuil:2", "absent", "a = 5\nb = ***", ""),
        ("ref.seuil:3", "ajouté", "", "a = 0\nb = x"),
    ]
    assert [(one.compared, one.same) for one in found.subjects] == [(1, 0)]


def test_rows_beyond_those_that_are_listed_are_a_difference_of_their_own() -> None:
    one = Difference((1,), Kind.UNPAIRED, (1, 5), None)
    found = compare_rows("ref.seuil", ("id", "a"), one, more=12)
    assert [(one.object, one.change.value) for one in found.differences] == [
        ("ref.seuil:1", "non détaillé"),
        ("ref.seuil", "non détaillé"),
    ]
    assert found.differences[1].after == "12 autres lignes diffèrent, hors liste"


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("cfg.operateur", "nom_affiche"),
        ("dbo.Utilisateurs", "fonction"),
        ("evt.appel", "tel_appele"),
        ("evt.appel", "app_tel"),
        ("evt.appel", "courriel"),
        ("evt.appel", "Prenom"),
    ],
)
def test_a_value_about_people_stays_on_its_platform_even_as_a_key(table: str, column: str) -> None:
    row = Difference(
        ("Odile Ruisselle",), Kind.CHANGED, ("Odile Ruisselle", "ici"), ("Odile Ruisselle", "là")
    )
    (told,) = compare_rows(table, (column, column + "_2"), row).differences
    assert "Odile" not in told.object
    if table != "evt.appel":
        assert (told.before, told.after) == (f"{column}_2 = ***", f"{column}_2 = ***")


# The verdict.

SAME = Compared((ComparedSubject(MigrationSubject.INDEXES, 4, 4),))
ONE = MigrationDifference(MigrationSubject.INDEXES, "a", MigrationChange.ABSENT)
FORESEEN = dataclasses.replace(ONE, expected=make_line("a"))
UNKNOWN = NotCompared("Données", "table absente.", ("t",))


@pytest.mark.parametrize(
    ("found", "unmatched", "answered", "verdict", "said"),
    [
        (SAME, (), Answered(), MigrationVerdict.CONFORME, "Aucune différence."),
        (Compared(), (), Answered(), MigrationVerdict.INCOMPLET, "Rien n'a été comparé."),
        (
            dataclasses.replace(SAME, differences=(FORESEEN,)),
            (),
            SIGNED,
            MigrationVerdict.CONFORME,
            "1 différence, attendue et signée (D-0123456789ab).",
        ),
        (
            dataclasses.replace(SAME, differences=(FORESEEN,)),
            (),
            Answered(unsigned="La liste n'est pas signée."),
            MigrationVerdict.AVEC_RESERVES,
            "1 différence attendue mais non signée.",
        ),
        (
            SAME,
            (make_line("b"),),
            SIGNED,
            MigrationVerdict.AVEC_RESERVES,
            "1 différence attendue n'a pas été trouvée.",
        ),
        (
            dataclasses.replace(SAME, differences=(FORESEEN, ONE)),
            (),
            SIGNED,
            MigrationVerdict.ECARTS,
            "1 différence non prévue.",
        ),
        (
            dataclasses.replace(SAME, not_compared=(UNKNOWN,)),
            (make_line("b"),),
            SIGNED,
            MigrationVerdict.INCOMPLET,
            "N'a pas pu être comparé, et n'est pas tenu pour identique : données (1).",
        ),
        (
            dataclasses.replace(SAME, not_compared=(UNKNOWN,), differences=(ONE,)),
            (),
            SIGNED,
            MigrationVerdict.ECARTS,
            "1 différence non prévue.",
        ),
    ],
)
def test_the_verdict_is_the_worst_of_its_reasons(
    found: Compared,
    unmatched: tuple[ExpectedDifference, ...],
    answered: Answered,
    verdict: MigrationVerdict,
    said: str,
) -> None:
    given_verdict, reasons = judge(found, unmatched, answered)
    assert given_verdict is verdict
    assert reasons[0] == said


def test_what_was_not_compared_for_one_reason_is_told_once_and_counts_add_up() -> None:
    parts = [
        Compared(
            (ComparedSubject(MigrationSubject.DATA, 1, 1),), (), (NotCompared("Données", "a.", ("t",)),)
        ),
        Compared(
            (ComparedSubject(MigrationSubject.DATA, 1, 0),), (), (NotCompared("Données", "a.", ("u",)),)
        ),
        Compared((), (), (NotCompared("Données", "b.", ("v",)),)),
    ]
    found = merge(parts)
    assert found.subjects == (ComparedSubject(MigrationSubject.DATA, 2, 1),)
    assert [(one.why, one.names) for one in found.not_compared] == [("a.", ("t", "u")), ("b.", ("v",))]
