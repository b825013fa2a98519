"""The home of a throw-away Prefect server: ready tables, whatever state the kept ones are in."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest

from nonreg.prefect_home import DATABASE, describe_home, fill_home, is_sound


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


def test_a_client_comes_again_to_a_server_whose_connections_all_waited(tmp_path: Path) -> None:
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(500 if len(asked) == 1 else 200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Nothing in the output of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        program = (
            "from prefect.client.orchestration import get_client\n"
            "with get_client(sync_client=True) as client: print(client.hello().status_code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={
                **own,
                **describe_home(tmp_path),
                "PREFECT_API_URL": f"http://127.0.0.1:{server.server_port}/api",
                "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        server.shutdown()
    assert done.stdout == "200\n", done.stderr
    assert asked == ["/api/hello"] * 2
