"""What a discovery tells the person who asked for it, in French. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nonreg.discovery.numbering import Allotment, describe_range
from nonreg.discovery.proposals import Discovery, Draft, Sort
from nonreg.wording import plural

NOUNS = {
    Sort.CONSTRAINTS: ("contrainte", "contraintes"),
    Sort.HASHES: ("empreinte de module", "empreintes de modules"),
}


def write_summary(found: Discovery, allotment: Allotment, folder: Path) -> str:
    """Everything, from what is new to what was left out and why."""
    drafts = tuple(one for one in found.drafts if one.subject in allotment.ids)
    lines = [f"{plural(len(drafts), 'proposition nouvelle', 'propositions nouvelles')}, dans {folder}"]
    lines += [f"  {count_drafts(sort, drafts)}" for sort in Sort if any(one.sort is sort for one in drafts)]
    if found.already:
        lines.append(f"Déjà connus, laissés tels quels : {plural(len(found.already), 'objet', 'objets')}")
    lines += list_names("Disparus de la base depuis une découverte précédente", found.gone)
    lines += list_names("Code différent de l'empreinte déjà proposée", found.changed)
    lines += tell_left_out(found)
    if allotment.without:
        lines += list_names(
            f"Plage d'identifiants épuisée ({describe_range()}) : sans proposition", allotment.without
        )
    if drafts:
        lines.append(
            "Rien n'est exécuté avant d'être relu : complétez chaque fichier, puis renommez-le en .sql "
            "(ou en .sql.ecarte pour qu'il ne soit plus proposé)."
        )
    return "\n".join(lines)


def count_drafts(sort: Sort, drafts: tuple[Draft, ...]) -> str:
    """How many of one sort, and in how many files when they are grouped."""
    mine = [one for one in drafts if one.sort is sort]
    if sort not in NOUNS:
        return f"{sort} : {len(mine)}"
    members = sum(len(one.rows) for one in mine)
    return f"{plural(members, *NOUNS[sort])} en {plural(len(mine), 'fichier', 'fichiers')}"


def list_names(title: str, names: tuple[str, ...]) -> list[str]:
    """A title and its lines; nothing without lines."""
    return [f"{title} ({len(names)}) :", *(f"  {name}" for name in names)] if names else []


def tell_left_out(found: Discovery) -> Iterator[str]:
    """What was left out, together by reason."""
    if not found.left_out:
        return
    yield f"Laissés de côté ({len(found.left_out)}) :"
    reasons: dict[str, list[str]] = {}
    for one in found.left_out:
        reasons.setdefault(one.reason, []).append(one.what)
    for reason, names in sorted(reasons.items()):
        yield f"  {reason} : {', '.join(names)}"
