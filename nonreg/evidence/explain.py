"""Why a folder is not what was sealed: its files against its manifest, its manifest against the ledger. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nonreg.evidence.chain import RUN, find_last, find_previous, list_seals, read_seal
from nonreg.evidence.files import FileMark, show_name
from nonreg.evidence.manifest import Manifest, hash_content, hash_map
from nonreg.ledger import LedgerEntry

MOST_NAMED, MOST_SHOWN = 5, 1000


def compare_files(expected: Mapping[str, FileMark], found: Mapping[str, FileMark]) -> str:
    """What is wrong with files, in French: moved, changed, absent, added; empty when nothing is."""
    absent = [name for name in expected if name not in found]
    added = [name for name in found if name not in expected]
    changed = [name for name in expected if name in found and not _is_same(expected[name], found[name])]
    told = [
        f"{show_name(old)} renommé en {show_name(new)}"
        for old in absent
        for new in added
        if _is_same(expected[old], found[new])
    ]
    for word, names in (("modifié(s)", changed), ("absent(s)", absent), ("en trop", added)):
        if names:
            told.append(f"{word} : {list_names(names)}")
    return " ; ".join(told[:MOST_NAMED])


def list_names(names: Sequence[str]) -> str:
    """The first of these paths, and how many others there are."""
    more = f" et {len(names) - MOST_NAMED} autre(s)" if len(names) > MOST_NAMED else ""
    return f"{', '.join(map(show_name, names[:MOST_NAMED]))}{more}"


def _is_same(expected: FileMark, found: FileMark) -> bool:
    return expected.sha256 == found.sha256 and expected.size_bytes in (None, found.size_bytes)


def explain_chain(manifest: Manifest, place: str, entries: tuple[LedgerEntry, ...]) -> str:
    """Why the ledger does not know this manifest as it is, in French; empty when it does."""
    head = manifest.head
    if head is None:
        why = " ".join(manifest.problems) or "sans dire pourquoi"
        return f"le manifeste n'est pas inscrit au registre ({show_name(why, MOST_SHOWN)})"
    if not entries:
        return "le registre est vide"
    if head.ledger_id != entries[0].previous:
        return "le manifeste est d'un autre registre que celui-ci"
    if head.sequence > len(entries):
        return f"la ligne {head.sequence} du registre, qui inscrit le manifeste, a été retirée"
    entry = entries[head.sequence - 1]
    if entry.sha256 != head.sha256:
        return f"la ligne {head.sequence} du registre n'est plus celle qui a inscrit le manifeste"
    if manifest.is_old:
        return _explain_old(manifest, place, entry, entries)
    seal, seals = read_seal(entry), list_seals(entries)
    if seal is None or seal.sha256 != hash_content(manifest):
        return f"le manifeste a été modifié : son empreinte n'est pas celle de la ligne {head.sequence} du registre"
    if (seal.id, seal.kind, entry.platform) != (manifest.id, manifest.kind, manifest.platform):
        return f"le manifeste n'est pas de ce que dit la ligne {head.sequence} du registre"
    if place and seal.folder and seal.folder != place:
        return f"c'est le contenu de {show_name(seal.folder)}, mis à la place d'un autre"
    last = find_last(seals, seal.id)
    if last is not None and last.sequence > head.sequence:
        return f"un manifeste plus récent est inscrit (ligne {last.sequence}) : ceci est un état d'avant"
    if manifest.previous != find_previous(seals, head.sequence):
        return "le manifeste qui le précède n'est pas celui du registre"
    return ""


def _explain_old(manifest: Manifest, place: str, entry: LedgerEntry, entries: tuple[LedgerEntry, ...]) -> str:
    """The same for a manifest of before: its line holds the hash of the files, not of the manifest."""
    thing_id = str(entry.data.get("run_id") or entry.data.get("migration") or "")
    last = find_last(list_seals(entries), thing_id)
    if read_seal(entry) is not None or last is not None:
        return "le registre connaît un manifeste du format actuel, celui-ci est d'un format ancien"
    if place and place.rpartition("/")[2] != thing_id:
        return f"c'est le contenu de {show_name(thing_id) or 'autre chose'}, mis à la place d'un autre"
    sealed = entry.data.get("files_sha256")
    hashes = {name: mark.sha256 for name, mark in manifest.files.items()}
    if sealed is not None and sealed != hash_map(hashes):
        return f"le manifeste a été modifié : ses fichiers ne sont pas ceux de la ligne {entry.sequence} du registre"
    if sealed is None and entry.data.get("sha256") not in hashes.values():
        return f"la ligne {entry.sequence} du registre n'inscrit rien de ce dossier"
    later = [one for one in entries if one.kind == RUN and one.data.get("run_id") == thing_id]
    if entry.kind == RUN and later and later[-1].sequence != entry.sequence:
        return f"une publication plus récente est inscrite (ligne {later[-1].sequence}) : ceci est un état d'avant"
    return ""
