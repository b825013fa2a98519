"""Reading text, JSON and TOML files that people wrote, copied or broke: ConfigError in one French sentence.

Nothing here says what a file must hold: its reader checks that. Files nested too deep and numbers too long for
Python are refused like any other malformed file.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from nonreg.errors import ConfigError
from nonreg.french import explain_os_error


def read_text(path: Path) -> str:
    """Text of a UTF-8 file; ConfigError when it cannot be read or is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} : le fichier n'est pas en UTF-8 (octet {error.start}).") from error
    except OSError as error:
        raise ConfigError(f"{path} : lecture impossible ({explain_os_error(error)}).") from error
    except ValueError as error:  # a null byte in the path
        raise ConfigError(f"{str(path)!r} : ce n'est pas un nom de fichier.") from error


def read_json(path: Path) -> Any:
    """Value of a JSON file, of whatever type; ConfigError names the file and the place."""
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"ligne {error.lineno}, colonne {error.colno}"
        raise ConfigError(f"{path} : JSON mal formé, {where}.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} : JSON refusé ({_explain(error)}).") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Table of a TOML file; ConfigError names the file, the place and the key."""
    return parse_toml(read_text(path), path)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Table of a TOML text that was read from `path`, as `read_toml`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} : TOML mal formé, {_find_place(str(error), text)}.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} : TOML refusé ({_explain(error)}).") from error


def _explain(error: ValueError | RecursionError) -> str:
    deep = isinstance(error, RecursionError)
    return "trop de niveaux imbriqués" if deep else "un nombre ou une date hors limites"


def _find_place(message: str, text: str) -> str:
    place = re.search(r"\(at line (\d+), column (\d+)\)", message)
    if not place:
        return "à la fin du fichier"
    line, column = int(place[1]), int(place[2])
    lines = text.split("\n")  # as tomllib counts them
    key = lines[line - 1].split("=")[0].strip() if line <= len(lines) else ""
    shown = key if key.isprintable() and len(key) <= 40 else ""
    return f"ligne {line}, colonne {column}" + (f", clé « {shown} »" if shown else "")
