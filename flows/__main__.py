"""One campaign in a process of its own: `python -m flows PARAMETERS`, a JSON object of the flow's parameters.

The command line starts it in a session of its own, so that Ctrl-C in the terminal reaches the command
first, and so that what Prefect prints goes to the run's log.
"""

from __future__ import annotations

import json
import sys

from flows.campaign import FamilyChoice, campaign


def main(text: str) -> None:
    """Run the flow; its state is not the verdict, which is read from the run's folder."""
    parameters = json.loads(text)
    parameters["families"] = [FamilyChoice(name) for name in parameters["families"]]
    campaign(**parameters, return_state=True)


if __name__ == "__main__":
    main(sys.argv[1])
