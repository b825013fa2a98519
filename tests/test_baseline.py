"""Reference files: what their manifest says is checked, and a broken manifest is said, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.baseline import MANIFEST, list_files, load_reference, verify_files, write_manifest
from nonreg.errors import ConfigError
from nonreg.store import hash_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound baseline of two files."""
    for name in ("schema.json", "modules.json"):
        (tmp_path / name).write_text(f'["{name}"]', encoding="utf-8")
    write_manifest(tmp_path, source="essai")
    return tmp_path


def test_a_sound_baseline_lists_its_files_and_has_nothing_to_say(folder: Path) -> None:
    assert list(verify_files(folder)) == []
    assert list_files(str(folder)) == tuple(
        (name, hash_file(folder / name)) for name in ("modules.json", "schema.json")
    )
    assert load_reference(str(folder), "schema") == ["schema.json"]


def test_each_file_that_is_not_as_the_manifest_says_is_named(folder: Path) -> None:
    (folder / "schema.json").write_text("[]", encoding="utf-8")
    (folder / "modules.json").unlink()
    (folder / "modules.json").mkdir()
    (folder / "autre.json").write_text("", encoding="utf-8")
    assert list(verify_files(folder)) == [
        f"{folder.name}/autre.json n'est pas dans le manifeste",
        f"{folder.name}/modules.json ne se lit pas (c'est un dossier)",
        f"{folder.name}/schema.json a été modifié (empreinte différente)",
    ]
    (folder / "schema.json").unlink()
    assert f"{folder.name}/schema.json est absent" in list(verify_files(folder))


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"\xff", b"[" * 100_000, b"9" * 5_000, b"[]", b"3", b"{}"),
        *(b'{"sha256": 3}', b'{"sha256": []}', b'{"sha256": {"schema.json": 3}}'),
    ],
    ids=range(11),
)
def test_a_manifest_that_is_none_is_refused_and_said_in_one_sentence(content: bytes, folder: Path) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(ConfigError, match=MANIFEST):
        list_files(str(folder))
    (said,) = verify_files(folder)
    assert MANIFEST in said
    assert not said.endswith(".")


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_whatever_stands_for_a_manifest_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    folder = tmp_path_factory.getbasetemp() / "reference"
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps({"sha256": value}), encoding="utf-8")
    sound = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    assert len(list(verify_files(folder))) == (len(value) if sound else 1)  # type: ignore[arg-type]


def test_no_manifest_is_no_file_and_is_said(tmp_path: Path) -> None:
    assert list_files(str(tmp_path)) == ()
    (said,) = verify_files(tmp_path)
    assert said.startswith("référence absente")


def test_a_reference_that_is_absent_or_broken_is_refused_with_its_name(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"ne contient pas absente\.json"):
        load_reference(str(folder), "absente")
    for content in (b"{", b"\xff", b"[" * 100_000):
        (folder / "schema.json").write_bytes(content)
        with pytest.raises(ConfigError, match=r"schema\.json : "):
            load_reference(str(folder), "schema")
