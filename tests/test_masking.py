"""Masking: no secret, phone or mail survives; what a reader needs does."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import load_platform
from nonreg.masking import Mask, conceal, hide_places, list_secrets
from nonreg.sandbox.layout import Layout
from nonreg.vpn import Vpn

WORD = st.text("abcdefghijkmnopqrstuvwxyzABCDEF0123456789-_/+%$", min_size=6, max_size=24)


@given(secrets=st.lists(WORD, min_size=1, max_size=4), texts=st.lists(st.text(), min_size=2, max_size=6))
def test_no_secret_survives_wherever_it_stands(secrets: list[str], texts: list[str]) -> None:
    text = secrets[0].join(texts) + "".join(secrets)
    masked = Mask(tuple(secrets)).apply(text)
    assert [value for value in secrets if value in masked] == []


def test_a_secret_in_another_writing_is_masked_too() -> None:
    masked = Mask(("p@ss/word+1",)).apply("GET /?k=p%40ss%2Fword%2B1")
    assert "word" not in masked


@pytest.mark.parametrize(
    "leak",
    [
        "+33612345678",
        "+33000000001",
        "0033612345678",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "0612345678",
        "+33 6 12 34 56 78",
        "prenom.nom+astreinte@exemple.invalid",
        "password=Azerty12",
        '"password": "Azerty12"',
        "mot_de_passe : Azerty12",
        "PGPASSWORD=Azerty12",
        "ALTER ROLE x PASSWORD 'Azerty12'",
        "token=Azerty12&x=1",
        "Authorization: Basic Y29uc3VsdDpBemVydHkxMg==",
        "postgresql://compte:Azerty12@base/aquareel",
        "postgresql://compte:Az/Azerty12@base/aquareel",
        "tél:0612345678",
        "SMS:0612345678",
        "0612345678: occupé",
        "appel_0612345678",
        "appel_+33612345678_fin",
        "tel.0033612345678",
        "mobile0612345678",
        "tél:06-12-34-56-78:",
        "poste 1-0612345678",
        "+33 (0)6 12 34 56 78",
        "--prenom.nom@exemple.invalid",
        "06\u00a012\u00a034\u00a056\u00a078",
        "06\u202f12\u202f34\u202f56\u202f78",
        "+33\u00a06\u00a012\u00a034\u00a056\u00a078",
        "06\u201112\u201134\u201156\u201178",
        "06\t12\t34\t56\t78",
        "06/12/34/56/78",
        "00 33 6 12 34 56 78",
        "(+33) 6 12 34 56 78",
        "+41 22 812 34 56",
        "+1 (555) 812-3456",
        "+44 20 7912 3456",
        "0800 123 456",
        "motdepasse=Azerty12",
        "mot-de-passe: Azerty12",
        "pass=Azerty12",
        "--password Azerty12",
        "PWD={Aze;Azerty12}",
        "PWD={Aze}};Azerty12};Database=x",
        "password=Aze,Azerty12",
        "password=Aze)Azerty12",
        "PASSWORD = N'l''Azerty12'",
        "ALTER USER x IDENTIFIED BY 'Azerty12'",
        "identified by Azerty12",
        "Cookie: session=Azerty12; suite=Azerty12",
        "Set-Cookie: session=Azerty12; Path=/",
        '{"cookie": "session=Azerty12"}',
        "Authorization: Digest username=x, response=Azerty12",
        "PASSWORD 'SCRAM-SHA-256$4096:Azerty12$Azerty12:Azerty12'",
        "rolpassword SCRAM-SHA-256$4096:Azerty12$Azerty12:Azerty12",
        "rolpassword md512345678901234567890123456789012",
    ],
)
def test_what_looks_like_a_phone_a_mail_or_a_password_is_masked(leak: str) -> None:
    masked = Mask(()).apply(f"2026-11-23T14:05:00.123Z INFO avant {leak} après")
    assert masked.startswith("2026-11-23T14:05:00.123Z INFO avant ")
    assert not re.search("12345678|8123456|9123456|0800123456", re.sub(r"\D", "", masked))
    for part in ("Azerty12", "Y29uc3Vs", "12345678", "12 34 56", "12.34.56", "000001", "exemple.invalid"):
        assert part not in masked


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-23T14:05:00.123Z INFO trame acceptée (V714401001) : 288 insérées, 0 doublons",
        "2026-11-23 15:00:00.123 UTC [311] ERROR:  duplicate key value violates constraint",
        "2026-11-23T14:05:00.123Z INFO export 20261123145338_anduze_csv_001.csv écrit, 1234567890 octets",
        "recovery at 0/217E5C8, campagne 5b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de, 127.77.0.11:5432",
        "durée 00:00:12.345, du 2026-01-02 03:04:05 au 2026-01-03 03:04:05",
        "relevé du 01/02/2026 10:00, +1 écart, +12,5 ms, 2026-11-30T06:12:34+01:00, [+0100] 20261130 12345678",
        "12:00:00 +0100, écart de +0.0612345678, 1 234 567 890 octets, lignes 10-20-30-40-50",
        "fraction 0.0612345678, empreinte a0612345678bcdef01, date 20261123-01020304, jeton expiré, Passage : 7",
    ],
)
def test_dates_ids_and_figures_stay(line: str) -> None:
    assert Mask(("secret-inconnu",)).apply(line) == line


def test_a_mask_does_not_show_what_it_knows() -> None:
    assert "azerty" not in repr(Mask(("azerty",)))


def test_every_secret_of_a_platform_is_known(sandbox: Layout) -> None:
    platform = load_platform(str(sandbox.platform_file))
    assert set(sandbox.secrets().values()) <= set(list_secrets(platform))


def test_the_host_of_the_machines_and_the_password_of_the_vpn_are_hidden_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = load_platform("embarquee")
    assert shipped.drills.hypervisor is not None
    hypervisor = replace(shipped.drills.hypervisor, address="srv-h.essai.invalid", user="p.rivage")
    platform = replace(
        shipped,
        drills=replace(shipped.drills, hypervisor=hypervisor),
        vpn=Vpn("/run/vpn.sock", "AQ_VPN_PASSWORD"),
    )
    told = hide_places("srv-h (srv-h.essai.invalid:2222) refuse p.rivage ; srv-h.essai.invalid", platform)
    assert told == "srv-h refuse <compte> ; <adresse>"
    monkeypatch.setenv("AQ_VPN_PASSWORD", "sésame-7")
    assert "sésame-7" in list_secrets(platform)


def test_a_reason_is_told_without_address_or_account(sandbox: Layout) -> None:
    platform = load_platform(str(sandbox.platform_file))
    host = platform.sites[0].host.address
    told = hide_places(
        f"L'hôte srv-a ({host}:2222) refuse la clé SSH de l'utilisateur « nonreg » ; "
        f"GET http://{host}:8082/etat ; nr_reader ; 10.1.2.3",
        platform,
    )
    assert told == (
        "L'hôte srv-a refuse la clé SSH de l'utilisateur « <compte> » ; "
        "GET http://<adresse>/etat ; <compte> ; <adresse>"
    )


@pytest.mark.parametrize(
    ("text", "concealed"),
    [
        (
            "La base de SITE-A (127.0.0.1:5432) est injoignable.",
            "La base de SITE-A (<adresse>) est injoignable.",
        ),
        ("GET http://srv-a.exemple:8082/etat : code 500", "GET http://<adresse>/etat : code 500"),
        ("postgresql://compte:Azerty12@base/aquareel", "postgresql://<adresse>/aquareel"),
        ("connexion à [fe80::1]:5432 ou localhost:5432", "connexion à <adresse> ou <adresse>"),
        ("clé de l'utilisateur « nonreg » refusée", "clé de l'utilisateur « <compte> » refusée"),
        ('authentication failed for user "nr_reader"', "authentication failed for user « <compte> »"),
        ('role "nr_reader" does not exist', "role « <compte> » does not exist"),
        ("dsn host=x user=nr_reader dbname=y", "dsn host=x user=<compte> dbname=y"),
        ("appel de 0612345678, mot_de_passe=Azerty12", "appel de <téléphone>, mot_de_passe=***"),
    ],
)
def test_a_text_for_a_ticket_has_no_address_and_no_account(text: str, concealed: str) -> None:
    assert conceal(text) == concealed


@pytest.mark.parametrize(
    "text",
    [
        "SITE-A, srv-a/client.log : rôle « PASSIF » attendu, [12:30:01] version 15.0.2000, tableau[1:2]",
        "WHERE role = 'ACTIF' AND utilisateur IS NULL",
    ],
)
def test_a_text_for_a_ticket_keeps_what_explains_the_failure(text: str) -> None:
    assert conceal(text) == text


def test_what_is_recorded_loses_known_secrets_at_any_depth_and_nothing_else() -> None:
    value = {"a": ["Sesame-42 0612345678", {"b": ("x", 3, None)}], "c": 1.5}
    assert Mask(("Sesame-42",)).hide(value) == {"a": ["*** 0612345678", {"b": ["x", 3, None]}], "c": 1.5}
    assert Mask(()).hide(value) is value


@pytest.mark.parametrize(
    "piece", ["a.", "a+", "a-", "://:", "[:", "[::", "[1:2:3:4", "user «", 'user "', "a@", "0 "]
)
def test_a_text_of_a_megabyte_is_masked_as_it_is_read(piece: str) -> None:
    """A pattern that looks from each place to the end of the text would take hours here."""
    text = conceal(piece * (1_000_000 // len(piece)) + " appelez le 06 12 34 56 78")
    assert "06 12 34" not in text
