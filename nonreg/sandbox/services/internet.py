"""Internet collection: on the active site, polls the LoRaWAN operator's HTTP API and stores its measures."""

from __future__ import annotations

from nonreg.sandbox.services.database import ActiveDatabase
from nonreg.sandbox.services.runtime import start_service


def main() -> None:
    """Run until stopped."""
    service = start_service("internet")
    service.report_presence(ActiveDatabase(service.settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
