"""Writes a platform's baseline files for a person to review and commit; a campaign never calls it."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

from nonreg import baseline
from nonreg.clients.sql import open_session
from nonreg.clients.ssh import open_shell
from nonreg.config import Platform
from nonreg.errors import NotOnEngine
from nonreg.model import SiteRole
from nonreg.probes.agent_jobs import list_owners, parse_jobs
from nonreg.probes.configuration import read_configuration
from nonreg.probes.personal_rights import leave_out_people
from nonreg.probes.schema import SUBJECTS, read_modules, read_subject
from nonreg.store import write_file


def write_snapshot(platform: Platform, folder: Path) -> list[str]:
    """Photograph structure, modules and configuration of the active and passive sites; returns the file names."""
    folder.mkdir(parents=True, exist_ok=True)
    data: dict[str, object] = {}
    with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
        for subject in SUBJECTS:
            rows = read_subject(session, subject)
            if subject == "permissions":
                rows = leave_out_people(rows, platform)
            data[subject] = {"columns": rows.columns, "rows": rows.rows}
        data["modules"] = {
            module.name: {key: value for key, value in dataclasses.asdict(module).items() if key != "name"}
            for module in read_modules(session)
        }
        rules = session.query("house_rule_breaches")
        data["house_rules"] = {"columns": rules.columns, "rows": rules.rows}
    jobs = read_agent_jobs(platform)
    if jobs:
        data["agent_jobs"] = jobs
    configuration = {}
    for site in platform.sites:
        with open_shell(platform, site.host) as shell:
            configuration[site.host.name] = read_configuration(shell)
    data["configuration"] = configuration
    for name, value in data.items():
        write_file(folder / f"{name}.json", json.dumps(value, ensure_ascii=False, indent=1) + "\n")
    baseline.write_manifest(
        folder,
        platform=platform.name,
        application_version=platform.application_version,
        taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return sorted(path.name for path in folder.iterdir())


def read_agent_jobs(platform: Platform) -> dict[str, dict[str, str]]:
    """Jobs that run by themselves on each database site, by role, with their owners; empty where there is no Agent."""
    found = {}
    for site in platform.sites:
        if site.database is None:
            continue
        try:
            with open_session(platform, site) as session:
                found[site.role.value] = list_owners(parse_jobs(session.query("agent_jobs")))
        except NotOnEngine:
            return {}
    return found
