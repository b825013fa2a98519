"""Alarm sink: stands for the telephone and mail operators, and keeps what would have been sent.

It also stands for the LoRaWAN operator.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nonreg.sandbox.services.database import ActiveDatabase
from nonreg.sandbox.services.lorawan import Operator
from nonreg.sandbox.services.runtime import start_service
from nonreg.sandbox.services.web import Reply, Request, refuse_plainly, reply_json, serve_web


class Sink:
    """The calls received, one JSON line each."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(exist_ok=True)
        self._file = file
        self._lock = threading.Lock()
        self._keys = {call["cle"] for call in self._read() if "cle" in call}

    def receive(self, request: Request) -> Reply:
        """Keep one call: a JSON object with `destinataire` and `texte`; of one `cle` the first only."""
        try:
            call = json.loads(request.body.decode("utf-8"))
            texts = [call["destinataire"], call["texte"]]
        except (ValueError, KeyError, TypeError):
            return refuse_plainly(request, 400, "objet JSON avec destinataire et texte attendu")
        if not all(isinstance(text, str) for text in texts):
            return refuse_plainly(request, 400, "destinataire et texte doivent être des textes")
        call["recu_utc"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        key = call.get("cle")
        if not isinstance(key, str | None):
            return refuse_plainly(request, 400, "cle doit être un texte")
        with self._lock:
            if key is not None and key in self._keys:
                return reply_json({"statut": "DEJA_RECU"})
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(call, ensure_ascii=False) + "\n")
            if key is not None:
                self._keys.add(key)
        return reply_json({"statut": "OK"}, 201)

    def list_calls(self, request: Request) -> Reply:
        """The calls whose text contains the one asked for, oldest first."""
        wanted = request.query.get("texte", "")
        with self._lock:
            calls = self._read()
        return reply_json({"appels": [call for call in calls if wanted in call["texte"]]})

    def _read(self) -> list[dict[str, Any]]:
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        return [json.loads(line) for line in lines]


def main() -> None:
    """Run until stopped."""
    service = start_service("puits")
    settings = service.settings
    sink = Sink(settings.site_dir / "puits" / "appels.jsonl")
    operator = Operator(settings.site_dir / "puits" / "lorawan.jsonl")
    version = {"service": "puits", "site": settings.site, "version": settings.version}
    routes = {
        ("POST", "/appels"): sink.receive,
        ("GET", "/appels"): sink.list_calls,
        ("POST", "/lorawan/messages"): operator.stage,
        ("GET", "/lorawan/messages"): operator.list_messages,
        ("GET", "/version"): lambda _: reply_json(version),
    }
    serve_web(settings.address, settings.port, routes, service.log)
    service.report_presence(ActiveDatabase(settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
