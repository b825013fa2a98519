"""French words, dates and numbers of the reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nonreg.model import Gap, Outcome, ScenarioResult
from reports import text
from reports.source import render_json
from tests.report_samples import green_report


@pytest.mark.parametrize(
    ("utc", "said"),
    [
        (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), "29/03/2026 à 01:59:59 (Paris,\u00a0UTC+1)"),
        (datetime(2026, 3, 29, 1, 0, 0, tzinfo=UTC), "29/03/2026 à 03:00:00 (Paris,\u00a0UTC+2)"),
        (datetime(2026, 10, 25, 0, 30, 0, tzinfo=UTC), "25/10/2026 à 02:30:00 (Paris,\u00a0UTC+2)"),
        (datetime(2026, 10, 25, 1, 30, 0, tzinfo=UTC), "25/10/2026 à 02:30:00 (Paris,\u00a0UTC+1)"),
        (datetime(2026, 12, 31, 23, 30, 0, tzinfo=UTC), "01/01/2027 à 00:30:00 (Paris,\u00a0UTC+1)"),
    ],
)
def test_moments_are_of_paris_and_tell_apart_the_hour_lived_twice(utc: datetime, said: str) -> None:
    assert text.format_moment(utc) == said


def test_a_moment_without_zone_is_refused_rather_than_guessed() -> None:
    with pytest.raises(ValueError, match="aware"):
        text.format_moment(datetime(2026, 3, 29, 1, 0))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "00:00:00"), (59.6, "00:01:00"), (3661, "01:01:01"), (48 * 3600, "48:00:00")],
)
def test_durations_count_hours_beyond_a_day(seconds: float, said: str) -> None:
    assert text.format_duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.374, "0,37\u00a0s"), (59.99, "59,99\u00a0s"), (59.996, "00:01:00"), (60, "00:01:00")],
)
def test_short_times_keep_decimals_and_long_ones_do_not(seconds: float, said: str) -> None:
    assert text.format_elapsed(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (1234567, "1\u202f234\u202f567"),
        (-2.5, "−2,5"),
        (1234.5, "1\u202f234,5"),
        (0.0124, "0,0124"),
        (0.00001, "1e−05"),
        (float("inf"), "infini"),
        (float("nan"), "n.d."),
    ],
)
def test_numbers_are_french_and_an_unknown_one_is_not_zero(value: float, said: str) -> None:
    assert text.format_number(value) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.412345, "s", "0,412\u00a0s"),
        (0.0123456, "s", "0,0123\u00a0s"),
        (0.0004567, "ms", "0,000457\u00a0ms"),
        (1.2345, "s", "1,234\u00a0s"),
        (0.123456, "rapport", "0,123456\u00a0rapport"),
        (float("nan"), "s", "n.d.\u00a0s"),
        (0.5, "", "0,5"),
    ],
)
def test_a_time_under_a_second_has_three_digits_that_count(value: float, unit: str, said: str) -> None:
    assert text.format_quantity(value, unit) == said


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Le passage a été interrompu.", "le passage a été interrompu"),
        ("À la demande…", "à la demande…"),
        ("PRE-01, refusée.", "PRE-01, refusée"),
        ("SQL Server ne répond pas", "SQL Server ne répond pas"),
        ("L'hôte est éteint.", "l'hôte est éteint"),
        ("", ""),
    ],
)
def test_a_sentence_said_inside_another_loses_its_stop_and_its_capital(sentence: str, said: str) -> None:
    assert text.go_on(sentence) == said


@pytest.mark.parametrize(("count", "said"), [(0, "0 écart"), (1, "1 écart"), (2, "2 écarts")])
def test_zero_and_one_are_singular_in_french(count: int, said: str) -> None:
    assert text.plural(count, "écart", "écarts") == said


def test_what_cannot_be_printed_is_shown_by_its_number_and_the_rest_kept() -> None:
    assert text.show_unprintable("a\x00b\ud800c\u202ed\té\r\nf") == "a[U+0000]b[U+D800]c[U+202E]d\té\nf"


def test_texts_are_made_printable_at_any_depth_without_touching_the_vocabulary() -> None:
    gap = Gap("q\x07", "", "", ("a\x1b",), (("v\x00",),), 1)
    result = text.make_printable(ScenarioResult("X\x00", Outcome.KO, gaps=(gap,)))
    assert result.scenario_id == "X[U+0000]"
    assert result.outcome is Outcome.KO
    assert result.gaps[0].columns == ("a[U+001B]",)
    assert result.gaps[0].rows == (("v[U+0000]",),)


def test_a_shortened_text_says_how_much_is_left_out_and_where() -> None:
    assert text.shorten("x" * 12, 10, "voir § 9") == "xxxxxxxxxx… [2 caractères de plus, voir § 9]"
    assert text.shorten("x" * 10, 10) == "x" * 10


@pytest.mark.parametrize(
    "words", ["\x00", "\x1f", "\x7f", "\u202e", "\ud800", "\r\n", "\b", "C:\\a\rb", "\U000e0041"]
)
def test_a_report_with_something_to_be_shown_otherwise_is_never_taken_for_printable(words: str) -> None:
    report = green_report()
    result = replace(report.run.results[0], message=f"é{words}")
    report = replace(report, run=replace(report.run, results=(result,)))
    assert not text.is_printable(render_json(report))


def test_ordinary_texts_are_printable_as_they_are_backslashes_included() -> None:
    report = green_report()
    result = replace(report.run.results[0], message='C:\\rapports\\u1234\n\t"é" ✓ \\')
    report = replace(report, run=replace(report.run, results=(result,)))
    assert text.is_printable(render_json(report))
    assert text.make_printable(report) == report
