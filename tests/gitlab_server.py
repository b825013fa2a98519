"""A local HTTP server that answers as the documentation of GitLab's REST API (v4) says, and can be told to fail."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "glpat-essai-0123456789abcdef"  # of nobody
PROJECT = "aquareel/suivi"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DEFAULT_PAGE = 20
USER = {"id": 7, "username": "automate", "name": "Automate", "state": "active"}
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Gitlab:
    """What it holds, and how it fails: `failures` are answered first, one a request whose path holds the text."""

    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    events: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    failures: list[tuple[str, Answer]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    has_events: bool = True
    sets_labels: bool = True
    token: str = TOKEN
    port: int = 0
    _clock: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def tick(self) -> str:
        """A later moment, as GitLab writes it."""
        self._clock += 1
        return f"{START + timedelta(seconds=self._clock):%Y-%m-%dT%H:%M:%S}.120Z"

    def open_issue(self, title: str, description: str = "", labels: str = "", **more: Any) -> int:
        """An issue as somebody opens it; its number."""
        iid = len(self.issues) + 1
        now = self.tick()
        self.issues[iid] = {
            "id": 1000 + iid,
            "iid": iid,
            "project_id": 4,
            "title": title,
            "description": description or None,
            "state": "opened",
            "created_at": now,
            "updated_at": now,
            "closed_at": None,
            "labels": [one for one in labels.split(",") if one],
            "assignees": [],
            "author": USER,
            "due_date": None,
            "issue_type": "issue",
            "time_stats": {"time_estimate": 0, "total_time_spent": 0},
            **more,
        }
        self.notes[iid], self.events[iid] = [], []
        return iid

    def set_state(self, iid: int, state: str) -> None:
        """Close or open again: an event since 13.2, a note of the system before."""
        now = self.tick()
        issue = self.issues[iid]
        issue |= {"state": state, "updated_at": now, "closed_at": now if state == "closed" else None}
        if self.has_events:
            event = {"id": 1, "user": USER, "created_at": now, "resource_type": "Issue", "state": state}
            self.events[iid].append(event)
        else:
            self.add_note(iid, {"opened": "reopened"}.get(state, state), system=True)

    def add_note(self, iid: int, body: str, system: bool = False) -> dict[str, Any]:
        """A note as it is kept."""
        note = {
            "id": sum(map(len, self.notes.values())) + 1,
            "body": body,
            "author": USER,
            "created_at": self.tick(),
            "system": system,
            "internal": False,
        }
        self.notes[iid].append(note)
        return note

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """One request."""
        self.requests.append(f"{method} {target}")
        for index, (part, failure) in enumerate(self.failures):
            if part in f"{method} {target}":
                del self.failures[index]
                return failure
        if headers.get("private-token") != self.token:
            return write(401, {"message": "401 Unauthorized"})
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v4/user":
            return write(200, USER)
        found = re.fullmatch(r"/api/v4/projects/([^/]+)(/.*)?", parts.path)
        if not found or unquote(found[1]) != PROJECT:
            return write(404, {"message": "404 Project Not Found"})
        return self._answer_project(method, found[2] or "", query, headers, body)

    def _answer_project(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> Answer:
        if (method, path) == ("GET", ""):
            return write(200, {"id": 4, "path_with_namespace": PROJECT})
        if (method, path) == ("POST", "/uploads"):
            return self._upload(headers, body)
        if (method, path) == ("GET", "/issues"):
            return write_page(self._select(query), query)
        if (method, path) == ("POST", "/issues"):
            given = json.loads(body)
            if not given.get("title"):
                return write(400, {"error": "title is missing"})
            if len(given["title"]) > 255:
                return write(400, {"message": {"title": ["is too long (maximum is 255 characters)"]}})
            labels = given.get("labels", "") if self.sets_labels else ""
            iid = self.open_issue(given["title"], given.get("description", ""), labels)
            return write(201, self.issues[iid])
        found = re.fullmatch(r"/issues/([0-9]+)(/.*)?", path)
        if not found or int(found[1]) not in self.issues:
            return write(404, {"message": "404 Not found"})
        return self._answer_issue(method, int(found[1]), found[2] or "", query, body)

    def _answer_issue(self, method: str, iid: int, path: str, query: dict[str, str], body: bytes) -> Answer:
        if (method, path) == ("GET", ""):
            return write(200, self.issues[iid])
        if (method, path) == ("GET", "/notes"):
            newest_first = query.get("sort", "desc") == "desc"
            return write_page(self.notes[iid][:: -1 if newest_first else 1], query)
        if (method, path) == ("POST", "/notes"):
            text = json.loads(body)["body"]
            # What quick actions do, of which GitLab's own documentation says that they act in notes of the API too.
            if re.search(r"^/close\b", text, re.MULTILINE):
                self.set_state(iid, "closed")
            return write(201, self.add_note(iid, text))
        if (method, path) == ("GET", "/resource_state_events") and self.has_events:
            return write_page(self.events[iid], query)
        return write(404, {"error": "404 Not Found"})

    def _select(self, query: dict[str, str]) -> list[dict[str, Any]]:
        issues = list(self.issues.values())
        if query.get("state", "all") != "all":
            issues = [one for one in issues if one["state"] == query["state"]]
        if "labels" in query:
            issues = [one for one in issues if set(query["labels"].split(",")) <= set(one["labels"])]
        if "search" in query:
            words = query["search"].lower()
            issues = [one for one in issues if words in (one["description"] or "").lower()]
        if "updated_after" in query:
            since = datetime.fromisoformat(query["updated_after"])
            issues = [one for one in issues if datetime.fromisoformat(one["updated_at"]) >= since]
        issues.sort(key=lambda one: one[query.get("order_by", "created_at")])
        return issues[:: 1 if query.get("sort") == "asc" else -1]

    def _upload(self, headers: dict[str, str], body: bytes) -> Answer:
        kind = headers["content-type"]
        name = re.search(rb'form-data; name="file"; filename="([^"\r\n]*)"\r\n', body)
        assert name, body[:300]
        shown = name[1].decode("utf-8")
        url = f"/uploads/{len(self.files):032x}/{shown}"
        self.files[url] = cut_part(body, kind)
        return write(201, {"alt": shown, "url": url, "markdown": f"[{shown}]({url})"})


def cut_part(body: bytes, kind: str) -> bytes:
    """The bytes between the head of the only part and its boundary."""
    boundary = kind.partition("boundary=")[2].encode()
    return body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--" + boundary, 1)[0]


def write(status: int, content: Any, **headers: str) -> Answer:
    """An answer in JSON; GitLab states no charset."""
    return status, {"Content-Type": "application/json", **headers}, json.dumps(content).encode()


def write_page(elements: list[dict[str, Any]], query: dict[str, str]) -> Answer:
    """A page, with the headers that the documentation lists."""
    size = min(int(query.get("per_page", DEFAULT_PAGE)), 100)
    page = int(query.get("page", 1))
    following = str(page + 1) if page * size < len(elements) else ""
    status, headers, body = write(200, elements[(page - 1) * size : page * size])
    return status, {**headers, "X-Next-Page": following, "X-Page": str(page), "X-Per-Page": str(size)}, body


@contextmanager
def start_gitlab() -> Iterator[Gitlab]:
    """A running one."""
    gitlab = Gitlab()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            given = {name.lower(): value for name, value in self.headers.items()}
            status, headers, content = gitlab.answer(self.command, self.path, given, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = respond  # noqa: N815 - the names that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gitlab.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield gitlab
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
