"""The clients' ledger: what was acknowledged against what is there, and histories that cannot be believed."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nonreg.drills.accounting import NOTHING_TRIED, Write, account
from nonreg.drills.history import Attempt, Journal, encode_attempt, parse_attempt, read_history
from nonreg.model.drill import WriteOutcome
from nonreg.waiting import wait_until

ACK, ERR, UNKNOWN = WriteOutcome.ACK, WriteOutcome.ERR, WriteOutcome.UNKNOWN
CLIENTS = ("direct-1", "station-1", "station-2")
CUT = """
import os, signal, sys
from pathlib import Path
from nonreg.drills.history import Attempt, Journal, encode_attempt
from nonreg.model.drill import WriteOutcome
from nonreg.waiting import wait_until
path = Path(sys.argv[1])
journal = Journal(path, encode_attempt)
journal.start()
for number in range(1, 201):
    journal.put(Attempt("direct-1", number, "SITE-A", number * 0.01, number * 0.01 + 0.001, WriteOutcome.ACK))
wait_until(lambda: path.exists() and path.read_bytes().count(b"\\n") == 200, 10, "lignes au disque")
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Fate:
    """One write of a simulated drill: what the client was told at each attempt, how often the database has it."""

    client: str
    told: tuple[WriteOutcome, ...]
    copies: int


def histories(*, honest: bool) -> st.SearchStrategy[list[Fate]]:
    """Simulated drills; in an honest one the database holds what it said, and doubts go either way."""
    tries = st.lists(st.sampled_from((ERR, UNKNOWN)), max_size=2)
    told = st.tuples(tries, st.sampled_from((ACK, ERR, UNKNOWN))).map(lambda pair: (*pair[0], pair[1]))

    def hold(told: tuple[WriteOutcome, ...]) -> st.SearchStrategy[int]:
        if not honest:
            return st.integers(0, 2)
        if ACK in told:
            return st.just(1)
        return st.integers(0, 1) if UNKNOWN in told else st.just(0)

    fate = told.flatmap(lambda words: st.builds(Fate, st.sampled_from(CLIENTS), st.just(words), hold(words)))
    return st.lists(fate, min_size=1, max_size=30)


def play(fates: list[Fate]) -> tuple[list[Attempt], dict[Write, int]]:
    """Attempts and content of the database; the write of index i is number i + 1, sent at i seconds."""
    attempts, present = [], {}
    for number, fate in enumerate(fates, start=1):
        for nth, outcome in enumerate(fate.told):
            sent = number - 1 + nth * 0.25
            attempts.append(Attempt(fate.client, number, "SITE-A", sent, sent + 0.125, outcome))
        if fate.copies:
            present[fate.client, number] = fate.copies
    return attempts, present


def name(fates: list[Fate], *indexes: int) -> tuple[str, ...]:
    """Names of some writes, as an accounting orders them."""
    return tuple(f"{c}:{n}" for c, n in sorted((fates[index].client, index + 1) for index in indexes))


@given(histories(honest=False), st.dictionaries(st.integers(1000, 1010), st.integers(1, 2)))
def test_the_accounting_names_exactly_what_a_simulated_database_lost_doubled_or_invented(
    fates: list[Fate], invented: dict[int, int]
) -> None:
    attempts, present = play(fates)
    present |= {("zombie", number): copies for number, copies in invented.items()}
    found = account(attempts, present, None)

    def pick(*conditions: bool) -> tuple[str, ...]:
        return name(fates, *(index for index, condition in enumerate(conditions) if condition))

    zombies = tuple(f"zombie:{number}" for number in sorted(invented))
    twice = tuple(f"zombie:{number}" for number in sorted(invented) if invented[number] > 1)
    doubtful = [ACK not in fate.told and UNKNOWN in fate.told for fate in fates]
    assert found.acknowledged == sum(ACK in fate.told for fate in fates)
    assert found.present == sum(fate.copies > 0 for fate in fates) + len(invented)
    assert found.lost == pick(*(ACK in fate.told and not fate.copies for fate in fates))
    assert found.phantom == pick(*(set(fate.told) == {ERR} and fate.copies > 0 for fate in fates)) + zombies
    assert found.duplicates == pick(*(fate.copies > 1 for fate in fates)) + twice
    pairs = list(zip(doubtful, fates, strict=True))
    assert found.unknown_present == pick(*(doubt and fate.copies > 0 for doubt, fate in pairs))
    assert found.unknown_absent == pick(*(doubt and not fate.copies for doubt, fate in pairs))
    assert found.problems == ()
    assert found.rpo_seconds is None


@given(histories(honest=True), st.data())
def test_one_lie_added_to_an_honest_history_is_found(fates: list[Fate], data: st.DataObject) -> None:
    attempts, present = play(fates)
    honest = account(attempts, present, 0.0)
    assert (honest.lost, honest.phantom, honest.duplicates, honest.problems) == ((), (), (), ())
    assert honest.rpo_seconds == 0.0
    index = data.draw(st.integers(0, len(fates) - 1))
    fate, write = fates[index], (fates[index].client, index + 1)
    the_write = name(fates, index)
    if fate.copies:
        assert account(attempts, present | {write: 2}, None).duplicates == the_write
    absent = account(attempts, {key: count for key, count in present.items() if key != write}, None)
    there = account(attempts, present | {write: 1}, None)
    if ACK in fate.told:
        assert absent.lost == the_write
    elif UNKNOWN in fate.told:
        assert set(the_write) <= set(absent.unknown_absent)
        assert set(the_write) <= set(there.unknown_present)
        assert (absent.lost, there.phantom) == ((), ())
    else:
        assert there.phantom == the_write


@given(histories(honest=True), st.data())
def test_a_clock_that_goes_backwards_makes_the_history_unbelievable(
    fates: list[Fate], data: st.DataObject
) -> None:
    attempts, present = play(fates)
    index = data.draw(st.integers(0, len(attempts) - 1))
    back = replace(attempts[index], sent_seconds=-1.0, ended_seconds=0.0)
    earlier = any(one.client == back.client for one in attempts[:index])
    problems = account([*attempts[:index], back, *attempts[index + 1 :]], present, None).problems
    assert any("l'horloge recule" in problem for problem in problems) == earlier
    ends_first = replace(attempts[index], ended_seconds=attempts[index].sent_seconds - 1)
    (problem,) = account([*attempts[:index], ends_first, *attempts[index + 1 :]], present, None).problems
    assert "avant l'envoi" in problem


@given(st.lists(st.tuples(st.sampled_from(CLIENTS), st.integers(1, 5)), min_size=1, max_size=12))
def test_numbers_must_grow_and_an_acknowledged_write_is_never_tried_again(
    order: list[tuple[str, int]],
) -> None:
    attempts = [
        Attempt(client, number, "SITE-A", at, at + 0.5, ACK) for at, (client, number) in enumerate(order)
    ]
    problems = account(attempts, {}, None).problems
    again = sum(write in order[:at] for at, write in enumerate(order))
    shrunk = sum(
        write not in order[:at] and any(c == write[0] and n > write[1] for c, n in order[:at])
        for at, write in enumerate(order)
    )
    assert sum("tentée encore" in problem for problem in problems) == again
    assert sum("ne croît pas" in problem for problem in problems) == shrunk
    assert len(problems) == again + shrunk


def test_a_history_without_any_write_proves_nothing() -> None:
    assert account([], {}, None).problems == (NOTHING_TRIED,)


def test_a_client_does_one_thing_at_a_time_even_in_no_time() -> None:
    first = Attempt("direct-1", 1, "SITE-A", 1.0, 2.0, ACK)
    at_once = Attempt("direct-1", 2, "SITE-A", 2.0, 2.0, ACK)
    assert account([first, at_once], {}, None).problems == ()
    (overlap,) = account([first, replace(at_once, sent_seconds=1.75)], {}, None).problems
    assert overlap == "direct-1:2 : l'horloge recule, de 2,000 s à 1,750 s"


def test_a_time_that_is_no_number_is_a_problem() -> None:
    attempts = [Attempt("direct-1", 1, "SITE-A", math.nan, 1.0, ACK)]
    assert account(attempts, {}, None).problems == ("direct-1:1 : heure qui n'est pas un nombre",)


def test_the_rpo_is_the_age_at_the_fault_of_the_oldest_lost_write() -> None:
    attempts = [Attempt("direct-1", number, "SITE-A", number, number + 0.5, ACK) for number in range(1, 9)]
    present = {("direct-1", number): 1 for number in (1, 2, 4, 8)}
    found = account(attempts, present, 8.0)
    assert found.lost == ("direct-1:3", "direct-1:5", "direct-1:6", "direct-1:7")
    assert found.rpo_seconds == 5.0
    # Ordered at 2.5 it struck after 7.5: until then it let writes be acknowledged that it cost.
    assert account(attempts, present, 2.5).rpo_seconds == 4.5


def make_attempts() -> st.SearchStrategy[Attempt]:
    """Any attempt that a client could record."""
    moment = st.floats(allow_nan=False, allow_infinity=False)
    text = st.text(st.characters(codec="utf-8"))
    return st.builds(Attempt, text, st.integers(), text, moment, moment, st.sampled_from(WriteOutcome), text)


@given(make_attempts())
def test_an_attempt_is_one_line_that_reads_back_as_itself(attempt: Attempt) -> None:
    line = encode_attempt(attempt)
    assert "\n" not in line
    assert parse_attempt(line) == attempt


def test_a_history_cut_anywhere_reads_as_its_whole_lines(tmp_path: Path) -> None:
    attempts = tuple(Attempt("é\n", n, "SITE-A", n, n + 0.5, UNKNOWN, "perdue") for n in range(3))
    whole = "".join(encode_attempt(one) + "\n" for one in attempts).encode()
    path = tmp_path / "ecritures.jsonl"
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        history = read_history(path)
        complete = whole[:cut].count(b"\n") + whole[:cut].endswith(b"}")
        assert history.attempts == attempts[:complete]
        assert history.problems == ()


def test_a_line_in_the_middle_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    good = encode_attempt(Attempt("direct-1", 1, "SITE-A", 1.0, 2.0, ACK)).encode()
    path = tmp_path / "ecritures.jsonl"
    spoilt = (
        b"", b"{}", b"[]", b"\xff", good[:-2], good + good, good.replace(b"ACK", b"OUI"), good.replace(b"1.0", b"NaN"),
        good.replace(b"1,", b"true,", 1), good.replace(b"1.0", b"1" + b"0" * 400), b"[" * 100_000,
    )  # fmt: skip
    for line in spoilt:
        path.write_bytes(line + b"\n" + good + b"\n")
        history = read_history(path)
        assert history.problems == ("ecritures.jsonl, ligne 1 : illisible",)
        assert len(history.attempts) == 1
        assert account(history.attempts, {}, None, history.problems).problems == history.problems


def test_what_a_killed_worker_had_recorded_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "ecritures.jsonl"
    done = subprocess.run([sys.executable, "-c", CUT, str(path)], check=False, timeout=30)
    assert done.returncode == -9
    history = read_history(path)
    assert [one.sequence for one in history.attempts] == list(range(1, 201))
    assert history.problems == ()


def test_a_journal_reaches_its_file_without_being_closed_and_is_whole_once_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ecritures.jsonl"
    journal: Journal[int] = Journal(path, str)
    journal.start()
    journal.put(1)
    wait_until(lambda: path.exists() and path.read_text() == "1\n", 5, "ligne au disque")
    journal.put(2)
    journal.close()
    assert path.read_text() == "1\n2\n"
    assert (journal.items, journal.problems) == ([1, 2], [])


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    journal: Journal[int] = Journal(tmp_path / "absent" / "ecritures.jsonl", str)
    journal.start()
    journal.put(1)
    journal.close()
    assert journal.problems == ["ecritures.jsonl n'a pas pu être écrit : fichier ou dossier absent"]
