"""The command of the stand-ins through Microsoft's own driver, against a server that is told what to answer.

What it asks before anything is made, and how it reads the answers; no SQL is executed here, by anybody.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nonreg.clients.odbc_wheel import find_wheel_driver
from nonreg.sandbox.mssql import __main__ as command
from nonreg.sandbox.mssql.replication import ACCOUNTS, name_password
from tests.odbc.tds import (
    INT,
    TdsServer,
    done_token,
    make_certificate,
    nvarchar,
    refusal,
    rows,
    serve_tds,
)

pytestmark = pytest.mark.odbc
PASSWORD = "mot;de=passe"
YES, NO = rows({"": INT}, (1,)) + done_token(), rows({"": INT}, (None,)) + done_token()
EXPRESS = rows({"": nvarchar(128)}, ("Express Edition (64-bit)",)) + done_token()
NO_EDITION = rows({"": nvarchar(128)}, (None,)) + done_token()
# By a word of each question; a sound server without anything of a pair.
SOUND = {
    "@@TRANCOUNT": NO,
    "IS_SRVROLEMEMBER": YES,
    "@@SERVERNAME": YES,
    "IsIntegratedSecurityOnly": YES,
    "EngineEdition": NO_EDITION,
    "sp_MS_replication_installed": YES,
    "is_distributor": NO,
    "OBJECT_ID(": NO,
    "DB_ID(": NO,
    "SUSER_ID(": NO,
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "srv-a")


def ask(
    server: TdsServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str]:
    """Exit code of the command on that server, and what it says."""
    driver = find_wheel_driver()
    assert driver is not None
    monkeypatch.setenv(
        command.VARIABLE,
        f"DRIVER={{{driver}}};SERVER=tcp:127.0.0.1,{server.port};UID=sa;PWD={{{PASSWORD}}};TrustServerCertificate=yes;",
    )
    for account in ACCOUNTS:
        monkeypatch.setenv(name_password(account), f"secret de {account}")
    code = command.main([*words])
    told = capsys.readouterr()
    return code, (told.out + told.err).strip()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"IS_SRVROLEMEMBER": NO}, "Le compte n'est pas sysadmin"),
        ({"@@TRANCOUNT": YES}, "La connexion a une transaction ouverte"),
        ({"@@SERVERNAME": NO}, "Ce serveur n'a pas de nom, ou a été renommé"),
        ({"IsIntegratedSecurityOnly": NO}, "Ce serveur n'accepte que l'authentification Windows"),
        (
            {"EngineEdition": EXPRESS},
            "L'édition de ce serveur (Express Edition (64-bit)) ne peut pas publier",
        ),
        ({"sp_MS_replication_installed": NO}, "La réplication n'est pas installée sur ce serveur"),
    ],
)
def test_a_server_that_cannot_have_the_pair_is_told_and_sent_nothing_but_questions(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    certificate: Path,
    changed: dict[str, bytes],
    said: str,
) -> None:
    with serve_tds(TdsServer(certificate, answers={**SOUND, **changed})) as server:
        code, told = ask(server, monkeypatch, capsys, "create")
        sent = "\n".join(server.batches)
    assert (code, told[: len(said)]) == (3, said)
    assert not [
        word for word in ("CREATE ", "DROP ", "ALTER ", "BACKUP ", "sp_add", "sp_drop") if word in sent
    ]


def test_a_server_without_anything_has_nothing_to_take_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], certificate: Path
) -> None:
    with serve_tds(TdsServer(certificate, answers=SOUND)) as server:
        assert ask(server, monkeypatch, capsys, "remove") == (0, "Rien à retirer sur ce serveur.")
        assert any("SUSER_ID(" in one for one in server.batches)


def test_a_login_that_is_refused_is_one_sentence_without_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], certificate: Path
) -> None:
    login = refusal(18456, "Login failed for user 'sa'.")
    with serve_tds(TdsServer(certificate, login=login)) as server:
        code, told = ask(server, monkeypatch, capsys, "remove")
    assert (code, told) == (1, "Connexion impossible : Login failed for user 'sa'.")
