"""The alarm sink's answer: calls in order, anything else refused without showing a recipient."""

from __future__ import annotations

import pytest

from nonreg.errors import RequestFailed
from nonreg.probes.alarm_sink import AlarmCall, parse_calls

BODY = (
    '{"appels": [{"ala_id": 7, "destinataire": "+33000000001", "texte": "JAUNE Z900000001 H", '
    '"recu_utc": "2026-11-23T14:05:00.000+00:00"}]}'
)


def test_calls_are_read_in_order() -> None:
    assert parse_calls(BODY) == (AlarmCall(7, "JAUNE Z900000001 H", "+33000000001"),)
    assert parse_calls('{"appels": []}') == ()


def test_a_technical_alarm_has_no_number_and_a_call_may_say_where_it_was_sent_from() -> None:
    sent = BODY.replace('"ala_id": 7', '"site": "SITE-B"')
    assert parse_calls(sent) == (AlarmCall(None, "JAUNE Z900000001 H", "+33000000001", "SITE-B"),)


@pytest.mark.parametrize("body", ["", "[]", '{"appels": 3}', BODY.replace("texte", "text"), BODY[:-2]])
def test_a_refusal_shows_no_number(body: str) -> None:
    with pytest.raises(RequestFailed) as refused:
        parse_calls(body)
    assert "+33" not in str(refused.value)
