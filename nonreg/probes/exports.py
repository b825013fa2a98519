"""Exported files: their name, their values as CSV or Sandre XML 1.1, and the three ways of writing a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from nonreg.errors import RequestFailed

NAME = re.compile(r"(\d{14})_([A-Za-z0-9_-]+)_(\d{3})\.(csv|xml)", re.ASCII)
CSV_HEADER = "date;code;valeur"
CSV_TIME = "%Y-%m-%d %H:%M:%S"
SHORT_ZONE = re.compile(r"[+-]\d\d$", re.ASCII)


@dataclass(frozen=True, slots=True)
class ExportName:
    """What a file's name says: when it was written (UTC), for which task, its number and its kind."""

    written_at: datetime
    task: str
    number: int
    kind: str


@dataclass(frozen=True, slots=True)
class ExportedValue:
    """One value of a file; `at` is UTC, `value` None when the file says that it is missing."""

    station: str
    quantity: str
    at: datetime
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class SandreExport:
    """A Sandre file's header and values."""

    scenario: str
    version: str
    reference: str
    sender: str
    recipient: str
    created_at: datetime
    values: tuple[ExportedValue, ...]


def parse_name(name: str) -> ExportName | None:
    """`aaaammjjHHMMSS_<tâche>_001.<ext>`; None for any other name."""
    match = NAME.fullmatch(name)
    if match is None:
        return None
    try:
        written_at = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return ExportName(written_at, match[2], int(match[3]), match[4])


def parse_timestamp(text: str) -> datetime:
    """`…+02:00`, `…+02`, `…Z` or no zone at all, which means UTC; the result is UTC. RequestFailed if it is none."""
    try:
        found = datetime.fromisoformat(f"{text}:00" if "T" in text and SHORT_ZONE.search(text) else text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RequestFailed(f"Horodatage illisible dans l'export : {text[:40]!r}.") from error


def parse_csv(data: bytes) -> tuple[ExportedValue, ...]:
    """Values of a CSV file; RequestFailed names the line that is wrong."""
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise RequestFailed(f"L'export CSV n'est pas en UTF-8 (octet {error.start}).") from error
    if not lines or lines[0] != CSV_HEADER:
        raise RequestFailed(f"L'export CSV ne commence pas par « {CSV_HEADER} ».")
    return tuple(_read_line(number, line) for number, line in enumerate(lines[1:], start=2))


def _read_line(number: int, line: str) -> ExportedValue:
    fields = line.split(";")
    try:
        at, code, value = fields
        station, quantity = code.split("/")
        moment = datetime.strptime(at, CSV_TIME).replace(tzinfo=UTC)
        return ExportedValue(station, quantity, moment, Decimal(value) if value else None)
    except (ValueError, InvalidOperation) as error:
        raise RequestFailed(f"Export CSV, ligne {number} illisible : {line[:80]!r}.") from error


def parse_sandre(data: bytes) -> SandreExport:
    """A Sandre file of series (H, Q) or of rain; RequestFailed when it is not one."""
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise RequestFailed("L'export Sandre n'est pas un XML lisible.") from error
    if root.tag != "hydrometrie":
        raise RequestFailed(f"Racine « {root.tag[:40]} » au lieu de « hydrometrie » dans l'export Sandre.")
    values = [one for serie in root.iterfind("Donnees/Series/Serie") for one in _read_serie(serie)]
    values += [
        ExportedValue(
            _text(one, "CdSiteMeteo"),
            _text(one, "CdGrdMeteo"),
            parse_timestamp(_text(one, "DtObsMeteo")),
            _number(_text(one, "ResObsMeteo")),
        )
        for one in root.iterfind("Donnees/ObssMeteo/ObsMeteo")
    ]
    head = "Scenario"
    return SandreExport(
        scenario=_text(root, f"{head}/CodeScenario"),
        version=_text(root, f"{head}/VersionScenario"),
        reference=_text(root, f"{head}/RefFichier"),
        sender=_text(root, f"{head}/Emetteur/CdIntervenant"),
        recipient=_text(root, f"{head}/Destinataire/CdIntervenant"),
        created_at=parse_timestamp(_text(root, f"{head}/DateHeureCreationFichier")),
        values=tuple(values),
    )


def _read_serie(serie: Any) -> list[ExportedValue]:
    station, quantity = _text(serie, "CdStationHydro"), _text(serie, "GrdSerie")
    return [
        ExportedValue(
            station,
            quantity,
            parse_timestamp(_text(one, "DtObsHydro")),
            _number(_text(one, "ResObsHydro")),
        )
        for one in serie.iterfind("ObssHydro/ObsHydro")
    ]


def _text(element: Any, path: str) -> str:
    found = element.findtext(path)
    if not found:
        raise RequestFailed(f"Élément {path} absent de l'export Sandre.")
    return str(found).strip()


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise RequestFailed(f"Résultat illisible dans l'export Sandre : {text[:40]!r}.") from error
    if not value.is_finite():
        raise RequestFailed(f"Résultat illisible dans l'export Sandre : {text[:40]!r}.")
    return value
