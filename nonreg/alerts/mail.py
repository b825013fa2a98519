"""An alert as a mail: plain text, UTF-8, to people who can act on it; and the SMTP dialogue, step by step.

A server may deliver a mail only once it has the final dot: until then every failure is a refusal, after it only the
server's answer tells. `smtplib.sendmail` does not let us stand between the two.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from nonreg.alerts.delivery import Sending, Step
from nonreg.alerts.facts import Fact, Kind, in_paris
from nonreg.alerts.settings import MailSettings, read_secret
from nonreg.french import explain_os_error
from nonreg.masking import conceal
from nonreg.working_time import PARIS

PREFIX = "[AQUARÉEL]"
MAX_SUBJECT_CHARS = 160
SMTP_READY, SMTP_OK, SMTP_FORWARDED, SMTP_DATA = 220, 250, 251, 354
FOOTER = (
    "-- \nMessage automatique de la non-régression AQUARÉEL : un seul par fait, sans rappel. Fait : {key}\n"
)


class Refused(Exception):
    """The server said no, or nothing, before it had the whole mail."""


@dataclass(frozen=True, slots=True)
class MailChannel:
    """Alerts by mail."""

    settings: MailSettings

    @property
    def name(self) -> str:
        """As journals call it."""
        return "mail"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What goes by mail."""
        return self.settings.kinds

    def send(self, fact: Fact, hand: Callable[[], None]) -> Sending:
        """One mail, once."""
        return send_mail(self.settings, write_mail(fact, self.settings), hand)


def one_line(text: str, max_chars: int) -> str:
    """A text that fits on one header line: no control character, whatever somebody put into a name."""
    plain = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= max_chars else plain[: max_chars - 1] + "…"


def write_text(fact: Fact) -> str:
    """What happened, when, what to do, and where it goes on."""
    parts = [
        fact.text,
        f"À faire : {fact.what_to_do}",
        *([f"Ticket : {fact.ticket}"] if fact.ticket else []),
        f"Constaté le {in_paris(fact.at)}.",
    ]
    return "\n\n".join(parts) + "\n"


def write_mail(fact: Fact, settings: MailSettings, sent_at: datetime | None = None) -> bytes:
    """The whole mail, as ASCII bytes with CRLF; the same fact always has the same Message-ID."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = settings.sender
    message["To"] = ", ".join(settings.recipients)
    message["Subject"] = one_line(f"{PREFIX} {fact.subject}", MAX_SUBJECT_CHARS)
    message["Date"] = format_datetime((sent_at or fact.at).astimezone(PARIS))
    digest = hashlib.sha256(fact.key.encode("utf-8")).hexdigest()[:40]
    message["Message-ID"] = f"<{digest}@{settings.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # no holiday message in return (RFC 3834)
    message.set_content(
        f"{write_text(fact)}\n{FOOTER.format(key=fact.key)}", charset="utf-8", cte="quoted-printable"
    )
    return message.as_bytes()


def send_mail(settings: MailSettings, mail: bytes, hand: Callable[[], None]) -> Sending:
    """Hand the mail to the server; `hand` is called just before the final dot."""
    where = f"{settings.host}:{settings.port}"
    password = read_secret(settings.password_env).reveal() if settings.user else ""
    try:
        smtp = _connect(settings)
    except (OSError, smtplib.SMTPException) as error:
        return Sending(Step.REFUSED, f"{where} : {_explain(error)}.")
    try:
        try:
            declined = _prepare(smtp, settings, password, mail)
        except Refused as error:
            _say_goodbye(smtp)
            return Sending(Step.REFUSED, f"{where} : {error}.")
        except UnicodeEncodeError:  # smtplib's login; its message holds the secret's own letters
            return Sending(
                Step.REFUSED,
                f"{where} : le compte et le mot de passe doivent être en lettres sans accent (ASCII).",
            )
        except (OSError, smtplib.SMTPException) as error:
            return Sending(Step.REFUSED, f"{where} : {_explain(error)}.")
        hand()
        try:
            smtp.send(b".\r\n")
            code, answer = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return Sending(
                Step.UNKNOWN,
                f"{where} : lien perdu après la remise, avant la réponse ({_explain(error)}).",
            )
        _say_goodbye(smtp)
        if code != SMTP_OK:
            return Sending(Step.REFUSED, f"{where} : {_say(code, answer)}.")
        return Sending(Step.DELIVERED, f"sans {', '.join(declined)}" if declined else "")
    finally:
        smtp.close()


def _connect(settings: MailSettings) -> smtplib.SMTP:
    if settings.security == "tls":
        return smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=settings.timeout_seconds, context=_trust(settings)
        )
    return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_seconds)


def _trust(settings: MailSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.ca_file or None)


def _prepare(smtp: smtplib.SMTP, settings: MailSettings, password: str, mail: bytes) -> tuple[str, ...]:
    """Everything up to the final dot; returns the recipients that the server does not want, Refused for all."""
    smtp.ehlo_or_helo_if_needed()
    if settings.security == "starttls":
        if not smtp.has_extn("starttls"):
            raise Refused("le serveur ne propose pas STARTTLS")
        smtp.starttls(context=_trust(settings))
        smtp.ehlo_or_helo_if_needed()
    if settings.user:
        smtp.login(settings.user, password)
    _require(smtp.mail(settings.sender), SMTP_OK)
    answers = {recipient: smtp.rcpt(recipient) for recipient in settings.recipients}
    declined = {to: answer for to, answer in answers.items() if answer[0] not in (SMTP_OK, SMTP_FORWARDED)}
    if len(declined) == len(answers):
        to, answer = next(iter(declined.items()))
        raise Refused(f"destinataire {to} : {_say(*answer)}")
    _require(smtp.docmd("DATA"), SMTP_DATA)
    smtp.send(re.sub(rb"(?m)^\.", b"..", mail))  # a line that begins with a dot is not the end
    return tuple(declined)


def _require(answer: tuple[int, bytes], wanted: int) -> None:
    if answer[0] != wanted:
        raise Refused(_say(*answer))


def _say(code: int, answer: bytes) -> str:
    words = one_line(conceal(answer.decode("utf-8", "replace")), MAX_SUBJECT_CHARS)
    return f"refus {code} du serveur de courriel ({words.rstrip('.')})"


def _explain(error: OSError | smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"compte ou mot de passe refusé ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return _say(error.smtp_code, answer if isinstance(answer, bytes) else str(answer).encode())
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "pas de réponse à temps"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "le serveur a coupé le lien"
    if isinstance(error, smtplib.SMTPException):
        return f"le serveur ne permet pas ce qui est demandé ({type(error).__name__})"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificat refusé"
    if isinstance(error, ssl.SSLError):
        return "pas de liaison TLS"
    return "nom de machine inconnu" if not error.errno or error.errno < 0 else explain_os_error(error)


def _say_goodbye(smtp: smtplib.SMTP) -> None:
    """Where the dialogue is whole: the mail's fate is already known, whatever is answered."""
    if smtp.sock is not None:
        with suppress(OSError, smtplib.SMTPException):
            smtp.sock.settimeout(1.0)
            smtp.quit()
