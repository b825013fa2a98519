"""Exchange: on the active site, imports the files dropped in its folder and writes the exports due.

On the passive site it does so with its own folder and the active site's database while that site's exchange is gone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.sandbox.services.database import ActiveDatabase, Connection, DatabaseRefused
from nonreg.sandbox.services.echange_formats import (
    FileRefused,
    ImportedValue,
    Row,
    read_csv,
    write_csv,
    write_sandre,
)
from nonreg.sandbox.services.fallback import Duty, DutyFinder
from nonreg.sandbox.services.runtime import start_service
from nonreg.sandbox.services.settings import Settings

SCAN_SECONDS = 0.25
MAX_FILE_BYTES = 16 << 20
EXPORT_HOURS = 24
KEPT_EXPORTS = 20  # of each task
ORDER_SECONDS = 15 * 60.0
TASK_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
INSERT = "SELECT tampon.usp_inserer(%s, %s, %s, %s, 'FICHIER', %s, true)"
EVENT = "SELECT evt.usp_journaliser('echange', %s, %s, %s, %s)"
INFORMATION, NOTIFICATION = 1, 2
DATA_ERROR = "22"  # SQLSTATE class: out of range, not a date…


@dataclass(frozen=True, slots=True)
class Task:
    """One export task of the database; `period_seconds` between two exports."""

    name: str
    format: str
    station: str
    quantity: str
    period_seconds: int


class Exchange:
    """One site's exchange folder."""

    def __init__(self, settings: Settings, log: logging.Logger) -> None:
        self._site, self._log = settings.site, log
        self._duties = DutyFinder(settings, log, "echange", "SECOURS_ECHANGE_S")
        home = settings.site_dir / "echange"
        names = ("entree", "traites", "rejets", "ordres", "sortie")
        for name in names:
            (home / name).mkdir(parents=True, exist_ok=True)
        self._inbox, self._done, self._refused, self._orders, self._outbox = (home / name for name in names)
        self._register = home / "importes.jsonl"
        self._sizes: dict[Path, tuple[int, int]] = {}
        self._last_export: dict[str, float] = {}

    def work(self) -> None:
        """One round; nothing at all on a passive site whose active one works."""
        duty = self._duties.find()
        if duty is None:
            return
        for path in self._settled_files():
            self._import(path, duty)
        tasks = [
            Task(str(n), str(f), str(s), str(g), int(p))
            for _, n, f, s, g, _, p in duty.database.query("SELECT * FROM cfg.tvf_taches_export()")
        ]
        ordered = self._take_orders({task.name for task in tasks})
        now = time.monotonic()
        for task in tasks:
            last = self._last_export.get(task.name)
            if task.name in ordered or last is None or now - last >= task.period_seconds:
                self._export(task, duty)
                self._last_export[task.name] = now

    def _settled_files(self) -> Iterator[Path]:
        # A file that is still being sent changes between two rounds; dot files and *.part are in progress.
        sizes = {}
        for path in sorted(self._inbox.iterdir()):
            if (
                path.name.startswith(".")
                or path.suffix in (".part", ".tmp", ".filepart")
                or not path.is_file()
            ):
                continue
            stat = path.stat()
            sizes[path] = (stat.st_size, stat.st_mtime_ns)
            if self._sizes.get(path) == sizes[path]:
                yield path
        self._sizes = sizes

    def _import(self, path: Path, duty: Duty) -> None:
        try:
            if path.is_symlink() or path.stat().st_size > MAX_FILE_BYTES:
                raise FileRefused(f"lien, ou plus de {MAX_FILE_BYTES} octets")
            data = path.read_bytes()
            fingerprint = hashlib.sha256(path.name.encode() + b"\0" + data).hexdigest()
            if fingerprint in self._known():
                raise FileRefused("déjà importé")
            inserted, duplicates = self._store_or_refuse(path.name, read_csv(data), duty)
        except FileRefused as error:
            self._log.warning("fichier %s rejeté : %s", path.name, error)
            message = f"{duty.describe(f'fichier {path.name} rejeté')} : {error}"
            duty.database.query(EVENT, (NOTIFICATION, None, True, message))
            self._move(path, self._refused)
            return
        with self._register.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"empreinte": fingerprint, "fichier": path.name}) + "\n")
        self._log.info("fichier %s importé : %d insérées, %d doublons", path.name, inserted, duplicates)
        self._move(path, self._done)

    def _known(self) -> set[str]:
        if not self._register.exists():
            return set()
        return {
            json.loads(line)["empreinte"] for line in self._register.read_text(encoding="utf-8").splitlines()
        }

    def _store_or_refuse(self, name: str, values: tuple[ImportedValue, ...], duty: Duty) -> tuple[int, int]:
        try:
            return self._store(name, values, duty)
        except DatabaseRefused as error:
            if error.sqlstate.startswith(DATA_ERROR):
                raise FileRefused(f"valeur refusée par la base : {error}") from error
            raise

    def _store(self, name: str, values: tuple[ImportedValue, ...], duty: Duty) -> tuple[int, int]:
        # The import's two events are in its own transaction: the journal never shows half of it.
        database = duty.database
        with database.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            with journaled(duty, connection, f"import {name}"):
                rows = [(v.station, v.quantity, v.timestamp, v.value, self._site) for v in values]
                cursor.executemany(INSERT, rows, returning=True)
                results = []
                while True:
                    results += [str(result) for (result,) in cursor.fetchall()]
                    if not cursor.nextset():
                        break
            for number, result in enumerate(results, start=1):
                if result.endswith("_INCONNUE"):
                    raise FileRefused(f"mesure {number} : {result}")
        return results.count("INSERE"), results.count("DOUBLON")

    def _move(self, path: Path, folder: Path) -> None:
        target = folder / path.name
        if target.exists():
            target = folder / f"{path.stem}.{time.time_ns()}{path.suffix}"
        path.rename(target)

    def _take_orders(self, known: set[str]) -> set[str]:
        ordered = set()
        for path in sorted(self._orders.glob("*.ordre")):
            age = time.time() - path.lstat().st_mtime
            path.unlink()
            if age > ORDER_SECONDS:
                self._log.warning("ordre %s supprimé : plus de 15 minutes", path.stem)
            elif path.stem not in known:
                self._log.warning("ordre %s supprimé : tâche inconnue", path.stem)
            else:
                ordered.add(path.stem)
        return ordered

    def _export(self, task: Task, duty: Duty) -> None:
        if not TASK_NAME.fullmatch(task.name):
            self._log.error("tâche d'export %r ignorée : nom impossible", task.name)
            return
        now = datetime.now(UTC).replace(microsecond=0)
        until = now.replace(tzinfo=None)
        period = (until - timedelta(hours=EXPORT_HOURS), until)
        try:
            with (
                duty.database.connection() as connection,
                connection.transaction(),
                journaled(duty, connection, f"export {task.name}"),
            ):
                query = "SELECT * FROM prod.tvf_serie(%s, %s, %s, %s)"
                found = connection.execute(query, (task.station, task.quantity, *period)).fetchall()
                rows = [Row(*row) for row in found]
                name = self._write(task, rows, now)
        except DatabaseRefused as error:
            self._log.error("export %s : %s", task.name, error)
            return
        self._log.info("export %s écrit : %d mesures", name, len(rows))
        for old in sorted(self._outbox.glob(f"*_{task.name}_[0-9][0-9][0-9].*"))[:-KEPT_EXPORTS]:
            old.unlink()

    def _write(self, task: Task, rows: list[Row], now: datetime) -> str:
        suffix = "csv" if task.format == "CSV" else "xml"
        number = 1
        while (path := self._outbox / f"{now:%Y%m%d%H%M%S}_{task.name}_{number:03d}.{suffix}").exists():
            number += 1
        if task.format == "CSV":
            data = write_csv(task.station, task.quantity, rows)
        else:
            data = write_sandre(path.name, task.station, task.quantity, rows, now)
        partial = path.with_name(f".{path.name}.part")
        partial.write_bytes(data)
        partial.rename(path)
        return path.name


@contextmanager
def journaled(duty: Duty, connection: Connection, what: str) -> Iterator[None]:
    """An event that begins and one that ends, chained to it, both in the caller's transaction; DatabaseRefused
    when the work is not this site's any more.
    """
    duty.require(connection)
    what = duty.describe(what)
    begun = connection.execute(EVENT, (INFORMATION, None, False, f"{what} commencé")).fetchone()
    yield
    connection.execute(EVENT, (INFORMATION, begun[0] if begun else None, True, f"{what} terminé"))


def main() -> None:
    """Run until stopped."""
    service = start_service("echange")
    settings = service.settings
    exchange = Exchange(settings, service.log)
    service.every(SCAN_SECONDS, exchange.work, "échange")
    service.report_presence(ActiveDatabase(settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
