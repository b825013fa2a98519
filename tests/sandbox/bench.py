"""Shared gestures of the sandbox's tests: SQL as an account, SSH sessions, HTTP without proxies, frames."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import psycopg
import requests

from nonreg.sandbox.layout import ACTIVE, DATABASE, PORTS, WITNESS, Layout

TIMEOUT = 10.0
STATION = "V714401001"
ACCOUNTS = {
    "aquareel_admin": "AQ_ADMIN_PASSWORD",
    "aquareel_app": "AQ_APP_PASSWORD",
    "nr_reader": "AQ_READER_PASSWORD",
    "nr_writer": "AQ_WRITER_PASSWORD",
}


def query(
    layout: Layout, site: str, statement: str, *parameters: Any, user: str = "nr_reader"
) -> list[tuple[Any, ...]]:
    """Rows of one statement on a site."""
    with psycopg.connect(
        host=layout.address(site),
        port=PORTS["postgresql"],
        dbname=DATABASE,
        user=user,
        password=layout.secrets()[ACCOUNTS[user]],
        connect_timeout=5,
        autocommit=True,
    ) as connection:
        cursor = connection.execute(statement, parameters)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def url(layout: Layout, site: str, service: str, path: str) -> str:
    """Address of a page of a service."""
    return f"http://{layout.address(site)}:{PORTS[service]}{path}"


def web_session() -> requests.Session:
    """A session that ignores the environment's proxies."""
    session = requests.Session()
    session.trust_env = False
    return session


def frame(station: str, *measures: tuple[str, str, str | None]) -> bytes:
    """An XML-LNS frame of (quantity, time, value)."""
    lines = "".join(
        f'<mesure grandeur="{q}" horodatage="{t}"' + ("" if v is None else f' valeur="{v}"') + "/>"
        for q, t, v in measures
    )
    return f'<lns version="1.0"><station code="{station}">{lines}</station></lns>'.encode()


def push(
    layout: Layout, body: bytes, user: str = STATION, site: str = ACTIVE, **options: Any
) -> requests.Response:
    """Push a frame to a frontal, as a station."""
    password = options.pop("password", None) or layout.secrets()["AQ_STATION_PASSWORD"]
    headers = {"Content-Type": "application/xml", **options.pop("headers", {})}
    return web_session().post(
        url(layout, site, "frontal", "/lns"), body, auth=(user, password), headers=headers, timeout=TIMEOUT
    )


def read_state(layout: Layout, site: str) -> dict[str, Any]:
    """What a site's supervision says."""
    state: dict[str, Any] = (
        web_session().get(url(layout, site, "supervision", "/etat"), timeout=TIMEOUT).json()
    )
    return state


def read_calls(layout: Layout, text: str) -> list[dict[str, Any]]:
    """Calls in the alarm sink that contain a text."""
    address = url(layout, WITNESS, "puits", "/appels")
    calls: list[dict[str, Any]] = (
        web_session().get(address, params={"texte": text}, timeout=TIMEOUT).json()["appels"]
    )
    return calls


@contextmanager
def open_ssh(
    layout: Layout, site: str = ACTIVE, user: str = "nonreg", key_file: Path | None = None
) -> Iterator[paramiko.SSHClient]:
    """An SSH session that accepts the recorded host key only."""
    with paramiko.SSHClient() as client:
        client.load_host_keys(str(layout.root / "known_hosts"))
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(
            layout.address(site),
            PORTS["ssh"],
            user,
            key_filename=str(key_file or layout.root / "id_ed25519"),
            allow_agent=False,
            look_for_keys=False,
            timeout=TIMEOUT,
            banner_timeout=TIMEOUT,
            auth_timeout=TIMEOUT,
        )
        yield client


def run_ssh(client: paramiko.SSHClient, command: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command."""
    _, out, err = client.exec_command(command, timeout=TIMEOUT * 3)
    output, errors = out.read().decode(), err.read().decode()
    return out.channel.recv_exit_status(), output, errors


@dataclass(frozen=True, slots=True)
class OwnStation:
    """A station of the test's own; `campaign` is the id that removes it."""

    campaign: str
    code: str
    h_sensor: int


@contextmanager
def own_station(layout: Layout, site: str = ACTIVE, local_time: bool = False) -> Iterator[OwnStation]:
    """A station with its three sensors, removed afterwards."""
    campaign = str(uuid.uuid4())
    zone = "Europe/Paris" if local_time else "UTC"
    create = "SELECT sta_code, cap_h FROM nr.usp_creer_station(%s, p_heure_locale => %s, p_fuseau => %s)"
    ((code, sensor),) = query(layout, site, create, campaign, local_time, zone, user="nr_writer")
    try:
        yield OwnStation(campaign, code, sensor)
    finally:
        query(layout, site, "SELECT * FROM nr.usp_nettoyer(%s)", campaign, user="nr_writer")


def count_buffered(layout: Layout, station: str, site: str = ACTIVE) -> int:
    """Measures of a station that reached the buffer."""
    count = "SELECT count(*) FROM tampon.mesure JOIN ref.capteur USING (cap_id) WHERE sta_code = %s"
    return int(query(layout, site, count, station)[0][0])
