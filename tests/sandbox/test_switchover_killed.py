"""The switchover tool killed at each of its steps: never two active sites, nothing acknowledged lost, always healed."""

from __future__ import annotations

import uuid

import pytest

from nonreg.sandbox.layout import ACTIVE, PASSIVE, Layout
from nonreg.sandbox.switchover.nodes import other_site
from nonreg.waiting import wait_until
from tests.sandbox.bench import query
from tests.sandbox.switching import (
    expect_same_content,
    expect_sound,
    find_active,
    heal,
    start_tool,
    switch,
)

pytestmark = [pytest.mark.drills, pytest.mark.xdist_group("switchable")]  # one platform, and minutes

CAMPAIGN = str(uuid.uuid4())
BEAT = "SELECT nr.usp_battre(%s, %s)"
BEATS = "SELECT count(*) FROM nr.battement WHERE campaign_id = %s"
KILLED = -9
SWITCH_POINTS = range(1, 11)
# Every point, finished or undone by turns; where the data is on both sites and replication on none, or half, both.
SWITCH_KILLS = [(point, point % 2 == 0) for point in SWITCH_POINTS] + [(4, False), (6, False), (9, True)]
COPY_POINTS = (
    1,
    4,
    5,
    7,
)  # the roles declared on one site, the articles emptied, no slot yet, the copy going on


def beat(layout: Layout, site: str) -> int:
    """Write one acknowledged row; how many there are now."""
    (count,) = query(layout, site, BEATS, CAMPAIGN)[0]
    query(layout, site, BEAT, CAMPAIGN, count + 1, user="nr_writer")
    return int(count) + 1


def expect_healed(layout: Layout, active: str, written: int) -> None:
    """Sound, with every acknowledged row on both sites, and writing goes on."""
    expect_sound(layout, active)
    assert query(layout, active, BEATS, CAMPAIGN) == [(written,)]
    written = beat(layout, active)
    wait_until(
        lambda: query(layout, other_site(active), BEATS, CAMPAIGN) == [(written,)], 10, "battements reçus"
    )


@pytest.mark.parametrize(("point", "back"), SWITCH_KILLS)
def test_a_switchover_killed_at_any_step_can_be_finished_or_undone_without_losing_a_write(
    switchable: Layout, point: int, back: bool
) -> None:
    (source,) = find_active(switchable)
    target = other_site(source)
    written = beat(switchable, source)

    code, _, _ = start_tool(switchable, "--vers", target, die_at=point)

    assert code == KILLED
    assert len(find_active(switchable)) <= 1
    wanted = source if back else target
    heal(switchable, wanted)
    expect_healed(switchable, wanted, written)


def test_there_is_no_further_step_to_be_killed_at(switchable: Layout) -> None:
    (source,) = find_active(switchable)
    assert start_tool(switchable, "--vers", other_site(source), die_at=SWITCH_POINTS[-1] + 1)[0] == 0
    expect_same_content(switchable)


@pytest.mark.parametrize("point", COPY_POINTS)
def test_a_copy_killed_at_any_step_ends_the_same_when_it_is_run_again(switchable: Layout, point: int) -> None:
    heal(switchable, PASSIVE)
    written = beat(switchable, PASSIVE)

    code, output, _ = start_tool(switchable, "--reinitialiser", ACTIVE, die_at=point)

    assert code == KILLED
    assert find_active(switchable) == [PASSIVE]
    if "vidés" in output:  # half a copy is never made active, not even by force
        code, _, errors = switch(switchable, "--vers", ACTIVE, "--force")
        assert (code, errors) == (1, "Bascule refusée : SITE-A n'a qu'une copie incomplète des données.\n")
    assert switch(switchable, "--reinitialiser", ACTIVE)[0] == 0
    expect_healed(switchable, PASSIVE, written)
    expect_same_content(switchable)


def test_a_site_that_missed_something_does_not_take_the_role_when_nobody_has_it(switchable: Layout) -> None:
    heal(switchable, ACTIVE)
    assert start_tool(switchable, "--vers", PASSIVE, die_at=4)[0] == KILLED  # nothing streams any more
    # As if it had not been waited for.
    written = "INSERT INTO nr.battement VALUES (%s, 1000000, 'essai', now())"
    query(switchable, ACTIVE, written, CAMPAIGN, user="aquareel_admin")
    (count,) = query(switchable, ACTIVE, BEATS, CAMPAIGN)[0]

    code, _, errors = switch(switchable, "--vers", PASSIVE)
    assert (code, errors) == (
        1,
        "Bascule refusée : SITE-B n'a pas tout reçu de SITE-A (nr.battement) ; "
        "« bascule --vers SITE-A » reprend sans perte.\n",
    )
    assert find_active(switchable) == []
    assert switch(switchable, "--vers", ACTIVE)[0] == 0
    assert query(switchable, PASSIVE, BEATS, CAMPAIGN) == [(count,)]
    expect_sound(switchable, ACTIVE)
