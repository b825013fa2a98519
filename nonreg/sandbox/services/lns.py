"""XML-LNS frames of IP stations: text in, measures out, or a refusal with its HTTP status. Pure.

<lns version="1.0"><station code="V714401001">
  <mesure grandeur="H" horodatage="2026-11-23T14:05:00" valeur="523.0"/>…
</station></lns>
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

STATION = re.compile(r"[A-Z0-9]\d{9}", re.ASCII)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d(:?\d\d)?)?", re.ASCII)
VALUE = re.compile(r"[+-]?\d{1,9}(\.\d{1,6})?", re.ASCII)
QUANTITIES = ("H", "Q", "RR")


class FrameRefused(Exception):
    """The frame is refused as a whole; `status` is the HTTP answer, `code` names the cause."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True)
class FrameMeasure:
    """One measure; station time, or aware when the frame gave a zone; None is a missing value."""

    quantity: str
    timestamp: datetime
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What one station pushed."""

    station: str
    measures: tuple[FrameMeasure, ...]


def parse_frame(body: bytes) -> Frame:
    """Read one frame; FrameRefused 400 when it is not XML-LNS, 422 when its content is not acceptable."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        raise FrameRefused(400, "XML_INVALIDE", f"XML mal formé, ligne {line} colonne {column}") from error
    except DefusedXmlException as error:
        raise FrameRefused(400, "DTD_INTERDITE", "DTD et entités sont interdites") from error
    except (ValueError, LookupError) as error:  # unknown or impossible encoding
        raise FrameRefused(400, "ENCODAGE_INVALIDE", "encodage illisible") from error
    if root.tag != "lns" or root.get("version") != "1.0":
        raise FrameRefused(400, "FORMAT_INCONNU", 'racine <lns version="1.0"> attendue')
    stations = list(root)
    if len(stations) != 1 or stations[0].tag != "station":
        raise FrameRefused(400, "FORMAT_INCONNU", "exactement un élément <station> attendu")
    code = stations[0].get("code", "")
    if not STATION.fullmatch(code):
        raise FrameRefused(422, "CODE_STATION_INVALIDE", f"code station {code[:40]!r}")
    measures = tuple(_parse_measure(element) for element in stations[0])
    if not measures:
        raise FrameRefused(422, "TRAME_VIDE", "aucune mesure")
    return Frame(code, measures)


def _parse_measure(element: Any) -> FrameMeasure:
    if element.tag != "mesure":
        raise FrameRefused(400, "FORMAT_INCONNU", f"élément <{element.tag[:40]}> inattendu")
    quantity = element.get("grandeur", "")
    if quantity not in QUANTITIES:
        raise FrameRefused(422, "GRANDEUR_INCONNUE", f"grandeur {quantity[:40]!r}")
    return FrameMeasure(
        quantity, parse_timestamp(element.get("horodatage", "")), parse_value(element.get("valeur"))
    )


def parse_timestamp(text: str) -> datetime:
    """`aaaa-mm-jjThh:mm:ss`, with or without zone; FrameRefused 422 otherwise."""
    if TIMESTAMP.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise FrameRefused(422, "HORODATAGE_INVALIDE", f"horodatage {text[:40]!r}")


def parse_value(text: str | None) -> Decimal | None:
    """A decimal number with a point, None when absent or empty; FrameRefused 422 otherwise."""
    if not text:
        return None
    if not VALUE.fullmatch(text):
        raise FrameRefused(422, "VALEUR_INVALIDE", f"valeur {text[:40]!r}")
    return Decimal(text)


def normalise_timestamp(timestamp: datetime, station_is_utc: bool) -> datetime:
    """Station time as the database takes it; a zone is only accepted from a station that runs on UTC."""
    if timestamp.tzinfo is None:
        return timestamp
    if not station_is_utc:
        raise FrameRefused(
            422, "FUSEAU_INATTENDU", f"fuseau donné par une station en heure locale : {timestamp.isoformat()}"
        )
    return timestamp.astimezone(UTC).replace(tzinfo=None)
