"""Requests that a campaign does not wait for."""

from __future__ import annotations

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from tasks import asking
from tasks.asking import ask_server, hang_up, trying_once


def test_clients_try_once_inside_and_as_often_as_before_afterwards() -> None:
    usual = PREFECT_CLIENT_MAX_RETRIES.value()
    with trying_once():
        assert PREFECT_CLIENT_MAX_RETRIES.value() == 0
    assert PREFECT_CLIENT_MAX_RETRIES.value() == usual > 0


def test_the_server_asked_is_that_of_the_moment() -> None:
    for address in ("http://127.0.0.1:1/api", "http://127.0.0.1:2/api"):
        with temporary_settings({PREFECT_API_URL: address}), trying_once():
            assert PREFECT_API_URL.value() == address


def test_one_client_is_kept_for_an_address_until_a_request_fails_or_all_is_said() -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        with ask_server() as first, ask_server() as same:
            assert first is same
        with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:2/api"}), ask_server() as other:
            assert other is not first
        with pytest.raises(ZeroDivisionError), ask_server():
            raise ZeroDivisionError
        assert not asking._kept
        with ask_server():
            assert asking._kept
        hang_up()
        assert not asking._kept
