"""State that a site's supervision module gives over HTTP: its role, its services, the other sites it hears."""

from __future__ import annotations

import json
from dataclasses import dataclass

from nonreg.clients.web import Answer
from nonreg.errors import RequestFailed


@dataclass(frozen=True, slots=True)
class Peer:
    """Another site as last heard: age of its heartbeat in seconds and the role it said; None when never heard."""

    age_seconds: float | None
    role: str | None


@dataclass(frozen=True, slots=True)
class SupervisionState:
    """What one module says; `services` are True when running, `alarms` the labels of the open technical ones."""

    site: str
    role: str
    services: dict[str, bool]
    peers: dict[str, Peer]
    quorum: bool
    alarms: tuple[str, ...] = ()

    def roles(self) -> dict[str, str]:
        """Every site's role as this module knows it, its own included."""
        return {self.site: self.role, **{site: peer.role or "inconnu" for site, peer in self.peers.items()}}


def parse_state(answer: Answer) -> SupervisionState:
    """The state in an answer; RequestFailed when there is none in it."""
    if answer.status != 200:
        raise RequestFailed(f"{answer.request} : réponse {answer.status}.")
    try:
        data = json.loads(answer.body)
        return SupervisionState(
            str(data["site"]),
            str(data["role"]),
            {str(name): bool(state["actif"]) for name, state in data["modules"].items()},
            {
                str(site): Peer(
                    None if peer["vu_il_y_a_secondes"] is None else float(peer["vu_il_y_a_secondes"]),
                    None if peer["role"] is None else str(peer["role"]),
                )
                for site, peer in data["pairs"].items()
            },
            bool(data["quorum"]),
            tuple(str(alarm["libelle"]) for alarm in data.get("alarmes", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestFailed(f"{answer.request} : état de supervision illisible.") from error


def judge_peers(
    state: SupervisionState, expected: frozenset[str], fresh_seconds: float
) -> list[tuple[str, str]]:
    """(other site, problem) for each expected site that is unknown, never heard or heard too long ago."""
    problems = []
    for site in sorted(expected - {state.site}):
        peer = state.peers.get(site)
        if peer is None:
            problems.append((site, "inconnu du module"))
        elif peer.age_seconds is None:
            problems.append((site, "jamais entendu"))
        elif peer.age_seconds > fresh_seconds:
            problems.append((site, f"dernier battement il y a {peer.age_seconds:g} s"))
    return problems
