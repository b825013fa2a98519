"""The ledger: nothing lost, nothing changed unnoticed, and the exact line when something was."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonreg.__main__ import main
from nonreg.decision import SignedDecision, parse_decision, write_decision
from nonreg.errors import ConfigError, DecisionRefused, LedgerBroken, NonregError, UsageError
from nonreg.ledger import (
    RESUMED_WITHIN,
    LedgerHead,
    append,
    append_once,
    has_torn_tail,
    read_entries,
    read_head,
)
from nonreg.ledger_witness import (
    Witness,
    collect_witnesses,
    format_head,
    parse_head,
    scan_witnesses,
    verify_ledger,
    verify_signatures,
)
from nonreg.people import People
from nonreg.waiting import wait_until
from tests.decision_samples import NOW, TOKEN, make_decision, make_people, make_signed
from tests.governed import make_governed

Damage = Callable[[list[bytes]], list[bytes]]
APPEND = """\
import sys
from datetime import UTC, datetime
from pathlib import Path
from nonreg.ledger import append
path, name, count, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for number in range(count):
    head = append(path, kind="essai", platform="essai", person="", ticket="", at=datetime.now(UTC),
                  data={"par": name, "n": number, "plein": "x" * size}, people=None, signed=None)
    print(head.sequence, flush=True)
"""


def add(path: Path, number: int = 0, **changes: Any) -> LedgerHead:
    entry: dict[str, Any] = {
        "kind": "essai",
        "platform": "essai",
        "person": "titulaire-1",
        "ticket": "AQ-123",
        "data": {"n": number, "é": "à côté"},
        "at": NOW,
        "people": None,
        "signed": None,
    }
    return append(path, **(entry | changes))


def fill(path: Path, count: int) -> list[LedgerHead]:
    return [add(path, number) for number in range(count)]


def start_appending(path: Path, name: str, count: int, size: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", APPEND, str(path), name, str(count), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registre.jsonl"


def test_entries_are_read_back_after_the_one_that_opens_the_ledger(path: Path) -> None:
    heads = fill(path, 3)
    entries = read_entries(path)
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4]
    assert entries[0].kind == "ouverture"
    assert entries[0].data == {"ledger_id": entries[0].previous}
    assert entries[2].data == {"n": 1, "é": "à côté"}
    assert (entries[2].at, entries[2].person, entries[2].ticket) == (NOW, "titulaire-1", "AQ-123")
    assert read_head(path) == heads[-1] == LedgerHead(entries[0].previous, 4, entries[3].sha256)


def test_two_ledgers_have_different_ids(tmp_path: Path) -> None:
    assert add(tmp_path / "a").ledger_id != add(tmp_path / "b").ledger_id


def test_a_ledger_that_does_not_exist_yet_is_empty(path: Path) -> None:
    assert read_entries(path) == ()
    assert read_head(path) is None
    assert "pas encore de registre" in verify_ledger(path, ()).notes[0]


def swap(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


@pytest.mark.parametrize(
    ("damage", "line", "reason"),
    [
        (lambda lines: lines[1:], 1, "la ligne 1 a été retirée"),
        (lambda lines: [*lines[:2], *lines[3:]], 3, "la ligne 3 a été retirée"),
        (swap, 3, "la ligne 3 a été retirée ou déplacée, la ligne écrite sous le numéro 4"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4, "une ligne a été ajoutée"),
        (lambda lines: [*lines[:3], b"", *lines[3:]], 4, "plus lisible"),
        (lambda lines: [*lines[:3], b"[" * 100_000, *lines[4:]], 4, "plus lisible"),
        (lambda lines: [*lines[:3], b"{}", *lines[4:]], 4, "ses champs"),
        (lambda lines: [*lines[:3], lines[3] + b" ", *lines[4:]], 4, "a été modifiée"),
        (lambda lines: [*lines[:3], lines[3].replace(b'"n":2', b'"n":3'), *lines[4:]], 4, "a été modifiée"),
    ],
)
def test_a_damaged_ledger_is_refused_with_the_exact_line(
    damage: Damage, line: int, reason: str, path: Path
) -> None:
    fill(path, 5)
    path.write_bytes(b"".join(one + b"\n" for one in damage(path.read_bytes().splitlines())))
    with pytest.raises(LedgerBroken, match=reason) as caught:
        read_entries(path)
    assert caught.value.line == line
    assert f"ligne {line} : " in str(caught.value)


def reseal(line: bytes, **changes: Any) -> bytes:
    """A line with other fields and a hash that fits them: what a forger who knows the format would write."""
    import hashlib

    from nonreg.decision import canonical_json

    body = {key: value for key, value in (json.loads(line) | changes).items() if key != "sha256"}
    return canonical_json({**body, "sha256": hashlib.sha256(canonical_json(body)).hexdigest()})


@pytest.mark.parametrize(
    ("number", "changes", "line", "reason"),
    [
        (3, {"data": {"n": 9}}, 4, "ne fait pas suite à la ligne 3"),
        (1, {"kind": "essai"}, 1, "n'ouvre pas le registre"),
        (1, {"data": {"ledger_id": "autre"}}, 1, "n'ouvre pas le registre"),
        (3, {"sequence": "3"}, 3, "ses champs"),
        (3, {"sequence": True}, 3, "ses champs"),
        (3, {"data": []}, 3, "ses champs"),
        (3, {"person": None}, 3, "ses champs"),
        (3, {"note": ""}, 3, "ses champs"),
        (6, {"at": "2026-11-23T16:09:11"}, 6, "date avec fuseau"),
        (6, {"at": "hier"}, 6, "date avec fuseau"),
        (6, {"at": "9999-12-31T23:59:59-12:00"}, 6, "date avec fuseau"),
        (
            6,
            {
                "decision": write_decision(make_decision()) | {"expires_at": "9999-12-31T23:59:59-12:00"},
                "signature": "",
            },
            6,
            "sa décision est refusée",
        ),
        (6, {"decision": {}, "signature": ""}, 6, "sa décision est refusée"),
        (6, {"decision": {}, "signature": 3}, 6, "ses champs"),
    ],
)
def test_a_line_forged_with_its_hash_is_refused_too(
    number: int, changes: dict[str, Any], line: int, reason: str, path: Path
) -> None:
    fill(path, 5)
    lines = path.read_bytes().splitlines()
    lines[number - 1] = reseal(lines[number - 1], **changes)
    path.write_bytes(b"".join(one + b"\n" for one in lines))
    with pytest.raises(LedgerBroken, match=reason) as caught:
        read_entries(path)
    assert caught.value.line == line


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, LedgerHead]:
    """A ledger of five lines, its bytes and its head; the test that changes it writes all of it."""
    path = tmp_path_factory.mktemp("octet") / "registre.jsonl"
    head = fill(path, 4)[-1]
    return path, path.read_bytes(), head


@settings(max_examples=300)
@given(data=st.data())
def test_no_byte_can_change_without_the_exact_line_being_named(
    data: st.DataObject, filled: tuple[Path, bytes, LedgerHead]
) -> None:
    path, whole, head = filled
    content = bytearray(whole)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(LedgerBroken) as caught:  # the witness: the last line end may have gone too
        verify_ledger(path, (Witness("ticket", head),))
    assert caught.value.line == whole[:place].count(b"\n") + 1


def test_nothing_is_added_to_a_broken_ledger(path: Path) -> None:
    fill(path, 3)
    broken = path.read_bytes().replace(b'"n":1', b'"n":7')
    path.write_bytes(broken)
    with pytest.raises(LedgerBroken):
        add(path)
    assert path.read_bytes() == broken


def cut(path: Path, count: int) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-count]))


@pytest.mark.parametrize(
    ("count", "line", "reason"),
    [(1, 6, "la ligne 6 a été retirée"), (3, 4, "les lignes 4 à 6 ont été retirées"), (6, 1, "1 à 6")],
)
def test_last_lines_that_were_removed_are_noticed_by_a_witness(
    count: int, line: int, reason: str, path: Path
) -> None:
    head = fill(path, 5)[-1]
    cut(path, count)
    assert len(verify_ledger(path, ()).entries) == 6 - count  # the chain alone cannot tell
    with pytest.raises(LedgerBroken, match=rf"{reason}.*\(témoin : ticket AQ-1\)") as caught:
        verify_ledger(path, (Witness("ticket AQ-1", head),))
    assert caught.value.line == line


def test_a_ledger_that_is_gone_is_noticed_by_a_witness(path: Path) -> None:
    head = fill(path, 1)[-1]
    path.unlink()
    with pytest.raises(LedgerBroken, match="les lignes 1 à 2 ont été retirées"):
        verify_ledger(path, (Witness("ticket", head),))


def test_an_end_written_again_is_noticed_by_a_witness_with_the_exact_line(path: Path) -> None:
    heads = fill(path, 5)
    cut(path, 3)
    fill(path, 3)
    witnesses = tuple(Witness(f"passage-{head.sequence}", head) for head in heads)
    with pytest.raises(LedgerBroken, match=r"la ligne 4 a été réécrite \(témoin : passage-4\)") as caught:
        verify_ledger(path, witnesses)
    assert caught.value.line == 4
    with pytest.raises(LedgerBroken, match="la ligne 6 a été réécrite, ou depuis la ligne 4") as caught:
        verify_ledger(path, (witnesses[1], witnesses[-1]))
    assert caught.value.line == 6


def test_a_replaced_ledger_is_noticed_by_a_witness(path: Path) -> None:
    head = fill(path, 2)[-1]
    path.unlink()
    fill(path, 2)
    with pytest.raises(LedgerBroken, match="a été remplacé : le témoin ticket connaît"):
        verify_ledger(path, (Witness("ticket", head),))


def keep(file: Path, head: LedgerHead | None, **told: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {"ledger_id": head.ledger_id, "sequence": head.sequence, "sha256": head.sha256} if head else None
    file.write_text(json.dumps({"files": {}, "ledger": kept} | told), encoding="utf-8")


def test_witnesses_are_read_from_runs_and_interventions(path: Path) -> None:
    heads = fill(path, 3)
    keep(path.parent / "passage-1" / "manifest.json", heads[0])
    keep(path.parent / "passage-2" / "manifest.json", None)
    keep(path.parent / "interventions" / "AQ-7" / "decision.json", heads[1])
    found = collect_witnesses(path.parent)
    assert {(one.source, one.head) for one in found} == {
        ("passage-1/manifest.json", heads[0]),
        ("AQ-7/decision.json", heads[1]),
    }
    assert verify_ledger(path, found).witnesses == 2


@pytest.mark.parametrize(
    "text",
    [
        *(
            "{",
            "3",
            '{"ledger": 3}',
            '{"ledger": {"ledger_id": "x"}}',
            '{"ledger": {"ledger_id": 1}}',
            "\xff",
        ),
        *('{"ledger": ' + "[" * 100_000, '{"ledger": ' + "9" * 5_000),
    ],
    ids=range(8),
)
def test_a_witness_that_cannot_be_read_is_refused_not_forgotten(text: str, tmp_path: Path) -> None:
    (tmp_path / "passage-1").mkdir()
    (tmp_path / "passage-1" / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="passage-1/manifest"):
        collect_witnesses(tmp_path)


@pytest.mark.parametrize("first_line", [b"[" * 100_000, b"9" * 5_000, b"[]", b"{}", b"\xff", b""])
def test_a_first_line_that_cannot_be_read_is_told_by_the_chain_and_keeps_no_witness_from_being_read(
    first_line: bytes, path: Path
) -> None:
    head = fill(path, 2)[-1]
    keep(path.parent / "passage-1" / "manifest.json", head)
    governance = path.parent / "gouvernance"
    keep(governance / "baselines" / "0001-5.2.0.json", head)
    path.write_bytes(first_line + b"\n" + b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert len(collect_witnesses(path.parent, governance)) == 2
    with pytest.raises(LedgerBroken, match="ligne 1"):
        verify_ledger(path, collect_witnesses(path.parent, governance))


def test_runs_without_a_witness_and_baselines_of_another_ledger_are_counted_in_notes(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = fill(path, 2)[-1]
    keep(path.parent / "passage-1" / "manifest.json", head)
    governance = path.parent / "gouvernance"
    keep(governance / "baselines" / "0001-5.2.0.json", head)
    assert scan_witnesses(path.parent, governance).notes == ()
    for name in ("passage-2", "passage-3"):
        keep(path.parent / name / "manifest.json", None)
    keep(path.parent / "passage-4" / "manifest.json", None, problems=["Registre plein."])
    elsewhere = add(path.parent / "ailleurs" / "registre.jsonl")
    keep(governance / "baselines" / "0002-5.3.0.json", elsewhere)
    kept = scan_witnesses(path.parent, governance)
    check = verify_ledger(path, kept.witnesses, kept.notes)
    assert check.witnesses == 2
    assert check.notes == (
        "2 passage(s) sans témoin, sans que leur manifeste dise pourquoi.",
        "1 référence(s) promue(s) inscrites dans un autre registre.",
    )
    assert main(["ledger", "verify", "--runs-dir", str(path.parent)]) == 0
    assert "2 passage(s) sans témoin" in capsys.readouterr().out


def test_verify_prints_that_a_promoted_baseline_is_of_another_ledger(path: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    governed = make_governed(site)
    keep(governed.governance / "baselines" / "0001-5.2.0.json", add(path))
    assert (
        governed.cli("ledger", "verify").stdout.count("1 référence(s) promue(s) inscrites dans un autre") == 1
    )


def test_a_head_survives_being_pasted_into_a_ticket(path: Path) -> None:
    head = add(path)
    assert parse_head(f" {format_head(head)}\n") == head
    for wrong in ("", "x:1:y", format_head(head)[:-1], format_head(head).replace(":2:", ":0:")):
        with pytest.raises(UsageError, match="Tête de registre illisible"):
            parse_head(wrong)


@pytest.mark.parametrize("torn", [b"{", b'{"at":"2026', b"\xc3"])
def test_the_torn_line_of_an_interrupted_write_is_not_read_and_goes_before_the_next(
    torn: bytes, path: Path
) -> None:
    heads = fill(path, 2)
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert read_head(path) == heads[-1]
    assert has_torn_tail(path)
    assert "La ligne 4 est incomplète" in " ".join(verify_ledger(path, ()).notes)
    add(path, 2)
    assert [entry.data.get("n") for entry in read_entries(path)] == [None, 0, 1, 2]
    assert path.read_bytes().startswith(whole)
    assert not has_torn_tail(path)


def test_a_last_line_without_its_end_is_a_removed_line_when_a_witness_knows_it(path: Path) -> None:
    head = fill(path, 2)[-1]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LedgerBroken, match="la ligne 3 a été retirée"):
        verify_ledger(path, (Witness("ticket", head),))


def test_processes_that_append_at_the_same_moment_lose_nothing(path: Path) -> None:
    processes = [start_appending(path, f"p{number}", 120) for number in range(3)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    entries = read_entries(path)
    assert len(entries) == 1 + 3 * 120
    told = sorted(int(line) for out, _ in outputs for line in out.split())
    assert told == list(range(2, len(entries) + 1))
    for name in ("p0", "p1", "p2"):
        assert [one.data["n"] for one in entries if one.data.get("par") == name] == list(range(120))


def test_threads_of_one_process_that_append_at_the_same_moment_lose_nothing(path: Path) -> None:
    threads = [threading.Thread(target=fill, args=(path, 30)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_entries(path)) == 1 + 4 * 30


def test_a_kill_in_the_middle_leaves_everything_that_was_acknowledged(path: Path) -> None:
    acknowledged = 0
    for round_number in range(6):
        process = start_appending(path, f"tour-{round_number}", 10_000, size=200_000)
        assert process.stdout is not None
        for _ in range(round_number % 3 + 1):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        # The last line may itself be torn: only whole ones were told.
        told = [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        acknowledged = max([acknowledged, *told])
        assert len(read_entries(path)) in (acknowledged, acknowledged + 1)
    assert add(path).sequence == len(read_entries(path))


def test_a_full_disk_leaves_the_state_before_and_says_so(path: Path) -> None:
    fill(path, 3)
    before = path.read_bytes()
    limit = len(before) + 5_000  # room for the beginning of the next line only

    def fill_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-c", APPEND, str(path), "plein", "1", "20000"]
    ended = subprocess.run(
        command,
        preexec_fn=fill_disk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "Écriture impossible dans le registre" in ended.stderr
    assert "l'état précédent est gardé" in ended.stderr
    assert path.read_bytes() == before
    add(path, 3)
    assert len(read_entries(path)) == 5


def test_a_disk_that_is_full_at_the_opening_leaves_no_ledger(path: Path) -> None:
    def fill_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    command = [sys.executable, "-c", APPEND, str(path), "plein", "1", "0"]
    ended = subprocess.run(
        command,
        preexec_fn=fill_disk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Écriture impossible" in ended.stderr
    assert read_entries(path) == ()
    assert add(path).sequence == 2


def test_a_reader_never_sees_half_an_entry_while_another_process_appends(path: Path) -> None:
    process = start_appending(path, "écrivain", 60, size=100_000)
    seen = [0]
    while process.poll() is None:
        seen.append(len(read_entries(path)))
    assert process.wait() == 0
    assert seen == sorted(seen)
    assert len(read_entries(path)) == 61


def test_a_lock_held_too_long_is_said_in_one_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import filelock

    monkeypatch.setattr("nonreg.file_lock.LOCK_SECONDS", 0.1)
    with (
        filelock.FileLock(path.with_name(path.name + ".lock")),
        pytest.raises(NonregError, match=r"occupé depuis 0\.1 s"),
    ):
        add(path)
    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "fichier").write_text("", encoding="utf-8")
    with pytest.raises(
        NonregError, match=r"impossible à ouvrir \((il existe déjà|ce n'est pas un dossier)\)"
    ):
        add(tmp_path / "fichier" / "registre.jsonl")
    (tmp_path / "dossier").mkdir()
    with pytest.raises(NonregError, match=r"illisible : .*dossier \(c'est un dossier\)"):
        read_entries(tmp_path / "dossier")


def test_a_ledger_that_cannot_be_opened_to_write_is_said_in_one_sentence(path: Path) -> None:
    path.symlink_to(path.parent / "absent" / "registre.jsonl")
    with pytest.raises(NonregError, match=r"Écriture impossible .*\(fichier ou dossier absent\) : l'état"):
        add(path)


def append_promotion(path: Path, number: int = 1, at: datetime = NOW, **changes: Any) -> LedgerHead:
    return append_once(
        path,
        kind="promotion",
        platform="essai",
        data={"baseline": number},
        at=at,
        people=make_people(),
        signed=make_signed(path.parent, **changes),
    )


def test_an_attempt_cut_short_finds_its_entry_again_and_no_other_use_of_the_decision_does(path: Path) -> None:
    head = append_promotion(path)
    add(path)
    assert append_promotion(path) == head
    assert len(read_entries(path)) == 3
    with pytest.raises(DecisionRefused, match="ne sert qu'une fois"):
        append_promotion(path, number=2)


def test_what_was_taken_away_since_does_not_come_back_by_an_old_decision(path: Path) -> None:
    head = append_promotion(path)
    assert append_promotion(path, at=NOW + RESUMED_WITHIN) == head
    with pytest.raises(DecisionRefused, match="ne sert qu'une fois"):
        append_promotion(path, at=NOW + RESUMED_WITHIN + timedelta(seconds=1))


def test_a_broken_ledger_found_by_any_command_is_exit_code_1(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(path, 2)
    path.write_bytes(path.read_bytes().replace(b'"n":1', b'"n":7'))
    for action in ("verify", "show", "head"):
        assert main(["ledger", action, "--runs-dir", str(path.parent)]) == 1
        assert "Registre rompu, ligne 3" in capsys.readouterr().err


def sign_and_add(path: Path, people: People | None = None, **changes: Any) -> LedgerHead:
    signed = make_signed(path.parent, **changes.pop("decision", {}))
    own: dict[str, Any] = {"kind": "promotion", "signed": signed, "people": people or make_people()}
    return add(path, **(own | changes))


def test_a_signed_entry_keeps_the_decision_and_its_signature(path: Path) -> None:
    sign_and_add(path)
    entry = read_entries(path)[-1]
    assert entry.decision == make_decision()
    assert verify_signatures(read_entries(path), make_people(), "essai", TOKEN) == 1
    assert verify_signatures(read_entries(path), make_people(), "autre", TOKEN) == 0


def test_a_decision_serves_only_once(path: Path) -> None:
    sign_and_add(path)
    with pytest.raises(DecisionRefused, match=r"D-0123456789ab a déjà servi \(registre, ligne 2\)"):
        sign_and_add(path)
    sign_and_add(path, decision={"id": "D-ffffffffffff"})
    assert len(read_entries(path)) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"person": "moa-1"}, "« person »"),
        ({"platform": "autre"}, "« platform »"),
        ({"ticket": "AQ-9"}, "« ticket »"),
        ({"decision": {"number": 2}}, "celle de « moa-1 »"),
        ({"at": make_decision().expires_at}, "a expiré"),
    ],
)
def test_a_decision_that_is_not_the_one_of_the_entry_is_refused(
    changes: dict[str, Any], message: str, path: Path
) -> None:
    with pytest.raises(DecisionRefused, match=message):
        sign_and_add(path, **changes)
    assert not path.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"motif": "vu avec Amaury Valbief"}},
        {"data": {"liste": [{"valbief amaury": 1}]}},
        {"data": {"motif": "vu avec M.\nValbief"}},
        {"data": {"motif": "vu avec Amaury\nValbief"}},
        {"data": {"noms": ("Amaury", "Valbief")}},
        {"ticket": "Mme Ruisselle"},
        {"decision": {"reason": "accord de M. Valbief"}},
    ],
)
def test_a_persons_name_does_not_enter_the_ledger(changes: dict[str, Any], path: Path) -> None:
    signed = {} if "decision" in changes else {"signed": None}
    with pytest.raises(UsageError, match="seuls les identifiants entrent"):
        sign_and_add(path, **(signed | changes))
    assert not path.exists()


@pytest.mark.parametrize("value", [float("nan"), {1}, "\ud800", object()])
def test_a_value_that_json_cannot_write_is_refused(value: object, path: Path) -> None:
    with pytest.raises(UsageError, match="ne s'écrit pas en JSON"):
        add(path, data={"valeur": value})
    assert not path.exists()


def test_a_naive_time_is_a_mistake_of_the_caller(path: Path) -> None:
    with pytest.raises(ValueError, match="aware"):
        add(path, at=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signature": "forgée"}, "n'est pas encadrée"),
        ({"person": "moa-1"}, "d'une autre personne"),
        ({"ticket": "AQ-9"}, "d'un autre ticket"),
        ({"platform": "autre"}, "une autre plateforme"),
        ({"at": "2030-01-01T00:00:00+00:00"}, "a expiré"),
        ({"decision": write_decision(make_decision(reason="autre"))}, "ne correspond pas"),
    ],
)
def test_a_signed_entry_forged_with_its_hash_is_refused_by_its_signature(
    changes: dict[str, Any], reason: str, path: Path
) -> None:
    sign_and_add(path)
    lines = path.read_bytes().splitlines()
    path.write_bytes(lines[0] + b"\n" + reseal(lines[1], **changes) + b"\n")
    entries = read_entries(path)  # the chain alone cannot tell: it is the last line
    with pytest.raises(LedgerBroken, match=reason) as caught:
        verify_signatures(entries, make_people(), entries[1].platform, TOKEN)
    assert caught.value.line == 2


def test_the_ledger_commands_verify_show_and_give_the_head(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--runs-dir", str(path.parent)]
    assert main(["ledger", "head", *there]) == 3
    capsys.readouterr()
    fill(path, 2)
    sign_and_add(path)
    assert main(["ledger", "head", *there]) == 0
    head = capsys.readouterr().out.split()[-1]
    assert parse_head(head) == read_head(path)
    assert main(["ledger", "show", "--kind", "promotion", *there]) == 0
    shown = capsys.readouterr().out
    assert "D-0123456789ab" in shown
    assert "1 entrée(s)" in shown
    assert main(["ledger", "verify", "--head", head, *there]) == 0
    assert "4 ligne(s), 1 témoin(s)" in capsys.readouterr().out
    cut(path, 1)
    assert main(["ledger", "verify", *there]) == 0
    assert "Aucun témoin" in capsys.readouterr().out
    assert main(["ledger", "verify", "--head", head, *there]) == 1
    assert "ligne 4 : la ligne 4 a été retirée (témoin : --head)" in capsys.readouterr().err
    assert main(["ledger", "verify", "--head", "x", *there]) == 3


def test_verify_reads_the_witnesses_of_the_runs_folder(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(path.parent / "passage-1" / "manifest.json", fill(path, 2)[-1])
    cut(path, 1)
    assert main(["ledger", "verify", "--runs-dir", str(path.parent)]) == 1
    assert "passage-1/manifest.json" in capsys.readouterr().err


def test_a_decision_read_from_the_ledger_is_the_one_that_was_signed(path: Path) -> None:
    sign_and_add(path)
    entry = read_entries(path)[-1]
    assert entry.decision is not None
    assert parse_decision(write_decision(entry.decision)) == SignedDecision(make_decision(), "", "").decision


def test_the_lock_is_free_after_a_kill(path: Path) -> None:
    process = start_appending(path, "tué", 10_000)
    wait_until(lambda: path.exists() and path.stat().st_size > 0, 30, "première entrée")
    process.kill()
    process.communicate(timeout=30)
    add(path)
    assert os.path.exists(path)
