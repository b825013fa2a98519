"""What Prefect's API says of workers and planned runs; only asked, never told anything."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from nonreg.alerts.facts import RecoverySeen, WorkerSeen
from nonreg.alerts.nights import EARLY
from nonreg.clients.web import Answer, WebSession
from nonreg.errors import AccessDenied, RequestFailed, UsageError
from nonreg.service.identity import INSTALLATION, NotOurs, require_ours

TIMEOUT_SECONDS = 20.0
API, AUTH = "PREFECT_API_URL", "PREFECT_API_AUTH_STRING"
STATES = {
    "SCHEDULED": "prévu",
    "PENDING": "en préparation",
    "RUNNING": "en cours",
    "COMPLETED": "terminé",
    "FAILED": "en échec",
    "CRASHED": "planté",
    "CANCELLED": "annulé",
    "CANCELLING": "en cours d'annulation",
    "PAUSED": "en pause",
}


@dataclass(frozen=True, slots=True)
class PrefectServer:
    """Where the API is, and the `account:password` that it asks for; neither is in a repr.

    With an `installation` the secret only goes to the server of that one (nonreg.service.identity).
    """

    url: str = field(repr=False)
    account: str = field(default="", repr=False)
    installation: str = ""

    def require_ours(self) -> None:
        """RequestFailed when whoever answers there is not the server of our installation."""
        if self.installation:
            try:
                require_ours(self.url.rstrip("/"), self.account, self.installation)
            except (NotOurs, UsageError) as error:
                raise RequestFailed(str(error)) from error

    def read_workers(self, pool: str) -> tuple[tuple[WorkerSeen, ...], datetime]:
        """The workers of a pool, none for an unknown one, and what time it is for the server."""
        self.require_ours()
        answer = self._ask(f"/work_pools/{quote(pool, safe='')}/workers/filter", {}, (200, 404))
        workers = (
            _read_list(answer, lambda one: WorkerSeen(one["name"], _read_time(one["last_heartbeat_time"])))
            if answer.status == 200
            else ()
        )
        return workers, _read_clock(answer)

    def describe_night(self, deployment: str, start: datetime) -> str:
        """What became of the run that was planned for then, in French."""
        window = {
            "after_": (start - EARLY).isoformat(),
            "before_": (start + timedelta(hours=12)).isoformat(),
        }
        answer = self._ask(
            "/flow_runs/filter",
            {
                "deployments": {"name": {"any_": [deployment]}},
                "flow_runs": {"expected_start_time": window},
                "sort": "EXPECTED_START_TIME_ASC",
                "limit": 5,
            },
            (200,),
        )
        runs = _read_list(answer, lambda one: f"{one['name']} {describe_state(one)}")
        return ", ".join(runs) or "aucun passage n'était planifié pour cette nuit"

    def read_last_recovery(self) -> RecoverySeen | None:
        """The last run of the flow « reprise » that ended; None when there is none."""
        answer = self._ask(
            "/flow_runs/filter",
            {
                "flows": {"name": {"any_": ["reprise"]}},
                "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}},
                "sort": "END_TIME_DESC",
                "limit": 1,
            },
            (200,),
        )
        found = _read_list(
            answer,
            lambda one: RecoverySeen(
                one["parameters"]["platform"],
                one["name"],
                one["state_type"] != "COMPLETED",
                one["state"].get("message") or "",
                _read_time(one["end_time"]),
            ),
        )
        return found[0] if found else None

    def _ask(self, path: str, body: dict[str, Any], accepted: tuple[int, ...]) -> Answer:
        if not self.account.isascii():  # no HTTP header carries it, and an error of that would end the watch
            raise AccessDenied(f"le compte de {AUTH} doit être en lettres sans accent (ASCII).")
        user, _, password = self.account.partition(":")
        trusted = os.environ.get("PREFECT_API_SSL_CERT_FILE") or None  # what Prefect's own clients trust
        with WebSession(self.url.rstrip("/"), TIMEOUT_SECONDS, ca_file=trusted) as session:
            answer = session.post(
                path,
                json.dumps(body).encode("utf-8"),
                "application/json",
                (user, password) if self.account else None,
            )
        if answer.status in (401, 403):
            raise AccessDenied(f"l'API de Prefect refuse le compte de {AUTH}.")
        if answer.status not in accepted:
            raise RequestFailed(f"l'API de Prefect a répondu {answer.status}.")
        return answer


def find_server(url: str = "") -> PrefectServer | None:
    """The server of that address, or the one of the environment; None when there is neither."""
    named = url or os.environ.get(API, "")
    if not named:
        return None
    return PrefectServer(named, os.environ.get(AUTH, ""), os.environ.get(INSTALLATION, ""))


def describe_state(run: Any) -> str:
    """The state of a flow run in French; a planned one whose time is past is late."""
    if run.get("state_name") == "Late":
        return "en retard, aucun travailleur ne l'a pris"
    return STATES.get(str(run.get("state_type")), "dans un état inconnu")


def _read_list(answer: Answer, read: Any) -> tuple[Any, ...]:
    try:
        return tuple(read(one) for one in json.loads(answer.body))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RequestFailed("ce qui répond à l'adresse de l'API n'est pas Prefect.") from error


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _read_clock(answer: Answer) -> datetime:
    """The server's own clock: a heartbeat's age must not depend on ours."""
    try:
        return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return datetime.now(UTC)
