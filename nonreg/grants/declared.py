"""The rights that SQL scenario files declare (`droits:`, `procedures_de_lecture:`), in the manifest's words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast

from nonreg.grants.manifest import DATABASE, DATABASE_RIGHTS, SERVER, Account, Right
from nonreg.sqlfiles.header import Header
from nonreg.sqlfiles.scenario_file import SUFFIX, load_scenario


def read_declared(folder: Path) -> tuple[Right, ...]:
    """Rights of every SQL scenario of a folder; ConfigError names the file that is no sound one."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() == SUFFIX)
    return tuple(right for path in files for right in list_rights(load_scenario(path).header))


def list_rights(header: Header) -> Iterator[Right]:
    """What one scenario declares; one that writes runs with the writer's account."""
    account = Account.WRITER if header.writes else Account.READER
    engine = cast(Literal["mssql", "postgresql"], header.engine)
    for right in header.rights:
        where = DATABASE if right.permission in DATABASE_RIGHTS else SERVER
        yield Right(account, right.object or where, right.permission, engine, (header.id,))
    for procedure in header.procedures:
        yield Right(account, procedure, "EXECUTE", engine, (header.id,))
