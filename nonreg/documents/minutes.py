"""Delays of a relevé de décisions (A.9): sent within 5 working days, remarks within 5 more, integrated within 24 h.

Pure. Without remarks in time it is validated by default at the end of that day. « 24 h » is read by the clock, as its
clause does not say « ouvrées », and in working time, as another clause makes every delay, in both ways of « 48h
ouvrées » (nonreg.delays). Source: R68, R69, DOMAIN §0.3, §4.2, §4.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from nonreg.delays import add_working_dates, find_deadlines
from nonreg.errors import UsageError
from nonreg.model.documents import Happened, RecordDelays, RecordEvent, RemarkView
from nonreg.working_time import PARIS, WorkingTime

SEND_DAYS, REMARK_DAYS, INTEGRATION_HOURS = 5, 5, 24


def read_delays(
    held_on: date, events: Iterable[Happened], working: WorkingTime, at: datetime
) -> RecordDelays:
    """How the delays of a meeting's relevé stand at that moment."""
    happened = sorted((one for one in events if one.at <= at), key=lambda one: one.at)
    today = at.astimezone(PARIS).date()
    send_by = add_working_dates(held_on, SEND_DAYS, working)
    sent_at = next((one.at for one in happened if one.event is RecordEvent.SENT), None)
    sent_on = sent_at.astimezone(PARIS).date() if sent_at else today
    if sent_at is None:
        return RecordDelays(send_by, None, sent_on > send_by, None, (), False)
    remarks_by = add_working_dates(sent_on, REMARK_DAYS, working)
    integrated = [one.at for one in happened if one.event is RecordEvent.INTEGRATED]
    remarks = tuple(
        view_remark(one.at, remarks_by, integrated, working, at)
        for one in happened
        if one.event is RecordEvent.REMARKS
    )
    tacit = today > remarks_by and all(one.is_late for one in remarks)
    return RecordDelays(send_by, sent_at, sent_on > send_by, remarks_by, remarks, tacit)


def view_remark(
    received_at: datetime,
    remarks_by: date,
    integrated: Iterable[datetime],
    working: WorkingTime,
    at: datetime,
) -> RemarkView:
    """One set of remarks; the first integration after it is its own."""
    by_clock = (received_at.astimezone(UTC) + timedelta(hours=INTEGRATION_HOURS)).astimezone(PARIS)
    due = find_deadlines(received_at, INTEGRATION_HOURS, working)
    done_at = min((one for one in integrated if one >= received_at), default=None)
    until = done_at or at
    return RemarkView(
        received_at,
        received_at.astimezone(PARIS).date() > remarks_by,
        by_clock,
        due.by_days,
        due.by_hours,
        done_at,
        until > by_clock,
        until > due.by_days,
        until > due.by_hours,
    )


def require_possible(
    event: RecordEvent, at: datetime, held_on: date, before: Iterable[Happened], now: datetime
) -> None:
    """UsageError for an event that cannot be: in the future, before the meeting, sent twice, nothing to integrate."""
    happened = tuple(before)
    sent_at = next((one.at for one in happened if one.event is RecordEvent.SENT), None)
    if at > now:
        raise UsageError("Cet événement est daté du futur.")
    if at.astimezone(PARIS).date() < held_on:
        raise UsageError("Cet événement est daté d'avant la réunion.")
    if event is RecordEvent.SENT:
        if sent_at is not None:
            raise UsageError("L'envoi de ce relevé est déjà inscrit.")
        return
    if sent_at is None or at < sent_at:
        raise UsageError("Ce relevé n'était pas envoyé : inscrivez d'abord l'envoi.")
    if event is RecordEvent.INTEGRATED:
        waiting = [one for one in happened if one.event is RecordEvent.REMARKS and one.at <= at]
        last = max((one.at for one in happened if one.event is RecordEvent.INTEGRATED), default=None)
        if not any(last is None or one.at > last for one in waiting):
            raise UsageError("Aucune remarque n'attend d'être intégrée.")
