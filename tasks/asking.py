"""Asking the Prefect server for what a campaign does not wait for: each request is tried once, for a bounded time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import SettingsContext, get_settings_context
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, Settings

ANSWER_SECONDS = 5.0  # of one request; Prefect's own client would try for minutes
BUSY_STATUSES = frozenset({408, 429})  # and 500 and above
_known: list[
    tuple[Settings, Settings]
] = []  # the settings that we were last in, and the same without retries
_kept: dict[str, SyncPrefectClient] = {}  # the one that is open, by the address that it was made for
_lock = threading.RLock()


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


@contextmanager
def ask_server() -> Iterator[SyncPrefectClient]:
    """The client of the server that the run belongs to, for one caller at a time; it waits for no answer for long.

    It is kept, since making one takes longer than a request, until a request fails or `hang_up` is called.
    """
    with _lock, trying_once():
        address = PREFECT_API_URL.value() or ""
        if address not in _kept:
            hang_up()
            settings = {"timeout": ANSWER_SECONDS, "event_hooks": {"response": [refuse_to_wait]}}
            client = get_client(httpx_settings=settings, sync_client=True)
            _kept[address] = client.__enter__()
        try:
            yield _kept[address]
        except Exception:
            hang_up()
            raise


def is_busy(status: int) -> bool:
    """True when the same request may well be answered later: the server is there, not ready."""
    return status >= httpx.codes.INTERNAL_SERVER_ERROR or status in BUSY_STATUSES


def refuse_to_wait(response: httpx.Response) -> None:
    """Prefect's client sleeps for seconds after such an answer, even when it will not ask again."""
    if is_busy(response.status_code):
        response.read()
        said = f"réponse {response.status_code} du serveur"
        raise PrefectHTTPStatusError(said, request=response.request, response=response)


def hang_up() -> None:
    """Close the client that was kept, if there is one."""
    with _lock:
        while _kept:
            _kept.popitem()[1].__exit__(None, None, None)
