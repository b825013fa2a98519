"""Deadlines to be reminded of: `deadlines.toml` in a platform's governance folder, and the expiry of its waivers.

    [[deadlines]]
    id = "renfort-mobilisable"
    title = "Renfort mobilisable"
    at = 2026-12-01T09:00:00+01:00      # with its zone
    person = "renfort-technique-1"      # an id, never a name
    ticket = "AQ-12"
    thresholds_hours = [24, 4]          # optional: those of the alerts' settings otherwise
    thresholds_working_days = [2]       # optional
    what_to_do = "…"                    # optional

A waiver is reminded of whether or not it is granted: a campaign checks that. One that was renewed is not.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from nonreg.alerts.facts import Deadline, remind_of_waiver
from nonreg.compare import choose_waiver
from nonreg.errors import ConfigError, UsageError
from nonreg.files import read_toml
from nonreg.tickets import require_ticket
from nonreg.waivers import read_waivers

FILE = "deadlines.toml"
REQUIRED, OPTIONAL = (
    ("id", "title", "at", "person", "ticket"),
    ("thresholds_hours", "thresholds_working_days", "what_to_do"),
)
MAX_HOURS, MAX_DAYS = 10_000.0, 250


def read_deadlines(governance: Path, thresholds_hours: tuple[float, ...]) -> tuple[Deadline, ...]:
    """The deadlines of a governance folder, then its waivers'; ConfigError for the first entry that is not sound."""
    waivers = read_waivers(governance)
    return (
        *_read_file(governance / FILE, thresholds_hours),
        *(
            remind_of_waiver(waiver, thresholds_hours)
            for waiver in waivers
            if choose_waiver(waivers, waiver.scenario_id) is waiver
        ),
    )


def _read_file(path: Path, thresholds_hours: tuple[float, ...]) -> tuple[Deadline, ...]:
    if not path.is_file():
        return ()
    data = read_toml(path)
    entries = data.get("deadlines", [])
    if data.keys() - {"deadlines"} or not isinstance(entries, list):
        raise ConfigError(f"{path} : seules des tables [[deadlines]] sont attendues.")
    found = tuple(
        _read_entry(entry, f"{path}, échéance n° {number}", thresholds_hours)
        for number, entry in enumerate(entries, 1)
    )
    ids = [one.id for one in found]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        raise ConfigError(f"{path} : deux échéances ont l'identifiant « {twice} ».")
    return found


def _read_entry(entry: Any, where: str, thresholds_hours: tuple[float, ...]) -> Deadline:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} : une table est attendue.")
    unknown = sorted(entry.keys() - {*REQUIRED, *OPTIONAL})
    if unknown:
        raise ConfigError(f"{where} : clé inconnue « {unknown[0]} ».")
    for key in ("id", "title", "person", "ticket"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise ConfigError(f"{where} : clé « {key} » absente ou vide.")
    at = entry.get("at")
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ConfigError(f"{where} : « at » doit être une date et une heure avec leur fuseau.")
    try:
        require_ticket(entry["ticket"])
    except UsageError as error:
        raise ConfigError(f"{where} : {error}") from error
    return Deadline(
        entry["id"],
        entry["title"],
        at,
        entry["person"],
        entry["ticket"],
        check_thresholds(entry.get("thresholds_hours", thresholds_hours), where),
        _check_days(entry.get("thresholds_working_days", []), where),
        str(entry.get("what_to_do", "")),
    )


def check_thresholds(values: Any, where: str) -> tuple[float, ...]:
    """Hours before a deadline; ConfigError for anything but positive numbers."""
    if not isinstance(values, list | tuple) or not all(
        isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_HOURS
        for value in values
    ):
        raise ConfigError(
            f"{where} : « thresholds_hours » : une liste d'heures est attendue, chacune positive et d'au plus "
            f"{MAX_HOURS:.0f}."
        )
    return tuple(float(value) for value in values)


def _check_days(values: Any, where: str) -> tuple[int, ...]:
    if not isinstance(values, list) or not all(
        isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_DAYS for value in values
    ):
        raise ConfigError(
            f"{where} : « thresholds_working_days » : une liste de nombres de jours ouvrés est attendue, chacun de 1 "
            f"à {MAX_DAYS}."
        )
    return tuple(values)
