"""How long things are kept: `retention.toml` in the governance folder of a platform, reviewed in git.

    months = 12            # what is not named below
    [kinds]                # months by kind; 0 is « never removed »
    document = 48
    passage = 12

Without a file: twelve months, documents of the contract forty-eight (DOMAIN §0.3, §4.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nonreg.errors import ConfigError
from nonreg.files import read_toml
from nonreg.model.retention import ItemKind

FILE = "retention.toml"
MONTHS, CONTRACT_MONTHS, MOST_MONTHS = 12, 48, 120
NAMES = {
    "passage": ItemKind.RUN,
    "releve": ItemKind.RECORD,
    "intervention": ItemKind.INTERVENTION,
    "migration": ItemKind.MIGRATION,
    "document": ItemKind.DOCUMENT,
    "revue": ItemKind.PACK,
    "autre": ItemKind.OTHER,
    "disponibilite": ItemKind.PAGE,
    "note": ItemKind.NOTE,
    "alerte": ItemKind.ALERT,
}


@dataclass(frozen=True, slots=True)
class Retention:
    """Months by kind; 0 is never removed."""

    months: Mapping[ItemKind, int]

    def find_due(self, kind: ItemKind, at: datetime) -> datetime | None:
        """When the time of a thing of that moment is over; None for never."""
        months = self.months[kind]
        return add_months(at, months) if months else None


def load_retention(governance: Path | None) -> Retention:
    """The retention of a platform; ConfigError names the key that is wrong."""
    months, kinds = MONTHS, dict[str, int]()
    file = governance / FILE if governance is not None else None
    if file is not None and file.is_file():
        data = read_toml(file)
        unknown = sorted(data.keys() - {"months", "kinds"})
        if unknown:
            raise ConfigError(f"{file} : clé « {unknown[0]} » inconnue.")
        months = _read_months(data.get("months", MONTHS), 1, f"{file} : clé « months »")
        table: Any = data.get("kinds", {})
        if not isinstance(table, dict):
            raise ConfigError(f"{file} : clé « kinds » : une table est attendue.")
        for name, value in table.items():
            if name not in NAMES:
                raise ConfigError(
                    f"{file} : clé « kinds.{name} » inconnue (attendu : {', '.join(sorted(NAMES))})."
                )
            kinds[name] = _read_months(value, 0, f"{file} : clé « kinds.{name} »")
    shared = dict.fromkeys(ItemKind, months) | {ItemKind.DOCUMENT: max(months, CONTRACT_MONTHS)}
    return Retention(shared | {NAMES[name]: value for name, value in kinds.items()})


def add_months(at: datetime, months: int) -> datetime:
    """The same day of the month so many months later, or the last day of a shorter month."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    day = at.day
    while True:
        try:
            return at.replace(year=year, month=month + 1, day=day)
        except ValueError:
            day -= 1


def _read_months(value: Any, least: int, where: str) -> int:
    if type(value) is not int or not least <= value <= MOST_MONTHS:
        raise ConfigError(f"{where} : un nombre de mois de {least} à {MOST_MONTHS} est attendu.")
    return value
