"""Sessions through Microsoft's own driver, against a server that speaks its protocol and is told what to answer.

Asked for by `make test-odbc`, which installs the driver's package; no SQL is executed here, by anybody.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nonreg.clients.result_sets import ResultSet
from nonreg.clients.sql import Session, open_session
from nonreg.config import Odbc
from nonreg.errors import (
    AccessDenied,
    CertificateRefused,
    NonregError,
    NotSent,
    RequestFailed,
    Thrown,
    Unreachable,
)
from nonreg.model import SiteRole
from nonreg.probes.replication_monitor import TracerWay, send_tracer
from nonreg.sqlfiles.scenario_file import load_scenario, run_scenario
from nonreg.witness import Witness
from tests.governed import Governed
from tests.odbc.tds import (
    ROLLBACK,
    SETTING,
    TdsServer,
    done_token,
    int_rows,
    make_certificate,
    refusal,
    rows,
    serve_tds,
    session_set,
    text_rows,
)

pytestmark = pytest.mark.odbc
PASSWORD = "mot de passe;}{="
DEADLOCK = refusal(1205, "Transaction was deadlocked and has been chosen as the deadlock victim.")
ONE = int_rows("n", (1,)) + done_token()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "srv-a")


@contextmanager
def open_on(
    governed: Governed,
    monkeypatch: pytest.MonkeyPatch,
    server: TdsServer,
    *,
    account: str = "reader",
    autocommit: bool = False,
    port: int | None = None,
    **odbc: object,
) -> Iterator[Session]:
    """A session on a platform whose active database is that server."""
    platform = governed.platform
    site = platform.site(SiteRole.ACTIF)
    assert site.database is not None
    database = dataclasses.replace(
        site.database,
        engine="mssql",
        host="127.0.0.1",
        port=port or server.port,
        login_timeout_seconds=3.0,
        query_timeout_seconds=1.0,
        odbc=Odbc(**{"trust_server_certificate": True, **odbc}),  # type: ignore[arg-type]
    )
    for variable in (database.reader_password_env, database.writer_password_env):
        monkeypatch.setenv(variable, PASSWORD)
    changed = dataclasses.replace(
        platform,
        sites=tuple(
            dataclasses.replace(one, database=database) if one == site else one for one in platform.sites
        ),
    )
    with open_session(changed, changed.site(SiteRole.ACTIF), account, autocommit=autocommit) as session:
        yield session


def test_a_session_is_set_asks_and_is_rolled_back(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    answers = {"sit_libelle": text_rows("sit_libelle", ("Rhône à Beaucaire 😀", "")) + done_token()}
    with serve_tds(TdsServer(certificate, answers=answers)) as server:
        with open_on(governed, monkeypatch, server) as session:
            rows = session.execute("SELECT sit_libelle FROM ref.site")
            assert (rows.columns, rows.rows) == (("sit_libelle",), (("Rhône à Beaucaire 😀",), ("",)))
            assert session.engine == "mssql"
        first = "SET NOCOUNT ON; SET LOCK_TIMEOUT 5000; SET DEADLOCK_PRIORITY LOW; SELECT "
        asked = [
            one for one in server.batches if "sp_datatype_info" not in one
        ]  # pyodbc's own first question
        assert asked[0].startswith(first)
        assert server.logins == 1


OLD: list[tuple[bytes, str]] = [
    (
        session_set("13.0.4001.0"),
        "Le SQL Server de 127.0.0.1:{} est en version 13.0.4001.0 : il faut au moins 13.0.5026 (SQL Server 2016 SP2).",
    ),
    (
        session_set(level=120),
        "La base « aquareel » de 127.0.0.1:{} est au niveau de compatibilité 120 : il faut au moins 130, celui de "
        "SQL Server 2016.",
    ),
]


@pytest.mark.parametrize(("answer", "said"), OLD, ids=["version", "level"])
def test_a_server_or_a_database_that_is_too_old_is_refused_and_nothing_else_is_asked(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path, answer: bytes, said: str
) -> None:
    with serve_tds(TdsServer(certificate, answers={SETTING: answer})) as server:
        with pytest.raises(RequestFailed) as caught, open_on(governed, monkeypatch, server):
            pass
        assert str(caught.value) == said.format(server.port)
        assert server.logins == 1
        assert server.batches[-1].startswith(SETTING)


@pytest.mark.parametrize(
    "answer", [session_set("12.0.2000.8", 5), session_set(None, None, None), done_token()]
)
def test_a_server_that_does_not_number_itself_as_sql_server_or_says_nothing_is_not_refused(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path, answer: bytes
) -> None:
    answers = {SETTING: answer, "SELECT n": ONE}
    with (
        serve_tds(TdsServer(certificate, answers=answers)) as server,
        open_on(governed, monkeypatch, server) as session,
    ):
        assert session.execute("SELECT n").scalar() == 1


def test_an_unknown_certificate_is_refused_unless_the_platform_says_otherwise(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    with serve_tds(TdsServer(certificate)) as server:
        with (
            pytest.raises(CertificateRefused, match="importez son autorité de certification"),
            open_on(governed, monkeypatch, server, trust_server_certificate=False),
        ):
            pass
        assert server.logins == 0  # nobody was told the password


LOGINS: list[tuple[int, str, type[NonregError], str]] = [
    (18456, "Login failed for user 'nr_reader'.", AccessDenied, "vérifiez l'utilisateur et son mot de passe"),
    (18487, "The password of the account has expired.", AccessDenied, "a expiré"),
    (18486, "Login failed because the account is currently locked out.", AccessDenied, "faites-le rouvrir"),
    (18401, "Reason: Server is in script upgrade mode.", Unreachable, "n'admet personne en ce moment"),
    (4060, 'Cannot open database "X" requested by the login.', RequestFailed, "n'existe pas sur"),
]


@pytest.mark.parametrize(("number", "message", "error", "said"), LOGINS, ids=[str(one[0]) for one in LOGINS])
def test_a_login_that_is_refused_says_what_to_do_is_not_repeated_and_tells_no_secret(
    governed: Governed,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Path,
    caplog: pytest.LogCaptureFixture,
    number: int,
    message: str,
    error: type[NonregError],
    said: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    with serve_tds(TdsServer(certificate, login=refusal(number, message))) as server:
        with pytest.raises(error, match=said) as caught, open_on(governed, monkeypatch, server):
            pass
        assert server.logins == 1
    cause: BaseException | None = caught.value
    while cause is not None:
        assert "mot de passe;" not in f"{cause!r}{cause}"
        cause = cause.__cause__ or cause.__context__
    assert "mot de passe;" not in caplog.text


def test_nobody_listening_is_told_as_no_route_and_nothing_was_sent(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    with serve_tds(TdsServer(certificate)) as server:
        port = server.port
    with pytest.raises(NotSent, match="est injoignable"), open_on(governed, monkeypatch, server, port=port):
        pass


def test_a_driver_that_is_not_installed_is_named_with_those_that_are(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    with (
        serve_tds(TdsServer(certificate)) as server,
        pytest.raises(NonregError, match=r"« ODBC Driver 17 for SQL Server » \(installés : .*PostgreSQL"),
        open_on(governed, monkeypatch, server, driver="ODBC Driver 17 for SQL Server"),
    ):
        pass


MISTAKES: list[tuple[dict[str, Any], str]] = [
    (
        {"driver": "/etc/hostname"},
        "ne se charge pas : vérifiez qu'il est installé avec toutes ses bibliothèques",
    ),
    ({"server_certificate": "/absent/serveur.pem"}, r"le fichier /absent/serveur.pem \(server_certificate"),
    ({"encrypt": "strict"}, "TLS .* échoue : encrypt = « strict » demande SQL Server 2022 au moins"),
]


@pytest.mark.parametrize(("odbc", "said"), MISTAKES, ids=["driver", "certificate", "strict"])
def test_what_is_wrong_in_the_platform_file_is_named(
    governed: Governed,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Path,
    odbc: dict[str, Any],
    said: str,
) -> None:
    with (
        serve_tds(TdsServer(certificate)) as server,
        pytest.raises(NonregError, match=said),
        open_on(governed, monkeypatch, server, **odbc),
    ):
        pass


ANSWERS: list[tuple[bytes | None, type[NonregError], str]] = [
    (refusal(229, "The SELECT permission was denied on the object 'compte'."), AccessDenied, "grants"),
    (refusal(208, "Invalid object name 'ref.absent'."), RequestFailed, "Invalid object name"),
    (refusal(51000, "3 capteurs sans station"), Thrown, "3 capteurs sans station"),
    (refusal(1222, "Lock request time out period exceeded."), RequestFailed, "voyez qui le tient"),
    (None, Unreachable, "s'est rompue"),
    (b"", Unreachable, "n'a pas répondu en 1 s"),
]


@pytest.mark.parametrize(
    ("answer", "error", "said"), ANSWERS, ids=["229", "208", "throw", "1222", "cut", "silent"]
)
@pytest.mark.parametrize("whole", [False, True], ids=["query", "batch"])
def test_what_a_server_answers_to_a_request_becomes_one_sentence(
    governed: Governed,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Path,
    answer: bytes | None,
    error: type[NonregError],
    said: str,
    whole: bool,
) -> None:
    with (
        serve_tds(TdsServer(certificate, answers={"FROM ref.x": answer})) as server,
        open_on(governed, monkeypatch, server, account="writer") as session,
        pytest.raises(error, match=said) as caught,
    ):
        (session.run_batch if whole else session.execute)("SELECT a FROM ref.x")
    assert type(caught.value) is error


def test_an_error_behind_result_sets_is_found_and_a_batch_is_read_to_its_end(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    two = int_rows("a", (1, 2)) + done_token(more=True) + text_rows("b", ("é",)) + done_token()
    late = int_rows("a", (1, 2)) + done_token(more=True) + refusal(51000, "Écart : 3")
    with (
        serve_tds(TdsServer(certificate, answers={"bon": two, "tardif": late})) as server,
        open_on(governed, monkeypatch, server) as session,
    ):
        assert session.run_batch("EXEC bon").sets == (
            ResultSet(("a",), ((1,), (2,))),
            ResultSet(("b",), (("é",),)),
        )
        with pytest.raises(Thrown) as caught:
            session.run_batch("EXEC tardif")
    assert caught.value.words == "Écart : 3"


def test_a_reader_that_loses_a_deadlock_reads_again_and_its_request_says_so(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    with (
        serve_tds(TdsServer(certificate, answers={"FROM ref.x": [DEADLOCK, DEADLOCK, ONE]})) as server,
        open_on(governed, monkeypatch, server) as session,
    ):
        rows = session.execute("SELECT n FROM ref.x")
    assert rows.scalar() == 1
    assert rows.request.count("-- relue : erreur 1205") == 2


def test_a_reader_gives_up_after_its_third_deadlock_and_a_writer_after_its_first(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    for account, left in (("reader", 1), ("writer", 3)):
        answers = [DEADLOCK, DEADLOCK, DEADLOCK, ONE]
        with (
            serve_tds(TdsServer(certificate, answers={"FROM ref.x": answers})) as server,
            open_on(governed, monkeypatch, server, account=account) as session,
            pytest.raises(RequestFailed, match="interblocage"),
        ):
            session.execute("SELECT n FROM ref.x")
        assert len(answers) == left


LOCKED = refusal(1222, "Lock request time out period exceeded.")
LATE_DEADLOCK = int_rows("avant", (9,)) + done_token(more=True) + DEADLOCK


def test_a_reader_s_batch_that_lost_is_sent_again_whole_and_says_so(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    with (
        serve_tds(TdsServer(certificate, answers={"EXEC lire": [LATE_DEADLOCK, LOCKED, ONE]})) as server,
        open_on(governed, monkeypatch, server) as session,
    ):
        batch = session.run_batch("EXEC lire")
        assert server.batches.count("EXEC lire") == 3
        assert server.transactions.count(ROLLBACK) >= 2
    assert batch.sets == (ResultSet(("n",), ((1,),)),)  # nothing of the tries that were lost
    assert batch.notes == ("-- relue : erreur 1205", "-- relue : erreur 1222")


def test_a_batch_that_loses_three_times_or_that_may_write_is_not_sent_again(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    for account, sent in (("reader", 3), ("writer", 1)):
        answers = [DEADLOCK, LOCKED, DEADLOCK, ONE]
        with (
            serve_tds(TdsServer(certificate, answers={"EXEC lire": answers})) as server,
            open_on(governed, monkeypatch, server, account=account) as session,
            pytest.raises(RequestFailed, match="interblocage"),
        ):
            session.run_batch("EXEC lire")
        assert len(answers) == 4 - sent


@pytest.mark.parametrize("whole", [False, True], ids=["query", "batch"])
def test_a_reader_that_loses_its_connection_reads_again_on_another_and_a_writer_never(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path, whole: bool
) -> None:
    lost: list[Any] = [None, ONE]
    with (
        serve_tds(TdsServer(certificate, answers={"FROM ref.x": lost})) as server,
        open_on(governed, monkeypatch, server) as session,
    ):
        if whole:
            batch = session.run_batch("SELECT n FROM ref.x")
            assert (batch.sets[0].rows, batch.notes) == (((1,),), ("-- relue : erreur 10054",))
        else:
            found = session.execute("SELECT n FROM ref.x")
            assert (found.scalar(), found.request.count("-- relue : erreur 10054")) == (1, 1)
        assert server.logins == 2
        assert sum(one.startswith(SETTING) for one in server.batches) == 2  # the other one is set as well
    lost = [None, ONE]
    with (
        serve_tds(TdsServer(certificate, answers={"FROM ref.x": lost})) as server,
        open_on(governed, monkeypatch, server, account="writer") as session,
        pytest.raises(Unreachable, match="s'est rompue"),
    ):
        (session.run_batch if whole else session.execute)("SELECT n FROM ref.x")
    assert (server.logins, lost) == (1, [ONE])


def test_a_session_is_refused_to_every_thread_but_the_one_that_opened_it(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    with (
        serve_tds(TdsServer(certificate, answers={"SELECT n": ONE})) as server,
        open_on(governed, monkeypatch, server) as session,
        ThreadPoolExecutor(1) as other,
    ):
        asked = len(server.batches)
        for use in (session.execute, session.run_batch):
            with pytest.raises(NonregError, match="ouvrez une session par fil"):
                other.submit(use, "SELECT n FROM ref.x").result()
        assert server.batches[asked:] == []
        assert session.execute("SELECT n FROM ref.x").scalar() == 1


WAY = {
    "distributor_latency": int,
    "subscriber": str,
    "subscriber_db": str,
    "subscriber_latency": int,
    "overall_latency": int,
}


def test_a_tracer_token_is_posted_outside_a_transaction_and_followed_until_it_arrives(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    history = [
        rows(WAY, (None, "SRV-B", "AQUAREEL", None, None)) + done_token(),
        rows(WAY, (1, "SRV-B", "AQUAREEL", None, None)) + done_token(),
        rows(WAY, (1, "SRV-B", "AQUAREEL", 2, 3)) + done_token(),
    ]
    answers: dict[str, bytes | list[bytes] | None] = {
        "sp_posttracertoken": int_rows("tracer_id", (42,)) + done_token(),
        "sp_helptracertokenhistory": history,
    }
    with (
        serve_tds(TdsServer(certificate, answers=answers)) as server,
        open_on(governed, monkeypatch, server, autocommit=True) as session,
    ):
        asked = len(server.transactions)
        assert send_tracer(session, "pub_aquareel", 20.0) == (TracerWay("SRV-B", 1, 2, 3),)
        assert server.transactions[asked:] == []
    assert history == []


def test_a_list_and_a_null_go_through_the_driver_as_the_queries_expect_them(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    answers = {"OPENJSON": rows({"a": int, "b": str}, (None, None), (-7, "é")) + done_token()}
    with (
        serve_tds(TdsServer(certificate, answers=answers)) as server,
        open_on(governed, monkeypatch, server) as session,
    ):
        found = session.execute("SELECT a, b FROM OPENJSON(:list) WHERE a = :none", list=["ref.x"], none=None)
        assert found.rows == ((None, None), (-7, "é"))
        assert any('["ref.x"]' in batch for batch in server.batches)


READING = """-- id: BASE-951
-- titre: Regarde
-- criticite: mineure
-- effet: read_only
-- attendu: aucune ligne

SELECT n FROM ref.x
"""
THROWN = refusal(51000, "3 capteurs sans station")


@pytest.mark.parametrize("last", [ONE, THROWN], ids=["rows", "throw"])
def test_what_a_scenario_finds_is_shown_with_the_tries_that_were_lost(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path, tmp_path: Path, last: bytes
) -> None:
    (tmp_path / "BASE-951.sql").write_text(READING, encoding="utf-8")
    found, witness = load_scenario(tmp_path / "BASE-951.sql"), Witness("BASE-951", tmp_path)
    with (
        serve_tds(TdsServer(certificate, answers={"FROM ref.x": [DEADLOCK, last]})) as server,
        open_on(governed, monkeypatch, server) as session,
    ):
        run_scenario(found, session, witness)
    (gap,) = witness.gaps
    assert gap.request.endswith("SELECT n FROM ref.x\n-- relue : erreur 1205")
