"""Asking the Prefect server for what a campaign does not wait for: each request is tried once, for a bounded time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import SettingsContext, get_settings_context
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, Settings

ANSWER_SECONDS = 5.0  # of one request; Prefect's own client would try for minutes
_known: list[
    tuple[Settings, Settings]
] = []  # the settings that we were last in, and the same without retries


@contextmanager
def trying_once() -> Iterator[None]:
    """Inside, Prefect's clients do not try again."""
    context = get_settings_context()
    if not _known or _known[0][0] is not context.settings:  # they take longer to make than ten requests
        _known[:] = [
            (context.settings, context.settings.copy_with_update({PREFECT_CLIENT_MAX_RETRIES: 0})),
        ]
    with SettingsContext(profile=context.profile, settings=_known[0][1]):
        yield


def make_client() -> SyncPrefectClient:
    """A client that waits for no answer longer than that; to be entered."""
    return get_client(httpx_settings={"timeout": ANSWER_SECONDS}, sync_client=True)


@contextmanager
def ask_server() -> Iterator[SyncPrefectClient]:
    """A client for a few requests at once; making one takes longer than a request."""
    with trying_once(), make_client() as client:
        yield client
