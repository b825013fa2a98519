"""One flow in a process of its own: `python -m flows FLOW PARAMETERS`, a JSON object of the flow's parameters.

The command line starts it in a session of its own, so that Ctrl-C in the terminal reaches the command
first, and so that what Prefect prints goes to the run's log.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def run_campaign(parameters: dict[str, Any]) -> None:
    """Run a campaign; its state is not the verdict, which is read from the run's folder."""
    from flows.campaign import FamilyChoice, campaign

    parameters["families"] = [FamilyChoice(name) for name in parameters["families"]]
    campaign(**parameters, return_state=True)


def run_runbook(parameters: dict[str, Any]) -> None:
    """Follow an execution of a runbook; where it stands is read from the ledger."""
    from flows.runbook import follow_runbook

    follow_runbook(**parameters, return_state=True)


FLOWS = {"campagne": run_campaign, "runbook": run_runbook}

if __name__ == "__main__":
    FLOWS[sys.argv[1]](json.loads(sys.argv[2]))
