"""The JSON report: everything there is, from which the others can be made again."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, to_json

from nonreg.model import CampaignReport

_ADAPTER = TypeAdapter(CampaignReport)


def render_json(report: CampaignReport) -> str:
    """Return the report as JSON, fields in declared order; strict readers accept it."""
    try:
        return to_json(report, indent=2, inf_nan_mode="strings").decode() + "\n"
    except PydanticSerializationError:  # a lone surrogate, which UTF-8 cannot carry
        data = _make_portable(_ADAPTER.dump_python(report, mode="json"))
        return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def parse_json(text: str) -> CampaignReport:
    """Return the report that `render_json` wrote."""
    return _ADAPTER.validate_json(text)


def _make_portable(value: Any) -> Any:
    """Replace what JSON cannot carry: lone surrogates by U+FFFD, non-finite numbers by their name."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, list):
        return [_make_portable(item) for item in value]
    if isinstance(value, dict):
        return {key: _make_portable(item) for key, item in value.items()}
    return value
