"""Refinement: on the active site, moves the buffer's measures to production and looks at the thresholds.

It also runs the purge, which the original leaves to an Agent job.
"""

from __future__ import annotations

import time

from nonreg.sandbox.services.database import ActiveDatabase, open_database
from nonreg.sandbox.services.runtime import start_service

# The role is read in the transaction that writes: a switchover waits for the transactions begun before it.
ROLE = "SELECT ha.usp_etat()"
PURGE_SECONDS = 3600.0  # a platform that is left running keeps its 90 days, no more
PURGE_CHECK_SECONDS = 1.0  # the site may be confirmed, or become active, at any time


def main() -> None:
    """Run until stopped."""
    service = start_service("affinage")
    settings = service.settings
    local = open_database(settings, settings.site)
    max_rows = int(settings.options["max_lignes"])

    def refine() -> None:
        with local.connection() as connection:
            with connection.transaction():
                if connection.execute(ROLE).fetchone() != ("ACTIF",):
                    return
                counts = connection.execute("SELECT * FROM prod.usp_affinage(%s)", (max_rows,)).fetchone()
            with connection.transaction():
                if connection.execute(ROLE).fetchone() == ("ACTIF",):
                    connection.execute("SELECT evt.usp_verifier_seuils()")
        if counts and counts[0]:
            service.log.info("affinage : %d traitées, %d insérées, %d rejetées", *counts[:3])

    purged_at: float | None = None

    def purge() -> None:
        nonlocal purged_at
        if purged_at is not None and time.monotonic() - purged_at < PURGE_SECONDS:
            return
        with local.connection() as connection, connection.transaction():
            if connection.execute(ROLE).fetchone() != ("ACTIF",):
                return
            connection.execute("SELECT * FROM cfg.usp_purge()")
        purged_at = time.monotonic()

    service.every(float(settings.options["periode_secondes"]), refine, "affinage")
    service.every(PURGE_CHECK_SECONDS, purge, "purge")
    service.report_presence(ActiveDatabase(settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
