"""Ids of proposals: stable, unique, from their own range."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nonreg.discovery.numbering import FIRST, LAST, allot, describe_range, name_id
from nonreg.recorder import ID_PATTERN

KEYS = st.lists(st.text(min_size=1, max_size=8), max_size=40, unique=True)
RANGE = [name_id(number) for number in range(FIRST, LAST + 1)]


@given(KEYS, st.data())
def test_every_key_gets_one_id_of_the_range_that_nobody_has(keys: list[str], data: st.DataObject) -> None:
    taken = frozenset(data.draw(st.lists(st.sampled_from(RANGE), max_size=60)))
    found = allot(keys, {}, taken)
    assert set(found.ids) == set(keys)
    assert found.without == ()
    assert len(set(found.ids.values())) == len(keys)
    assert not set(found.ids.values()) & taken
    assert set(found.ids.values()) <= set(RANGE)


@given(KEYS, st.randoms())
def test_the_order_in_which_the_catalog_answers_does_not_count(keys: list[str], random: object) -> None:
    shuffled = list(keys)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert allot(shuffled, {}, ()) == allot(keys, {}, ())


@given(KEYS, KEYS)
def test_what_was_known_keeps_its_id_when_the_catalog_changes(before: list[str], after: list[str]) -> None:
    first = allot(before, {}, ())
    second = allot(after, first.ids, ())
    assert all(second.ids[key] == first.ids[key] for key in set(before) & set(after))
    new = {second.ids[key] for key in set(after) - set(before)}
    assert not new & set(first.ids.values())


def test_an_exhausted_range_is_told_and_nothing_is_given_twice() -> None:
    keys = [f"{number:04d}" for number in range(len(RANGE) + 3)]
    found = allot(keys, {}, ())
    assert sorted(found.ids.values()) == RANGE
    assert found.without == ("0700", "0701", "0702")


def test_two_hundred_procedures_a_hundred_views_and_eleven_schemas_fit_more_than_once() -> None:
    assert len(RANGE) > 2 * (200 + 100 + 2 * 11)


def test_ids_are_ids_of_scenarios() -> None:
    assert all(ID_PATTERN.fullmatch(one) for one in RANGE)
    assert describe_range() == "BASE-300 à BASE-999"
