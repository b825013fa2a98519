"""`compare` on the embedded platform's two nodes: what it says, what it writes, and how it ends."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nonreg.__main__ import main
from nonreg.commands import EXIT_INCOMPLETE, EXIT_KO, EXIT_OK
from nonreg.comparison.pace import Pace
from nonreg.errors import RequestFailed
from nonreg.french import EXIT_USAGE
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import DATABASE, PASSIVE, Layout

Compare = Callable[..., tuple[int, str, str]]


@pytest.fixture
def compare(sandbox: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Runs the command; gives its exit code, its output and its errors."""

    def run(*words: str) -> tuple[int, str, str]:
        options = ["--platform", str(sandbox.platform_file), "--runs-dir", str(tmp_path / "passages")]
        code = main(["compare", *options, *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@contextmanager
def diverged(sandbox: Layout, change: str, back: str) -> Iterator[None]:
    """A change on the passive node alone, undone at the end."""
    with psycopg.connect(postgres.admin_dsn(sandbox, PASSIVE, DATABASE), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(change)  # type: ignore[call-overload]
        try:
            yield
        finally:
            connection.execute(back)  # type: ignore[call-overload]


THRESHOLD = "UPDATE ref.seuil SET seu_ouverture = seu_ouverture {} 1.25 WHERE seu_id = 2"


def test_two_nodes_that_hold_the_same_are_identical(compare: Compare) -> None:
    code, said, _ = compare("--table", "ref.seuil", "--table", "prod.mesure", "--bound", "")
    assert code == EXIT_OK
    assert said.startswith("ref.seuil : identique sur SITE-A et SITE-B (")


def test_a_row_that_differs_is_shown_and_written(sandbox: Layout, compare: Compare, tmp_path: Path) -> None:
    file = tmp_path / "ecarts.csv"
    with diverged(sandbox, THRESHOLD.format("+"), THRESHOLD.format("-")):
        code, said, _ = compare("--table", "ref.seuil", "--table", "ref.station", "--output", str(file))
    assert code == EXIT_KO
    assert "ref.seuil : 1 ligne diffère (" in said
    assert "ref.station : identique" in said
    rows = list(csv.reader(file.read_text("utf-8-sig").splitlines(), delimiter=";"))
    assert rows[0] == ["table", "écart", "clé", "colonne", "gauche", "droite"]
    ((*head, left, right),) = rows[1:]
    assert head == ["ref.seuil", "différente", "seu_id = 2", "seu_ouverture"]
    assert Decimal(right) == Decimal(left) + Decimal("1.25")


def test_a_row_that_only_one_node_has_is_shown_whole(sandbox: Layout, compare: Compare) -> None:
    insert = "INSERT INTO cfg.parametre VALUES ('ESSAI', ' x', true)"
    with diverged(sandbox, insert, "DELETE FROM cfg.parametre WHERE prm_code = 'ESSAI'"):
        code, said, _ = compare("--table", "cfg.parametre")
    assert code == EXIT_KO
    assert "en trop à droite" in said
    assert "prm_code = ESSAI" in said
    assert 'prm_valeur = " x"' in said


def test_a_person_s_name_and_number_are_told_as_a_hash(sandbox: Layout, compare: Compare) -> None:
    change = "UPDATE cfg.operateur SET ope_tel = {} WHERE ope_id = 1"
    with psycopg.connect(postgres.admin_dsn(sandbox, PASSIVE, DATABASE)) as connection:
        row = connection.execute("SELECT ope_tel FROM cfg.operateur WHERE ope_id = 1").fetchone()
    assert row is not None
    with diverged(sandbox, change.format("'0600000000'"), change.format(f"'{row[0]}'")):
        code, said, _ = compare("--table", "cfg.operateur")
    assert code == EXIT_KO
    assert "ope_tel" in said
    assert "empreinte" in said
    assert "0600000000" not in said
    assert row[0] not in said


def test_a_table_that_cannot_be_read_is_not_compared_and_the_others_are(compare: Compare) -> None:
    code, said, _ = compare("--table", "securite.utilisateur", "--table", "ref.station")
    assert code == EXIT_INCOMPLETE
    assert "securite.utilisateur : non comparée, rien n'est établi. La base de SITE-" in said
    assert "ref.station : identique" in said


def test_a_node_that_is_dead_makes_it_incomplete(
    sandbox: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = sandbox.platform_file.read_text("utf-8")
    host = f'host = "{sandbox.address(PASSIVE)}"\nport = 5432'
    assert host in text
    file = tmp_path / "morte.toml"
    file.write_text(text.replace(host, host.replace("5432", "5439")), encoding="utf-8")
    code = main(["compare", "--platform", str(file), "--table", "ref.station"])
    assert code == EXIT_INCOMPLETE
    assert "ref.station : non comparée, rien n'est établi. La base de SITE-B" in capsys.readouterr().out


def test_one_that_was_given_up_goes_on_with_the_same_bound(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = itertools.count()
    ask = Pace.run

    def ask_some(pace: Pace, *words: Any) -> Any:
        if next(asked) >= 3:
            raise RequestFailed("Le serveur est trop chargé.")
        return ask(pace, *words)

    words = ("--table", "prod.mesure", "--bound", "chr_id")
    with monkeypatch.context() as patch:
        patch.setattr(Pace, "run", ask_some)
        code, said, _ = compare(*words)
    assert (code, said.count("trop chargé")) == (EXIT_INCOMPLETE, 1)
    (journal,) = (tmp_path / "passages" / "comparaisons").iterdir()
    code, said, _ = compare(*words)
    assert code == EXIT_OK
    assert "reprise après" in said
    assert not journal.exists()


def test_a_golden_file_that_was_recorded_finds_what_has_changed(
    sandbox: Layout, compare: Compare, tmp_path: Path
) -> None:
    file = tmp_path / "seuil.csv"
    code, said, _ = compare(
        "--table", "ref.seuil", "--record", str(file), "--columns", "seu_id,seu_ouverture"
    )
    assert (code, said) == (
        EXIT_OK,
        f"Jeu de référence de ref.seuil : {file}, à relire avant de s'en servir.\n",
    )
    code, said, _ = compare("--table", "ref.seuil", "--golden", str(file))
    assert code == EXIT_OK
    assert "ref.seuil : identique sur le jeu de référence et SITE-A (753 lignes)." in said
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([lines[0], *lines[2:], "99999;1.000"]) + "\n", encoding="utf-8")
    code, said, _ = compare("--table", "ref.seuil", "--golden", str(file))
    assert code == EXIT_KO
    assert "seu_id = 99999" in said
    assert f"seu_id = {lines[1].split(';')[0]} " in said


def test_a_file_of_before_is_left_alone_by_a_command_that_is_refused(
    compare: Compare, tmp_path: Path
) -> None:
    file = tmp_path / "ecarts.csv"
    file.write_text("celui d'avant", encoding="utf-8")
    assert compare("--table", "ref.station", "--output", str(file), "--load", "3")[0] == EXIT_USAGE
    assert file.read_text("utf-8") == "celui d'avant"


WRONG = {
    "a table without schema": (("--table", "mesure"), "Table mal nommée"),
    "a load": (("--table", "a.b", "--load", "2"), "part du temps"),
    "a load in words": (("--table", "a.b", "--load", "peu"), "--load est un nombre"),
    "a delay": (("--table", "a.b", "--again", "-1"), "--again est une durée"),
    "a number of rows": (("--table", "a.b", "--most", "0"), "--most est un nombre de lignes"),
    "a bound without column": (("--table", "a.b", "--upto", "3"), "--upto est la valeur d'une borne"),
    "a folder that is not there": (("--table", "a.b", "--output", "/absent/x.csv"), "écriture impossible"),
    "two files": (("--table", "a.b", "--golden", "x", "--record", "y"), "l'un ou l'autre"),
    "two tables of one file": (("--table", "a.b", "--table", "a.c", "--golden", "x"), "une seule --table"),
    "a bound that a file does not know": (
        ("--table", "a.b", "--bound", "x", "--record", "y"),
        "ajoutez --upto",
    ),
    "columns of nothing": (("--table", "a.b", "--columns", "x"), "il ne va pas sans lui"),
    "a golden file that is not there": (("--table", "a.b", "--golden", "/absent.csv"), "lecture impossible"),
    "a bound that is no number": (
        ("--table", "ref.seuil", "--bound", "seu_id", "--upto", "abc"),
        "La borne de « seu_id » ne se lit pas : « abc » (entier attendu).",
    ),
    "a column that is not there": (
        ("--table", "ref.station", "--bound", "absente"),
        "n'a pas de colonne « absente »",
    ),
}


@pytest.mark.parametrize(("words", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_option_is_one_sentence(compare: Compare, words: tuple[str, ...], sentence: str) -> None:
    code, said, error = compare(*words)
    assert (code, said) == (EXIT_USAGE, "")
    assert sentence in error
    assert error.count("\n") == 1


def test_a_platform_is_not_compared_with_itself(sandbox: Layout, compare: Compare) -> None:
    code, _, error = compare("--table", "ref.station", "--with", str(sandbox.platform_file))
    assert code == EXIT_USAGE
    assert "désignent la même base" in error
