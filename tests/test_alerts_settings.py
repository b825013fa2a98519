"""The settings of the alerts: what is written by hand is checked before anything waits for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from nonreg.alerts.facts import Kind
from nonreg.alerts.settings import find_settings, load_settings
from nonreg.errors import ConfigError

EXAMPLE = Path(__file__).parent.parent / "docs/exemples/alertes.toml"
TEXT = EXAMPLE.read_text(encoding="utf-8")


def write(folder: Path, *changes: tuple[str, str]) -> Path:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = folder / "alertes.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path))
    assert settings.mail is not None
    assert settings.mail.kinds == tuple(Kind)
    assert settings.webhook is not None
    assert Kind.DEADLINE not in settings.webhook.kinds
    nightly, weekly = settings.nights()
    assert (nightly.platform, nightly.tolerance) == ("plateforme-test", timedelta(hours=3))
    assert {one.deployment for one in (nightly, weekly)} == set(settings.verdicts)
    assert settings.folder() == tmp_path / "runs"


def test_a_mail_authority_is_looked_for_beside_the_settings_as_every_path(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, ('# ca_file = "autorite.pem"', 'ca_file = "autorite.pem"')))
    assert settings.mail is not None
    assert settings.mail.ca_file == str(tmp_path.resolve() / "autorite.pem")


def test_without_a_file_there_are_no_alerts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NONREG_ALERTS", raising=False)
    assert find_settings() is None
    monkeypatch.setenv("NONREG_ALERTS", str(write(tmp_path)))
    assert find_settings() is not None
    monkeypatch.setenv("NONREG_ALERTS", str(tmp_path / "absent.toml"))
    with pytest.raises(ConfigError, match="lecture impossible"):
        find_settings()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('host = "smtp.exemple.invalid"', 'host = "a b"', "mail.host"),
        ("port = 587", "port = 0", "mail.port"),
        ("port = 587", 'port = "x"', "il faut un nombre entier"),
        ('security = "starttls" ', 'security = "aucune" ', "un mot de passe ne part pas en clair"),
        ('security = "starttls" ', 'security = "ssl3" ', "valeur « ssl3 » refusée"),
        ('sender = "nonreg@exemple.invalid"', 'sender = "a@b\\r\\nBcc: c@d"', "mail.sender"),
        ('"renfort@exemple.invalid"', '"Renfort <renfort@exemple.invalid>"', "mail.recipients"),
        ('["titulaire@exemple.invalid", "renfort@exemple.invalid"]', "[]", "au moins un destinataire"),
        ('user = "aquareel-nonreg"\n', "", "« user » et « password_env » vont ensemble"),
        ('password_env = "NONREG_SMTP_PASSWORD"', 'password = "secret"', "clé inconnue"),
        ("https://salon", "http://salon", "https est obligatoire"),
        ("https://salon", "ftp://salon", "une adresse https"),
        ("https://salon", "https://compte:secret@salon", "une adresse https"),
        ("{secret}", "fixe", "« {secret} » dans l'adresse et « secret_env » vont ensemble"),
        ('cron = "30 1 * * *"', 'cron = "30 2 * * *"', "manque ou se répète"),
        ("tolerance_minutes = 180", "tolerance_minutes = nan", "nightlies.tolerance_minutes"),
        ("workers = 1", "workers = 0", "server.workers"),
        ("thresholds_hours = [72, 24]", "thresholds_hours = [-1]", "une liste d'heures"),
        ('kinds = ["verdict", "nuit-manquee", ', 'kinds = ["go", ', "valeur « go » refusée"),
        ('runs_dir = "runs"', 'base_dir = "/"', "clé inconnue"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, (old, new)))
    assert sentence in str(caught.value)
    assert "secret@" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_without_any_channel_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "alertes.toml"
    file.write_text('runs_dir = "runs"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="aucun canal"):
        load_settings(file)


def test_no_repr_of_the_settings_shows_the_address_of_the_webhook(tmp_path: Path) -> None:
    assert "salon.exemple" not in repr(load_settings(write(tmp_path)))
