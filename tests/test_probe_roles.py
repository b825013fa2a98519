"""Roles: two active sites are found whoever tells it, and a disagreement names its observer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nonreg.probes.roles import Sighting, compare_roles, find_active

EXPECTED = {"SITE-A": "ACTIF", "SITE-B": "PASSIF", "SITE-S": "SURVEILLANCE"}


def sight(site: str, roles: dict[str, str], own: str = "") -> Sighting:
    return Sighting(f"base de {site}", site, own or roles[site], roles, "")


def test_agreeing_sites_show_one_active_and_no_difference() -> None:
    sightings = [sight(site, EXPECTED) for site in EXPECTED]
    assert find_active(sightings) == ("SITE-A",)
    assert compare_roles(EXPECTED, sightings) == []


def test_two_sites_that_call_themselves_active_are_both_named() -> None:
    split = {**EXPECTED, "SITE-A": "PASSIF", "SITE-B": "ACTIF"}
    assert find_active([sight("SITE-A", EXPECTED), sight("SITE-B", split)]) == ("SITE-A", "SITE-B")


def test_nobody_active_is_empty() -> None:
    assert find_active([sight("SITE-B", EXPECTED)]) == ()


def test_a_site_that_sees_another_role_names_itself() -> None:
    wrong = {**EXPECTED, "SITE-S": "ACTIF"}
    assert compare_roles(EXPECTED, [sight("SITE-A", EXPECTED), sight("SITE-B", wrong)]) == [
        ("base de SITE-B", "SITE-S", "SURVEILLANCE", "ACTIF")
    ]


def test_unknown_and_absent_sites_are_differences() -> None:
    seen = {"SITE-A": "ACTIF", "SITE-B": "PASSIF", "SITE-X": "ACTIF"}
    assert compare_roles(EXPECTED, [sight("SITE-A", seen)]) == [
        ("base de SITE-A", "SITE-S", "SURVEILLANCE", "absent"),
        ("base de SITE-A", "SITE-X", "inconnu", "ACTIF"),
    ]


def test_a_node_that_contradicts_its_own_table_is_a_difference() -> None:
    assert compare_roles(EXPECTED, [sight("SITE-B", EXPECTED, own="ACTIF")]) == [
        ("base de SITE-B", "SITE-B", "PASSIF", "se dit ACTIF")
    ]


@given(
    st.dictionaries(st.sampled_from(sorted(EXPECTED)), st.sampled_from(["ACTIF", "PASSIF", "SURVEILLANCE"]))
)
def test_only_the_expected_view_has_no_difference(seen: dict[str, str]) -> None:
    sighting = Sighting("base de SITE-A", "SITE-A", seen.get("SITE-A", ""), seen, "")
    assert (compare_roles(EXPECTED, [sighting]) == []) == (seen == EXPECTED)
