"""Time and memory of the table comparison, next to its floor and to reladiff; nothing here passes or fails.

Both nodes hold the same measures, written in the order of time; then ten rows differ, then 1 % more. In every case what
is compared is measured in turn, a few times, and the medians count: ratios within one run hold, seconds do not. Where
the machine does something else too, the clock favours what has more processes (parallel workers); the seconds of
processor, of both nodes and the client, do not.

The floor is one aggregate of the tool's own row hash over the whole table, on both nodes at once. The tool and reladiff
run in processes of their own; the `id` that reladiff needs is a column like the others for everybody.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import psutil
import psycopg

from nonreg.clients.sql import open_session
from nonreg.comparison import postgresql
from nonreg.comparison.run import Place, compare_table
from nonreg.comparison.table import parse_name, read_table
from nonreg.sandbox.layout import DATABASE_SITES, Layout
from nonreg.wording import plural
from tests.pair import Pair, find_place, start_pair

HERE = Path(__file__).parent
RELADIFF = HERE.parent / ".venv" / "reladiff"
SIZES = (1_000_000, 10_000_000)
TABLE = "essai.mesure"
SENSORS = 1_000
CREATE = (
    f"CREATE TABLE {TABLE} (id bigint NOT NULL, cap_id integer NOT NULL, chr_id integer NOT NULL, "
    "mes_valeur numeric(12,3), mes_etat varchar(10) NOT NULL)"
)
FILL = (
    f"INSERT INTO {TABLE} SELECT g, g % {SENSORS} + 1, g / {SENSORS} + 1, "
    "CASE WHEN g % 50 <> 0 THEN (g * 7919 % 90001 - 2000) / 1000.0 END, "
    "CASE WHEN g % 50 = 0 THEN 'MANQUANTE' ELSE 'OK' END FROM generate_series(CAST(1 AS bigint), {}) g"
)
INDEXES = (
    f"ALTER TABLE {TABLE} ADD PRIMARY KEY (cap_id, chr_id)",
    f"CREATE UNIQUE INDEX ON {TABLE} (id)",
)
CHANGE = f"UPDATE {TABLE} SET mes_valeur = COALESCE(mes_valeur, 0) + 0.001 WHERE id = ANY(%s)"
REPEATS, BIG_REPEATS = 5, 3
THREADS = 2  # of reladiff on each node: with one it is slower, with four no faster
BIG = 2_000_000  # rows from which on reladiff, which takes minutes, is measured once
MOST_OF_FLOOR, MOST_OF_PLAIN, LEAST_OF_RELADIFF, MOST_MB = {"identical": 1.3, "ten": 1.8}, 3.0, 8.0, 200.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: seconds of the comparison alone, of processor too (`node_seconds`: of the nodes for it), its
    peak memory in MB, what it found.
    """

    seconds: float
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    found: int = 0
    node_seconds: float = 0.0

    @property
    def work(self) -> float:
        """Seconds of processor of all."""
        return self.cpu_seconds + self.node_seconds


@dataclass(frozen=True, slots=True)
class Case:
    """One state of the two tables and the differences that it has."""

    name: str
    title: str
    expected: int


def read_peak_mb() -> float:
    """Peak memory of this process; `ru_maxrss` also counts what its parent held when it was started."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def compare_once(root: Path) -> None:
    """In the child: one comparison through the public API, what it took as JSON; without a root, only imports."""
    places = [find_place(Layout(root), site) for site in DATABASE_SITES[:2]] if root != Path() else []
    import_module("sqlalchemy.dialects.postgresql")  # at the first connection otherwise
    started, used, found = time.monotonic(), time.process_time(), 0
    if places:
        result = compare_table(places[0], places[1], TABLE)
        found = len(result.differences) + result.more
    cost = {"seconds": time.monotonic() - started, "cpu_seconds": time.process_time() - used}
    print(json.dumps({**cost, "peak_mb": read_peak_mb(), "found": found}))  # noqa: T201


def run_child(command: Sequence[str], said: str = "", path: Path | None = None) -> Cost:
    """Run one process and return what it says that it took."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        [sys.executable, *command], input=said, check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    return Cost(**json.loads(done.stdout))


def measure_tool(root: Path = Path()) -> Cost:
    """The tool in a process of its own; without a root, its imports alone."""
    return run_child(["-m", "tests.bench_compare", "--once", str(root)])


def measure_reladiff(places: Sequence[Place]) -> Cost:
    """The other one, on the same tables, by the same account."""
    schema, table = TABLE.split(".")
    urls = []
    for place in places:
        database = place.site.database
        assert database is not None
        password = place.platform.secret(database.reader_password_env).reveal()
        urls.append(
            f"postgresql://{database.reader_user}:{password}@{database.host}:{database.port}/{database.name}"
        )
    asked = {"urls": urls, "schema": schema, "table": table, "key": "id", "threads": THREADS}
    columns = ["cap_id", "chr_id", "mes_valeur", "mes_etat"]
    return run_child(
        [str(HERE / "reladiff_once.py")], json.dumps({**asked, "columns": columns}), path=RELADIFF
    )


def read_node_seconds(layout: Layout) -> float:
    """Seconds of processor of both nodes until now, of the sessions that ended too."""
    total = 0.0
    for site in DATABASE_SITES[:2]:
        master = psutil.Process(
            int((layout.cluster_dir(site) / "postmaster.pid").read_text("ascii").split()[0])
        )
        ended = master.cpu_times()
        total += sum(ended[:4])
        for child in master.children():
            with suppress(psutil.NoSuchProcess):
                total += sum(child.cpu_times()[:2])
    return total


def with_nodes(layout: Layout, measure: Callable[[], Cost]) -> Cost:
    """The cost with what the nodes worked for it."""
    before = read_node_seconds(layout)
    cost = measure()
    return replace(cost, node_seconds=read_node_seconds(layout) - before)


def on_both(pair: Pair, act: Callable[[psycopg.Connection], object]) -> float:
    """Do the same on both nodes at once, over open connections; seconds until both are done."""
    with pair.connect(0) as left, pair.connect(1) as right, ThreadPoolExecutor(2) as threads:
        started = time.monotonic()
        for future in [threads.submit(act, connection) for connection in (left, right)]:
            future.result()
        return time.monotonic() - started


def measure_aggregate(pair: Pair, value: str, prepare: Sequence[str]) -> Cost:
    """One aggregate over the whole table on both nodes at once."""

    def add_up(connection: psycopg.Connection) -> None:
        with connection.transaction():
            for statement in prepare:
                connection.execute(statement)  # type: ignore[call-overload]
            connection.execute(f"SELECT count(*), sum({value}) FROM {TABLE} m").fetchone()  # type: ignore[call-overload]

    return with_nodes(pair.layout, lambda: Cost(on_both(pair, add_up)))


def write_row_hash(place: Place) -> str:
    """The hash that the tool has the servers compute."""
    name = parse_name(TABLE)
    with open_session(place.platform, place.site) as session:
        rows = session.query("compare_columns", schema_name=name.schema, table_name=name.table)
    return postgresql.write_hash(read_table(name, rows, postgresql.KINDS, "").shown, portable=False)


def settle(pair: Pair) -> None:
    """What a server does by itself sooner or later: nothing of it is left for whoever reads first, or meanwhile."""

    def act(connection: psycopg.Connection) -> None:
        connection.execute(f"VACUUM (ANALYZE) {TABLE}")  # type: ignore[call-overload]
        connection.execute("CHECKPOINT")

    on_both(pair, act)


def fill(pair: Pair, rows: int) -> None:
    """The same rows on both nodes, as they were collected."""

    def act(connection: psycopg.Connection) -> None:
        for statement in (f"DROP TABLE IF EXISTS {TABLE}", CREATE, FILL.format(rows), *INDEXES):
            connection.execute(statement)  # type: ignore[call-overload]

    on_both(pair, act)
    settle(pair)


def differ_in_ten(pair: Pair, ids: Sequence[int], rows: int) -> None:
    """Four rows changed, three missing, three in excess, on the second node."""
    with pair.connect(1) as right:
        right.execute(CHANGE, [list(ids[:4])])  # type: ignore[call-overload]
        right.execute(f"DELETE FROM {TABLE} WHERE id = ANY(%s)", [list(ids[4:7])])  # type: ignore[call-overload]
        right.execute(
            f"INSERT INTO {TABLE} SELECT %s + n, {SENSORS} + n, 1, n, 'OK' FROM generate_series(1, 3) n",  # type: ignore[call-overload]
            [rows],
        )
    settle(pair)


def differ_in_many(pair: Pair, ids: Sequence[int]) -> None:
    """These rows changed on the second node."""
    with pair.connect(1) as right:
        right.execute(CHANGE, [list(ids)])  # type: ignore[call-overload]
    settle(pair)


@dataclass(frozen=True, slots=True)
class Measures:
    """Of one case: the floor (one core a node; the server's settings), the plain sum, and both tools."""

    one_core: Cost
    by_default: Cost
    plain: Cost
    ours: Cost
    reladiff: Cost | None

    @property
    def floor(self) -> Cost:
        """The quicker one."""
        return min(self.one_core, self.by_default, key=lambda cost: cost.seconds)


def measure_case(pair: Pair, case: Case, rows: int) -> Measures:
    """Everything in turn, and the medians; a wrong answer ends it all, its time would mean nothing."""
    row_hash = write_row_hash(pair.places[0])
    plain = "hash_record_extended(m, 0)"
    measure_aggregate(pair, row_hash, ())  # the system has the table in memory from here on
    costs: dict[str, list[Cost]] = {"one_core": [], "by_default": [], "plain": [], "ours": [], "reladiff": []}
    for turn in range(REPEATS if rows < BIG else BIG_REPEATS):
        costs["one_core"].append(measure_aggregate(pair, row_hash, (postgresql.SET,)))
        costs["by_default"].append(measure_aggregate(pair, row_hash, ()))
        both = [measure_aggregate(pair, plain, prepare) for prepare in ((), (postgresql.SET,))]
        costs["plain"].append(min(both, key=lambda cost: cost.seconds))
        ours = with_nodes(pair.layout, lambda: measure_tool(pair.layout.root))
        if ours.found != case.expected:
            raise SystemExit(f"Réponse fausse : {ours.found} différence(s) trouvée(s) pour {case.expected}.")
        costs["ours"].append(ours)
        if RELADIFF.is_dir() and (not turn or rows < BIG):
            costs["reladiff"].append(with_nodes(pair.layout, lambda: measure_reladiff(pair.places)))
    found = {name: find_median(several) for name, several in costs.items() if several}
    return Measures(
        found["one_core"], found["by_default"], found["plain"], found["ours"], found.get("reladiff")
    )


def find_median(costs: Sequence[Cost]) -> Cost:
    """The medians of time and work, the highest memory of all."""
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.cpu_seconds for cost in costs),
        max(cost.peak_mb for cost in costs),
        costs[0].found,
        statistics.median(cost.node_seconds for cost in costs),
    )


def judge(value: float, *, most: float | None = None, least: float | None = None) -> str:
    """An aim beside a figure, kept or not."""
    if most is not None:
        return f"(visé : {most:g} au plus) {'tenu' if value <= most else 'NON TENU'}"
    assert least is not None
    return f"(visé : {least:g} au moins) {'tenu' if value >= least else 'NON TENU'}"


def show(case: Case, rows: int, found: Measures) -> None:
    """Print one case."""
    ours, other = found.ours, found.reladiff
    counted = f"{rows:_}".replace("_", " ")
    lines = [
        f"{counted} lignes, {case.title} : {plural(ours.found, 'différence', 'différences')} "
        f"(charge de la machine {os.getloadavg()[0]:.1f})",
        f"  plancher          {found.floor.seconds:8.2f} s, processeur {found.floor.work:7.2f} s "
        f"(un cœur par nœud {found.one_core.seconds:.2f} s, processeur {found.one_core.work:.2f} s ; "
        f"réglages du serveur {found.by_default.seconds:.2f} s, {found.by_default.work:.2f} s)",
        f"  somme hash_record {found.plain.seconds:8.2f} s, processeur {found.plain.work:7.2f} s",
        f"  comparaison       {ours.seconds:8.2f} s, processeur {ours.work:7.2f} s "
        f"(dont client {ours.cpu_seconds:.2f} s)",
    ]
    is_aimed = case.name in MOST_OF_FLOOR
    lines.append(
        tell_ratio(ours, found.floor, "le plancher", most=MOST_OF_FLOOR[case.name] if is_aimed else None)
    )
    if not is_aimed:
        lines.append(tell_ratio(ours, found.plain, "la somme hash_record", most=MOST_OF_PLAIN))
    lines.append(f"    {ours.peak_mb:.0f} Mo au plus haut {judge(ours.peak_mb, most=MOST_MB)}")
    if other is None:
        lines.append("  reladiff absent")
    else:
        answer = "" if other.found == case.expected else f", RÉPONSE FAUSSE : {other.found}"
        lines.append(
            f"  reladiff          {other.seconds:8.2f} s, processeur {other.work:7.2f} s "
            f"(dont client {other.cpu_seconds:.2f} s ; {other.peak_mb:.0f} Mo{answer})"
        )
        least = LEAST_OF_RELADIFF if is_aimed else None
        lines.append(tell_ratio(other, ours, "la comparaison", least=least))
        # What is hashed row by row cannot be ahead of it by more.
        lines.append(tell_ratio(other, found.floor, "le plancher"))
    print("\n".join(lines), flush=True)  # noqa: T201


def tell_ratio(
    cost: Cost, of: Cost, name: str, *, most: float | None = None, least: float | None = None
) -> str:
    """By the clock, with its aim when it has one, and by the processor."""
    times = cost.seconds / of.seconds
    aim = f" {judge(times, most=most, least=least)}" if most or least else ""
    return f"    {times:.2f} × {name}{aim} ; processeur {cost.work / of.work:.2f} ×"


def tell_versions(pair: Pair) -> None:
    """Print what is compared with what, on what."""
    with pair.connect(0) as connection:
        version = str(connection.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]
    code = "from importlib.metadata import version as v; print(v('reladiff'))"
    environment = os.environ | {"PYTHONPATH": str(RELADIFF)}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    other = (
        f"reladiff {found.stdout.strip()}"
        if found.returncode == 0
        else "reladiff absent (make bench-compare)"
    )
    empty = measure_tool()
    print(f"{os.cpu_count()} cœurs pour deux nœuds PostgreSQL {version} et le client ; {other}")  # noqa: T201
    print(f"le comparateur, ses imports seuls : {empty.peak_mb:.0f} Mo", flush=True)  # noqa: T201


def main(sizes: Sequence[int]) -> None:
    """Build each size and print its three cases."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-compare-") as folder,
        start_pair(Path(folder), autovacuum="off") as pair,
    ):
        tell_versions(pair)
        for rows in sizes:
            fill(pair, rows)
            ids = random.Random(rows).sample(range(1, rows + 1), 7 + rows // 100)
            cases = (
                (Case("identical", "identiques", 0), lambda: None),
                (Case("ten", "10 différentes", 10), lambda: differ_in_ten(pair, ids, rows)),  # noqa: B023
                (
                    Case("many", "1 % différentes", 10 + rows // 100),
                    lambda: differ_in_many(pair, ids[7:]),  # noqa: B023
                ),
            )
            for case, change in cases:
                change()
                show(case, rows, measure_case(pair, case, rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        compare_once(Path(sys.argv[2]))
    else:
        main([int(word) for word in sys.argv[1:]] or SIZES)
