"""GitLab by its REST API (v4). What its documentation and its pages say, and what follows here:

a line that begins with /close, /label… is an order, in a note too     such a slash is written with a backslash
@name sends a mail to people, HTML is shown                            the same for @ and <
since 13.2 a change of state is an event, no longer a note             both are read
the pages of a list end where X-Next-Page is empty                     a full page without it is no last page
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from urllib.parse import quote

from nonreg.config import Secret
from nonreg.errors import RequestFailed, UsageError
from nonreg.model.tracker import Attachment, NewTicket, Ticket, TicketNote, TicketState, TimeEntry
from nonreg.tracker.api import (
    MAX_PAGES,
    PAGE,
    Fields,
    Json,
    TrackerApi,
    list_fields,
    prepare_file_name,
    prepare_text,
    prepare_title,
    read_number,
    write_json,
)
from nonreg.tracker.protocol import MARK, TicketUnknown, holds_mark, mark_text, nobody
from nonreg.tracker.settings import TrackerSettings

ORDER = re.compile(r"^(\s*)/(?=\S)", re.MULTILINE)
STATES = {"opened": TicketState.OPEN, "reopened": TicketState.OPEN, "closed": TicketState.CLOSED}
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")


class GitlabTracker:
    """One project of a GitLab, as one account; see Tracker."""

    def __init__(self, settings: TrackerSettings, key: Secret, ca_file: str) -> None:
        self._settings = settings
        self._api = TrackerApi(settings, key, ca_file, f"GitLab {settings.url}", "PRIVATE-TOKEN")
        self._root = f"/api/v4/projects/{quote(settings.project, safe='')}"

    @property
    def name(self) -> str:
        """« GitLab https://… »."""
        return self._api.name

    def close(self) -> None:
        """Close its connections."""
        self._api.close()

    def check(self) -> str:
        """The name of the token's account, which sees the project too."""
        user = Fields(self._api.read("/api/v4/user").content, "compte").text("username")
        self._api.read(self._root)
        return user

    def find_ticket(self, reference: str) -> Ticket:
        """One issue, by its number in the project."""
        path = f"{self._root}/issues/{self._read_number(reference)}"
        return self._read_ticket(Fields(self._api.read_of(reference, self.check, path).content, "ticket"))

    def list_tickets(self, *, open_only: bool, updated_since: datetime | None = None) -> tuple[Ticket, ...]:
        """Issues of the project."""
        query: Json = {"state": "opened" if open_only else "all"}
        if updated_since is not None:
            query["updated_after"] = f"{updated_since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return tuple(self._list(query))

    def list_notes(self, reference: str) -> tuple[TicketNote, ...]:
        """Notes of people, and changes of state, of which GitLab makes a note or an event according to its age."""
        notes = []
        for note in self._read_notes(reference):
            text = note.text("body", "")
            system = note.flag("system")
            became = STATES.get(text.split(maxsplit=1)[0]) if system and text else None
            if became is not None or not system:
                author = note.name_of("author", "username")
                notes.append(TicketNote(note.moment("created_at"), author, "" if system else text, became))
        for event in self._read_states(reference):
            became = STATES.get(event.text("state"))
            if became is not None:
                author = event.name_of("user", "username")
                notes.append(TicketNote(event.moment("created_at"), author, "", became))
        return tuple(sorted(notes, key=lambda note: note.at))

    def holds_note(self, reference: str, key: str) -> bool:
        """The notes themselves are read."""
        return any(holds_mark(note.text("body", ""), key) for note in self._read_notes(reference))

    def add_note(
        self,
        reference: str,
        key: str,
        text: str,
        attachments: tuple[Attachment, ...],
        announce: Callable[[], None] = nobody,
    ) -> None:
        """Upload the files, which stand nowhere yet, then write the note that links them."""
        number = self._read_number(reference)
        body = write_body(text, key)  # refused here before anything is uploaded
        path = f"{self._root}/issues/{number}"
        self._api.read_of(reference, self.check, path)
        note = write_json({"body": add_links(body, key, self._upload(attachments))})
        announce()
        reply = self._api.write_to(reference, self.check, "POST", f"{path}/notes", note)
        if not holds_mark(Fields(reply.content, "note").text("body", ""), key):
            raise RequestFailed(f"{self.name} n'a pas pris la note de {reference} telle qu'elle est écrite.")

    def find_opened(self, key: str) -> Ticket | None:
        """By the label, and by the mark in the description: an account below « Reporter » sets no label."""
        found = {}
        for query in ({"labels": MARK + key}, {"search": key, "in": "description"}):
            for ticket in self._list({**query, "state": "all"}):
                labels = dict(ticket.fields).get("labels", "").split(",")
                if MARK + key in labels or holds_mark(ticket.description, key):
                    found[self._read_number(ticket.reference)] = ticket
        return found[min(found)] if found else None

    def open_ticket(
        self, new: NewTicket, attachments: tuple[Attachment, ...], announce: Callable[[], None] = nobody
    ) -> str:
        """One POST, after the files were uploaded."""
        body = write_body(new.text, new.key)
        issue = {
            "title": prepare_title(new.title),
            "description": add_links(body, new.key, self._upload(attachments)),
            "labels": ",".join(filter(None, (self._settings.regression_kind, MARK + new.key))),
        }
        announce()
        reply = self._api.write_to("", self.check, "POST", f"{self._root}/issues", write_json(issue))
        return self._write_reference(Fields(reply.content, "ticket créé").number("iid"))

    def list_time(self, first: date, last: date) -> tuple[TimeEntry, ...]:
        """UsageError: this interface gives an issue's hours as one sum, without days or persons."""
        raise UsageError(
            f"{self.name} ne donne pas les heures par jour : elles sont à prendre ailleurs pour cette période."
        )

    def _list(self, query: Json) -> list[Ticket]:
        # By creation, so that an issue which changes meanwhile does not slip from one page to another.
        whole = {**query, "order_by": "created_at", "sort": "asc", "scope": "all"}
        found = {
            issue.number("iid"): self._read_ticket(issue)
            for issue in self._read_pages(f"{self._root}/issues", whole, "")
        }
        return [found[number] for number in sorted(found)]

    def _read_notes(self, reference: str) -> list[Fields]:
        path = f"{self._root}/issues/{self._read_number(reference)}/notes"
        return list(self._read_pages(path, {"order_by": "created_at", "sort": "asc"}, reference))

    def _read_states(self, reference: str) -> list[Fields]:
        path = f"{self._root}/issues/{self._read_number(reference)}/resource_state_events"
        try:
            return list(self._read_pages(path, {}, reference))
        except TicketUnknown:
            return []  # a GitLab before 13.2: the ticket is there, its notes were read

    def _read_pages(self, path: str, query: Json, reference: str) -> Iterator[Fields]:
        page = "1"
        for _ in range(MAX_PAGES):
            whole = {**query, "per_page": PAGE, "page": page}
            ask = partial(self._api.read_of, reference, self.check) if reference else self._api.read
            reply = ask(path, whole)
            elements = list_fields(reply.content, "liste")
            yield from elements
            if "x-next-page" not in reply.headers and len(elements) >= PAGE:
                raise RequestFailed(f"{self.name} : liste sans suite annoncée (X-Next-Page) ({path}).")
            page = reply.headers.get("x-next-page", "")
            if not page.isdecimal():
                return
        raise RequestFailed(f"{self.name} : plus de {MAX_PAGES} pages ({path}).")

    def _read_ticket(self, issue: Fields) -> Ticket:
        state = issue.text("state")
        if state not in STATES:
            raise RequestFailed(f"{self.name} : état de ticket inconnu.")
        labels = issue.raw("labels")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise RequestFailed(f"{self.name} : étiquettes de ticket illisibles.")
        kind = self._settings.regression_kind
        closed = STATES[state] is TicketState.CLOSED
        return Ticket(
            reference=self._write_reference(issue.number("iid")),
            title=issue.text("title"),
            state=STATES[state],
            status=state,
            kind=kind if kind and kind in labels else issue.text("issue_type", "issue"),
            priority=next((one.partition("::")[2] for one in labels if one.startswith("priority::")), ""),
            opened_at=issue.moment("created_at"),
            updated_at=issue.moment("updated_at"),
            closed_at=issue.moment("closed_at") if closed and issue.has("closed_at") else None,
            due=issue.day("due_date") if issue.has("due_date") else None,
            assignee=", ".join(person.text("username") for person in issue.parts("assignees")),
            description=issue.text("description", ""),
            fields=(("labels", ",".join(labels)),) if labels else (),
        )

    def _upload(self, attachments: tuple[Attachment, ...]) -> list[str]:
        """Markdown links of files that no note names yet."""
        links = []
        for attachment in attachments:
            body, content_type = write_form(attachment)
            reply = self._api.write("POST", f"{self._root}/uploads", body, content_type)
            links.append(Fields(reply.content, "fichier déposé").text("markdown"))
        return links

    def _read_number(self, reference: str) -> int:
        return read_number(reference, self._settings.prefix)

    def _write_reference(self, number: int) -> str:
        return f"{self._settings.prefix}-{number}"


def open_gitlab(settings: TrackerSettings, key: Secret, ca_file: str) -> GitlabTracker:
    """The adapter; `ca_file` holds the authorities to trust, the public ones when it is empty."""
    return GitlabTracker(settings, key, ca_file)


def write_body(text: str, key: str) -> str:
    """The text with its mark, in which nothing is an order or HTML."""
    marked = prepare_text(text if holds_mark(text, key) else mark_text(text, key))
    return ORDER.sub(r"\1\\/", marked.replace("<", "\\<"))


def add_links(body: str, key: str, links: list[str]) -> str:
    """The links of the files, above the mark."""
    if not links:
        return body
    mark = f"[{MARK}{key}]"
    before, _, after = body.rpartition(mark)
    return f"{before}{chr(10).join(links)}\n\n{mark}{after}"


def write_form(attachment: Attachment) -> tuple[bytes, str]:
    """A file as multipart/form-data, and the content type that says so."""
    boundary = uuid.uuid4().hex
    media_type = attachment.media_type if MEDIA_TYPE.fullmatch(attachment.media_type) else ""
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{prepare_file_name(attachment.name)}"\r\n'
        f"Content-Type: {media_type or 'application/octet-stream'}\r\n\r\n"
    )
    body = head.encode("utf-8") + attachment.content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
