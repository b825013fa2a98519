"""Redmine 4 and 5, by its REST API (JSON). What it does in silence is looked for:

a wrong key is answered as anybody, 200 on a public project     /users/current.json first
a note by an account that may not add any: 204, dropped         the role's rights before, the note itself after
a filter that it does not know: all tickets                     what comes back is compared again
a custom field that the account may not set: ignored            the key stands in the description as well
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import quote, urlencode

from nonreg.config import Secret
from nonreg.errors import AccessDenied, RequestFailed
from nonreg.model.tracker import Attachment, NewTicket, Ticket, TicketNote, TicketState, TimeEntry
from nonreg.tracker.api import (
    MAX_PAGES,
    PAGE,
    Fields,
    Json,
    Query,
    TrackerApi,
    prepare_file_name,
    prepare_text,
    prepare_title,
    read_number,
    write_json,
)
from nonreg.tracker.protocol import NoteRefused, TicketUnknown, holds_mark, mark_text, nobody
from nonreg.tracker.settings import TrackerSettings

READINGS = 5  # of a list that changes while it is read
ADD_NOTES, ADD_ISSUES = "add_issue_notes", "add_issues"
RIGHTS = {ADD_NOTES: "ajouter des notes", ADD_ISSUES: "créer des demandes"}


@dataclass(frozen=True, slots=True)
class _Project:
    """What the project says of itself: its number, its trackers and the custom fields of its issues, by name."""

    number: int
    trackers: dict[str, int]
    fields: dict[str, int]


class RedmineTracker:
    """One project of a Redmine, as one account; see Tracker."""

    def __init__(self, settings: TrackerSettings, key: Secret, ca_file: str) -> None:
        self._settings = settings
        self._api = TrackerApi(settings, key, ca_file, f"Redmine {settings.url}", "X-Redmine-API-Key")
        self._login = ""
        self._project: _Project | None = None
        self._closed: dict[int, bool] | None = None
        self._rights: frozenset[str] | None = None
        self._known: set[int] = set()  # numbers that were seen in the project

    @property
    def name(self) -> str:
        """« Redmine https://… »."""
        return self._api.name

    def close(self) -> None:
        """Close its connections."""
        self._api.close()

    def check(self) -> str:
        """The login of the key, asked each time."""
        user = Fields(self._api.read("/users/current.json").content, "compte").part("user")
        self._login = user.text("login")
        return self._login

    def find_ticket(self, reference: str) -> Ticket:
        """By the project's list, so that an issue of another project is not ours."""
        number = self._read_number(reference)
        found = self._list({"issue_id": number, "status_id": "*"})
        for issue in found:
            if issue.number("id") == number:
                self._known.add(number)
                return self._read_ticket(issue)
        self.check()  # the list is answered to anybody: a key that was revoked must not put notes aside
        raise TicketUnknown(f"{self.name} ne montre à ce compte aucun ticket {reference} dans ce projet.")

    def list_tickets(self, *, open_only: bool, updated_since: datetime | None = None) -> tuple[Ticket, ...]:
        """Issues of the project and of the ones below it, as Redmine itself lists them."""
        query: Json = {"status_id": "open" if open_only else "*"}
        if updated_since is not None:
            query["updated_on"] = f">={updated_since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        tickets = (self._read_ticket(issue) for issue in self._list(query))
        return tuple(
            ticket
            for ticket in tickets
            if (ticket.state is TicketState.OPEN or not open_only)
            and (updated_since is None or ticket.updated_at >= updated_since.replace(microsecond=0))
        )

    def list_notes(self, reference: str) -> tuple[TicketNote, ...]:
        """Journals that hold a text or a change of status."""
        closed = self._read_statuses()
        notes = []
        for journal in self._read_journals(reference):
            became = find_new_state(journal, closed)
            text = journal.text("notes", "")
            if text or became is not None:
                notes.append(TicketNote(journal.moment("created_on"), journal.name_of("user"), text, became))
        return tuple(notes)

    def holds_note(self, reference: str, key: str) -> bool:
        """The notes themselves are read."""
        return any(holds_mark(journal.text("notes", ""), key) for journal in self._read_journals(reference))

    def add_note(
        self,
        reference: str,
        key: str,
        text: str,
        attachments: tuple[Attachment, ...],
        announce: Callable[[], None] = nobody,
    ) -> None:
        """Upload the files, then one PUT with the note and all of them, then read it back."""
        number = self._read_number(reference)
        text = prepare_text(text if holds_mark(text, key) else mark_text(text, key))
        self.check()
        self._locate(reference, number)
        self._require_right(ADD_NOTES)
        uploads = self._upload(attachments)
        body = write_json({"issue": {"notes": text, "uploads": uploads}})
        announce()
        self._api.write_to(reference, self.check, "PUT", f"/issues/{number}.json", body)
        self._confirm_note(reference, key, len(attachments))

    def find_opened(self, key: str) -> Ticket | None:
        """By the custom field when there is one, and by the mark in the description."""
        queries: list[Json] = [{"description": f"~{key}"}]
        field = self._read_project().fields.get(self._settings.fingerprint_field)
        if field is not None:
            queries.insert(0, {f"cf_{field}": f"={key}"})
        found = {}
        for query in queries:
            for issue in self._list({**query, "status_id": "*"}):
                ticket = self._read_ticket(issue)
                if (self._settings.fingerprint_field, key) in ticket.fields or holds_mark(
                    ticket.description, key
                ):
                    found[issue.number("id")] = ticket
        return found[min(found)] if found else None

    def open_ticket(
        self, new: NewTicket, attachments: tuple[Attachment, ...], announce: Callable[[], None] = nobody
    ) -> str:
        """One POST, after the files were uploaded."""
        text = prepare_text(new.text if holds_mark(new.text, new.key) else mark_text(new.text, new.key))
        self.check()
        project = self._read_project()
        self._require_right(ADD_ISSUES)
        issue: Json = {
            "project_id": project.number,
            "subject": prepare_title(new.title),
            "description": text,
        }
        kind = self._settings.regression_kind
        if kind:
            if kind not in project.trackers:
                raise NoteRefused(f"{self.name} : le projet n'a pas le tracker « {kind} » (regression_kind).")
            issue["tracker_id"] = project.trackers[kind]
        name = self._settings.fingerprint_field
        if name:
            if name not in project.fields:
                raise NoteRefused(
                    f"{self.name} : le projet n'a pas le champ « {name} » (fingerprint_field), "
                    "ou ne le montre pas à ce compte."
                )
            issue["custom_fields"] = [{"id": project.fields[name], "value": new.key}]
        issue["uploads"] = self._upload(attachments)
        announce()
        reply = self._api.write_to("", self.check, "POST", "/issues.json", write_json({"issue": issue}))
        return self._write_reference(Fields(reply.content, "demande créée").part("issue").number("id"))

    def list_time(self, first: date, last: date) -> tuple[TimeEntry, ...]:
        """Time entries, oldest first."""
        entries = [
            TimeEntry(
                self._write_reference(entry.part("issue").number("id")) if entry.has("issue") else "",
                entry.day("spent_on"),
                entry.hours("hours"),
                entry.name_of("activity"),
                entry.name_of("user"),
                entry.text("comments", ""),
            )
            for entry in self._read_pages(
                "/time_entries.json",
                "time_entries",
                {"project_id": self._settings.project, "from": first.isoformat(), "to": last.isoformat()},
            )
        ]
        return tuple(sorted((one for one in entries if first <= one.day <= last), key=lambda one: one.day))

    def _list(self, query: Json) -> list[Fields]:
        """Issues of the project by number."""
        self._require_account()
        whole = {"project_id": self._settings.project, "sort": "id", **query}
        issues = list(self._read_pages("/issues.json", "issues", whole))
        return sorted(issues, key=lambda issue: issue.number("id"))

    def _read_pages(self, path: str, what: str, query: Json) -> Iterator[Fields]:
        """Every element once; read again when the list grew or shrank meanwhile, which may hide one between pages."""
        self._require_account()
        for _ in range(READINGS):
            found = self._read_pages_once(path, what, query)
            if found is not None:
                return iter(found.values())
        raise RequestFailed(f"{self.name} : la liste change sans cesse pendant sa lecture ({path}).")

    def _read_pages_once(self, path: str, what: str, query: Json) -> dict[int, Fields] | None:
        found: dict[int, Fields] = {}
        total: int | None = None
        offset = 0
        for _ in range(MAX_PAGES):
            page: Query = {**query, "limit": PAGE, "offset": offset}
            answer = Fields(self._api.read(path, page).content, what)
            elements, said = answer.parts(what), answer.number("total_count")
            if total not in (None, said):
                return None
            total = said
            found.update((element.number("id"), element) for element in elements)
            offset += len(elements)
            if offset >= total:
                return found if len(found) == total else None
            if not elements:
                return None
        raise RequestFailed(f"{self.name} : plus de {MAX_PAGES * PAGE} éléments ({path}).")

    def _read_ticket(self, issue: Fields) -> Ticket:
        status = issue.part("status")
        # The issue itself says it from Redmine 5 on.
        if status.has("is_closed"):
            closed = status.flag("is_closed")
        else:
            closed = self._read_statuses().get(status.number("id"), False)
        return Ticket(
            reference=self._write_reference(issue.number("id")),
            title=issue.text("subject"),
            state=TicketState.CLOSED if closed else TicketState.OPEN,
            status=status.text("name"),
            kind=issue.name_of("tracker"),
            priority=issue.name_of("priority"),
            opened_at=issue.moment("created_on"),
            updated_at=issue.moment("updated_on"),
            # Redmine keeps the last closing of an issue that was opened again.
            closed_at=issue.moment("closed_on") if closed and issue.has("closed_on") else None,
            due=issue.day("due_date") if issue.has("due_date") else None,
            assignee=issue.name_of("assigned_to"),
            description=issue.text("description", ""),
            fields=tuple(
                (field.text("name"), join_value(field.raw("value"))) for field in issue.parts("custom_fields")
            ),
        )

    def _read_journals(self, reference: str) -> tuple[Fields, ...]:
        number = self._read_number(reference)
        self._require_account()
        self._locate(reference, number)
        path = f"/issues/{number}.json"
        reply = self._api.read_of(reference, self.check, path, {"include": "journals"})
        return Fields(reply.content, "ticket").part("issue").parts("journals")

    def _confirm_note(self, reference: str, key: str, files: int) -> None:
        for journal in reversed(self._read_journals(reference)):
            if holds_mark(journal.text("notes", ""), key):
                joined = sum(detail.text("property") == "attachment" for detail in journal.parts("details"))
                if joined < files:
                    raise NoteRefused(
                        f"{self.name} a pris la note dans {reference}, mais {joined} fichier(s) sur {files}."
                    )
                return
        if (
            self._rights
        ):  # which hold this one in the project; the files may stand there: nothing is tried again
            raise NoteRefused(
                f"{self.name} a répondu oui, mais la note n'est pas dans {reference} : le rôle du compte "
                f"{self._login} ne lui permet pas d'en ajouter aux demandes de ce tracker."
            )
        raise AccessDenied(
            f"{self.name} a répondu oui, mais la note n'est pas dans {reference} : "
            f"le compte {self._login} n'a pas le droit d'ajouter des notes (rôle, permission « Ajouter des notes »)."
        )

    def _upload(self, attachments: tuple[Attachment, ...]) -> list[Json]:
        """Tokens of files that stand nowhere yet; Redmine drops them within a day when nothing claims them."""
        uploads = []
        for attachment in attachments:
            name = prepare_file_name(attachment.name)
            query = urlencode({"filename": name, "content_type": attachment.media_type})
            path = f"/uploads.json?{query}"
            reply = self._api.write("POST", path, attachment.content, "application/octet-stream")
            token = Fields(reply.content, "fichier déposé").part("upload").text("token")
            uploads.append({"token": token, "filename": name, "content_type": attachment.media_type})
        return uploads

    def _locate(self, reference: str, number: int) -> None:
        """TicketUnknown unless the issue is one of the project: numbers are shared by all projects of a Redmine."""
        if number not in self._known:
            self.find_ticket(reference)

    def _require_account(self) -> None:
        """AccessDenied unless the key is somebody's; asked once, writes ask again."""
        if not self._login:
            self.check()

    def _require_right(self, right: str) -> None:
        """AccessDenied when the account's roles in the project are known and none gives the right.

        Without this, files would be joined without the note that names them. Rights that come otherwise (administrator,
        non-members' rights in a public project) cannot be read: the note is looked for afterwards.
        """
        rights = self._read_rights()
        if rights and right not in rights:
            raise AccessDenied(
                f"{self.name} : le rôle du compte {self._login} dans ce projet ne lui permet pas "
                f"de {RIGHTS[right]}."
            )

    def _read_rights(self) -> frozenset[str]:
        """Rights of the account's roles in the project; empty when they cannot be known."""
        if self._rights is None:
            query = {"include": "memberships"}
            user = Fields(self._api.read("/users/current.json", query).content, "compte").part("user")
            rights: set[str] = set()
            project = self._read_project().number
            for membership in user.parts("memberships"):
                if membership.part("project").number("id") != project or user.raw("admin") is True:
                    continue
                for role in membership.parts("roles"):
                    answer = Fields(self._api.read(f"/roles/{role.number('id')}.json").content, "rôle")
                    rights |= set(map(str, answer.part("role").raw("permissions") or ()))
            self._rights = frozenset(rights)
        return self._rights

    def _read_project(self) -> _Project:
        if self._project is None:
            self._require_account()
            path = f"/projects/{quote(self._settings.project, safe='')}.json"
            query = {"include": "trackers,issue_custom_fields"}
            project = Fields(self._api.read(path, query).content, "projet").part("project")
            fields = list_names(project.parts("issue_custom_fields"))
            name = self._settings.fingerprint_field
            if name and name not in fields:
                # Before 4.2 a project does not tell its fields, nor are they told to any but an administrator.
                for issue in self._list({"status_id": "*"}):
                    fields |= list_names(issue.parts("custom_fields"))
            self._project = _Project(project.number("id"), list_names(project.parts("trackers")), fields)
        return self._project

    def _read_statuses(self) -> dict[int, bool]:
        """Whether each status is a closed one, by its number."""
        if self._closed is None:
            self._require_account()
            statuses = Fields(self._api.read("/issue_statuses.json").content, "états").parts("issue_statuses")
            self._closed = {
                status.number("id"): status.has("is_closed") and status.flag("is_closed")
                for status in statuses
            }
        return self._closed

    def _read_number(self, reference: str) -> int:
        return read_number(reference, self._settings.prefix)

    def _write_reference(self, number: int) -> str:
        return f"{self._settings.prefix}-{number}"


def open_redmine(settings: TrackerSettings, key: Secret, ca_file: str) -> RedmineTracker:
    """The adapter; `ca_file` holds the authorities to trust, the public ones when it is empty."""
    return RedmineTracker(settings, key, ca_file)


def find_new_state(journal: Fields, closed: dict[int, bool]) -> TicketState | None:
    """The state that a journal's change of status leads to; None without one, or when nobody knows that status."""
    for detail in journal.parts("details"):
        if detail.text("property") == "attr" and detail.text("name") == "status_id":
            number = detail.text("new_value", "")
            if number.isdecimal() and int(number) in closed:
                return TicketState.CLOSED if closed[int(number)] else TicketState.OPEN
    return None


def list_names(parts: tuple[Fields, ...]) -> dict[str, int]:
    """Numbers by name."""
    return {part.text("name"): part.number("id") for part in parts}


def join_value(value: object) -> str:
    """A custom field's value as one text: some hold several."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
