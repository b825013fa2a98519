"""APP-013, APP-020, APP-022: files imported, files exported, orders that are too old."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from nonreg.bench import Bench
from nonreg.clients.sftp import FileShare, open_share
from nonreg.clients.sql import Rows, Session
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.probes.exports import ExportedValue, ExportName, parse_csv, parse_name, parse_sandre
from nonreg.recorder import scenario
from nonreg.scenarios.applicatif.steps import (
    DONE,
    ENTRY,
    FILE_PREFIX,
    ORDERS,
    OUTBOX,
    REFUSED,
    dropped_files,
    wait_refined,
)
from nonreg.waiting import observe_until
from nonreg.witness import Witness

WRITES = Effect.WRITES_TEST_DATA
PARIS = "Europe/Paris"
UNKNOWN_STATION = "Z800000000"
EXPORTED_PERIOD = timedelta(hours=24)
ORDER_LIFE = timedelta(minutes=15)
SENDER, RECIPIENT = "1520", "1537"  # SPC Grand Delta, SCHAPI
HEADER_COLUMNS = ("scénario", "version", "fichier", "émetteur", "destinataire", "créé le")
VALUE_COLUMNS = ("station", "grandeur", "heure_utc", "valeur")


def write_lines(*lines: tuple[datetime, str, str]) -> bytes:
    """A CSV file to import: (station time, code, value)."""
    body = "".join(f"{at:%Y-%m-%d %H:%M:%S};{code};{value}\n" for at, code, value in lines)
    return f"date;code;valeur\n{body}".encode()


@scenario(
    "APP-013",
    "Import de fichiers : heures TU et locale, doublon et fichiers faux rejetés entiers",
    Criticality.BLOQUANTE,
    WRITES,
    timeout_seconds=180,
    queries=("bench_create_station", "buffer_pending", "buffer_rows", "production_rows"),
)
def test_file_import(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    universal, local = bench.create_station(), bench.create_station(time_zone=PARIS)
    bench.session.commit()
    # Noon of yesterday is never in the hour that the clock change repeats.
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    times = [noon + timedelta(minutes=5 * rank) for rank in range(3)]
    good = write_lines(
        *((at, f"{universal.code}/H", f"{900 + rank}.5") for rank, at in enumerate(times)),
        (noon, f"{universal.code}/RR", "1.2"),
        *(
            (at.astimezone(ZoneInfo(PARIS)), f"{local.code}/H", f"{910 + rank}")
            for rank, at in enumerate(times)
        ),
    )
    other = noon + timedelta(hours=1)
    name = f"{FILE_PREFIX}{campaign.id[:8]}_bon.csv"
    bad = {
        f"{FILE_PREFIX}{campaign.id[:8]}_{fault}.csv": data
        for fault, data in (
            (
                "virgule",
                write_lines((other, f"{universal.code}/H", "950"), (other, f"{universal.code}/Q", "9,5")),
            ),
            (
                "inconnue",
                write_lines((other, f"{universal.code}/H", "951"), (other, f"{UNKNOWN_STATION}/H", "1")),
            ),
            ("format", b"\x00\xff pas un tableau"),
        )
    }
    with campaign.shell(campaign.active_site) as shell, open_share(shell) as share, dropped_files(share):
        for wrong, data in bad.items():
            share.drop(ENTRY, wrong, data)
        request = share.drop(ENTRY, name, good)
        where = wait_taken(campaign, share, {name, *bad})
        witness.expect_equal(where.get(name), DONE, request)
        for wrong in bad:
            witness.expect_equal(where.get(wrong), REFUSED, share.request("put", f"{ENTRY}/{wrong}"))
        expected = [(universal.code, "H", at, 900.5 + rank, "OK") for rank, at in enumerate(times)]
        expected += [(universal.code, "RR", noon, 1.2, "OK")]
        expected += [(local.code, "H", at, 910 + rank, "OK") for rank, at in enumerate(times)]
        if where.get(name) == DONE:
            again = share.drop(ENTRY, name, good)
            where = wait_taken(campaign, share, {name})
            witness.expect_equal(where.get(name), REFUSED, f"{again}\n-- même fichier une seconde fois")
    left = wait_refined(active, campaign, universal, local)
    witness.expect_equal(left.scalar(), 0, left.request)
    codes = f"{universal.code},{local.code}"
    buffered = active.query("buffer_rows", stations=codes)
    witness.expect_equal(len(buffered.rows), len(expected), buffered.request)
    stored = active.query("production_rows", stations=codes)
    witness.expect_rows(stored, [(row[0], row[1], row[2].replace(tzinfo=None), *row[3:]) for row in expected])


def wait_taken(campaign: Campaign, share: FileShare, names: set[str]) -> dict[str, str]:
    """Where each file was put once none is left in the entry folder; at the deadline, where it is."""
    observe_until(
        lambda: names & share.list_files(ENTRY).keys(),
        lambda waiting: not waiting,
        campaign.patience("exchange_seconds"),
        poll_seconds=0.05,
    )
    found = {}
    for folder in (DONE, REFUSED, ENTRY):  # the worst place wins
        found.update(dict.fromkeys(names & share.list_files(folder).keys(), folder))
    return found


@contextmanager
def exports_removed(share: FileShare, tasks: set[str]) -> Iterator[dict[str, ExportName]]:
    """Exports of these tasks that were there before; those made in the block are removed at its end."""
    before = read_exports(share, tasks)
    try:
        yield before
    finally:
        for task in tasks:
            share.remove(f"{ORDERS}/{task}.ordre")
        for name in read_exports(share, tasks).keys() - before.keys():
            share.remove(f"{OUTBOX}/{name}")
        left = sorted(read_exports(share, tasks).keys() - before.keys())
        assert not left, "Exports d'essai restants : " + ", ".join(left)


def read_exports(share: FileShare, tasks: set[str]) -> dict[str, ExportName]:
    """Exported files of these tasks, by file name."""
    parsed = {name: parse_name(name) for name in share.list_files(OUTBOX)}
    return {name: found for name, found in parsed.items() if found is not None and found.task in tasks}


@scenario(
    "APP-020",
    "Exports CSV et Sandre sur ordre : nom, contenu égal à la base, heures en TU",
    Criticality.BLOQUANTE,
    WRITES,
    timeout_seconds=120,
    queries=("export_definitions", "export_series"),
)
def test_exports(witness: Witness, active: Session, campaign: Campaign) -> None:
    definitions = active.query("export_definitions")
    tasks = {row["tac_nom"]: row for row in definitions.dicts()}
    formats = sorted(row["tac_format"] for row in tasks.values())
    witness.expect(set(formats) >= {"CSV", "SANDRE"}, definitions.request, "CSV et SANDRE", formats)
    with (
        campaign.shell(campaign.active_site) as shell,
        open_share(shell) as share,
        exports_removed(share, set(tasks)) as before,
    ):
        orders = {task: share.drop(ORDERS, f"{task}.ordre", b"") for task in tasks}
        made = observe_until(
            lambda: {n: e for n, e in read_exports(share, set(tasks)).items() if n not in before},
            lambda found: {export.task for export in found.values()} == tasks.keys(),
            campaign.patience("exchange_seconds"),
            poll_seconds=0.05,
        )
        for task, order in orders.items():
            names = [name for name, export in made.items() if export.task == task]
            witness.expect(len(names) == 1, order, "un fichier aaaammjjHHMMSS_<nom>_001.<ext>", names)
            for name in names:
                data = share.read(f"{OUTBOX}/{name}")
                witness.attach(f"export {task}", data.decode("utf-8", "replace"), made[name].kind)
                request = share.request("get", f"{OUTBOX}/{name}")
                expect_export(witness, active, tasks[task], name, data, request)


def expect_export(
    witness: Witness, active: Session, task: dict[str, str], name: str, data: bytes, request: str
) -> None:
    """An export holds the last 24 h of its series as they are stored, in UTC."""
    export = parse_name(name)
    assert export is not None
    station, quantity = task["tac_station"].strip(), task["tac_grandeur"]
    stop = export.written_at.replace(tzinfo=None)
    stored = active.query(
        "export_series", station=station, quantity=quantity, start=stop - EXPORTED_PERIOD, stop=stop
    )
    witness.expect(len(stored.rows) > 0, stored.request, "des mesures à exporter", 0)
    expected = [(station, quantity, at, value) for at, value in stored.rows]
    if task["tac_format"] == "CSV":
        witness.expect_equal(export.kind, "csv", request)
        values = parse_csv(data)
    else:
        witness.expect_equal(export.kind, "xml", request)
        file = parse_sandre(data)
        values = file.values
        expected = [row for row in expected if row[3] is not None]  # the format has no missing value
        found = (file.scenario, file.version, file.reference, file.sender, file.recipient, file.created_at)
        wanted = ("hydrometrie", "1.1", name, SENDER, RECIPIENT, export.written_at)
        header = Rows(HEADER_COLUMNS, (found,), f"{request}\n-- en-tête")
        witness.expect_rows(header, [wanted])
    witness.expect_rows(
        Rows(VALUE_COLUMNS, tuple(map(as_row, values)), request), expected, ignore_order=False
    )


def as_row(value: ExportedValue) -> tuple[object, ...]:
    """An exported value as the database shows it."""
    return (value.station, value.quantity, value.at.replace(tzinfo=None), value.value)


@scenario(
    "APP-022",
    "Ordres de plus de 15 minutes supprimés sans être exécutés",
    Criticality.MINEURE,
    WRITES,
    timeout_seconds=120,
    queries=("export_definitions",),
)
def test_stale_orders(witness: Witness, active: Session, campaign: Campaign) -> None:
    definitions = active.query("export_definitions").dicts()
    periods = {row["tac_nom"]: timedelta(seconds=row["tac_periode_s"]) for row in definitions}
    task = next(iter(periods))
    with campaign.shell(campaign.active_site) as shell, open_share(shell) as share:
        waiting = share.list_files(ORDERS)
        too_old = sorted(n for n, at in waiting.items() if at < datetime.now(UTC) - ORDER_LIFE)
        witness.expect_equal(too_old, [], share.request("ls", ORDERS))
        with dropped_files(share), exports_removed(share, {task}) as before:
            stale = datetime.now(UTC) - ORDER_LIFE - timedelta(minutes=1)
            request = share.drop(ORDERS, f"{task}.ordre", b"", changed_at=stale)
            gone = wait_gone(campaign, share, f"{task}.ordre")
            witness.expect(gone, request, "ordre supprimé", "toujours là")
            if gone:
                # An order taken after it proves that the round which took the first one is over.
                marker = f"{FILE_PREFIX}{campaign.id[:8]}.ordre"
                request_marker = share.drop(ORDERS, marker, b"")
                gone = wait_gone(campaign, share, marker)
                witness.expect(gone, request_marker, "ordre d'une tâche inconnue supprimé", "toujours là")
            made = {n: e for n, e in read_exports(share, {task}).items() if n not in before}
            executed = [n for n, e in made.items() if not is_scheduled(e, before, periods[task])]
            witness.expect_equal(executed, [], f"{request}\n-- daté d'il y a plus de 15 minutes")


def wait_gone(campaign: Campaign, share: FileShare, name: str) -> bool:
    """True when the order was taken in time."""
    return observe_until(
        lambda: name not in share.list_files(ORDERS),
        lambda gone: gone,
        campaign.patience("exchange_seconds"),
        poll_seconds=0.05,
    )


def is_scheduled(export: ExportName, before: dict[str, ExportName], period: timedelta) -> bool:
    """True when the export was due by its own period, give or take a few seconds."""
    latest = max((one.written_at for one in before.values()), default=None)
    return latest is None or export.written_at - latest >= period - timedelta(seconds=5)
