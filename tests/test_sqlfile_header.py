"""The comment header of a SQL scenario: what it may say, and one French sentence for anything else."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import ConfigError
from nonreg.model import Criticality, Effect, SiteRole
from nonreg.sqlfiles.header import KNOWN, Expectation, Header, parse_header
from nonreg.sqlfiles.rights import Right

MINIMAL = {
    "id": "BASE-210",
    "titre": "Chaque capteur a une station",
    "criticite": "majeure",
    "effet": "read_only",
    "attendu": "aucune ligne",
}


def write(**values: str | None) -> str:
    """The minimal header with other values; None takes a key away."""
    lines = [f"-- {key}: {value}" for key, value in {**MINIMAL, **values}.items() if value is not None]
    return "\n".join([*lines, "", "SELECT 1"])


def refuse(**values: str | None) -> str:
    """Why such a header is refused."""
    with pytest.raises(ConfigError) as caught:
        parse_header(write(**values))
    return str(caught.value)


def test_a_minimal_header_has_the_stated_defaults() -> None:
    assert parse_header(write()) == Header(
        id="BASE-210",
        title="Chaque capteur a une station",
        criticality=Criticality.MAJEURE,
        effect=Effect.READ_ONLY,
        expectation=Expectation.NO_ROWS,
        engine="mssql",
        site=SiteRole.ACTIF,
        requirements=("R04",),
        timeout_seconds=60.0,
        lines=5,
    )


def test_a_full_header_says_everything() -> None:
    header = parse_header(
        "-- id : HD-210\n"
        "-- Titre : Rôles, vus du site\n"
        "--     passif\n"
        "-- criticité : bloquante\n"
        "-- effet : read_only\n"
        "-- moteur : postgresql\n"
        "-- site : passif\n"
        "-- exigences : R04, R23\n"
        "-- délai : 2 min\n"
        "-- attendu : fichier HD-210 rôles.csv\n"
        "-- ordre : celui du résultat\n"
        "-- tolérance : 1e-6\n"
        "-- ignorer : vu_utc, Site\n"
        "-- droits : SELECT ref.site, execute Nr.usp_x, VIEW SERVER STATE\n"
        "-- procédures de lecture : cfg.usp_liste,\n"
        "--     ha.usp_etat\n"
        "--\n"
        "-- Ici, un commentaire : libre.\n"
    )
    assert header == Header(
        id="HD-210",
        title="Rôles, vus du site passif",
        criticality=Criticality.BLOQUANTE,
        effect=Effect.READ_ONLY,
        expectation=Expectation.GOLDEN,
        engine="postgresql",
        site=SiteRole.PASSIF,
        requirements=("R04", "R23"),
        timeout_seconds=120.0,
        golden="HD-210 rôles.csv",
        ordered=True,
        tolerance=Decimal("1e-6"),
        ignored=("vu_utc", "Site"),
        rights=(Right("SELECT", "ref.site"), Right("EXECUTE", "nr.usp_x"), Right("VIEW SERVER STATE")),
        procedures=("cfg.usp_liste", "ha.usp_etat"),
        lines=16,
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"id": None}, "en-tête incomplet (manque : id)"),
        ({"titre": "", "attendu": None}, "manque : titre, attendu"),
        ({"id": "BASE210"}, "identifiant mal formé : « BASE210 »"),
        ({"id": "XYZ-210"}, "identifiant mal formé"),
        ({"criticite": "grave"}, "criticite refusé : « grave » (connus : bloquante, majeure, mineure)"),
        ({"effet": "disruptive"}, "effet refusé : « disruptive » (connus : read_only, writes_test_data)"),
        ({"effet": "manual"}, "effet refusé : « manual »"),
        ({"effet": "lecture"}, "effet refusé : « lecture »"),
        ({"moteur": "oracle"}, "moteur refusé : « oracle » (connus : mssql, postgresql)"),
        ({"site": "SECOURS"}, "site refusé : « SECOURS »"),
        ({"auteur": "moi"}, "ligne 6 : clé inconnue « auteur »"),
        ({"exigences": "R4"}, "exigence mal formée : « R4 »"),
        ({"exigences": ","}, "exigence mal formée"),
        ({"delai": "60"}, "délai refusé : « 60 »"),
        ({"delai": "0 s"}, "délai refusé : « 0 s »"),
        ({"delai": "61 min"}, "délai refusé : « 61 min »"),
        ({"attendu": "une ligne"}, "attendu refusé : « une ligne »"),
        ({"attendu": "fichier ../secret.csv"}, "« ../secret.csv » n'est pas le nom d'un fichier .csv"),
        ({"attendu": "fichier r.txt"}, "n'est pas le nom d'un fichier .csv"),
        ({"ordre": "quelconque"}, "« ordre » ne se dit qu'avec « attendu: fichier … »"),
        ({"tolerance": "1e-6"}, "« tolerance » ne se dit qu'avec"),
        ({"ignorer": "a"}, "« ignorer » ne se dit qu'avec"),
        ({"attendu": "fichier a.csv", "ordre": "alphabétique"}, "ordre refusé"),
        ({"attendu": "fichier a.csv", "tolerance": "0"}, "tolérance refusée : « 0 »"),
        ({"attendu": "fichier a.csv", "tolerance": "5 %"}, "tolérance refusée"),
        ({"droits": "LIRE ref.station"}, "droit mal formé : « LIRE ref.station »"),
        ({"droits": "SELECT station"}, "droit mal formé : « SELECT station »"),
        ({"droits": "SELECT ref.a, SELECT ref.a"}, "droit demandé deux fois"),
        (
            {"droits": "DELETE ref.station"},
            "un scénario read_only ne demande pas le droit « DELETE ref.station »",
        ),
        ({"procedures_de_lecture": "usp_liste"}, "procédure de lecture mal écrite : « usp_liste »"),
        ({"procedures_de_lecture": "sys.sp_executesql"}, "ne peut pas être une procédure de lecture"),
        ({"procedures_de_lecture": "master.dbo.xp_cmdshell"}, "ne peut pas être une procédure de lecture"),
        ({"effet": "writes_test_data", "site": "PASSIF"}, "on n'écrit que sur le site ACTIF"),
        (
            {"effet": "writes_test_data", "procedures_de_lecture": "a.b"},
            "« procedures_de_lecture » ne se dit que d'un scénario read_only",
        ),
    ],
)
def test_each_wrong_value_is_told_in_one_sentence(values: dict[str, str | None], words: str) -> None:
    said = refuse(**values)
    assert words in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT 1", "aucun en-tête"),
        ("", "aucun en-tête"),
        ("/* id: BASE-210 */ SELECT 1", "aucun en-tête"),
        ("-- Ce scénario vérifie les capteurs\nSELECT 1", "ligne 1 : une ligne d'en-tête s'écrit"),
        ("-- id: BASE-210\n-- id: BASE-211\n", "ligne 2 : « id » est dit deux fois"),
        ("SELECT 1\n-- id: BASE-210\n", "aucun en-tête"),
    ],
)
def test_a_text_without_a_sound_header_is_told_so(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_header(text)
    assert words in str(caught.value)


def test_blank_lines_and_a_byte_order_mark_may_come_before_the_header() -> None:
    header = parse_header("\ufeff\r\n\r\n" + write().replace("\n", "\r\n"))
    assert (header.id, header.lines) == ("BASE-210", 7)


def test_a_writer_may_ask_for_rights_that_write() -> None:
    header = parse_header(write(effet="writes_test_data", droits="INSERT ref.station"))
    assert header.rights == (Right("INSERT", "ref.station"),)


@given(
    st.lists(
        st.tuples(
            st.sampled_from((*KNOWN, "autre", "", "id x")), st.text(st.characters(codec="utf-8"), max_size=20)
        ),
        max_size=8,
    ),
    st.sampled_from(("\n", "\r\n")),
)
def test_no_header_makes_the_reader_fail_otherwise_than_in_one_sentence(
    pairs: list[tuple[str, str]], ending: str
) -> None:
    with contextlib.suppress(ConfigError):  # any other error fails the test
        parse_header(ending.join(f"-- {key}: {value}" for key, value in pairs))


@given(
    st.permutations(sorted(MINIMAL)),
    st.sampled_from(("--", "-- ", "--  ")),
    st.sampled_from((":", " :", "\u00a0: ")),
)
def test_keys_come_in_any_order_and_spacing(keys: list[str], start: str, colon: str) -> None:
    text = "\n".join(f"{start}{key}{colon}{MINIMAL[key]}" for key in keys)
    assert parse_header(text) == parse_header(write())
