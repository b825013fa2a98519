"""Witnesses of the ledger: heads kept elsewhere, by which a cut-off or rewritten end is noticed.

They are read from the key `ledger` of every run's manifest.json, of the files of interventions and of promoted
baselines, which git keeps, and can be given by hand, as pasted into a ticket: `ID:SEQUENCE:SHA256`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from nonreg.decision import SignedDecision, verify_signer
from nonreg.errors import ConfigError, DecisionRefused, LedgerBroken, UsageError
from nonreg.files import read_json
from nonreg.ledger import FILE, LedgerEntry, LedgerHead, has_torn_tail, read_entries
from nonreg.people import People

HEAD = re.compile(r"([0-9a-f-]{36}):([1-9][0-9]{0,11}):([0-9a-f]{64})")
RUNS, INTERVENTIONS, PROMOTED = "*/manifest.json", "interventions/*/*.json", "baselines/*.json"
SEALED = "*/*/manifest.json"  # records of executions, documents: whatever stands in a folder of its kind


@dataclass(frozen=True, slots=True)
class Witness:
    """A head seen once; `source` says where it is kept."""

    source: str
    head: LedgerHead


@dataclass(frozen=True, slots=True)
class KeptHeads:
    """What folders keep of a ledger: the heads, and in French what they should keep and do not."""

    witnesses: tuple[Witness, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """A ledger found whole: its entries, how many witnesses agree, and what is worth saying, in French."""

    entries: tuple[LedgerEntry, ...]
    witnesses: int
    notes: tuple[str, ...] = ()


def collect_witnesses(runs_dir: Path, governance: Path | None = None) -> tuple[Witness, ...]:
    """Every head kept in the sealed folders of a folder of runs; ConfigError when one cannot be read.

    Baselines of `governance` are shared by git between ledgers: theirs count for the ledger they name.
    """
    return scan_witnesses(runs_dir, governance).witnesses


def scan_witnesses(runs_dir: Path, governance: Path | None = None) -> KeptHeads:
    """As `collect_witnesses`, with how many runs keep no head without saying why, and foreign baselines."""
    runs = [_read_kept(file) for file in sorted(runs_dir.glob(RUNS))]
    answers = [_read_kept(file) for file in sorted({*runs_dir.glob(INTERVENTIONS), *runs_dir.glob(SEALED)})]
    witnesses = [kept.witness for kept in (*runs, *answers) if kept.witness is not None]
    notes = []
    silent = sum(kept.witness is None and not kept.explained for kept in runs)
    if silent:
        notes.append(f"{silent} passage(s) sans témoin, sans que leur manifeste dise pourquoi.")
    if governance is not None:
        files = sorted(governance.glob(PROMOTED))
        promoted = [kept.witness for file in files if (kept := _read_kept(file)).witness is not None]
        ids = _read_ledger_ids(runs_dir) | {witness.head.ledger_id for witness in witnesses}
        own = [witness for witness in promoted if witness is not None and witness.head.ledger_id in ids]
        if len(own) < len(promoted):
            notes.append(
                f"{len(promoted) - len(own)} référence(s) promue(s) inscrites dans un autre registre."
            )
        witnesses += own
    return KeptHeads(tuple(witnesses), tuple(notes))


def _read_ledger_ids(runs_dir: Path) -> set[str]:
    """The id of the ledger of a folder of runs, as its first line says."""
    try:
        with (runs_dir / FILE).open("rb") as file:
            return {str(json.loads(file.readline())["previous"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


def format_head(head: LedgerHead) -> str:
    """A head as one word, to paste into a ticket."""
    return f"{head.ledger_id}:{head.sequence}:{head.sha256}"


def parse_head(text: str) -> LedgerHead:
    """The inverse of `format_head`; UsageError when it is not one."""
    match = HEAD.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"Tête de registre illisible : « {text} » (attendu : IDENTIFIANT:NUMÉRO:SHA256).")
    return LedgerHead(match[1], int(match[2]), match[3])


def verify_ledger(path: Path, witnesses: tuple[Witness, ...], notes: tuple[str, ...] = ()) -> LedgerCheck:
    """Verify the chain, then every witness; LedgerBroken with the exact line when something does not hold.

    `notes` are those of `scan_witnesses`, told with those of the ledger itself.
    """
    entries = read_entries(path)
    for witness in witnesses:
        if entries and witness.head.ledger_id != entries[0].previous:
            raise LedgerBroken(
                1,
                f"le registre a été remplacé : le témoin {witness.source} connaît {witness.head.ledger_id}, "
                f"celui-ci est {entries[0].previous}",
            )
    _check_end(len(entries), witnesses)
    _check_hashes(entries, witnesses)
    told = []
    if has_torn_tail(path):
        told.append(
            f"La ligne {len(entries) + 1} est incomplète (écriture interrompue) : elle n'est pas comptée."
        )
    if not entries:
        told.append("Il n'y a pas encore de registre.")
    elif not witnesses:
        told.append("Aucun témoin : des dernières lignes retirées ne se verraient pas.")
    return LedgerCheck(entries, len(witnesses), (*told, *notes))


def verify_signatures(
    entries: tuple[LedgerEntry, ...], people: People, platform: str, identity_token: str
) -> int:
    """Verify every signed entry of a platform as at its own time; returns how many there are.

    LedgerBroken names the line of the first that does not hold. The text that was shown is not in the
    ledger: its hash is, under the signature.
    """
    verified = 0
    for entry in entries:
        decision = entry.decision
        if decision is None or entry.platform != platform:
            continue
        try:
            if (decision.platform, decision.identity_token) != (platform, identity_token):
                raise DecisionRefused("elle vaut pour une autre plateforme")
            if (decision.person, decision.ticket) != (entry.person, entry.ticket):
                raise DecisionRefused("elle est d'une autre personne ou d'un autre ticket que l'entrée")
            verify_signer(SignedDecision(decision, "", entry.signature), people, entry.at)
        except DecisionRefused as error:
            reason = f"décision {decision.id} refusée : {str(error).rstrip('.')}"
            raise LedgerBroken(entry.sequence, reason) from error
        verified += 1
    return verified


def _check_end(count: int, witnesses: tuple[Witness, ...]) -> None:
    furthest = max(witnesses, key=lambda witness: witness.head.sequence, default=None)
    if furthest is None or furthest.head.sequence <= count:
        return
    first, last = count + 1, furthest.head.sequence
    gone = (
        f"la ligne {first} a été retirée"
        if first == last
        else f"les lignes {first} à {last} ont été retirées"
    )
    raise LedgerBroken(first, f"{gone} (témoin : {furthest.source})")


def _check_hashes(entries: tuple[LedgerEntry, ...], witnesses: tuple[Witness, ...]) -> None:
    agreed = 0
    for witness in sorted(witnesses, key=lambda witness: witness.head.sequence):
        line = witness.head.sequence
        if witness.head.sha256 != entries[line - 1].sha256:
            since = f", ou depuis la ligne {agreed + 1}" if agreed + 1 < line else ""
            raise LedgerBroken(line, f"la ligne {line} a été réécrite{since} (témoin : {witness.source})")
        agreed = line


@dataclass(frozen=True, slots=True)
class _Kept:
    """What one file keeps: a head or none, and whether it says what went wrong."""

    witness: Witness | None
    explained: bool


def _read_kept(file: Path) -> _Kept:
    data = read_json(file)
    if not isinstance(data, dict):
        raise ConfigError(f"{file} : témoin du registre illisible.")
    kept, explained = data.get("ledger"), bool(data.get("problems"))
    if kept is None:
        return _Kept(None, explained)
    try:
        head = parse_head(f"{kept['ledger_id']}:{kept['sequence']}:{kept['sha256']}")
    except (KeyError, TypeError, UsageError) as error:
        raise ConfigError(f"{file} : clé « ledger » : ce n'est pas une tête de registre.") from error
    return _Kept(Witness(f"{file.parent.name}/{file.name}", head), explained)
