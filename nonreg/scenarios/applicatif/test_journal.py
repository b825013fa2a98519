"""APP-023, APP-024: what the application wrote of itself, in its journal and in its logs."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from nonreg import baseline
from nonreg.clients.sql import Rows, Session
from nonreg.clients.ssh import Shell
from nonreg.errors import RequestFailed
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.logs import LogEntry, find_trouble, make_signature, parse_entries
from nonreg.recorder import scenario
from nonreg.waiting import observe_until
from nonreg.witness import Witness

LOOKED_BACK = timedelta(hours=24)
RUNNING_SECONDS = 5.0  # an import or a purge that has just begun may still end
LOGS = "logs"
MAX_LINES = 20_000


@scenario(
    "APP-023",
    "Journal : chaque séquence commencée est terminée, aucun événement sévère depuis le début",
    Criticality.MAJEURE,
    queries=("alarms_without_events", "journal_sequences", "open_sequences", "severe_events"),
)
def test_journal(witness: Witness, active: Session, campaign: Campaign) -> None:
    begun = campaign.plan.created_at.replace(tzinfo=None)
    since = begun - LOOKED_BACK
    sequences = active.query("journal_sequences", since=since)
    witness.expect(len(sequences.rows) > 0, sequences.request, "au moins une séquence depuis 24 h", 0)
    left = observe_until(
        lambda: active.query("open_sequences", since=since), lambda rows: not rows.rows, RUNNING_SECONDS
    )
    witness.expect_no_rows(left, "chaque séquence a son événement de fin")
    witness.expect_no_rows(
        active.query("alarms_without_events", since=since), "chaque alarme est journalisée"
    )
    witness.expect_no_rows(active.query("severe_events", since=begun), "aucun événement sévère")


@scenario(
    "APP-024", "Journaux des hôtes sans signature d'erreur nouvelle depuis le début", Criticality.MAJEURE
)
def test_logs(witness: Witness, campaign: Campaign) -> None:
    accepted = set(baseline.load_reference(campaign.platform.baseline, "log_signatures"))
    for site in campaign.platform.sites:
        with campaign.shell(site) as shell:
            listed = shell.run("list", path=LOGS)
            names = listed.require().split()
            absent = [name for name in site.host.services if f"{name}.log" not in names]
            witness.expect_equal(absent, [], f"{listed.request}\n-- services sans journal")
            found: Counter[tuple[str, str]] = Counter()
            for name in names:
                for entry in read_trouble(shell, f"{LOGS}/{name}", campaign.plan.created_at):
                    found[name, make_signature(entry)] += 1
        rows = tuple((name, words, n) for (name, words), n in sorted(found.items()) if words not in accepted)
        request = (
            f"ssh {site.host.name} tail {LOGS}/*.log, depuis {campaign.plan.created_at:%Y-%m-%dT%H:%M:%SZ}"
        )
        witness.expect_no_rows(
            Rows(("journal", "signature", "occurrences"), rows, request), "aucune signature nouvelle"
        )


def read_trouble(shell: Shell, path: str, since: datetime) -> tuple[LogEntry, ...]:
    """Warnings and errors of one log; RequestFailed when it is too long to be read back to that instant."""
    result = shell.run("tail", lines=MAX_LINES, path=path)
    text = result.require()
    entries = parse_entries(text)
    if text.count("\n") >= MAX_LINES and (not entries or entries[0].at > since):
        raise RequestFailed(f"{result.request} : le journal a plus de {MAX_LINES} lignes depuis le début.")
    return find_trouble(entries, since)
