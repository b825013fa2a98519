"""Backups of a SQL Server: the age of the last one of each kind, and whether it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from nonreg.clients.sql import Rows

FULL, LOG = "full", "log"
SIMPLE = "SIMPLE"
KINDS = {FULL: "complète", LOG: "du journal"}


@dataclass(frozen=True, slots=True)
class Backup:
    """The last backup of one kind of one database; `age_hours` is None when there was none."""

    database: str
    kind: str
    recovery_model: str
    age_hours: float | None
    has_checksums: bool
    is_damaged: bool

    @property
    def is_due(self) -> bool:
        """Whether there must be one: the simple recovery model has no log backups."""
        return self.kind == FULL or (self.kind == LOG and self.recovery_model != SIMPLE)


def parse_backups(rows: Rows) -> tuple[Backup, ...]:
    """The rows of the query `backups`."""
    return tuple(
        Backup(
            str(row["database_name"]),
            str(row["backup_kind"]),
            str(row["recovery_model"]),
            None if row["age_hours"] is None else float(row["age_hours"]),
            bool(row["has_backup_checksums"]),
            bool(row["is_damaged"]),
        )
        for row in rows.dicts()
    )


def find_due(backups: tuple[Backup, ...], database: str) -> tuple[Backup, ...]:
    """The last backups that a database must have; names of databases have no case."""
    return tuple(one for one in backups if one.is_due and one.database.casefold() == database.casefold())


def judge_backup(backup: Backup) -> str:
    """What is wrong with one backup whatever its age, in French; empty when nothing is."""
    what = f"sauvegarde {KINDS[backup.kind]} de {backup.database}"
    if backup.age_hours is None:
        return f"{what} : aucune"
    if backup.is_damaged:
        return f"{what} : endommagée"
    return "" if backup.has_checksums else f"{what} : sans somme de contrôle"
