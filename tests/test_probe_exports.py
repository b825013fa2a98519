"""Exports: names, the three ways of writing a time, CSV and Sandre files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import RequestFailed
from nonreg.probes.exports import (
    ExportedValue,
    ExportName,
    parse_csv,
    parse_name,
    parse_sandre,
    parse_timestamp,
)

AT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
SANDRE = """<?xml version='1.0' encoding='UTF-8'?>
<hydrometrie><Scenario><CodeScenario>hydrometrie</CodeScenario><VersionScenario>1.1</VersionScenario>
<DateHeureCreationFichier>2026-10-25T02:31:00+02:00</DateHeureCreationFichier><RefFichier>f.xml</RefFichier>
<Emetteur><CdIntervenant schemeAgencyID="SANDRE">1520</CdIntervenant></Emetteur>
<Destinataire><CdIntervenant schemeAgencyID="SANDRE">1537</CdIntervenant></Destinataire></Scenario>
<Donnees><Series><Serie><CdStationHydro>V714401001</CdStationHydro><GrdSerie>H</GrdSerie><ObssHydro>
<ObsHydro><DtObsHydro>2026-10-25T02:30:00+02</DtObsHydro><ResObsHydro>512.5</ResObsHydro></ObsHydro>
<ObsHydro><DtObsHydro>2026-10-25T00:35:00</DtObsHydro><ResObsHydro>-3</ResObsHydro></ObsHydro>
</ObssHydro></Serie></Series>
<ObssMeteo><ObsMeteo><CdGrdMeteo>RR</CdGrdMeteo><CdSiteMeteo>V714401001</CdSiteMeteo>
<DtObsMeteo>2026-10-25T01:30:00+01:00</DtObsMeteo><ResObsMeteo>0.2</ResObsMeteo></ObsMeteo></ObssMeteo>
</Donnees></hydrometrie>"""


def test_a_name_says_when_for_which_task_and_which_number() -> None:
    found = parse_name("20261025003000_anduze_csv_001.csv")
    assert found == ExportName(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "anduze_csv", 1, "csv")


@pytest.mark.parametrize(
    "name",
    [
        "20261025003000_anduze_csv.csv",
        "2026102500300_anduze_001.csv",
        "20261325003000_anduze_001.csv",
        ".20261025003000_anduze_001.csv.part",
        "20261025003000_anduze_001.csv.7z",
        "20261025003000_../x_001.csv",
    ],
)
def test_any_other_name_is_no_export(name: str) -> None:
    assert parse_name(name) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-25T00:30:00",
        "2026-10-25T00:30:00Z",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+02",
        "2026-10-24T22:30:00-02",
    ],
)
def test_the_same_instant_is_read_with_zone_short_zone_or_none(text: str) -> None:
    assert parse_timestamp(text) == AT


@given(
    st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2090-01-01")),
    st.integers(-12, 14),
)
def test_a_zone_in_whole_hours_never_moves_the_instant(moment: datetime, hours: int) -> None:
    aware = moment.replace(microsecond=0, tzinfo=UTC)
    text = aware.astimezone(timezone(timedelta(hours=hours))).isoformat()
    assert parse_timestamp(text) == parse_timestamp(text[:-3]) == aware


@pytest.mark.parametrize("text", ["", "hier", "2026-02-30T00:00:00", "2026-10-25T25:00:00+02"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(RequestFailed, match="Horodatage illisible"):
        parse_timestamp(text)


def test_csv_lines_are_utc_and_an_empty_value_is_missing() -> None:
    data = b"date;code;valeur\n2026-10-25 00:30:00;V714401001/H;512.500\n2026-10-25 00:35:00;V714401001/H;\n"
    assert parse_csv(data) == (
        ExportedValue("V714401001", "H", AT, Decimal("512.5")),
        ExportedValue("V714401001", "H", AT + timedelta(minutes=5), None),
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "ne commence pas"),
        (b"2026-10-25 00:30:00;V714401001/H;1\n", "ne commence pas"),
        (b"date;code;valeur\n2026-10-25 00:30:00;V714401001/H;1,5\n", "ligne 2"),
        (b"date;code;valeur\n2026-10-25 00:30:00;V714401001/H;1\n\n", "ligne 3"),
        (b"date;code;valeur\n25/10/2026 00:30;V714401001/H;1\n", "ligne 2"),
        (b"date;code;valeur\n2026-10-25 00:30:00;V714401001;1\n", "ligne 2"),
        (b"date;code;valeur\n\xff\n", "UTF-8"),
    ],
)
def test_a_wrong_csv_names_its_line(data: bytes, words: str) -> None:
    with pytest.raises(RequestFailed, match=words):
        parse_csv(data)


def test_sandre_series_and_rain_are_read_in_utc() -> None:
    found = parse_sandre(SANDRE.encode())
    assert (found.scenario, found.version, found.sender, found.recipient) == (
        "hydrometrie",
        "1.1",
        "1520",
        "1537",
    )
    assert found.created_at == AT + timedelta(minutes=1)
    assert found.values == (
        ExportedValue("V714401001", "H", AT, Decimal("512.5")),
        ExportedValue("V714401001", "H", AT + timedelta(minutes=5), Decimal(-3)),
        ExportedValue("V714401001", "RR", AT, Decimal("0.2")),
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("</hydrometrie>", "", "XML lisible"),
        ("hydrometrie>", "autre>", "Racine"),
        ("<RefFichier>f.xml</RefFichier>", "", "RefFichier"),
        ("512.5", "512,5", "Résultat illisible"),
        ("512.5", "NaN", "Résultat illisible"),
        ("<DtObsHydro>2026-10-25T00:35:00</DtObsHydro>", "", "DtObsHydro"),
        ("<hydrometrie>", '<!DOCTYPE a [<!ENTITY b "c">]><hydrometrie>', "XML lisible"),
    ],
)
def test_a_wrong_sandre_file_is_refused_in_words(old: str, new: str, words: str) -> None:
    with pytest.raises(RequestFailed, match=words):
        parse_sandre(SANDRE.replace(old, new).encode())
