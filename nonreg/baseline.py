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
from nonreg.files import read_json
from nonreg.french import explain_os_error
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
    """Name and SHA-256 of each file of a baseline, as its manifest states them; empty when there is none.

    ConfigError for a manifest that is not one.
    """
    manifest = baseline_dir(name) / MANIFEST
    return tuple(sorted(_read_hashes(manifest).items())) if manifest.is_file() else ()


def verify_files(folder: Path) -> Iterator[str]:
    """French sentences, one for each file that is absent, changed, unreadable or not in the manifest."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        yield f"référence absente : {folder.name} n'a pas de {MANIFEST}"
        return
    try:
        expected = _read_hashes(manifest)
        present = {path.name for path in folder.iterdir() if path.name != MANIFEST}
    except ConfigError as error:
        yield str(error).rstrip(".")
        return
    except OSError as error:
        yield f"{folder.name} ne se lit pas ({explain_os_error(error)})"
        return
    for name in sorted(present | expected.keys()):
        if name not in present:
            yield f"{folder.name}/{name} est absent"
        elif name not in expected:
            yield f"{folder.name}/{name} n'est pas dans le manifeste"
        else:
            try:
                if hash_file(folder / name) != expected[name]:
                    yield f"{folder.name}/{name} a été modifié (empreinte différente)"
            except OSError as error:
                yield f"{folder.name}/{name} ne se lit pas ({explain_os_error(error)})"


def write_manifest(folder: Path, **about: Any) -> None:
    """Record the hashes of a folder's files, with what they are."""
    hashes = {path.name: hash_file(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    text = json.dumps({**about, "sha256": hashes}, ensure_ascii=False, indent=2)
    write_file(folder / MANIFEST, text + "\n")


def load_reference(name: str, subject: str) -> Any:
    """One reference of a baseline (`schema`, `modules`…) as JSON data; ConfigError when absent or unreadable."""
    path = baseline_dir(name) / f"{subject}.json"
    if not path.is_file():
        raise ConfigError(f"La référence « {name} » ne contient pas {subject}.json.")
    return read_json(path)


def _read_hashes(manifest: Path) -> dict[str, str]:
    """The names and hashes of a manifest; ConfigError when it is not one."""
    data = read_json(manifest)
    hashes = data.get("sha256") if isinstance(data, dict) else None
    if not isinstance(hashes, dict) or not all(isinstance(value, str) for value in hashes.values()):
        raise ConfigError(f"{manifest} : clé « sha256 » : les empreintes des fichiers sont attendues.")
    return hashes
