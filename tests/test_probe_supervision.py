"""The supervision's state: what is unreadable is no state, and a peer not heard lately is named."""

from __future__ import annotations

import json

import pytest

from nonreg.clients.web import Answer
from nonreg.errors import RequestFailed
from nonreg.probes.supervision import judge_peers, parse_state

SITES = frozenset({"SITE-A", "SITE-B", "SITE-S"})
STATE = {
    "site": "SITE-S",
    "role": "SURVEILLANCE",
    "heure_utc": "2026-11-23T14:50:07.502+00:00",
    "modules": {"puits": {"actif": True}, "supervision": {"actif": False}},
    "pairs": {
        "SITE-A": {"vu_il_y_a_secondes": 0.387, "role": "ACTIF"},
        "SITE-B": {"vu_il_y_a_secondes": None, "role": None},
    },
    "quorum": True,
}


def answer(body: object, status: int = 200) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer("GET /etat", status, text, {}, 0.01)


def test_a_state_gives_roles_services_and_peers() -> None:
    state = parse_state(answer(STATE))
    assert state.roles() == {"SITE-S": "SURVEILLANCE", "SITE-A": "ACTIF", "SITE-B": "inconnu"}
    assert state.services == {"puits": True, "supervision": False}
    assert state.quorum


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", "{}", {**STATE, "pairs": None}, {**STATE, "modules": {"puits": 1}}]
)
def test_what_is_not_a_state_is_refused(body: object) -> None:
    with pytest.raises(RequestFailed, match="illisible"):
        parse_state(answer(body))


def test_an_error_of_the_service_is_told_with_its_status() -> None:
    with pytest.raises(RequestFailed, match="réponse 503"):
        parse_state(answer(STATE, 503))


def test_peers_never_heard_late_or_unknown_are_named() -> None:
    state = parse_state(answer(STATE))
    assert judge_peers(state, SITES, 3.0) == [("SITE-B", "jamais entendu")]
    assert judge_peers(state, SITES, 0.1) == [
        ("SITE-A", "dernier battement il y a 0.387 s"),
        ("SITE-B", "jamais entendu"),
    ]
    assert judge_peers(state, SITES | {"SITE-X"}, 3.0)[-1] == ("SITE-X", "inconnu du module")
