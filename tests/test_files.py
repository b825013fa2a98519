"""Files that people wrote, copied or broke: read as they are, or refused in one French sentence."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import ConfigError
from nonreg.files import read_json, read_text, read_toml
from nonreg.french import SYSTEM_ERRORS, describe_os_error, explain_os_error

DEEP = 100_000
LONG_NUMBER = "9" * 5_000


def test_what_is_sound_is_read(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text('{"é": [1]}', encoding="utf-8")
    assert read_json(file) == {"é": [1]}
    file.write_text('a = "1"\n', encoding="utf-8")
    assert read_toml(file) == {"a": "1"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": \xff}', "pas en UTF-8 (octet 6)"),
        (b"", "JSON mal formé, ligne 1, colonne 1"),
        (b'{\n"a": }', "JSON mal formé, ligne 2, colonne 6"),
        (b"[" * DEEP, "trop de niveaux imbriqués"),
        (b'{"a":' * DEEP, "trop de niveaux imbriqués"),
        (LONG_NUMBER.encode(), "un nombre ou une date hors limites"),
    ],
)
def test_a_file_that_is_no_json_is_refused_with_its_name_and_the_reason(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_json(tmp_path / "x.json")
    assert str(caught.value).startswith(f"{tmp_path / 'x.json'} : ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'a = "\xff"', "pas en UTF-8 (octet 5)"),
        (b"a = 1\nb = ?", "TOML mal formé, ligne 2, colonne 5, clé « b »"),
        (b'a = "', "TOML mal formé, à la fin du fichier"),
        (b"a = " + b"[" * DEEP, "trop de niveaux imbriqués"),
        (b"a = " + LONG_NUMBER.encode(), "un nombre ou une date hors limites"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_its_name_and_the_reason(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_toml(tmp_path / "x.toml")
    assert str(caught.value).startswith(f"{tmp_path / 'x.toml'} : ")
    assert message in str(caught.value)


@given(st.binary(max_size=60) | st.text(alphabet='[]{}=",.-0e\n #a:', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "octets"
    file.write_bytes(content)
    told = []
    for read in (read_json, read_toml):
        try:
            read(file)
        except ConfigError as error:
            told.append(str(error))
    assert [len(one.splitlines()) for one in told] == [1] * len(told)


def test_what_the_system_refuses_is_said_in_french(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.json : lecture impossible \(fichier ou dossier absent\)"):
        read_json(tmp_path / "absent.json")
    with pytest.raises(ConfigError, match=r"lecture impossible \(c'est un dossier\)"):
        read_text(tmp_path)
    with pytest.raises(ConfigError, match="pas un nom de fichier"):
        read_toml(Path("a\0b"))


@pytest.mark.parametrize("code", sorted(errno.errorcode))
def test_no_system_error_is_told_in_english(code: int) -> None:
    error = OSError(code, os.strerror(code), "fichier")
    assert os.strerror(code) not in describe_os_error(error)
    assert describe_os_error(error).endswith(" : fichier")
    assert explain_os_error(error) == SYSTEM_ERRORS.get(code, f"erreur système {errno.errorcode[code]}")


def test_a_system_error_without_a_code_is_told_by_its_kind() -> None:
    assert describe_os_error(TimeoutError("timed out")) == "erreur système TimeoutError"


@given(st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_json_is_read_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    file = tmp_path_factory.getbasetemp() / "valeur.json"
    file.write_text(json.dumps(value), encoding="utf-8")
    assert read_json(file) == value
