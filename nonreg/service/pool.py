"""The work pool of an installation, through Prefect's HTTP API."""

from __future__ import annotations

import json
from typing import Any

from nonreg.clients.web import Answer
from nonreg.errors import RequestFailed
from nonreg.service.identity import CREATED, OK, Access, open_api, split_auth

POOL = "aquareel"
CONFLICT = 409
RECOVERY = "reprise"  # flow and deployment


def create_pool(access: Access) -> None:
    """The process pool, if it is not there yet; its first worker fills in how a run is started."""
    body = {"name": POOL, "type": "process", "description": "Campagnes AQUARÉEL"}
    answer = post(access, "/work_pools/", body)
    if answer.status not in (CREATED, CONFLICT):
        raise RequestFailed(
            f"Le groupe de travail « {POOL} » n'a pas pu être créé (code HTTP {answer.status})."
        )


def list_workers(access: Access) -> set[str]:
    """Names of the workers that the server takes for alive."""
    answer = post(access, f"/work_pools/{POOL}/workers/filter", {})
    if answer.status != OK:
        return set()
    return {worker["name"] for worker in json.loads(answer.body) if worker["status"] == "ONLINE"}


def ask_recovery(access: Access) -> None:
    """Have what dead campaigns left taken up now, unless the deployment that does it is not there yet."""
    with open_api(access.url) as session:
        found = session.get(f"/deployments/name/{RECOVERY}/{RECOVERY}", credentials=split_auth(access.auth))
    if found.status != OK:
        return
    answer = post(access, f"/deployments/{json.loads(found.body)['id']}/create_flow_run", {})
    if answer.status != CREATED:
        raise RequestFailed(f"La reprise n'a pas pu être demandée (code HTTP {answer.status}).")


def post(access: Access, path: str, body: dict[str, Any]) -> Answer:
    """One request with the secret."""
    with open_api(access.url) as session:
        return session.post(path, json.dumps(body).encode(), "application/json", split_auth(access.auth))
