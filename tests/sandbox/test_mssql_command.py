"""The command that makes the pair and takes it away: what it does, what it says, what it refuses."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from nonreg.sandbox.mssql import __main__ as command
from nonreg.sandbox.mssql.install import DATABASE
from nonreg.sandbox.mssql.replication import ACCOUNTS, AGENTS, PASSIVE_DATABASE, name_password
from tests.sandbox.test_mssql_replication import PASSWORDS, Instance, short_waits

__all__ = ["short_waits"]


def read_told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and the one line that the command says."""
    code = command.main([*words])
    told = capsys.readouterr()
    assert not (told.out and told.err)
    return code, (told.out or told.err).strip()


def test_the_command_makes_the_pair_and_takes_it_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Instance()
    monkeypatch.setattr(command, "connect", lambda _: nullcontext(server))
    for account, password in PASSWORDS.items():
        monkeypatch.setenv(name_password(account), password)
    code, told = read_told(capsys, "create")
    assert (code, told.partition(" :")[0]) == (0, "Maquettes créées")
    assert f"{PASSIVE_DATABASE} est abonnée à {DATABASE}" in told
    assert server.leftovers == ({DATABASE, PASSIVE_DATABASE, "distribution"}, {*ACCOUNTS, AGENTS}, True)
    assert set(PASSWORDS.values()) <= {one[0] for one in server.bound if one}
    code, told = read_told(capsys, "create", "--no-replication")
    assert (code, "sans réplication" in told) == (0, True)
    assert server.leftovers == ({DATABASE, PASSIVE_DATABASE}, {*ACCOUNTS}, False)
    assert read_told(capsys, "remove") == (0, "Maquettes, comptes et Distributeur retirés.")
    assert read_told(capsys, "remove") == (0, "Rien à retirer sur ce serveur.")


def test_the_command_says_what_it_lacks_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (command.VARIABLE, *map(name_password, ACCOUNTS)):
        monkeypatch.delenv(name, raising=False)
    code, told = read_told(capsys, "remove")
    assert (code, told.startswith("Aucun serveur : export MSSQL='DRIVER={…};")) == (3, True)
    code, told = read_told(capsys, "create")
    assert (code, told.endswith(", ".join(map(name_password, ACCOUNTS)) + ".")) == (3, True)
    monkeypatch.setenv(
        command.VARIABLE, "DRIVER={Aucun Pilote};SERVER=tcp:127.0.0.1,1;UID=sa;PWD={tr3s secret};"
    )
    code, told = read_told(capsys, "remove")
    assert code in (1, 3)  # 3 where pyodbc itself does not load
    assert "\n" not in told
    assert "tr3s secret" not in told


def test_a_server_that_is_refused_is_told_by_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Instance({"distribution"})
    monkeypatch.setattr(command, "connect", lambda _: nullcontext(server))
    code, told = read_told(capsys, "remove")
    assert (code, told.startswith("Ce serveur a déjà un Distributeur")) == (3, True)
