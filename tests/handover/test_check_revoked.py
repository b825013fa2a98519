"""« acces_revoques »: a refusal proves it; an open access, a silence, a lock or another's account do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace as alter
from pathlib import Path

import psycopg
import pytest

from nonreg.config import load_platform
from nonreg.errors import AccessDenied
from nonreg.handover.checks import CHECKS, CheckContext
from nonreg.handover.checks.result import NotRight
from nonreg.handover.checks.revoked import judge_tried, require_lasting
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, DATABASE_SITES, Layout
from tests.handover.checking import Change, find, list_wrong, make_context, replace
from tests.handover.ssh_servers import write_other_key

ACCOUNTS = ("nr_reader", "nr_writer")


@pytest.fixture
def handed_back(sandbox: Layout, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both database accounts are closed on both sites; the light client's password is another."""
    monkeypatch.setenv("AQ_CLIENT_PASSWORD", "ancien-mot")
    for site in DATABASE_SITES:
        with psycopg.connect(postgres.admin_dsn(sandbox, site, DATABASE), autocommit=True) as admin:
            for account in ACCOUNTS:
                admin.execute(f"ALTER ROLE {account} NOLOGIN".encode())
    yield
    for site in DATABASE_SITES:
        with psycopg.connect(postgres.admin_dsn(sandbox, site, DATABASE), autocommit=True) as admin:
            for account in ACCOUNTS:
                admin.execute(f"ALTER ROLE {account} LOGIN".encode())


def make_other_key(folder: Path) -> Change:
    return replace('key_file = "id_ed25519"', f'key_file = "{write_other_key(folder / "retiree")}"')


def test_access_that_still_opens_is_not_revoked(sandbox: Layout, tmp_path: Path) -> None:
    result = CHECKS["acces_revoques"](make_context(sandbox, tmp_path))
    assert [point.title for point in result.points if point.ok] == ["Tous les comptes déclarés sont essayés"]
    assert len(list_wrong(result)) == 10
    assert find(result, "SSH vers srv-a").found == "L'accès est encore ouvert."
    assert "supprimer ou désactiver" in find(result, "SITE-B, compte de lecture").remedy
    assert "n'a pas refusé" in find(result, "Client léger de SITE-A").found


def test_when_everything_refuses_it_is_proved(sandbox: Layout, tmp_path: Path, handed_back: None) -> None:
    result = CHECKS["acces_revoques"](make_context(sandbox, tmp_path, make_other_key(tmp_path)))
    assert list_wrong(result) == []
    assert result.is_ok


def test_one_account_that_is_left_open_is_found(sandbox: Layout, tmp_path: Path, handed_back: None) -> None:
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as admin:
        admin.execute("ALTER ROLE nr_writer LOGIN")
    result = CHECKS["acces_revoques"](make_context(sandbox, tmp_path, make_other_key(tmp_path)))
    assert list_wrong(result) == ["Base de SITE-A, compte d'écriture : accès retiré"]


@pytest.mark.parametrize(
    ("old", "new", "title", "found"),
    [
        ("port = 2222", "port = 2999", "SSH vers srv-a", "injoignable"),
        ("port = 5432", "port = 5999", "SITE-A, compte de lecture", "injoignable"),
        ('"id_ed25519"', '"absente"', "SSH vers srv-a", "introuvable"),
        ('"AQ_WRITER_PASSWORD"', '"AQ_ABSENT"', "SITE-A, compte d'écriture", "AQ_ABSENT est absent"),
        ('name = "aquareel"', 'name = "absente"', "SITE-A, compte de lecture", "n'existe pas"),
        ('"known_hosts"', '"/dev/null"', "SSH vers srv-a", "introuvable"),
        (":8081", ":8999", "Client léger de SITE-A", "connexion refusée"),
    ],
)
def test_what_is_silent_absent_or_elsewhere_proves_nothing(
    sandbox: Layout, tmp_path: Path, handed_back: None, old: str, new: str, title: str, found: str
) -> None:
    if found == "n'existe pas":  # who may not log in is told nothing of databases
        with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as admin:
            admin.execute("ALTER ROLE nr_reader LOGIN")
    point = find(CHECKS["acces_revoques"](make_context(sandbox, tmp_path, replace(old, new, 1))), title)
    assert not point.ok
    assert found in point.found
    assert "refus" in point.remedy or "confirmer" in point.remedy


def test_the_refusal_of_an_account_that_is_not_the_persons_proves_nothing(
    sandbox: Layout, tmp_path: Path, handed_back: None
) -> None:
    change = make_other_key(tmp_path)
    context = make_context(sandbox, tmp_path, change, subject="titulaire-essai")
    result = CHECKS["acces_revoques"](context)
    assert not any(point.ok for point in result.points)
    assert "n'est pas déclaré" in find(result, "SSH vers srv-a").found


def test_an_account_that_is_declared_and_not_tried_is_missed(tmp_path: Path, sandbox: Layout) -> None:
    context = make_context(sandbox, tmp_path)
    person = context.people.find(context.subject)
    assert person is not None
    more = alter(person, accounts=(*person.accounts, "vpn-p.rivage"))
    people = alter(context.people, persons=(more,))
    tried = ["nonreg", "NR_READER", "nr_writer@corp", "consultation"]
    assert judge_tried(context, tried).ok
    assert "1 compte déclaré hors" in judge_tried(alter(context, people=people), tried).found
    none = alter(context.people, persons=(alter(person, accounts=()),))
    assert not judge_tried(alter(context, people=none), tried).ok


@pytest.mark.parametrize(
    ("native", "lasts"),
    [(18456, True), (18452, True), (18470, True), (18486, False), (18487, False), (18488, False)],
)
def test_a_login_of_sql_server_that_is_locked_or_expired_is_not_revoked(native: int, lasts: bool) -> None:
    database = load_platform("embarquee").sites[0].database
    assert database is not None
    sql_server = alter(database, engine="mssql")
    words = f"[28000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Login failed. ({native}) (SQLDriverConnect)"
    refusal = AccessDenied("refusé")
    refusal.__cause__ = Exception("28000", words)
    if lasts:
        require_lasting(refusal, sql_server)
    else:
        with pytest.raises(NotRight, match="peut passer"):
            require_lasting(refusal, sql_server)


def test_somebody_unknown_declares_nothing(sandbox: Layout, tmp_path: Path) -> None:
    context: CheckContext = make_context(sandbox, tmp_path, subject="inconnu")
    assert not CHECKS["acces_revoques"](context).is_ok
