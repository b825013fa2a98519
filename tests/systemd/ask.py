"""In a machine: one request to the server with the installation's secret, `ask.py METHOD PATH [BODY]`; its answer."""

from __future__ import annotations

import sys
from pathlib import Path

from nonreg.service.identity import open_api, split_auth
from nonreg.service.units import LOCAL_API

SECRET = Path("/etc/aquareel-nonreg/secret")


def ask(method: str, path: str, body: str = "") -> str:
    """The answer's text; the exit's message for one that is an error."""
    credentials = split_auth(SECRET.read_text(encoding="ascii").strip())
    with open_api(LOCAL_API) as api:
        if method == "GET":
            answer = api.get(path, credentials)
        else:
            answer = api.post(path, body.encode(), "application/json", credentials)
    if answer.status >= 300:
        sys.exit(f"{method} {path} : {answer.status} {answer.body}")
    return answer.body


if __name__ == "__main__":
    sys.stdout.write(ask(*sys.argv[1:]))
