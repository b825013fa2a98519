"""Reference files: data sets and baselines, each folder with a manifest of its files' SHA-256.

A folder is named, or given as an absolute path, which `Path` joins as it is.

Nothing here writes during a campaign; `write_manifest` serves the reviewed `snapshot` command.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nonreg.errors import ConfigError
from nonreg.store import hash_file, write_file

ROOT = Path(__file__).parent
MANIFEST = "manifest.json"
LOCK = ".verrou"  # of a governance folder, while something is added to it


def dataset_dir(name: str) -> Path:
    """Folder of a reference data set."""
    return ROOT / "datasets" / name


def baseline_dir(name: str) -> Path:
    """Folder of a platform's baseline."""
    return ROOT / "baselines" / name


def governance_dir(name: str) -> Path:
    """Folder of what people decide for a platform: people, waivers, decisions, promoted baselines."""
    return ROOT / "governance" / name


def list_files(name: str) -> tuple[tuple[str, str], ...]:
    """Name and SHA-256 of each file of a baseline, as its manifest states them; empty when there is none."""
    manifest = baseline_dir(name) / MANIFEST
    if not manifest.is_file():
        return ()
    return tuple(sorted(json.loads(manifest.read_text(encoding="utf-8"))["sha256"].items()))


def verify_files(folder: Path) -> Iterator[str]:
    """French sentences, one for each file that is absent, changed or not in the manifest."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        yield f"référence absente : {folder.name} n'a pas de {MANIFEST}"
        return
    expected: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))["sha256"]
    present = {path.name for path in folder.iterdir() if path.name != MANIFEST}
    for name in sorted(present | expected.keys()):
        if name not in present:
            yield f"{folder.name}/{name} est absent"
        elif name not in expected:
            yield f"{folder.name}/{name} n'est pas dans le manifeste"
        elif hash_file(folder / name) != expected[name]:
            yield f"{folder.name}/{name} a été modifié (empreinte différente)"


def write_manifest(folder: Path, **about: Any) -> None:
    """Record the hashes of a folder's files, with what they are."""
    hashes = {path.name: hash_file(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    text = json.dumps({**about, "sha256": hashes}, ensure_ascii=False, indent=2)
    write_file(folder / MANIFEST, text + "\n")


def load_reference(name: str, subject: str) -> Any:
    """One reference of a baseline (`schema`, `modules`…) as JSON data; ConfigError when there is none."""
    path = baseline_dir(name) / f"{subject}.json"
    if not path.is_file():
        raise ConfigError(f"La référence « {name} » ne contient pas {subject}.json.")
    return json.loads(path.read_text(encoding="utf-8"))
