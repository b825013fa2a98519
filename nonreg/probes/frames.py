"""XML-LNS frames as stations push them, and the frontal's answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from xml.sax.saxutils import quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring


@dataclass(frozen=True, slots=True)
class Reading:
    """One measure of a frame: quantity H (mm), Q (l/s) or RR (mm), station time, None when missing."""

    quantity: str
    at: datetime
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class FrameReply:
    """What the frontal said: accepted with its counts, or refused with its code."""

    accepted: bool
    inserted: int = 0
    duplicates: int = 0
    code: str = ""


def build_frame(station: str, readings: Iterable[Reading]) -> bytes:
    """One frame, in UTF-8."""
    measures = "".join(
        f"<mesure grandeur={quoteattr(one.quantity)} horodatage={quoteattr(one.at.isoformat())}"
        + ("/>" if one.value is None else f' valeur="{one.value:f}"/>')
        for one in readings
    )
    return f'<lns version="1.0"><station code={quoteattr(station)}>{measures}</station></lns>'.encode()


def parse_reply(body: str) -> FrameReply:
    """The frontal's answer; one that is not in the protocol is a refusal without code."""
    try:
        root = fromstring(body.encode("utf-8"), forbid_dtd=True)
        if root.tag == "reponse" and root.get("statut") == "OK":
            return FrameReply(True, int(root.get("inserees", "")), int(root.get("doublons", "")))
        if root.tag == "reponse":
            return FrameReply(False, code=root.get("code", ""))
    except (ParseError, DefusedXmlException, ValueError):
        pass
    return FrameReply(False)
