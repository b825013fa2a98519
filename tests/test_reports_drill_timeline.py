"""The drawing of a drill: it stays in its frame whatever was recorded, and shows what matters without colours."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonreg.model import (
    ClientSummary,
    DrillEvent,
    DrillEventKind,
    DrillRecord,
    Healing,
    Interruption,
    RecoveryTime,
    SiteRole,
)
from reports.drill_axis import Axis, choose_breaks, draw_axis, list_ticks
from reports.drill_lanes import LEFT, RIGHT, measure, name_lane, read_role
from reports.drill_marks import FAULT_ROWS, draw_mark, pack_faults
from reports.drill_recovery import place_recovery
from reports.drill_timeline import draw_timeline
from reports.text import make_printable
from tests.drill_samples import record_cut, record_interrupted, record_loss, record_switchover

SVG = "{http://www.w3.org/2000/svg}"
RECORDS = {
    "switchover": record_switchover(),
    "cut": record_cut(),
    "loss": record_loss(),
    "interrupted": record_interrupted(),
}
WORDS = st.text(alphabet="<>&\"'é ]ACTIFpass中😀\u0301\x00\ud800", max_size=40)
ANY_TIME = st.floats() | st.floats(0, 2000) | st.floats(0, 2)
MAYBE_TIME = st.none() | ANY_TIME
GAPS = st.lists(
    st.builds(Interruption, ANY_TIME, ANY_TIME, st.integers(0, 9), st.booleans()), max_size=4
).map(tuple)
RECORD = st.builds(
    DrillRecord,
    scenario_id=WORDS,
    started_at=st.just(datetime(2026, 3, 29, tzinfo=UTC)),
    duration_seconds=ANY_TIME,
    events=st.lists(
        st.builds(DrillEvent, ANY_TIME, st.sampled_from(DrillEventKind), WORDS, WORDS), max_size=12
    ).map(tuple),
    clients=st.lists(
        st.builds(
            ClientSummary, WORDS, WORDS, st.booleans(), *(st.integers(0, 99),) * 4, ANY_TIME, ANY_TIME, GAPS
        ),
        max_size=12,
    ).map(tuple),
    recovery=st.none() | st.builds(RecoveryTime, *(MAYBE_TIME,) * 5),
    healings=st.lists(
        st.builds(Healing, WORDS, WORDS, MAYBE_TIME, MAYBE_TIME, WORDS), max_size=8
    ).map(tuple),
)  # fmt: skip


def read_drawing(record: DrillRecord) -> ElementTree.Element:
    """Return the drawing, parsed."""
    return ElementTree.fromstring(draw_timeline(record, "k").svg)


def list_words(record: DrillRecord) -> list[str]:
    """Return every text written in the drawing, with plain spaces."""
    return [
        (element.text or "").replace("\u00a0", " ") for element in read_drawing(record).iter(f"{SVG}text")
    ]


def list_corners(drawing: ElementTree.Element) -> list[tuple[float, float]]:
    """Return the outermost points of every shape and every text."""
    points = []
    for element in drawing.iter():
        a, tag = element.attrib, element.tag.removeprefix(SVG)
        if tag == "rect":
            x, y, width, height = (float(a[name]) for name in ("x", "y", "width", "height"))
            assert min(width, height) >= 0
            points += [(x, y), (x + width, y + height)]
        elif tag == "line":
            half = float(a["stroke-width"]) / 2
            points += [(float(a[f"x{n}"]), float(a[f"y{n}"]) + side) for n in "12" for side in (half, -half)]
        elif tag == "circle":
            x, y, radius = (float(a[name]) for name in ("cx", "cy", "r"))
            points += [(x - radius, y - radius), (x + radius, y + radius)]
        elif tag == "path":
            assert re.fullmatch(r"[MLZh0-9. -]+", a["d"])
            for x, y in re.findall(r"[ML]([-0-9.]+) ([-0-9.]+)", a["d"]):
                points.append((float(x), float(y)))
        elif tag == "text":
            size, x, y = (float(a[name]) for name in ("font-size", "x", "y"))
            width = measure(element.text or "", size)
            left = x - {"start": 0, "middle": width / 2, "end": width}[a["text-anchor"]]
            points += [(left, y - 0.8 * size), (left + width, y + 0.2 * size)]
    return points


def find_gap_widths(record: DrillRecord) -> list[float]:
    """Return how wide the holes of the first client are drawn."""
    ticks = [
        float(line.attrib["x1"])
        for line in read_drawing(record).iter(f"{SVG}line")
        if line.attrib["x1"] == line.attrib["x2"]
        and abs(float(line.attrib["y2"]) - float(line.attrib["y1"]) - 10) < 0.01
    ]
    return [end - begin for begin, end in zip(ticks[::2], ticks[1::2], strict=True)]


@settings(max_examples=60)
@given(RECORD)
def test_any_record_gives_a_well_formed_drawing_that_stays_in_its_frame(record: DrillRecord) -> None:
    record = make_printable(record)  # as the report does before it draws anything
    drawing = read_drawing(record)
    width, height = (float(part) for part in drawing.attrib["viewBox"].split()[2:])
    assert (drawing.attrib["width"], drawing.attrib["height"]) == (f"{width:.0f}", f"{height:.0f}")
    for x, y in list_corners(drawing):
        assert -0.1 <= x <= width + 0.1
        assert -0.1 <= y <= height + 0.1
    assert draw_timeline(record, "k") == draw_timeline(record, "k")


@given(st.lists(MAYBE_TIME, max_size=30), ANY_TIME, st.none() | st.tuples(ANY_TIME, ANY_TIME))
def test_time_never_goes_back_on_the_axis_and_every_tick_has_its_room(
    moments: list[float | None], duration: float, focus: tuple[float, float] | None
) -> None:
    axis = draw_axis(moments, duration, focus, 100.0, 600.0)
    places = [x for _, x in axis.knots]
    assert places == sorted(places)
    assert places[0] == 100
    assert places[-1] <= 600
    ticks = [axis.place(tick) for tick in list_ticks(axis, 30)]
    assert all(later - before >= 29.9 for before, later in itertools.pairwise(sorted(ticks)))
    assert all(axis.place(before) + 41.9 <= axis.place(later) for before, later in axis.breaks)


def test_a_short_interruption_in_a_long_drill_is_drawn_wide_and_the_cuts_say_how_long_they_are() -> None:
    assert find_gap_widths(record_switchover())[0] > 80
    words = list_words(record_switchover())
    assert {"Temps non dessiné", "25,62 s", "0,80 s"} <= set(words)
    long = replace(record_switchover(), duration_seconds=7200.0)
    assert find_gap_widths(long)[0] > 80


def test_a_wait_of_twenty_minutes_does_not_squash_the_rest_even_inside_the_interruption() -> None:
    moments = [10.0, 12.0, 1212.0, 1214.0, 1216.0]
    axis = draw_axis(moments, 1230.0, (9.9, 1216.0), 100.0, 600.0)
    assert axis.breaks == ((12.0, 1212.0),)
    assert axis.place(1214.0) - axis.place(1212.0) > 20


def test_an_interruption_that_is_seen_well_leaves_the_axis_whole() -> None:
    assert choose_breaks([0, 10, 45.2, 117, 200], (45.2, 117)) == frozenset()
    assert choose_breaks([0, 100, 200, 300], None) == frozenset()


def test_a_time_of_less_than_two_seconds_is_never_cut_and_a_second_at_least_stays_straight() -> None:
    assert choose_breaks([0, 1.9, 1.91, 1.92], (1.91, 1.92)) == frozenset()
    assert choose_breaks([0, 1.9, 3, 3.01], (3, 3.01)) == frozenset()
    assert choose_breaks([0, 2.9, 4, 4.01], (4, 4.01)) == frozenset({0})
    assert choose_breaks([0, 30, 30.01], (30, 30.01)) == frozenset()


def test_the_shortest_interruption_is_still_seen() -> None:
    client = record_cut().clients[1]
    short = replace(client, interruptions=(Interruption(20, 70, 250), Interruption(90, 90.001, 1)))
    record = replace(record_cut(), clients=(short,))
    assert min(find_gap_widths(record)) >= 2.9


def test_the_seconds_of_an_interruption_at_the_very_end_are_written_inside_the_frame() -> None:
    client = replace(record_loss().clients[0], interruptions=(Interruption(428.3, 428.5, 1),))
    drawing = read_drawing(replace(record_loss(), clients=(client,)))
    (words,) = [text for text in drawing.iter(f"{SVG}text") if text.text == "0,20\u00a0s"]
    assert float(words.attrib["x"]) + measure("0,20 s", 9) / 2 <= RIGHT


def test_a_client_that_had_no_answer_any_more_is_not_drawn_as_served_again() -> None:
    client = record_interrupted().clients[0]
    ended = replace(client, interruptions=(replace(client.interruptions[0], open_ended=False),))
    record = replace(record_interrupted(), duration_seconds=60.0)
    assert "≥ 25,10 s" in list_words(record)
    assert "de 11,90 sans réponse ensuite" in draw_timeline(record, "k").description
    thick = [
        [line for line in read_drawing(drawn).iter(f"{SVG}line") if line.attrib["stroke-width"] == "5"]
        for drawn in (record, replace(record, clients=(ended,)))
    ]
    assert [len(lines) for lines in thick] == [1, 2]


def test_the_rto_never_ends_with_an_interruption_that_has_no_end() -> None:
    record = replace(record_interrupted(), recovery=RecoveryTime(25.1, None, None, None, None))
    assert place_recovery(record)[0] is None


def test_each_client_and_each_site_has_its_lane_and_each_interruption_its_seconds() -> None:
    words = list_words(record_loss())
    for word in (
        "Écriture 1",
        "Lecture en base",
        "Client léger (HTTP)",
        "Site A",
        "Site P",
        "71,80 s",
        "0,60 s",
    ):
        assert word in words
    assert words.count("ACTIF") == 2
    assert words.count("PASSIF") == 1
    assert "rôle inconnu" in words


def test_the_parts_of_the_rto_are_placed_where_they_happened() -> None:
    whole, parts = place_recovery(record_loss())
    assert whole == pytest.approx((45.2, 117.0))
    placed = {part.letter: part.span for part in parts}
    assert placed["a"] == pytest.approx((45.3, 51.7))
    assert placed["b"] == pytest.approx((51.7, 113.5))
    assert placed["c"] == pytest.approx((113.5, 116.2))
    assert placed["d"] == pytest.approx((116.2, 117.0))
    words = list_words(record_loss())
    assert "RTO 71,80 s" in words
    assert "a détection 6,40 s · b opérateur 61,80 s · c bascule 2,70 s · d reconnexion 0,80 s" in words
    assert [word for word in words if word in ("a", "b", "c", "d")] == ["a", "b", "c", "d"]


def test_without_a_fault_the_time_of_the_operator_ends_where_the_tool_starts() -> None:
    _, parts = place_recovery(record_switchover())
    placed = {part.letter: part.span for part in parts}
    assert set(placed) == {"b", "c", "d"}
    assert placed["b"] == pytest.approx((31.08, 31.1))


def test_a_part_that_nothing_places_is_written_and_not_drawn() -> None:
    record = replace(record_cut(), recovery=RecoveryTime(None, None, 12.0, None, None))
    whole, parts = place_recovery(record)
    assert whole is None
    assert [(part.letter, part.span) for part in parts] == [("b", None)]
    assert "b opérateur 12,00 s" in list_words(record)


def test_moments_are_told_apart_by_shape_without_any_colour() -> None:
    kinds = [kind for kind in DrillEventKind if kind not in (DrillEventKind.ROLE, DrillEventKind.NOTE)]
    shapes = [draw_mark(kind, 10, 10) for kind in kinds] + [draw_mark(DrillEventKind.OPERATOR, 10, 10, False)]
    bare = [re.sub(r"#a3141e", "#1b2229", shape) for shape in shapes]
    assert len(set(bare)) == len(shapes)


def test_every_moment_of_the_drawing_has_its_number_alone_or_with_its_neighbours() -> None:
    words = list_words(record_loss())
    assert {"3", "4", "6", "7", "8", "9", "11", "12", "13"} <= set(words)
    burst = tuple(DrillEvent(50 + n / 100, DrillEventKind.TOOL, "outil", "étape") for n in range(9))
    assert "1–9" in list_words(DrillRecord("HD-021", record_loss().started_at, 100.0, burst))


def test_faults_at_the_same_time_are_not_drawn_over_each_other() -> None:
    axis = draw_axis([], 100.0, None, LEFT, RIGHT)
    rows = pack_faults([Healing("a", "", 10, 50), Healing("b", "", 20, 40), Healing("c", "", 60, 70)], axis)
    assert [len(row) for row in rows] == [2, 1]
    many = pack_faults([Healing(str(n), "", 10, 50) for n in range(9)], axis)
    assert len(many) == FAULT_ROWS
    assert sum(map(len, many)) == 9


def test_a_fault_that_nothing_healed_is_striped_to_the_end() -> None:
    axis = draw_axis([], 100.0, None, LEFT, RIGHT)
    assert pack_faults([Healing("a", "", 10, None)], axis) == [[(axis.place(10), RIGHT, False)]]
    healed = replace(record_interrupted(), healings=(Healing("HD-024.1", "", 12.0, 20.0),))
    stripes = [sum(1 for p in read_drawing(r).iter(f"{SVG}path") if "h" in p.attrib["d"])
               for r in (record_interrupted(), healed)]  # fmt: skip
    assert stripes == [1, 0]


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ("ACTIF", SiteRole.ACTIF),
        ("devient passif (mandat 3)", SiteRole.PASSIF),
        ("n'est plus ACTIF", None),
        ("de PASSIF à ACTIF", None),
        ("sans réponse", None),
        ("INACTIF", None),
    ],
)
def test_a_role_is_drawn_only_when_its_event_says_it_plainly(said: str, role: SiteRole | None) -> None:
    assert read_role(said) is role


def test_a_name_that_a_font_might_not_draw_is_replaced_by_a_number() -> None:
    assert name_lane("Écriture n° 1", "Client", 1) == "Écriture n° 1"
    assert name_lane("中 😀", "Client", 2) == "Client 2"
    assert name_lane("", "Client", 3) == "Client 3"


def test_long_names_that_begin_alike_are_still_told_apart() -> None:
    names = [name_lane(f"Station d'essai du frontal, {n}", "Client", n) for n in (1, 2, 10)]
    assert len(set(names)) == 3
    assert max(map(len, names)) <= 22
    assert names[2] == "10. Station d'essai..."


@pytest.mark.parametrize("name", RECORDS)
def test_the_drawing_is_told_in_words_too(name: str) -> None:
    record = RECORDS[name]
    chart = draw_timeline(record, "k")
    drawing = ElementTree.fromstring(chart.svg)
    assert drawing.attrib["aria-labelledby"] == "k-titre k-texte"
    assert drawing.findtext(f"{SVG}title") == chart.title
    assert drawing.findtext(f"{SVG}desc") == chart.description
    for client in record.clients:
        assert f"{client.title} : " in chart.description
    assert record.scenario_id in chart.title


def test_an_axis_that_is_one_moment_alone_is_no_error() -> None:
    assert draw_axis([], 0.0, None, 100.0, 600.0) == Axis(((0.0, 100.0),), ())
