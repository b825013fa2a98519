"""What people do in the tests' Redmine, by its administrator's key: tickets, states, hours, accounts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import requests

from nonreg.config import Secret
from nonreg.tracker.redmine import RedmineTracker, open_redmine
from nonreg.tracker.settings import TrackerKind, TrackerSettings
from tests.redmine.server import RedmineServer

SECONDS = 60
LOCKED = 3  # the status of an account that is no longer one


@dataclass(frozen=True)
class People:
    """The administrator of a Redmine that runs."""

    server: RedmineServer

    def send(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """One request that must succeed."""
        answer = requests.request(
            method,
            self.server.url + path,
            headers=self._headers(),
            json=content,
            timeout=SECONDS,
        )
        assert answer.ok, f"{method} {path} : {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def open_issue(self, title: str, project: str = "aquareel", **more: Any) -> int:
        """A ticket; its number."""
        issue = {"project_id": project, "tracker_id": self.server.known["trackers"]["Anomalie"]}
        created = self.send("POST", "/issues.json", {"issue": {**issue, "subject": title, **more}})
        return int(created["issue"]["id"])

    def change(self, number: int, **fields: Any) -> None:
        """Change a ticket."""
        self.send("PUT", f"/issues/{number}.json", {"issue": fields})

    def set_status(self, number: int, status: str) -> None:
        """Give it a status by its name."""
        self.change(number, status_id=self.server.known["statuses"][status])

    def book(self, day: date, hours: float, comment: str, issue: int = 0, project: str = "aquareel") -> None:
        """Book hours on a ticket, or on a project without one."""
        where = {"issue_id": issue} if issue else {"project_id": self.server.known["projects"][project]}
        entry = {"spent_on": day.isoformat(), "hours": hours, "comments": comment}
        activity = {"activity_id": self.server.known["activity"]}
        self.send("POST", "/time_entries.json", {"time_entry": {**entry, **activity, **where}})

    def lock(self, login: str) -> None:
        """End an account: its key is nobody's any more."""
        self.send("PUT", f"/users/{self.server.known['users'][login]}.json", {"user": {"status": LOCKED}})

    def read_files(self, number: int) -> list[tuple[str, bytes]]:
        """The files of a ticket by their names, as anybody would download them."""
        issue = self.send("GET", f"/issues/{number}.json?include=attachments")["issue"]
        return [
            (
                one["filename"],
                requests.get(one["content_url"], headers=self._headers(), timeout=SECONDS).content,
            )
            for one in issue["attachments"]
        ]

    def read_journals(self, number: int) -> list[dict[str, Any]]:
        """What happened to a ticket."""
        found: list[dict[str, Any]] = self.send("GET", f"/issues/{number}.json?include=journals")["issue"][
            "journals"
        ]
        return found

    def show_page(self, number: int) -> str:
        """The ticket as a browser gets it."""
        return requests.get(f"{self.server.url}/issues/{number}", timeout=SECONDS).text

    def track(self, login: str = "automate", url: str = "", key: str = "", **more: Any) -> RedmineTracker:
        """Our adapter, with somebody's key."""
        stated: dict[str, Any] = {"project": "aquareel", "regression_kind": "Régression", **more}
        settings = TrackerSettings(
            kind=TrackerKind.REDMINE,
            url=url or self.server.url,
            key_env="NONREG_TRACKER_KEY",
            timeout_seconds=60.0,
            **stated,
        )
        return open_redmine(settings, Secret(key or self.server.known["keys"][login]), "")

    def _headers(self) -> dict[str, str]:
        return {"X-Redmine-API-Key": self.server.known["keys"]["admin"]}


def describe(journals: list[dict[str, Any]]) -> str:
    """Journals as one text, for a message."""
    return json.dumps(journals, ensure_ascii=False)
