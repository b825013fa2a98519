"""What is wrong with evidence: one finding for each thing checked, in the order in which a wrong one tells most.

A thing is a sealed folder. Readable, format, files, chain, signatures, content: what comes after a wrong one is not
looked at, since it could only repeat it. Nothing here is written, and nothing is asked of any other machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nonreg import ledger
from nonreg.errors import ConfigError, NonregError
from nonreg.evidence.chain import (
    RUN,
    Seal,
    list_current,
    list_purged,
    list_seals,
)
from nonreg.evidence.explain import MOST_SHOWN, compare_files, explain_chain, list_names
from nonreg.evidence.files import (
    MANIFEST,
    list_left_out,
    mark_files,
    show_name,
)
from nonreg.evidence.folders import find_begun, list_begun, list_things, place_of, read_manifest
from nonreg.evidence.manifest import Manifest
from nonreg.evidence.pages import look_at_pages
from nonreg.evidence.signatures import Lookup, Signed, check_signatures
from nonreg.handover.readiness import FOLDER as PAGES
from nonreg.ledger import LedgerEntry
from nonreg.ledger_witness import KeptHeads, Witness, scan_witnesses, verify_ledger


class State(StrEnum):
    """How one thing that was checked turned out."""

    GOOD = "conforme"
    WRONG = "ERREUR"
    UNKNOWN = "non vérifié"
    NOTE = "remarque"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked; `about` is the folder or the ledger, the text French."""

    state: State
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class NotJudgedHere(Exception):
    """The content cannot be judged by this version of the tool; the text says why."""

    reason: str


Judge = Callable[
    [Path, Manifest, tuple[LedgerEntry, ...]], str
]  # what was found consistent, NonregError when not


@dataclass(frozen=True, slots=True)
class Means:
    """What evidence is checked with: people, who judges the content of each kind of thing, heads kept elsewhere."""

    people: Lookup
    judges: Mapping[str, Judge]
    heads: tuple[Witness, ...] = ()


def verify_thing(folder: Path, runs_dir: Path | None, means: Means) -> Iterator[Finding]:
    """Check one sealed folder, with the ledger of `runs_dir` when there is one."""
    entries: tuple[LedgerEntry, ...] | None = None
    broken: Finding | None = None
    if runs_dir is not None and (runs_dir / ledger.FILE).is_file():
        try:
            entries = verify_ledger(runs_dir / ledger.FILE, means.heads).entries
        except NonregError as error:
            broken = Finding(State.WRONG, "registre", str(error))
    place = place_of(folder, runs_dir) if runs_dir else ""
    begun = find_begun(folder, list_begun(folder.parent), place, entries or ())
    if begun is not None:
        yield from _verify_begun(begun, place, entries or (), means)
        return
    yield from _verify(folder, place, entries, broken, means)


def verify_runs(runs_dir: Path, means: Means, extract: frozenset[str] | None = None) -> Iterator[Finding]:
    """Check a whole runs' folder: the ledger, its witnesses and signatures, then everything that it sealed.

    `extract` names the folders that an export holds of it: the others are not expected.
    """
    try:
        kept = scan_witnesses(runs_dir)
    except ConfigError as error:  # named again below, with what is wrong in it
        yield Finding(State.WRONG, "registre", str(error).replace(f"{runs_dir}/", ""))
        kept = KeptHeads(())
    try:
        check = verify_ledger(runs_dir / ledger.FILE, kept.witnesses + means.heads, kept.notes)
    except NonregError as error:
        yield Finding(State.WRONG, "registre", str(error))
        return
    entries = check.entries
    lines = f"{len(entries)} ligne(s), {check.witnesses} témoin(s) concordant(s)"
    yield Finding(State.GOOD, "registre", f"chaîne entière : {lines}")
    yield from (Finding(State.NOTE, "registre", note) for note in check.notes)
    yield from _check_signed("registre", list_signed(entries), means.people)
    seals = list_seals(entries)
    purged, expected = list_purged(entries), {one.folder: one for one in list_current(seals) if one.folder}
    begun = {parent: list_begun(parent) for parent in {(runs_dir / place).parent for place in expected}}
    for place, seal in expected.items():
        if extract is None or place in extract:
            left = find_begun(runs_dir / place, begun[(runs_dir / place).parent], place, entries)
            if left is not None:
                yield from _verify_begun(left, place, entries, means)
            else:
                yield from _verify_expected(runs_dir, place, seal, purged, entries, means)
    for folder in list_things(runs_dir):
        place = place_of(folder, runs_dir)
        if place not in expected:
            yield from _verify(folder, place, entries, None, means)
    if extract is not None:
        missing = extract - {place_of(one, runs_dir) for one in list_things(runs_dir)}
        yield from (Finding(State.WRONG, show_name(one), "annoncé par l'export, absent") for one in missing)
    else:
        yield from _check_pages(runs_dir, entries)
    yield from _list_unsealed(runs_dir)


def list_signed(entries: Iterable[LedgerEntry]) -> tuple[Signed, ...]:
    """The signed lines."""
    return tuple(
        Signed(one.sequence, one.decision, one.signature, one.at)
        for one in entries
        if one.decision is not None
    )


def _verify_expected(
    runs_dir: Path,
    place: str,
    seal: Seal,
    purged: Mapping[str, int],
    entries: tuple[LedgerEntry, ...],
    means: Means,
) -> Iterator[Finding]:
    folder, since = runs_dir / place, purged.get(place, 0)
    if folder.resolve().is_relative_to(runs_dir.resolve()) and folder.is_dir():
        yield from _verify(folder, place, entries, None, means)
    elif since > seal.sequence:
        yield Finding(State.NOTE, show_name(place), f"purgé (registre, ligne {since})")
    else:
        text = f"dossier absent, inscrit à la ligne {seal.sequence} du registre et jamais purgé"
        yield Finding(State.WRONG, show_name(place), text)


def _verify_begun(
    file: Path, place: str, entries: tuple[LedgerEntry, ...], means: Means
) -> Iterator[Finding]:
    """The same as in its place: everything that the ledger knows of it is there."""
    wrong = False
    for finding in _verify(file.parent, place, entries, None, means, file.name):
        wrong = wrong or finding.state is State.WRONG
        yield finding
    if not wrong:
        where = f"{file.parent.parent.name}/{file.parent.name}/{file.name}"
        text = (
            f"publication interrompue après le registre, rien n'y manque ({show_name(where)}) : la prochaine "
            "publication du même genre finit de la mettre à sa place"
        )
        yield Finding(State.NOTE, show_name(place), text)


def _verify(
    folder: Path,
    place: str,
    entries: tuple[LedgerEntry, ...] | None,
    broken: Finding | None,
    means: Means,
    name: str = MANIFEST,
) -> Iterator[Finding]:
    about = show_name(place or folder.name)
    try:
        manifest = read_manifest(folder, name)
        yield Finding(State.GOOD, about, _describe(manifest))
        files = mark_files(folder)
        wrong = compare_files(manifest.files, files)
        if wrong:
            # A list of files that is not the one that was sealed accuses files that nobody touched.
            first = explain_chain(manifest, place, entries) if entries is not None else ""
            yield Finding(State.WRONG, about, f"{first} ; fichiers {wrong}" if first else f"fichiers {wrong}")
            return
    except NonregError as error:
        yield Finding(State.WRONG, about, str(error))
        return
    yield Finding(State.GOOD, about, f"{len(files)} fichier(s) présents, empreintes conformes, rien en trop")
    left_out = tuple(one for one in list_left_out(folder) if one != name)
    if left_out:
        yield Finding(State.NOTE, about, f"hors preuve : {list_names(left_out)}")
    if broken is not None:
        yield broken
        return
    if entries is None:
        yield Finding(
            State.UNKNOWN, about, "sans registre : rien ne dit que ce manifeste est celui d'origine"
        )
    elif wrong := explain_chain(manifest, place, entries):
        yield Finding(State.WRONG, about, wrong)
        return
    else:
        line = manifest.head.sequence if manifest.head else 0
        after = f", après celui de la ligne {manifest.previous.sequence}" if manifest.previous else ""
        yield Finding(State.GOOD, about, f"inscrit à la ligne {line} du registre{after}")
        if manifest.is_old and "files_sha256" not in entries[line - 1].data:
            sealed = entries[line - 1].data.get("sha256")
            alone = [name for name, mark in manifest.files.items() if mark.sha256 != sealed]
            text = (
                f"format ancien : {list_names(alone)} sous le seul manifeste, pas sous la ligne du registre"
            )
            yield Finding(State.NOTE, about, text)
    for finding in _verify_signatures(about, manifest, entries, means.people):
        yield finding
        if finding.state is State.WRONG:
            return
    yield from (Finding(State.NOTE, about, show_name(one, MOST_SHOWN)) for one in manifest.problems)
    yield from _judge(folder, about, manifest, entries, means.judges)


def _describe(manifest: Manifest) -> str:
    if manifest.is_old:
        return "manifeste d'un format ancien, sans taille, outil ni plateforme"
    return (
        f"manifeste de « {show_name(manifest.id)} » ({show_name(manifest.kind)}), plateforme "
        f"{show_name(manifest.platform)}, outil {show_name(manifest.tool_version)} ({show_name(manifest.tool_commit)})"
    )


def _verify_signatures(
    about: str, manifest: Manifest, entries: tuple[LedgerEntry, ...] | None, look: Lookup
) -> Iterator[Finding]:
    for one in manifest.signatures:
        entry = entries[one.sequence - 1] if entries and 0 < one.sequence <= len(entries) else None
        if entries is not None and (
            entry is None or (entry.decision, entry.signature) != (one.decision, one.signature)
        ):
            text = f"la décision {one.decision.id} n'est pas celle de la ligne {one.sequence} du registre"
            yield Finding(State.WRONG, about, text)
            return
    signed = [
        Signed(
            one.sequence,
            one.decision,
            one.signature,
            entries[one.sequence - 1].at if entries else one.decision.decided_at,
        )
        for one in manifest.signatures
    ]
    if signed:
        yield from _check_signed(about, signed, look)


def _check_signed(about: str, signed: Iterable[Signed], look: Lookup) -> Iterator[Finding]:
    checked = check_signatures(signed, look)
    yield from (Finding(State.WRONG, about, show_name(one, MOST_SHOWN)) for one in checked.wrong)
    yield from (Finding(State.UNKNOWN, about, show_name(one, MOST_SHOWN)) for one in checked.unknown)
    good = checked.count - len(checked.wrong) - len(checked.unknown)
    if good:
        sources = " ; ".join(checked.sources)
        yield Finding(State.GOOD, about, f"{good} signature(s) vérifiée(s) ({sources})")


def _judge(
    folder: Path,
    about: str,
    manifest: Manifest,
    entries: tuple[LedgerEntry, ...] | None,
    judges: Mapping[str, Judge],
) -> Iterator[Finding]:
    kind = manifest.kind or (RUN if (folder / "plan.json").is_file() else "")
    judge = judges.get(kind)
    if judge is None:
        return
    try:
        said = judge(folder, manifest, entries or ())
        if said:
            yield Finding(State.GOOD, about, said)
    except NotJudgedHere as other:
        yield Finding(State.UNKNOWN, about, str(other))
    except NonregError as error:
        yield Finding(State.WRONG, about, str(error))


def _check_pages(runs_dir: Path, entries: tuple[LedgerEntry, ...]) -> Iterator[Finding]:
    try:
        seen = look_at_pages(runs_dir, entries)
    except NonregError as error:
        yield Finding(State.WRONG, PAGES, str(error).replace(f"{runs_dir}/", ""))
        return
    yield from (Finding(State.WRONG, show_name(place), show_name(text)) for place, text in seen.wrong)
    if seen.sound:
        yield Finding(State.GOOD, PAGES, f"{seen.sound} page(s) conformes à leur ligne du registre")
    if seen.gone:
        yield Finding(
            State.NOTE, PAGES, f"{seen.gone} page(s) du registre ne sont plus là (purgées, ou retirées)"
        )


def _list_unsealed(runs_dir: Path) -> Iterator[Finding]:
    plans = sorted((*runs_dir.glob("*/plan.json"), *runs_dir.glob("runbooks/*/runbook.json")))
    for file in plans:
        if not (file.parent / MANIFEST).exists():
            text = "pas encore scellé (en cours, ou interrompu)"
            yield Finding(State.NOTE, show_name(place_of(file.parent, runs_dir)), text)
