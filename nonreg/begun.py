"""When this process began to work: imported first by the command line and by the flows, before anything is done."""

from __future__ import annotations

from datetime import UTC, datetime

BEGUN_AT = datetime.now(UTC)
