"""The alarm chain of a whole campaign, from the records of its drills."""

from __future__ import annotations

import fnmatch

from nonreg.clients.sql import Rows
from nonreg.drills.drill import FOLDER
from nonreg.errors import NonregError
from nonreg.fixtures import Campaign
from nonreg.model import DrillRecord
from nonreg.store import load_json
from nonreg.witness import NotApplicable, Witness

TECHNICAL = "*technique*"


def judge_chain(witness: Witness, campaign: Campaign) -> None:
    """Exactly the expected alarms of every drill, in time, to the right people.

    NotApplicable where nothing was broken, NonregError where a drill that broke something left no whole record.
    """
    broken = [one.scenario_id for one in campaign.plan.drills if one.faults]
    if not broken:
        raise NotApplicable("Aucune panne n'est prévue dans ce passage.")
    paths = {name: campaign.run_dir / FOLDER / f"{name}.json" for name in broken}
    records = [load_json(DrillRecord, path) for path in paths.values() if path.is_file()]
    unseen = [name for name, path in paths.items() if not path.is_file()]
    records = [one for one in records if one.healings]
    if not (records or unseen):
        raise NotApplicable("Aucune panne n'a été injectée dans ce passage.")
    request = "\n".join(f"{FOLDER}/{one.scenario_id}.json" for one in records)
    alarms = [(one.scenario_id, alarm) for one in records for alarm in one.alarms]
    if not (alarms or unseen):
        raise NotApplicable("Aucune panne de ce passage ne devait lever d'alarme, et aucune n'est venue.")
    columns = ("exercice", "alarme")
    missing = [
        (drill_id, alarm.label)
        for drill_id, alarm in alarms
        if alarm.expected and alarm.delay_seconds is None
    ]
    witness.expect_no_rows(
        Rows(columns, tuple(missing), request), "chaque alarme attendue est arrivée au puits"
    )
    delays = [alarm.delay_seconds for _, alarm in alarms if alarm.delay_seconds is not None]
    if delays:
        limit = campaign.limit("technical_alarm_seconds")
        witness.measure("plus long délai d'alarme du passage", round(max(delays), 3), "s", limit, request)
    extra = [(drill_id, alarm.label) for drill_id, alarm in alarms if not alarm.expected]
    witness.expect_no_rows(Rows(columns, tuple(extra), request), "aucune alarme de plus")
    unclosed = [
        (drill_id, alarm.label)
        for drill_id, alarm in alarms
        if alarm.openings and alarm.closed_seconds is None
    ]
    witness.expect_no_rows(Rows(columns, tuple(unclosed), request), "chaque alarme fermée au retour")
    wrong = [
        (drill_id, alarm.label)
        for drill_id, alarm in alarms
        if alarm.opened_seconds is not None and not fnmatch.fnmatchcase(alarm.recipient, TECHNICAL)
    ]
    witness.expect_no_rows(Rows(columns, tuple(wrong), request), "toutes à l'astreinte technique")
    again = [(drill_id, alarm.label) for drill_id, alarm in alarms if alarm.openings > 1]
    witness.expect_no_rows(Rows(columns, tuple(again), request), "chaque alarme ouverte une seule fois")
    unseen += [one.scenario_id for one in records if list_missing(campaign, one)]
    if unseen:
        raise NonregError(
            f"Alarmes non jugées : {', '.join(sorted(unseen))} n'a pas de relevé, ou pas de toutes ses pannes."
        )


def list_missing(campaign: Campaign, record: DrillRecord) -> list[str]:
    """Faults of a drill that was begun that it never injected."""
    injected = {one.fault_id for one in record.healings}
    planned = next(one for one in campaign.plan.drills if one.scenario_id == record.scenario_id)
    return [fault.id for fault in planned.faults if fault.id not in injected]
