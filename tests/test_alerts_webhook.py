"""An alert by webhook, to a real HTTP server."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nonreg.alerts.delivery import Sending, Step
from nonreg.alerts.settings import WebhookSettings
from nonreg.alerts.webhook import WebhookChannel
from tests.alert_receivers import Hook, make_certificate, start_hook
from tests.test_alerts_mail import FACT

SECRET = "jeton-du-salon"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with start_hook() as found:
        yield found


def send(url: str, timeout_seconds: float = 5.0, **names: str) -> Sending:
    return WebhookChannel(WebhookSettings(url, timeout_seconds=timeout_seconds, **names)).send(
        FACT, lambda: None
    )


def test_a_post_says_everything_with_one_key_a_fact(hook: Hook) -> None:
    assert send(f"{hook.url}/alertes") == send(f"{hook.url}/alertes") == Sending(Step.DELIVERED)
    (path, headers, body), (_, again, _) = hook.posts
    assert path == "/alertes"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert (
        headers["Idempotency-Key"]
        == again["Idempotency-Key"]
        == hashlib.sha256(FACT.key.encode()).hexdigest()
    )
    content = json.loads(body)
    assert content["key"] == FACT.key
    assert content["subject"] == "[AQUARÉEL] KO — NUIT 2026-11-23 plateforme-test v5.2"
    assert FACT.text in content["text"]
    assert FACT.what_to_do in content["text"]


def test_secrets_come_from_the_environment_and_sign_the_body(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NONREG_HOOK", SECRET + "/../x")
    monkeypatch.setenv("NONREG_SIGN", "clé de signature")
    sending = send(f"{hook.url}/salon/{{secret}}", secret_env="NONREG_HOOK", signature_env="NONREG_SIGN")
    assert sending.step is Step.DELIVERED
    ((path, headers, body),) = hook.posts
    assert path == f"/salon/{SECRET}%2F..%2Fx"
    expected = hmac.new("clé de signature".encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-AQUAREEL-Signature"] == f"sha256={expected}"


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (200, Step.DELIVERED),
        (204, Step.DELIVERED),
        (302, Step.REFUSED),
        (401, Step.REFUSED),
        (429, Step.REFUSED),
        (500, Step.REFUSED),
        (503, Step.REFUSED),
        (502, Step.UNKNOWN),
        (504, Step.UNKNOWN),
    ],
)
def test_only_2xx_is_a_yes_and_a_gateway_knows_nothing(hook: Hook, status: int, step: Step) -> None:
    hook.status = status
    assert send(hook.url).step is step
    assert len(hook.posts) == 1  # no redirect is followed, nothing is repeated


def test_no_answer_after_the_post_is_an_outcome_that_nobody_knows(hook: Hook) -> None:
    hook.silent = True
    assert send(hook.url, timeout_seconds=0.3).step is Step.UNKNOWN


def test_nobody_at_the_address_is_a_refusal_that_does_not_tell_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NONREG_HOOK", SECRET)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        sending = send(f"http://127.0.0.1:{held.getsockname()[1]}/{{secret}}", secret_env="NONREG_HOOK")
    assert sending.step is Step.REFUSED
    assert SECRET not in repr(sending)
    assert "127.0.0.1" not in repr(sending)


def test_a_service_whose_certificate_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    _, context = make_certificate(tmp_path)
    with start_hook(context) as hook:
        sending = send(hook.url.replace("http:", "https:"))
    assert sending == Sending(Step.REFUSED, "le certificat du service est refusé.")
    assert hook.posts == []
