"""Requests that a campaign does not wait for."""

from __future__ import annotations

from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from tasks.asking import trying_once


def test_clients_try_once_inside_and_as_often_as_before_afterwards() -> None:
    usual = PREFECT_CLIENT_MAX_RETRIES.value()
    with trying_once():
        assert PREFECT_CLIENT_MAX_RETRIES.value() == 0
    assert PREFECT_CLIENT_MAX_RETRIES.value() == usual > 0


def test_the_server_asked_is_that_of_the_moment() -> None:
    for address in ("http://127.0.0.1:1/api", "http://127.0.0.1:2/api"):
        with temporary_settings({PREFECT_API_URL: address}), trying_once():
            assert PREFECT_API_URL.value() == address
