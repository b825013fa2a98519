"""A comparison up to a bound, and of a replica that lags: what is not to be compared yet is no difference."""

from __future__ import annotations

from typing import Any

import pytest

from nonreg.comparison.run import Options
from nonreg.comparison.slices import Bound
from nonreg.comparison.wording import tell_comparison
from tests.comparison.looking import FILL, change, look, refuse
from tests.pair import Pair

BOUNDS = {
    "integer": ("900", ("900", "901")),
    "bigint": (900, ("900", "901")),
    "numeric(9,2)": ("1.50", ("1.5", "1.51")),
    "text": ("12", ("'12'", "'120'")),
    "date": ("2026-01-01", ("'2026-01-01'", "'2026-01-02'")),
    "timestamp": ("2026-01-01 00:00:00.5", ("'2026-01-01 00:00:00.5'", "'2026-01-01 00:00:00.500001'")),
    "timestamptz": ("2026-01-01 01:00+01", ("'2026-01-01 00:00Z'", "'2026-01-01 00:00:01Z'")),
}


@pytest.mark.parametrize(("type_name", "bound"), BOUNDS.items(), ids=BOUNDS)
def test_a_bound_is_a_value_of_its_column_whatever_it_comes_from(
    pair: Pair, type_name: str, bound: tuple[Any, tuple[str, str]]
) -> None:
    """Typed, kept in a file, or read from both sides: the last rows under it are compared, those above are not."""
    upto, (under, above) = bound
    for side in range(2):
        change(
            pair,
            "DROP TABLE IF EXISTS essai.valeur",
            f"CREATE TABLE essai.valeur (id integer PRIMARY KEY, v {type_name} NOT NULL)",
            f"INSERT INTO essai.valeur VALUES ({side}, {under})",
            *([f"INSERT INTO essai.valeur VALUES (2, {above})"] if side else []),
            side=side,
        )
    for value in (upto, None):
        found = look(pair, "essai.valeur", Options(bound=Bound("v", value)))
        assert [one.key for one in found.differences] == [(0,), (1,)]
        assert "v jusqu'à" in tell_comparison(found)


def test_a_bound_is_at_the_precision_of_the_comparison(pair: Pair) -> None:
    for side, type_name in enumerate(("timestamp(3)", "timestamp")):
        change(
            pair,
            "DROP TABLE IF EXISTS essai.valeur",
            f"CREATE TABLE essai.valeur (id integer PRIMARY KEY, v {type_name} NOT NULL)",
            "INSERT INTO essai.valeur VALUES (1, '2026-01-01 00:00:00.1234')",
            side=side,
        )
    found = look(pair, "essai.valeur", Options(bound=Bound("v")))
    assert (found.is_equal, found.left_rows) == (True, 1)


def test_a_bound_that_leaves_rows_out_for_good_is_none(measures: Pair) -> None:
    assert "peut être NULL" in refuse(measures, "essai.mesure", Options(bound=Bound("mes_valeur", 3)))
    measures.on_both(
        "DROP TABLE IF EXISTS essai.valeur",
        "CREATE TABLE essai.valeur (id integer PRIMARY KEY, v numeric NOT NULL)",
        "INSERT INTO essai.valeur VALUES (1, 'NaN')",
    )
    assert "NaN dans « v »" in refuse(measures, "essai.valeur", Options(bound=Bound("v")))


def test_lag_is_no_difference_once_the_replica_has_caught_up(measures: Pair) -> None:
    change(measures, "DELETE FROM essai.mesure WHERE cap_id = 7")
    caught_up = (
        "INSERT INTO essai.mesure SELECT * FROM ("
        + FILL.split("mesure ", 1)[1]
        + ") x(a, b, c, d) WHERE a = 7"
    )
    change(measures, "UPDATE essai.mesure SET mes_etat = 'FAUX' WHERE cap_id = 8 AND chr_id = 8")
    found = look(measures, settle=lambda: change(measures, caught_up))
    assert [one.key for one in found.differences] == [(8, 8)]


# What a second look must not take for lag.
STUCK = {
    "a missing row that is written again": "DELETE FROM essai.mesure WHERE cap_id = 8 AND chr_id = 8",
    "a row that stays as it was": "UPDATE essai.mesure SET mes_etat = 'FAUX' WHERE cap_id = 8 AND chr_id = 8",
    "a value that equals nothing": "UPDATE essai.mesure SET mes_valeur = 'NaN' WHERE cap_id = 8 AND chr_id = 8",
}


@pytest.mark.parametrize("wrong", STUCK.values(), ids=STUCK)
def test_a_row_of_which_one_side_has_not_moved_is_no_lag(measures: Pair, wrong: str) -> None:
    change(measures, wrong)
    written = "UPDATE essai.mesure SET mes_valeur = 1 + mes_valeur WHERE cap_id = 8 AND chr_id = 8"
    for settle in (lambda: None, lambda: change(measures, written, side=0)):
        assert [one.key for one in look(measures, settle=settle).differences] == [(8, 8)]


def test_a_row_that_both_sides_have_moved_on_is_lag(measures: Pair) -> None:
    move = "UPDATE essai.mesure SET mes_valeur = {} WHERE cap_id = 8 AND chr_id = 8"
    change(measures, move.format(501), side=0)

    def settle() -> None:
        change(measures, move.format(502), side=0)
        change(measures, move.format(501))

    assert look(measures, settle=settle).is_equal


@pytest.mark.parametrize("is_first", [True, False], ids=["the first", "the second"])
def test_a_look_that_did_not_name_all_takes_nothing_for_lag(measures: Pair, is_first: bool) -> None:
    """The row that differs for good is not among those that the fuller look names."""
    wrong = "UPDATE essai.mesure SET mes_valeur = -7 WHERE cap_id = 40 AND chr_id = 1000"
    lag = "UPDATE essai.mesure SET mes_etat = 'LAG' WHERE cap_id < 9"
    usual = "CASE WHEN mes_valeur IS NULL THEN 'MANQUANTE' ELSE 'OK' END"
    back = f"UPDATE essai.mesure SET mes_etat = {usual} WHERE cap_id < 9"
    change(measures, wrong, *([lag] if is_first else []))
    found = look(
        measures,
        options=Options(most=50),
        settle=lambda: change(measures, back if is_first else lag),
    )
    assert not found.is_equal
    if is_first:
        assert [one.key for one in found.differences] == [(40, 1000)]
