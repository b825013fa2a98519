"""SQL scenarios through Microsoft's driver: what is said when something in the batch ends the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nonreg.conclusion import classify, classify_teardown, conclude
from nonreg.errors import NonregError
from nonreg.model import Failure, Outcome, ScenarioResult
from nonreg.sqlfiles.scenario_file import load_scenario, run_scenario
from nonreg.witness import NotRestored, Witness
from tests.governed import Governed
from tests.odbc.tds import TdsServer, done_token, int_rows, make_certificate, refusal, rows, serve_tds
from tests.odbc.test_msodbcsql import DEADLOCK, open_on

pytestmark = pytest.mark.odbc
HEADER = """-- id: BASE-950
-- titre: Essai
-- criticite: mineure
-- effet: {effect}
-- attendu: aucune ligne
{more}
EXEC nr.usp_battre @p_campaign = 'x', @p_seq = 1;
"""
WRITES = HEADER.format(effect="writes_test_data", more="")
READS = HEADER.format(effect="read_only", more="-- procedures_de_lecture: nr.usp_battre\n")
STATE = {"opened": int, "number": int, "kept": int}
BEFORE = (1, 7, -3)
OPEN, NESTED, COMMITTED, AGAIN, ROLLED_BACK = (
    (1, 7, -3),
    (2, 7, -3),
    (0, 8, -3),
    (1, 9, -3),
    (0, 8, None),
)
GOOD = int_rows("a", ()) + done_token()
THROWN = refusal(51000, "3 capteurs sans station")
LATE = int_rows("a", ()) + done_token(more=True) + THROWN
COUNT = "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements."
COMMITTED_WORDS = "une procédure appelée a validé (COMMIT) la transaction de l'outil"
ROLLED_BACK_WORDS = "la transaction de l'outil a été annulée avant la fin"


@dataclass(frozen=True)
class Case:
    """What the server answers to the batch, the transaction behind it, and how the scenario must end."""

    text: str
    answer: bytes | list[bytes] | None
    after: tuple[int, int, int | None] | None  # None: it does not answer any more
    failure: Failure | None
    words: str = ""
    restored: bool = True
    openings: tuple[bytes | None, ...] = (done_token(),)  # what each CREATE TABLE of the witness is answered


REFUSED = refusal(547, "The INSERT statement conflicted with the FOREIGN KEY constraint.")
COUNTED = refusal(266, COUNT)
TWICE = (done_token(), done_token())
ALREADY_THERE = refusal(2714, "There is already an object named '#nonreg_temoin' in the database.")
THROWN_WORDS = "rejet du script : 3 capteurs sans station"
CASES = {
    "good": Case(WRITES, GOOD, OPEN, None),
    "committed": Case(WRITES, GOOD, COMMITTED, Failure.CONTROLE, COMMITTED_WORDS, False),
    "committed and begun again": Case(WRITES, GOOD, AGAIN, Failure.CONTROLE, COMMITTED_WORDS, False),
    "rolled back": Case(WRITES, GOOD, ROLLED_BACK, Failure.CONTROLE, ROLLED_BACK_WORDS, False),
    "thrown": Case(WRITES, LATE, OPEN, Failure.ECART, THROWN_WORDS),
    "committed, then thrown": Case(
        WRITES,
        THROWN,
        COMMITTED,
        Failure.CONTROLE,
        f"{COMMITTED_WORDS}, puis le lot a échoué (3 capteurs sans station)",
        False,
    ),
    "committed, thrown behind a result": Case(WRITES, LATE, AGAIN, Failure.CONTROLE, COMMITTED_WORDS, False),
    "committed, then refused": Case(WRITES, REFUSED, COMMITTED, Failure.CONTROLE, COMMITTED_WORDS, False),
    "committed, then late": Case(WRITES, b"", COMMITTED, Failure.CONTROLE, COMMITTED_WORDS, False),
    "rolled back, then thrown": Case(WRITES, THROWN, ROLLED_BACK, Failure.ECART, ROLLED_BACK_WORDS, False),
    "rolled back, then refused": Case(
        WRITES, REFUSED, ROLLED_BACK, Failure.PLATEFORME, "rejette la requête (547)"
    ),
    "thrown, then cut": Case(WRITES, THROWN, None, Failure.ECART, THROWN_WORDS),
    "cut": Case(WRITES, None, OPEN, Failure.PLATEFORME, "s'est rompue"),
    "count changed": Case(
        WRITES,
        COUNTED,
        NESTED,
        Failure.PLATEFORME,
        "une procédure appelée ne laisse pas la transaction comme elle l'a trouvée : 1 avant, 2 après (erreur 266)",
    ),
    "count changed by a commit": Case(WRITES, COUNTED, COMMITTED, Failure.CONTROLE, COMMITTED_WORDS, False),
    "count changed by a rollback": Case(
        WRITES, COUNTED, ROLLED_BACK, Failure.CONTROLE, ROLLED_BACK_WORDS, False
    ),
    "vouched": Case(READS, GOOD, OPEN, None),
    "vouched, read again": Case(READS, [DEADLOCK, GOOD], OPEN, None, openings=TWICE),
    "vouched, read again elsewhere": Case(READS, [None, GOOD], OPEN, None, openings=TWICE),
    "vouched, opened again": Case(READS, GOOD, OPEN, None, openings=(DEADLOCK, done_token())),
    "vouched, opened again elsewhere": Case(READS, GOOD, OPEN, None, openings=(None, done_token())),
    "vouched, read again, committed": Case(
        READS, [DEADLOCK, GOOD], COMMITTED, Failure.CONTROLE, COMMITTED_WORDS, False, TWICE
    ),
    "vouched, read again elsewhere, committed": Case(
        READS, [None, GOOD], COMMITTED, Failure.CONTROLE, COMMITTED_WORDS, False, TWICE
    ),
    "vouched, read again, rolled back": Case(
        READS, [DEADLOCK, GOOD], ROLLED_BACK, Failure.CONTROLE, ROLLED_BACK_WORDS, False, TWICE
    ),
    "vouched, committed, then to be read again": Case(
        READS, [DEADLOCK], COMMITTED, Failure.CONTROLE, COMMITTED_WORDS, False, (done_token(), ALREADY_THERE)
    ),
    "vouched, committed": Case(READS, GOOD, COMMITTED, Failure.CONTROLE, COMMITTED_WORDS, False),
    "vouched, committed, then thrown": Case(
        READS, THROWN, COMMITTED, Failure.CONTROLE, COMMITTED_WORDS, False
    ),
    "vouched, undone by its own error": Case(READS, THROWN, ROLLED_BACK, Failure.ECART, THROWN_WORDS),
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "srv-a")


@pytest.mark.parametrize("name", CASES)
def test_what_became_of_the_transaction_is_said_however_the_batch_ended(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    (tmp_path / "BASE-950.sql").write_text(case.text, encoding="utf-8")
    found = load_scenario(tmp_path / "BASE-950.sql")
    after = None if case.after is None else rows(STATE, case.after) + done_token()
    opened = sum(one == done_token() for one in case.openings)
    openings, states = list(case.openings), [*[rows(STATE, BEFORE) + done_token()] * opened, after]
    answers: dict[str, Any] = {
        "CREATE TABLE #nonreg_temoin": openings,
        "CURRENT_TRANSACTION_ID": states,
        "usp_battre": case.answer,
    }
    witness, result, restored = Witness("BASE-950", tmp_path), ScenarioResult("BASE-950", Outcome.OK), True
    account = "writer" if found.header.writes else "reader"
    with (
        serve_tds(TdsServer(certificate, answers=answers)) as server,
        open_on(governed, monkeypatch, server, account=account) as session,
    ):
        try:
            run_scenario(found, session, witness)
        except (NotRestored, NonregError) as error:
            restored = not isinstance(error, NotRestored)
            ending = (classify if restored else classify_teardown)(error)
            result = ScenarioResult(
                "BASE-950", ending.outcome, message=ending.message, failure=ending.failure
            )
        assert any("usp_battre" in batch for batch in server.batches)
        assert openings == []  # each try made its witness
    ended = conclude(result, witness, 1.0)
    assert (ended.failure, restored) == (case.failure, case.restored), ended.message
    assert (ended.outcome is Outcome.OK) is (case.failure is None)
    assert case.words in ended.message


def test_a_reading_that_calls_nothing_opens_no_witness(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, certificate: Path, tmp_path: Path
) -> None:
    text = READS.replace("-- procedures_de_lecture: nr.usp_battre\n", "").replace(
        "EXEC nr.usp_battre", "SELECT 1 AS"
    )
    (tmp_path / "BASE-950.sql").write_text(text.partition(" @p")[0] + " a\n", encoding="utf-8")
    with (
        serve_tds(TdsServer(certificate, answers={"SELECT 1 AS a": GOOD})) as server,
        open_on(governed, monkeypatch, server) as session,
    ):
        run_scenario(load_scenario(tmp_path / "BASE-950.sql"), session, Witness("BASE-950", tmp_path))
        assert not any("#nonreg_temoin" in batch for batch in server.batches)
