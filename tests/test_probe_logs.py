"""Logs: entries of both kinds of log, and signatures that do not change from one day to the next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.probes.logs import LogEntry, find_trouble, make_signature, parse_entries

SERVICE_LOG = """2026-11-23T14:53:38.059Z INFO démarré, version 5.2.0
2026-11-23T15:00:00.000Z AVERTISSEMENT trame refusée (V714401001) : 422 VALEUR_INVALIDE, valeur '1,5'
2026-11-23T15:00:01.500Z ERREUR échange : erreur imprévue\\nTraceback
"""
SERVER_LOG = """2026-11-23 14:53:29.624 UTC [27701] LOG:  database system is ready to accept connections
2026-11-23 15:00:00.123 UTC [311] ERROR:  duplicate key value violates unique constraint "pk_mesure"
2026-11-23 15:00:00.123 UTC [311] DETAIL:  Key (cap_id, chr_id)=(4, 2828) already exists.
2026-11-23 15:00:00.123 UTC [311] STATEMENT:  INSERT INTO prod.mesure
\tVALUES ($1, $2)
2026-11-23 15:00:02.000 UTC [312] FATAL:  terminating connection due to administrator command
"""
START = datetime(2026, 11, 23, 15, tzinfo=UTC)


def entry(message: str) -> LogEntry:
    return LogEntry(START, "ERREUR", message)


def test_both_kinds_of_log_give_entries_in_utc() -> None:
    assert [one.level for one in parse_entries(SERVICE_LOG)] == ["INFO", "AVERTISSEMENT", "ERREUR"]
    server = parse_entries(SERVER_LOG)
    assert [one.level for one in server] == ["LOG", "ERROR", "DETAIL", "STATEMENT", "FATAL"]
    assert server[1].at == datetime(2026, 11, 23, 15, 0, 0, 123000, tzinfo=UTC)


def test_only_what_came_since_the_start_and_is_trouble_counts() -> None:
    assert [one.level for one in find_trouble(parse_entries(SERVICE_LOG), START)] == [
        "AVERTISSEMENT",
        "ERREUR",
    ]
    later = datetime(2026, 11, 23, 15, 0, 1, tzinfo=UTC)
    assert [one.level for one in find_trouble(parse_entries(SERVER_LOG), later)] == ["FATAL"]


@pytest.mark.parametrize(
    ("message", "signature"),
    [
        (
            "trame refusée (V714401001) : 422 X, valeur '1,5'",
            "trame refusée (<station>) : <n> X, valeur <texte>",
        ),
        ("l'identifiant n'est pas celui d'une 'station'", "l'identifiant n'est pas celui d'une <texte>"),
        ("campagne 5b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de", "campagne <guid>"),
        ("base de SITE-A (10.0.0.11:5432) en 3.5 s", "base de SITE-A (<adresse>) en <n> s"),
        ("fichier nr_5b0f6c1e_bon.csv rejeté", "fichier <essai>.csv rejeté"),
        ("export 20261123145338_anduze_csv_001.csv écrit", "export <fichier> écrit"),
        ("depuis le 2026-11-23T14:53:38.059Z", "depuis le <date>"),
        ("deux   blancs", "deux blancs"),
    ],
)
def test_a_signature_has_nothing_that_varies(message: str, signature: str) -> None:
    assert make_signature(entry(message)) == f"ERREUR {signature}"


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.uuids(), st.uuids())
def test_two_days_of_the_same_error_have_one_signature(a: int, b: int, c: object, d: object) -> None:
    def words(number: int, identifier: object) -> str:
        return f"délai dépassé après {number} ms pour {identifier}"

    assert make_signature(entry(words(a, c))) == make_signature(entry(words(b, d)))


@given(st.text(max_size=80))
def test_making_a_signature_of_a_signature_changes_nothing(message: str) -> None:
    once = make_signature(entry(message)).removeprefix("ERREUR ")
    assert make_signature(entry(once)).removeprefix("ERREUR ") == once


def test_two_causes_have_two_signatures() -> None:
    first, second = entry("503 BASE_INDISPONIBLE, refus"), entry("404 STATION_INCONNUE, refus")
    assert make_signature(first) != make_signature(second)
