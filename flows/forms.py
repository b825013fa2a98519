"""Words of the forms that people fill in: Prefect names a field as its parameter unless its schema says otherwise."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field


class YesNo(StrEnum):
    """Yes or no as a form offers it: an explicit answer, never a default."""

    OUI = "oui"
    NON = "non"


def name_field(text: str) -> Any:
    """The French name of a parameter in the form, in `Annotated[type, name_field(…)]`."""
    return Field(json_schema_extra={"title": text})
