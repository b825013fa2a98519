"""The station simulator's times: those that a station would write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nonreg.simulator import STEP, last_step


@given(st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2090-01-01")))
def test_the_last_step_is_a_five_minute_one_and_never_in_the_future(moment: datetime) -> None:
    step = last_step(moment.replace(tzinfo=UTC))
    assert step.tzinfo is None
    assert step.minute % 5 == step.second == step.microsecond == 0
    assert timedelta(0) <= moment - step < STEP
