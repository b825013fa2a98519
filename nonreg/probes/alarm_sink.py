"""Calls that the alarm sink received in the place of telephone and mail operators."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

from nonreg.clients.web import Answer, WebSession
from nonreg.errors import RequestFailed


@dataclass(frozen=True, slots=True)
class AlarmCall:
    """One call; the recipient is a phone number or an address and is never shown; technical alarms have no number.

    `site` is where it was sent from, empty when the sink does not know.
    """

    alarm: int | None
    text: str
    recipient: str
    site: str = ""


def read_calls(web: WebSession, text: str) -> tuple[Answer, tuple[AlarmCall, ...]]:
    """Calls whose text contains this one, oldest first, with the answer they come from."""
    answer = web.get(f"/appels?texte={quote(text)}")
    return answer, parse_calls(answer.body)


def parse_calls(body: str) -> tuple[AlarmCall, ...]:
    """Calls of the sink's JSON answer, in order; RequestFailed when it is not one."""
    try:
        return tuple(
            AlarmCall(
                None if call.get("ala_id") is None else int(call["ala_id"]),
                str(call["texte"]),
                str(call["destinataire"]),
                str(call.get("site", "")),
            )
            for call in json.loads(body)["appels"]
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestFailed("Réponse du puits d'alarmes illisible.") from error
