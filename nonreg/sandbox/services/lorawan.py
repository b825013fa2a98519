"""The LoRaWAN operator: the HTTP API that the alarm sink also offers, since no operator can be reached from here.

POST stages one message, GET gives those after a number; numbers begin at 1 and are never given twice.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from nonreg.sandbox.services.web import Reply, Request, refuse_plainly, reply_json

FIELDS = ("station", "grandeur", "horodatage")
MAX_MESSAGES = 500  # of one answer; the next question gets the rest


class Operator:
    """The messages staged, one JSON line each."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(exist_ok=True)
        self._file = file
        self._lock = threading.Lock()
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        self._messages: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def stage(self, request: Request) -> Reply:
        """Keep one message: a JSON object with `station`, `grandeur`, `horodatage` and `valeur` (a number or null)."""
        try:
            given = json.loads(request.body.decode("utf-8"))
            message = {name: given[name] for name in (*FIELDS, "valeur")}
        except (ValueError, KeyError, TypeError):
            return refuse_plainly(
                request, 400, "objet JSON avec station, grandeur, horodatage et valeur attendu"
            )
        value = message["valeur"]
        if not all(isinstance(message[name], str) for name in FIELDS):
            return refuse_plainly(request, 400, "station, grandeur et horodatage doivent être des textes")
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            return refuse_plainly(request, 400, "valeur doit être un nombre ou null")
        with self._lock:
            message = {"numero": len(self._messages) + 1, **message}
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(message, ensure_ascii=False) + "\n")
            self._messages.append(message)
        return reply_json({"numero": message["numero"]}, 201)

    def list_messages(self, request: Request) -> Reply:
        """The messages after the number asked for, in order."""
        text = request.query.get("apres", "0")
        if not text.isascii() or not text.isdigit():
            return refuse_plainly(request, 400, "apres doit être un nombre")
        with self._lock:
            return reply_json({"messages": self._messages[int(text) :][:MAX_MESSAGES]})
