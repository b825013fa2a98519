"""The throw-away Prefect API that a flow run from a terminal brings along."""

from __future__ import annotations

from prefect.server.api.server import SubprocessASGIServer


def end_throwaway_server() -> None:
    """End the API server that this process started for itself; no error when there is none."""
    SubprocessASGIServer().stop()
