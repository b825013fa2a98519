"""When a fault happened: told by the drill that injected it, or by its effects where a person did it."""

from __future__ import annotations

import pytest

from nonreg.drills.moments import Injected, choose_main, find_first_change, place_fault
from nonreg.drills.observed import Outage
from nonreg.drills.observers import RoleSeen
from nonreg.model.drill import Interruption

SETTING = Injected(1.0, 1.0, by_hand=False, breaks=False)
CUT = Injected(2.0, 2.0, by_hand=False, breaks=True)
BY_HAND = Injected(10.0, 40.0, by_hand=True, breaks=True)


def interrupted(at_seconds: float) -> Outage:
    return Outage("direct-1", Interruption(at_seconds, at_seconds + 5, 3), 0.02)


def test_a_drill_is_about_the_first_fault_that_breaks_something() -> None:
    assert choose_main([SETTING, CUT]) is CUT
    assert choose_main([SETTING]) is SETTING
    assert choose_main([]) is None


def test_an_injected_fault_happened_when_it_was_injected() -> None:
    assert place_fault(CUT, interrupted(1.9)) == 2.0
    assert place_fault(None, interrupted(1.9)) is None


@pytest.mark.parametrize(("since", "placed"), [(25.0, 25.0), (10.0, 10.0), (41.0, 40.0), (9.0, 40.0)])
def test_a_fault_made_by_a_person_happened_when_the_clients_were_interrupted_before_the_confirmation(
    since: float, placed: float
) -> None:
    assert place_fault(BY_HAND, interrupted(since)) == placed
    assert place_fault(BY_HAND, None) == 40.0


def test_a_tool_is_at_work_from_the_first_role_that_changes() -> None:
    seen = [
        RoleSeen(0.1, "SITE-A", "ACTIF", 1),
        RoleSeen(0.1, "SITE-B", "PASSIF", 1),
        RoleSeen(3.0, "SITE-B", "", 0),  # silent for a while
        RoleSeen(4.0, "SITE-B", "PASSIF", 1),
        RoleSeen(12.0, "SITE-A", "PASSIF", 2),
        RoleSeen(12.5, "SITE-B", "ACTIF", 2),
    ]
    assert find_first_change(seen, 2.0) == 12.0
    assert find_first_change(seen, 12.2) == 12.5
    assert find_first_change(seen, 13.0) is None
