"""Exchange files: CSV read and written, Sandre XML 1.1 written. Pure; all written times are UTC.

CSV is `date;code;valeur` with `aaaa-mm-jj hh:mm:ss`; the code is `station/grandeur`, a missing value is empty
text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from xml.etree import ElementTree as ET

from nonreg.sandbox.services.lns import QUANTITIES, STATION, VALUE

HEADER = "date;code;valeur"
SENDER, RECIPIENT = "1520", "1537"
RAW, NOT_QUALIFIED, MEASURED, RECONSTITUTED = "4", "16", "0", "4"
ALTITUDE_SYSTEM = "31"
STEP_MINUTES = "5"
LINE_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


class FileRefused(Exception):
    """The file is not what it should be; the message names the line."""


@dataclass(frozen=True, slots=True)
class ImportedValue:
    """One line of an imported file, in the station's own time."""

    station: str
    quantity: str
    timestamp: datetime
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Row:
    """One stored measure to export."""

    at_utc: datetime
    value: Decimal | None
    state: str


def read_csv(data: bytes) -> tuple[ImportedValue, ...]:
    """All lines of a CSV file; FileRefused at the first wrong one: a file is taken whole or not at all."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(f"octet {error.start} : le fichier n'est pas en UTF-8") from error
    values = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not (number == 1 and line.strip().lower() == HEADER):
            values.append(_read_line(number, line))
    if not values:
        raise FileRefused("fichier sans mesure")
    return tuple(values)


def _read_line(number: int, line: str) -> ImportedValue:
    parts = [part.strip() for part in line.split(";")]
    if len(parts) != 3:
        raise FileRefused(f"ligne {number} : trois champs attendus, {len(parts)} trouvés")
    station, _, quantity = parts[1].partition("/")
    if not STATION.fullmatch(station) or quantity not in QUANTITIES:
        raise FileRefused(f"ligne {number} : code {parts[1][:40]!r} invalide")
    try:
        if not LINE_TIME.fullmatch(parts[0]):
            raise ValueError
        timestamp = datetime.fromisoformat(parts[0])
    except ValueError as error:
        raise FileRefused(f"ligne {number} : date {parts[0][:40]!r} invalide") from error
    if parts[2] and not VALUE.fullmatch(parts[2]):
        raise FileRefused(f"ligne {number} : valeur {parts[2][:40]!r} invalide")
    return ImportedValue(station, quantity, timestamp, Decimal(parts[2]) if parts[2] else None)


def write_csv(station: str, quantity: str, rows: list[Row]) -> bytes:
    """The rows as CSV, with its header."""
    lines = [HEADER]
    lines += [
        f"{row.at_utc:%Y-%m-%d %H:%M:%S};{station}/{quantity};"
        + ("" if row.value is None else format(row.value, "f"))
        for row in rows
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def write_sandre(name: str, station: str, quantity: str, rows: list[Row], now_utc: datetime) -> bytes:
    """The rows as Sandre "hydrometrie" 1.1: a series for H and Q, observations without series for rain."""
    root = ET.Element("hydrometrie")
    scenario = _add(root, "Scenario")
    _add(scenario, "CodeScenario", "hydrometrie")
    _add(scenario, "VersionScenario", "1.1")
    _add(scenario, "NomScenario", "Echange de données hydrométriques")
    _add(scenario, "DateHeureCreationFichier", _stamp(now_utc))
    _add(scenario, "RefFichier", name)
    for role, code in (("Emetteur", SENDER), ("Destinataire", RECIPIENT)):
        _add(_add(scenario, role), "CdIntervenant", code).set("schemeAgencyID", "SANDRE")
    data = _add(root, "Donnees")
    if quantity == "RR":
        _add_rain(data, station, rows)
    else:
        _add_series(data, station, quantity, rows, now_utc)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return text


def _add_series(data: ET.Element, station: str, quantity: str, rows: list[Row], now_utc: datetime) -> None:
    series = _add(_add(data, "Series"), "Serie")
    _add(series, "CdStationHydro", station)
    _add(series, "GrdSerie", quantity)
    _add(series, "DtDebSerie", _stamp(rows[0].at_utc if rows else now_utc))
    _add(series, "DtFinSerie", _stamp(rows[-1].at_utc if rows else now_utc))
    _add(series, "StatutSerie", RAW)
    _add(series, "DtProdSerie", _stamp(now_utc))
    _add(series, "SysAltiSerie", ALTITUDE_SYSTEM)
    observations = _add(series, "ObssHydro")
    gap = False
    for row in rows:
        if row.value is None:
            gap = True
            continue
        observation = _add(observations, "ObsHydro")
        _add(observation, "DtObsHydro", _stamp(row.at_utc))
        _add(observation, "ResObsHydro", format(row.value, "f"))
        _add(observation, "MethObsHydro", RECONSTITUTED if row.state == "REMPLACEE" else MEASURED)
        _add(observation, "QualifObsHydro", NOT_QUALIFIED)
        _add(observation, "ContObsHydro", "false" if gap else "true")
        gap = False


def _add_rain(data: ET.Element, station: str, rows: list[Row]) -> None:
    observations = _add(data, "ObssMeteo")
    for row in rows:
        if row.value is None:
            continue
        observation = _add(observations, "ObsMeteo")
        _add(observation, "CdGrdMeteo", "RR")
        _add(observation, "CdSiteMeteo", station)
        _add(observation, "DtObsMeteo", _stamp(row.at_utc))
        _add(observation, "StatutObsMeteo", RAW)
        _add(observation, "ResObsMeteo", format(row.value, "f"))
        _add(observation, "DureeObsMeteo", STEP_MINUTES)
        _add(observation, "QualifObsMeteo", NOT_QUALIFIED)
        _add(observation, "MethObsMeteo", MEASURED)


def _add(parent: ET.Element, tag: str, text: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = text
    return element


def _stamp(moment_utc: datetime) -> str:
    return f"{moment_utc:%Y-%m-%dT%H:%M:%S}+00:00"
