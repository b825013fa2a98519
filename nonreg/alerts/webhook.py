"""An alert as a JSON POST: one key for good, signed when a secret is agreed, no redirect; only 2xx is a yes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from nonreg.alerts.delivery import Sending, Step
from nonreg.alerts.facts import Fact, Kind
from nonreg.alerts.mail import MAX_SUBJECT_CHARS, PREFIX, one_line, write_text
from nonreg.alerts.settings import WebhookSettings, read_secret
from nonreg.clients.web import WebSession
from nonreg.errors import CertificateRefused, NotSent, RequestFailed, Unreachable

SIGNATURE_HEADER, KEY_HEADER = "X-AQUAREEL-Signature", "Idempotency-Key"
GATEWAY_LOST = (502, 504)  # a proxy that does not know whether its server took it


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Alerts to an HTTP address, which is a secret and never told."""

    settings: WebhookSettings

    @property
    def name(self) -> str:
        """As journals call it."""
        return "webhook"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What goes there."""
        return self.settings.kinds

    def send(self, fact: Fact, hand: Callable[[], None]) -> Sending:
        """One POST, once."""
        settings = self.settings
        url = settings.url
        if settings.secret_env:
            url = url.replace("{secret}", quote(read_secret(settings.secret_env).reveal(), safe=""))
        body = write_body(fact)
        headers = {KEY_HEADER: hashlib.sha256(fact.key.encode("utf-8")).hexdigest()}
        if settings.signature_env:
            headers[SIGNATURE_HEADER] = sign_body(body, read_secret(settings.signature_env).reveal())
        hand()
        try:
            with WebSession(url, settings.timeout_seconds) as session:
                answer = session.post("", body, "application/json; charset=utf-8", headers=headers)
        # The messages of these errors hold the address: none of them is told, or kept as a cause.
        except NotSent:
            return Sending(Step.REFUSED, "le service ne répond pas : connexion impossible.")
        except CertificateRefused as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error.__cause__):  # before anything was sent
                return Sending(Step.REFUSED, "le certificat du service est refusé.")
            return Sending(Step.UNKNOWN, "liaison TLS rompue.")
        except RequestFailed:
            return Sending(Step.REFUSED, "l'adresse du service n'est pas utilisable.")
        except Unreachable:
            return Sending(Step.UNKNOWN, "lien perdu ou délai dépassé après l'envoi, avant la réponse.")
        if 200 <= answer.status < 300:
            return Sending(Step.DELIVERED)
        if answer.status in GATEWAY_LOST:
            return Sending(Step.UNKNOWN, f"un intermédiaire a répondu {answer.status} à la place du service.")
        return Sending(Step.REFUSED, f"le service a répondu {answer.status}.")


def write_body(fact: Fact) -> bytes:
    """What is posted; `text` alone is a whole message, as chat services show it."""
    subject = one_line(f"{PREFIX} {fact.subject}", MAX_SUBJECT_CHARS)
    content = {
        "key": fact.key,
        "kind": fact.kind.value,
        "platform": fact.platform,
        "ticket": fact.ticket,
        "at": fact.at.isoformat(),
        "subject": subject,
        "text": f"{subject}\n\n{write_text(fact)}",
    }
    return json.dumps(content, ensure_ascii=False).encode("utf-8")


def sign_body(body: bytes, secret: str) -> str:
    """`sha256=` and the HMAC of the body in hexadecimal."""
    return f"sha256={hmac.new(secret.encode('utf-8'), body, hashlib.sha256).hexdigest()}"
