"""In a process of its own, with reladiff's packages alone: one comparison by reladiff, what it took as JSON.

Standard input says how: `urls`, `schema`, `table`, `key`, `columns`, `threads`. The settings are its own
defaults, the pool of the size that its command takes.
"""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    """Print seconds from the connection to the last difference, peak memory in MB, and how many keys differ."""
    import psycopg2  # noqa: F401 - at the first connection otherwise
    import reladiff

    asked = json.load(sys.stdin)
    started, used = time.monotonic(), time.process_time()
    tables = [
        reladiff.connect_to_table(
            url,
            (asked["schema"], asked["table"]),
            asked["key"],
            thread_count=asked["threads"],
            extra_columns=tuple(asked["columns"]),
        )
        for url in asked["urls"]
    ]
    # Not sorted: it is faster, and what it cannot do with a row that is NULL on one side.
    options = {"max_threadpool_size": 2 * asked["threads"], "skip_sort_results": True}
    with reladiff.diff_tables(*tables, **options) as found:
        keys = {row[0] for _, row in found}
    seconds, cpu = time.monotonic() - started, time.process_time() - used
    with open("/proc/self/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak, "found": len(keys)}))  # noqa: T201


if __name__ == "__main__":
    main()
