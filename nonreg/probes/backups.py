"""Backups of a SQL Server: the age of the last one of each kind, and whether it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from nonreg.clients.sql import Rows

FULL, LOG = "full", "log"
SIMPLE = "SIMPLE"
KINDS = {FULL: "complète", "diff": "différentielle", LOG: "du journal"}


@dataclass(frozen=True, slots=True)
class Backup:
    """The last backup of one kind of one database; `age_hours` is None when there was none."""

    database: str
    kind: str
    recovery_model: str
    age_hours: float | None
    has_checksums: bool
    is_damaged: bool


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


def judge_backup(backup: Backup, limit_hours: float | None) -> str:
    """What is wrong with one backup, in French; empty when nothing is. Without a limit the age is not judged."""
    what = f"sauvegarde {KINDS[backup.kind]} de {backup.database}"
    if backup.kind == LOG and backup.recovery_model == SIMPLE:
        return ""  # that model has none
    if backup.age_hours is None:
        return f"{what} : aucune"
    if backup.is_damaged:
        return f"{what} : endommagée"
    if not backup.has_checksums:
        return f"{what} : sans somme de contrôle"
    if limit_hours is not None and backup.age_hours > limit_hours:
        return f"{what} : vieille de {backup.age_hours:.1f} h, {limit_hours:g} h au plus".replace(".", ",")
    return ""


def judge_backups(
    backups: tuple[Backup, ...], database: str, limits_hours: dict[str, float]
) -> tuple[str, ...]:
    """What is wrong with the full and log backups of a database; it is missing when nothing is known of it."""
    own = [one for one in backups if one.database == database and one.kind in (FULL, LOG)]
    if not own:
        return (f"sauvegardes de {database} : rien n'en est connu",)
    return tuple(filter(None, (judge_backup(one, limits_hours.get(one.kind)) for one in own)))
