"""Technical alarms: what is wrong in a picture of the sites, and one list that three modules share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonreg.sandbox.services.alarm_conditions import Verdict, judge
from nonreg.sandbox.services.mandates import ACTIVE, PASSIVE, UNKNOWN, WAITING, WITNESS, Claim
from nonreg.sandbox.services.modules import ModuleWatch
from nonreg.sandbox.services.picture import Heard, Picture, Report
from nonreg.sandbox.services.replication_watch import ReplicationWatch
from nonreg.sandbox.services.technical_alarms import (
    Alarm,
    Alarms,
    forget,
    list_calls,
    list_open,
    mark_journaled,
    mark_told,
    merge,
    read_alarms,
    update,
    write_alarms,
)

A, B, S = SITES = ("SITE-A", "SITE-B", "SITE-S")
ROLES = {A: ACTIVE, B: PASSIVE, S: WITNESS}
FRESH, LONG = 3.0, 60.0
BEGIN = datetime(2026, 11, 24, 10, tzinfo=UTC)
LINK = f"Liaison {A} – {B} coupée"


def report(site: str, hears: Mapping[str, float], **changed: object) -> Report:
    """What a site says when all is well, but for the changes."""
    plain: dict[str, object] = {
        "role": ROLES[site],
        "claim": Claim(1, A),
        "modules": {"frontal": True, "postgresql": True},
        "hears": hears,
    }
    return Report(**(plain | changed))  # type: ignore[arg-type]


def see(
    site: str,
    ages: Mapping[tuple[str, str], float],
    changed: Mapping[str, Mapping[str, object]] | None = None,
) -> Picture:
    """The picture of a site's module; `ages` are (observer, observed) → seconds, as every module has them."""
    changed = changed or {}
    hears = {
        one: {other: age for (who, other), age in ages.items() if who == one and age <= FRESH}
        for one in SITES
    }
    reports = {one: report(one, hears[one], **changed.get(one, {})) for one in SITES}
    heard = {
        other: Heard(age, reports[other], {third: reports[third] for third in reports[other].hears})
        for (who, other), age in ages.items()
        if who == site
    }
    return Picture(site, reports[site], heard, FRESH)


def ages(**changed: float) -> dict[tuple[str, str], float]:
    """Everybody hears everybody, but for the changes: `AB=9` is A's last hearing of B, in seconds."""
    pairs = {(one, other): 0.2 for one in SITES for other in SITES if one != other}
    letters = {site[-1]: site for site in SITES}
    return pairs | {(letters[name[0]], letters[name[1]]): age for name, age in changed.items()}


def find_wrong(picture: Picture, uptime_seconds: float = LONG, **interrupted: bool) -> set[str]:
    """Labels whose condition holds."""
    verdicts = judge(picture, SITES, uptime_seconds, interrupted)
    return {label for label, verdict in verdicts.items() if verdict.holds}


@pytest.mark.parametrize("site", SITES)
def test_at_rest_nothing_is_wrong_and_the_active_site_speaks(site: str) -> None:
    assert find_wrong(see(site, ages())) == set()
    assert see(site, ages()).find_speaker() == A


@pytest.mark.parametrize("uptime", [0.0, 9.0])
def test_a_module_that_has_just_started_finds_nobody_mute_and_no_link_cut(uptime: float) -> None:
    alone = Picture(A, report(A, {}), {}, FRESH)
    assert find_wrong(alone, uptime) == set()
    assert find_wrong(alone) == {f"Site {B} muet", f"Site {S} muet"}
    one_heard = Picture(A, report(A, {S: 0.1}), {S: Heard(0.1, report(S, {A: 0.1, B: 0.1}))}, FRESH)
    assert find_wrong(one_heard, uptime) == set()


def test_a_cut_link_is_told_by_the_active_site_alone_and_nobody_is_mute() -> None:
    cut = ages(AB=9, BA=9)
    for site in SITES:
        assert see(site, cut).find_speaker() == A
        assert find_wrong(see(site, cut)) == {LINK}
    assert judge(see(A, cut), SITES, LONG, {})[LINK].lasting_seconds > 0


def test_a_link_that_works_one_way_is_not_cut() -> None:
    assert find_wrong(see(A, ages(AB=9))) == set()


def test_a_site_that_dies_is_mute_once_nobody_hears_it_and_its_link_was_never_cut() -> None:
    stopped = {A: {"modules": {"frontal": False}}}
    assert find_wrong(see(B, ages(BA=3.1, SA=2.7))) == set()
    picture = see(B, ages(BA=9, SA=8.6), stopped)
    assert picture.find_speaker() == B
    assert find_wrong(picture) == {f"Site {A} muet"}
    told = judge(picture, SITES, LONG, {})
    assert not {LINK, f"Service frontal arrêté sur {A}"} & set(told), "what was open stays as it was"


def test_services_that_stopped_are_named_with_their_site_even_behind_a_cut_link() -> None:
    stopped = {B: {"modules": {"frontal": False, "postgresql": True}}}
    assert find_wrong(see(A, ages(), stopped)) == {f"Service frontal arrêté sur {B}"}
    assert find_wrong(see(A, ages(AB=9, BA=9), stopped)) == {f"Service frontal arrêté sur {B}", LINK}


def test_two_active_sites_are_told_but_not_one_that_waits() -> None:
    both = f"Deux sites actifs : {A}, {B}"
    assert find_wrong(see(A, ages(), {B: {"role": ACTIVE}})) == {both}
    assert find_wrong(see(B, ages(), {A: {"role": WAITING}, B: {"role": ACTIVE}})) == set()
    assert both not in judge(see(B, ages(), {A: {"role": UNKNOWN}}), SITES, LONG, {})


def test_who_speaks_is_the_first_that_is_alive_by_role_and_not_by_name() -> None:
    turned = {A: {"role": PASSIVE}, B: {"role": ACTIVE}}
    assert {see(site, ages(), turned).find_speaker() for site in SITES} == {B}
    lost = {A: {"role": UNKNOWN}}
    assert {see(site, ages(), lost).find_speaker() for site in SITES} == {B}


def test_replication_is_the_active_sites_business_and_interrupted_only_after_the_limit() -> None:
    assert find_wrong(see(A, ages()), **{B: True}) == {f"Réplication interrompue vers {B}"}
    assert find_wrong(see(B, ages()), **{A: True}) == set()
    now = 0.0
    watch = ReplicationWatch(lambda: now)
    for now, connected, expected in (
        (0, False, False),
        (4, False, False),
        (6, False, True),
        (7, True, False),
    ):
        watch.take({B: connected}, 5)
        assert watch.interrupted() == {B: expected}, now
    now = 20
    watch.take({B: False}, 5)
    assert watch.interrupted() == {B: False}


def test_a_restart_is_no_stop_and_what_never_ran_counts_once_the_site_has_started() -> None:
    now, running = 0.0, {"frontal": True, "echange": False}
    watch = ModuleWatch(running, running.__getitem__, lambda: now)
    watch.refresh()
    assert watch.settled() == {"frontal": True}
    running["frontal"], now = False, 1.0
    assert watch.look() == running
    assert watch.settled() == {"frontal": True}
    now = 1.2
    assert watch.settled() == {"frontal": False}
    now = 11.0
    assert watch.settled() == {"frontal": False, "echange": False}


times = st.integers(0, 5).map(lambda seconds: BEGIN + timedelta(seconds=seconds))
alarms = st.lists(
    st.builds(
        Alarm,
        st.sampled_from(["x", "y"]),
        times,
        st.none() | st.integers(6, 9).map(lambda seconds: BEGIN + timedelta(seconds=seconds)),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=4,
).map(lambda some: merge((), tuple(some)))


@given(alarms, alarms)
def test_a_merge_is_the_same_in_either_order_and_undoes_nothing(mine: Alarms, theirs: Alarms) -> None:
    both = merge(mine, theirs)
    assert both == merge(theirs, mine) == merge(both, mine) == merge(both, both)
    assert len({alarm.label for alarm in list_open(both)}) == len(list_open(both))
    known = {alarm.key: alarm for alarm in both}
    for alarm in (*mine, *theirs):
        kept = known.get(alarm.key)
        if kept is None:  # joined with an older one of the same label
            assert alarm.closed is None
        else:
            assert kept.told >= alarm.told
            assert alarm.closed is None or kept.closed is not None


@given(alarms)
def test_alarms_arrive_as_they_were_sent(some: Alarms) -> None:
    assert read_alarms(write_alarms(some)) == some


def test_an_alarm_is_forgotten_a_while_after_all_was_told_and_journaled() -> None:
    ended = Alarm("x", BEGIN, BEGIN + timedelta(seconds=5), told=2, journaled=2)
    later = BEGIN + timedelta(minutes=5)
    assert forget((ended,), later) == ()
    for kept in (
        Alarm("x", BEGIN),
        Alarm("x", BEGIN, ended.closed, 1, 2),
        Alarm("x", BEGIN, ended.closed, 2, 1),
    ):
        assert forget((kept,), later) == (kept,)
    assert forget((ended,), BEGIN + timedelta(seconds=9)) == (ended,)


TICK = timedelta(seconds=0.5)
QUIET_TICKS = 12
# At each tick: does the fault hold, which module is dead, does the sink answer.
histories = st.lists(st.tuples(st.booleans(), st.sampled_from([None, *SITES]), st.booleans()), max_size=40)


@settings(max_examples=60)
@given(histories)
def test_whoever_dies_each_alarm_is_told_once_with_its_end(
    history: list[tuple[bool, str | None, bool]],
) -> None:
    lists: dict[str, Alarms] = dict.fromkeys(SITES, ())
    elected, speaks_for = "", 0
    told: dict[str, str] = {}  # the sink: key → text
    for tick, (fault, dead, answers) in enumerate([*history, *[(False, None, True)] * QUIET_TICKS]):
        now = BEGIN + tick * TICK
        if dead is not None:
            lists[dead] = ()
        alive = [site for site in SITES if site != dead]
        everything: Alarms = ()
        for site in alive:
            everything = merge(everything, lists[site])
        lists |= dict.fromkeys(alive, everything)
        speaks_for = speaks_for + 1 if alive[0] == elected else 0
        elected = alive[0]
        if speaks_for < 2:
            continue
        mine = update(lists[elected], {"x": Verdict(fault)}, ["x"] if fault else [], now)
        for call in list_calls(mine, now) if answers else []:
            told.setdefault(call.key, call.text)
            mine = mark_told(call, mine)
        lists[elected] = mine
    assert [text.split()[0] for text in told.values()] == ["OUVERTURE", "FERMETURE"] * (len(told) // 2)
    assert list_open(lists[A]) == ()
    steady = max(
        (len(run) for run in "".join("x" if f and not d else " " for f, d, _ in history).split()), default=0
    )
    assert told or steady < 8, "a fault that lasts is told"
    done = lists[A]
    for alarm in done:
        done = mark_journaled(alarm, done)
    assert forget(done, BEGIN + timedelta(hours=1)) == ()
