"""A campaign that a deployment started tells of its bad verdict; one of a terminal has somebody who watches it.

Nothing here fails a campaign: what could not be told is in its log, and the watch (`python -m nonreg.alerts watch`)
tells it later from the run's folder.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from prefect import runtime

from nonreg.alerts.evidence import Trigger, read_trigger, save_trigger
from nonreg.alerts.facts import tell_verdict
from nonreg.alerts.outbox import Outbox
from nonreg.alerts.patrol import choose_channels, list_channels
from nonreg.alerts.settings import VARIABLE, AlertSettings, find_settings
from nonreg.errors import NonregError
from nonreg.french import describe_os_error
from nonreg.links import read_reports_url
from nonreg.model import CampaignReport


def note_trigger(run_dir: Path, platform: str) -> str:
    """Keep with the run which deployment started it; returns in French why that could not be, or nothing."""
    try:
        deployment, flow_run = runtime.deployment.name, runtime.flow_run.name
    except Exception as error:  # whatever the client raises when the server is away
        return f"Le déploiement de ce passage n'a pas pu être noté ({type(error).__name__})."
    if deployment:
        save_trigger(run_dir, Trigger(deployment, flow_run or "", platform, datetime.now(UTC)))
    return ""


def alert_verdict(run_dir: Path, report: CampaignReport) -> tuple[str, ...]:
    """Make and send the alert of a published campaign that did not pass; returns what to log, in French."""
    try:
        trigger, settings = read_trigger(run_dir), find_settings()
        if trigger is None:
            return ()
        if settings is None:
            return (
                f"Aucune alerte d'ici, {VARIABLE} n'est pas définie : la veille la fait, s'il y en a une.",
            )
        if trigger.deployment not in settings.verdicts:
            return ()
        return _tell(run_dir, report, trigger, settings)
    except NonregError as error:
        return (f"L'alerte n'a pas pu être faite : {error}",)
    except OSError as error:
        return (f"L'alerte n'a pas pu être faite : {describe_os_error(error)}.",)


def _tell(
    run_dir: Path, report: CampaignReport, trigger: Trigger, settings: AlertSettings
) -> tuple[str, ...]:
    fact = tell_verdict(report, trigger.flow_run, run_dir, trigger.deployment, read_reports_url(""))
    if fact is None:
        return ()
    outbox, channels, now = Outbox(settings.folder()), list_channels(settings), datetime.now(UTC)
    outbox.add(fact, choose_channels(fact, channels), now)
    return tuple(f"Alerte : {told}" for told in outbox.deliver(channels, now, fact.key))
