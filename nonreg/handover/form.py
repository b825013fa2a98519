"""The answers of a form, wherever they were given: in the UI of Prefect, from a terminal, in a file. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from nonreg.decision import CLOCK_TOLERANCE
from nonreg.errors import UsageError
from nonreg.model.handover import Field, FieldKind, Said, Step
from nonreg.working_time import PARIS

MAX_CHARACTERS = 4_000
YES, NO = "oui", "non"
REFERENCE = re.compile(r"\S(?:[^\n\r]{0,198}\S)?")
INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def check_said(step: Step, values: Mapping[str, str], at: datetime) -> tuple[Said, ...]:
    """The answers in the order of the form; UsageError names the first field that is not as it must be."""
    known = {field.id: field for field in step.fields}
    for name in values:
        if name not in known:
            shown = ", ".join(known) or "aucun"
            raise UsageError(f"Étape {step.id} : champ « {name} » inconnu (champs : {shown}).")
    return tuple(
        Said(field.id, check_value(step, field, values.get(field.id, ""), at)) for field in step.fields
    )


def check_value(step: Step, field: Field, value: str, at: datetime) -> str:
    """One answer in its normal form, empty when it was left out and may be."""
    value = unicodedata.normalize("NFC", str(value)).strip()
    where = f"Étape {step.id}, « {field.label} » ({field.id})"
    if not value:
        if field.required:
            raise UsageError(f"{where} : une réponse est attendue{hint(field)}.")
        return ""
    if len(value) > MAX_CHARACTERS:
        raise UsageError(f"{where} : {MAX_CHARACTERS} caractères au plus.")
    if any(unicodedata.category(char) in INVISIBLE and char != "\n" for char in value):
        raise UsageError(f"{where} : un caractère invisible ou de contrôle n'a rien à faire là.")
    try:
        return convert(field, value, at)
    except ValueError as error:
        raise UsageError(f"{where} : « {value[:80]} » n'est pas ce qui est attendu{hint(field)}.") from error


def check_reason(text: str) -> str:
    """A reason as it is kept, in its normal form; UsageError for one that hides something, or that is too long."""
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > MAX_CHARACTERS:
        raise UsageError(f"Motif : {MAX_CHARACTERS} caractères au plus.")
    if any(unicodedata.category(char) in INVISIBLE and char != "\n" for char in text):
        raise UsageError("Motif : un caractère invisible ou de contrôle n'a rien à faire là.")
    return text


def convert(field: Field, value: str, at: datetime) -> str:
    """The normal form of a value; ValueError when it has none."""
    match field.kind:
        case FieldKind.TEXT:
            return value
        case FieldKind.REFERENCE:
            return require(REFERENCE.fullmatch(value) is not None, value)
        case FieldKind.DATE:
            return read_date(value).isoformat()
        case FieldKind.INSTANT:
            instant = read_instant(value)
            return require(instant - at <= CLOCK_TOLERANCE, instant.isoformat(timespec="minutes"))
        case FieldKind.NUMBER:
            number = float(value.replace(",", "."))
            return require(math.isfinite(number), f"{number:.15g}")
        case FieldKind.YES:
            return require(value.lower() == YES, YES)
        case FieldKind.YES_NO:
            return require(value.lower() in (YES, NO), value.lower())
        case FieldKind.CHOICE:
            return require(value in field.options, value)
        case FieldKind.CHOICES:
            chosen = [one.strip() for one in value.split(",") if one.strip()]
            return require(
                bool(chosen) and set(chosen) <= set(field.options), ", ".join(dict.fromkeys(chosen))
            )


def require(holds: bool, value: str) -> str:
    """The value; ValueError when it does not hold."""
    if not holds:
        raise ValueError(value)
    return value


def read_date(value: str) -> date:
    """A day written 2026-11-30 or 30/11/2026."""
    if "/" in value:
        day, month, year = value.split("/")
        return date(int(year), int(month), int(day))
    return date.fromisoformat(value)


def read_instant(value: str) -> datetime:
    """An instant written in ISO, or `30/11/2026 14:05`; without a zone it is on the clock of Paris."""
    if "/" in value:
        day, _, clock = value.partition(" ")
        value = f"{read_date(day).isoformat()} {clock.strip()}"
        if not clock:
            raise ValueError(value)
    found = datetime.fromisoformat(value)
    found = found if found.tzinfo else found.replace(tzinfo=PARIS)
    if abs(found.year - 2050) > 50:  # no UTC, no calendar there
        raise ValueError(value)
    return found.astimezone(PARIS) + timedelta(0)


def hint(field: Field) -> str:
    """What is expected, after a colon in parentheses; empty for free text."""
    words = {
        FieldKind.DATE: "une date, 30/11/2026",
        FieldKind.INSTANT: "une date et une heure passées, 30/11/2026 14:05",
        FieldKind.NUMBER: "un nombre",
        FieldKind.YES: "« oui » ; sinon l'étape n'est pas faite",
        FieldKind.YES_NO: "oui ou non",
        FieldKind.REFERENCE: "une référence sur une ligne, 200 caractères au plus",
        FieldKind.CHOICE: "l'une de ces réponses : " + " ; ".join(field.options),
        FieldKind.CHOICES: "une ou plusieurs de ces réponses, séparées par des virgules : "
        + " ; ".join(field.options),
    }
    found = words.get(field.kind, "")
    return f" ({found})" if found else ""
