"""An alert by mail, to a real SMTP server that accepts, refuses, hangs or vanishes."""

from __future__ import annotations

import socket
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.alerts.delivery import Sending, Step
from nonreg.alerts.facts import Fact, Kind
from nonreg.alerts.mail import one_line, send_mail, write_mail
from nonreg.alerts.settings import MailSettings
from nonreg.errors import ConfigError
from tests.alert_receivers import PASSWORD, Postman, check_login, make_certificate, start_smtp

FACT = Fact(
    "verdict/essai/passage-1",
    Kind.VERDICT,
    "essai",
    "KO — NUIT 2026-11-23 plateforme-test v5.2",
    "Verdict KO : l'écart mesuré dépasse la limite.\n.une ligne qui commence par un point\n.\nFin.",
    "Ouvrez le rapport.",
    "AQ-1",
    datetime(2026, 11, 23, 0, 30, tzinfo=UTC),
)


def settings_for(port: int, **changes: object) -> MailSettings:
    plain = MailSettings(
        "127.0.0.1",
        port,
        "nonreg@exemple.invalid",
        ("titulaire@exemple.invalid", "renfort@exemple.invalid"),
        "aucune",
        timeout_seconds=5.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def send(settings: MailSettings, handed: list[int] | None = None) -> Sending:
    steps = [] if handed is None else handed
    return send_mail(settings, write_mail(FACT, settings), lambda: steps.append(1))


def test_a_mail_says_in_french_what_happened_and_what_to_do() -> None:
    postman = Postman()
    with start_smtp(postman) as port:
        assert send(settings_for(port)).step is Step.DELIVERED
    (mail,) = postman.mails()
    assert mail["Subject"] == "[AQUARÉEL] KO — NUIT 2026-11-23 plateforme-test v5.2"
    assert mail["To"] == "titulaire@exemple.invalid, renfort@exemple.invalid"
    assert mail["Date"] == "Mon, 23 Nov 2026 01:30:00 +0100"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content().replace("\r\n", "\n")
    assert text.startswith(
        FACT.text + "\n\nÀ faire : Ouvrez le rapport.\n\nTicket : AQ-1\n\nConstaté le 23/11/2026"
    )
    assert "Fait : verdict/essai/passage-1" in text
    assert all(line.isascii() and len(line) <= 998 for line in postman.received[0].split(b"\r\n"))


def test_the_same_fact_has_the_same_message_id_and_another_fact_another() -> None:
    settings = settings_for(1)
    first = [line for line in write_mail(FACT, settings).splitlines() if line.startswith(b"Message-ID")]
    later = write_mail(FACT, settings, datetime(2026, 12, 1, tzinfo=UTC)).splitlines()
    assert first[0] in later
    assert first[0] not in write_mail(replace(FACT, key="verdict/essai/passage-2"), settings).splitlines()


@given(st.text(max_size=300))
def test_no_subject_adds_a_header_or_a_line(subject: str) -> None:
    mail = write_mail(
        replace(FACT, subject=f"{subject}\r\nBcc: ailleurs@exemple.invalid\r\n\r\ncorps"), settings_for(1)
    )
    head = mail.split(b"\r\n\r\n")[0]
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert names == [
        *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted"),
        *(b"Content-Type", b"Content-Transfer-Encoding", b"MIME-Version"),
    ]


@given(st.text(max_size=300), st.integers(1, 200))
def test_what_people_wrote_becomes_one_printable_line(text: str, max_chars: int) -> None:
    line = one_line(text, max_chars)
    assert len(line) <= max_chars
    assert all(char == " " or unicodedata.category(char)[0] not in "CZ" for char in line)


def test_starttls_and_a_login_protect_the_way_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, context = make_certificate(tmp_path)
    monkeypatch.setenv("NONREG_SMTP_PASSWORD", PASSWORD)
    postman = Postman()
    options = {"tls_context": context, "require_starttls": True, "auth_required": True}
    with start_smtp(postman, authenticator=check_login, **options) as port:
        secure = settings_for(
            port,
            security="starttls",
            user="alertes",
            password_env="NONREG_SMTP_PASSWORD",
            ca_file=str(certificate),
        )
        assert send(secure) == Sending(Step.DELIVERED)
        assert postman.logins
        assert "certificat refusé" in send(replace(secure, ca_file="")).detail
        monkeypatch.setenv("NONREG_SMTP_PASSWORD", "un-autre-mot-de-passe")
        refused = send(secure)
        assert refused.step is Step.REFUSED
        assert "compte ou mot de passe refusé (535)" in refused.detail
        assert "un-autre-mot-de-passe" not in repr(refused)
        monkeypatch.setenv("NONREG_SMTP_PASSWORD", "mot-de-passe-accentué")
        refused = send(secure)
        assert refused.step is Step.REFUSED
        assert "lettres sans accent" in refused.detail
        assert "accentué" not in repr(refused)
        monkeypatch.delenv("NONREG_SMTP_PASSWORD")
        with pytest.raises(ConfigError, match="Le secret NONREG_SMTP_PASSWORD est absent"):
            send(secure)
    assert len(postman.received) == 1


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    certificate, context = make_certificate(tmp_path)
    postman = Postman()
    with start_smtp(postman, ssl_context=context) as port:
        assert send(settings_for(port, security="tls", ca_file=str(certificate))) == Sending(Step.DELIVERED)


def test_a_server_without_starttls_gets_nothing_in_clear() -> None:
    postman = Postman()
    with start_smtp(postman) as port:
        assert "le serveur ne propose pas STARTTLS" in send(settings_for(port, security="starttls")).detail
    assert postman.reached == ["EHLO"]


@pytest.mark.parametrize("answer", ["450 4.7.1 greylisted, try again later", "550 5.7.1 policy"])
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_what_the_server_refuses_is_a_refusal_whatever_the_step(step: str, answer: str) -> None:
    postman = Postman(answers={step: answer})
    with start_smtp(postman) as port:
        sending = send(settings_for(port))
    assert sending.step is Step.REFUSED
    assert f"refus {answer[:3]} du serveur de courriel" in sending.detail
    assert postman.received == []


def test_whom_the_server_does_not_want_is_told_and_the_others_get_it() -> None:
    postman = Postman(declined=("renfort@exemple.invalid",))
    with start_smtp(postman) as port:
        assert send(settings_for(port)) == Sending(Step.DELIVERED, "sans renfort@exemple.invalid")
    assert len(postman.received) == 1


@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT"])
@pytest.mark.parametrize("how", ["hangs", "cuts"])
def test_silence_before_the_final_dot_is_a_refusal(step: str, how: str) -> None:
    postman = Postman(**{how: step})
    handed: list[int] = []
    with start_smtp(postman) as port:
        sending = send(settings_for(port, timeout_seconds=0.3), handed)
    assert (sending.step, handed) == (Step.REFUSED, [])


@pytest.mark.parametrize(("how", "said"), [("hangs", "pas de réponse à temps"), ("cuts", "coup")])
def test_silence_after_the_final_dot_is_an_outcome_that_nobody_knows(how: str, said: str) -> None:
    postman = Postman(**{how: "DATA"})
    handed: list[int] = []
    with start_smtp(postman) as port:
        sending = send(settings_for(port, timeout_seconds=0.5), handed)
    assert (sending.step, handed) == (Step.UNKNOWN, [1])
    assert "lien perdu après la remise, avant la réponse" in sending.detail
    assert said in sending.detail


def test_nobody_at_the_address_is_a_refusal() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening
        sending = send(settings_for(held.getsockname()[1]))
    assert sending.step is Step.REFUSED
    assert "connexion refusée" in sending.detail


def test_what_cannot_be_noted_is_not_sent() -> None:
    postman = Postman()

    def fail() -> None:
        raise OSError(28, "No space left on device")

    with start_smtp(postman) as port:
        settings = settings_for(port)
        with pytest.raises(OSError, match="No space"):
            send_mail(settings, write_mail(FACT, settings), fail)
    assert postman.received == []
