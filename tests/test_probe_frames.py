"""Frames: what the simulator writes is what the frontal's protocol says, and its answers are read."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.probes.frames import FrameReply, Reading, build_frame, parse_reply

AT = datetime.fromisoformat("2026-11-23T14:05:00")
READINGS = st.builds(
    Reading,
    st.sampled_from(["H", "Q", "RR"]),
    st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-01-01")).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    st.none() | st.decimals(-99999, 99999, places=3),
)


def test_a_frame_is_written_as_stations_write_it() -> None:
    frame = build_frame("V714401001", [Reading("H", AT, Decimal("523.5")), Reading("RR", AT, None)])
    assert frame == (
        b'<lns version="1.0"><station code="V714401001">'
        b'<mesure grandeur="H" horodatage="2026-11-23T14:05:00" valeur="523.5"/>'
        b'<mesure grandeur="RR" horodatage="2026-11-23T14:05:00"/></station></lns>'
    )


@given(st.lists(READINGS, max_size=5))
def test_every_reading_is_in_the_frame_with_its_exact_value(readings: list[Reading]) -> None:
    station = ElementTree.fromstring(build_frame("Z900000001", readings))[0]
    found = [
        Reading(
            m.get("grandeur", ""), datetime.fromisoformat(m.get("horodatage", "")), _value(m.get("valeur"))
        )
        for m in station
    ]
    assert found == readings


def _value(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ('<reponse statut="OK" inserees="3" doublons="1"/>', FrameReply(True, 3, 1)),
        (
            '<reponse statut="ERREUR" code="STATION_INCONNUE" message="x"/>',
            FrameReply(False, code="STATION_INCONNUE"),
        ),
        ('<reponse statut="OK" inserees="trois" doublons="0"/>', FrameReply(False)),
        ('<reponse statut="OK"/>', FrameReply(False)),
        ("<html>erreur</html>", FrameReply(False)),
        ("pas du XML", FrameReply(False)),
        ('<!DOCTYPE a [<!ENTITY b "c">]><reponse statut="OK" inserees="1" doublons="0"/>', FrameReply(False)),
        ("", FrameReply(False)),
    ],
)
def test_an_answer_that_does_not_count_its_measures_is_no_acceptance(body: str, reply: FrameReply) -> None:
    assert parse_reply(body) == reply
