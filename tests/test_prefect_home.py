"""The home of a throw-away Prefect server: ready tables, whatever state the kept ones are in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

from nonreg.prefect_home import DATABASE, fill_home, is_sound


def test_a_home_gets_an_empty_database_with_its_tables_though_the_kept_one_was_broken(tmp_path: Path) -> None:
    cache, home, again = tmp_path / "cache", tmp_path / "un", tmp_path / "deux"
    kept = cache / f"prefect-{version('prefect')}-wal.db"
    for folder in (cache, home, again):
        folder.mkdir()
    kept.write_bytes(b"SQLite format 3\x00, coupe")
    fill_home(home, cache)
    made = kept.read_bytes()
    with closing(sqlite3.connect(home / DATABASE)) as connection:
        assert connection.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)
        assert len(connection.execute("SELECT version_num FROM alembic_version").fetchall()) == 1
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    fill_home(again, cache)
    assert (again / DATABASE).read_bytes() == made
    assert kept.read_bytes() == made
    assert [path.name for path in cache.iterdir()] == [kept.name]


@pytest.mark.parametrize("content", [None, b"", b"autre chose", b"SQLite format 3\x00"])
def test_a_file_that_is_no_database_is_not_sound(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "x.db"
    if content is not None:
        file.write_bytes(content)
    assert not is_sound(file)


def test_where_nothing_can_be_kept_the_home_stays_empty(tmp_path: Path) -> None:
    home, blocked = tmp_path / "home", tmp_path / "fichier"
    home.mkdir()
    blocked.touch()
    fill_home(home, blocked)
    assert list(home.iterdir()) == []
