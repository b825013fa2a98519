"""Reads on the platform, right after a failure, what a triage needs; the folder is described in `nonreg.captured`.

Reads only, never raises, ends at its deadline: whatever a host does not give in time is named as missing.
"""

from __future__ import annotations

import difflib
import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from nonreg import baseline
from nonreg.captured import (
    CLOCKS,
    CONFIGURATION,
    FOLDER,
    LOGS,
    MISSING,
    MODULES_DIFF,
    SIGNATURES,
    HostClock,
    LogLine,
    parse_log,
)
from nonreg.clients.sql import open_session
from nonreg.clients.ssh import COMMANDS, Shell, open_shell
from nonreg.config import Platform, Site
from nonreg.errors import NonregError, RequestFailed
from nonreg.masking import Mask, hide_places, list_secrets
from nonreg.model import CampaignPlan, CampaignRun, GuardStatus
from nonreg.probes.clock import SAMPLES, estimate_drift, parse_clock, take_sample
from nonreg.probes.configuration import read_configuration
from nonreg.probes.logs import TROUBLE
from nonreg.probes.schema import compare_modules, read_modules
from nonreg.store import write_file
from nonreg.wording import plural

DEADLINE_SECONDS = 20.0
READ_LINES = 20_000  # of the end of one log
KEPT_LINES, KEPT_BYTES = 5_000, 1_000_000  # of one log, the latest ones
KEPT_DIFF_LINES = 2_000
FILE_NAME = re.compile(r"[\w-][\w.-]*")


def match_command(words: tuple[str, ...]) -> str:
    """The pattern of one of our commands as a host logs it."""
    return re.sub(r"\\{\w+\\}", r"[^'\"]+", re.escape(" ".join(words)))


# What a host's SSH server says of our own questions; it tells nothing of the application.
OWN_COMMAND = re.compile(rf"['\"](?:{'|'.join(match_command(words) for words in COMMANDS.values())})['\"]")
FAILED_COMMAND = re.compile(r"\bcode [1-9]")
# Answers about the platform itself; without the first two it may not even be read (PRE-01, PRE-09).
IDENTITY_GUARDS = ("PRE-01", "PRE-09")
PLATFORM_GUARDS = ("PRE-02", "PRE-03", "PRE-04", "PRE-05", "PRE-06", "PRE-07", "PRE-08")


@dataclass(slots=True)
class SiteCapture:
    """What one site gave so far, masked: logs by `host/name`, diffs by module, drifted files, what is missing."""

    mask: Mask
    clock: HostClock | None = None
    logs: dict[str, str] = field(default_factory=dict)
    signatures: dict[str, list[str]] = field(default_factory=dict)
    diffs: dict[str, str] = field(default_factory=dict)
    configuration: list[tuple[str, str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def needs_capture(run: CampaignRun) -> bool:
    """True when something is not good, or a guard refused what the platform is, and it may be read."""
    guards = {guard.id: guard.status for guard in run.guards}
    if any(guards.get(one) is not GuardStatus.PASSED for one in IDENTITY_GUARDS):
        return False
    refused = any(guards[one].stops for one in PLATFORM_GUARDS if one in guards)
    return refused or any(not result.outcome.is_good for result in run.results)


def capture_trouble(
    platform: Platform, plan: CampaignPlan, run_dir: Path, deadline_seconds: float = DEADLINE_SECONDS
) -> None:
    """Fill `trouble/` of the run's folder; lines of logs from the plan's instant on, by each host's own clock."""
    with suppress(OSError):  # a full disk must not lose the run
        try:
            mask = Mask(list_secrets(platform))
            found, late = read_sites(platform, plan.created_at, mask, deadline_seconds)
            save_capture(run_dir / FOLDER, found, late)
        except Exception as error:  # a capture that breaks never breaks the run
            (run_dir / FOLDER).mkdir(parents=True, exist_ok=True)
            write_file(run_dir / FOLDER / MISSING, f"Relevé interrompu ({type(error).__name__}).\n")


def read_sites(
    platform: Platform, since: datetime, mask: Mask, deadline_seconds: float
) -> tuple[list[SiteCapture], list[str]]:
    """What each site gave before the deadline, all asked at the same time, and sentences for the late ones."""
    found = [SiteCapture(mask) for _ in platform.sites]
    # Daemons: a host that hangs must hold back neither the run nor the end of the process.
    threads = [
        threading.Thread(target=read_site, args=(platform, site, since, capture), daemon=True)
        for site, capture in zip(platform.sites, found, strict=True)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + deadline_seconds
    done, late = [], []
    for site, thread, capture in zip(platform.sites, threads, found, strict=True):
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            late.append(
                f"{site.host.name} : relevé non terminé en {f'{deadline_seconds:g}'.replace('.', ',')} s."
            )
        else:
            done.append(capture)
    return done, late


def read_site(platform: Platform, site: Site, since: datetime, capture: SiteCapture) -> None:
    """Logs and configuration over SSH, modules over the database; each part may fail alone."""
    parts: list[tuple[str, Callable[[], None]]] = [
        (site.host.name, lambda: read_host(platform, site, since, capture))
    ]
    if site.database is not None:
        parts.append((f"{site.code}, procédures", lambda: read_module_diffs(platform, site, capture)))
    for what, read in parts:
        try:
            read()
        except NonregError as error:
            capture.missing.append(f"{what} : {explain(error, platform, capture.mask)}")
        except Exception as error:  # whatever a host answers, the others are still read
            capture.missing.append(f"{what} : réponse imprévue ({type(error).__name__}).")


def explain(error: NonregError, platform: Platform, mask: Mask) -> str:
    """An error's sentence as it may be kept."""
    return mask.apply(hide_places(str(error), platform))


def read_host(platform: Platform, site: Site, since: datetime, capture: SiteCapture) -> None:
    """Every log of the host's `logs` folder, then what differs in its configuration."""
    accepted = set(load_reference(platform, "log_signatures"))
    with open_shell(platform, site.host) as shell:
        since += timedelta(seconds=read_clock(shell, site, capture))
        for name in shell.run("list", path=LOGS).require().split():
            if FILE_NAME.fullmatch(name) is None:
                capture.missing.append(f"{site.host.name} : journal au nom inattendu, non lu.")
                continue
            try:
                read_log(shell, site.host.name, name, since, accepted, capture)
            except NonregError as error:
                reason = explain(error, platform, capture.mask)
                capture.missing.append(f"{site.host.name}/{name} : {reason}")
        expected = load_reference(platform, "configuration").get(site.host.name, {})
        capture.configuration += compare_files(site.host.name, expected, read_configuration(shell))


def read_clock(shell: Shell, site: Site, capture: SiteCapture) -> float:
    """By how many seconds the host is ahead of us, kept with the capture; 0 when it does not say."""
    host = site.host.name
    try:
        samples = [take_sample(lambda: parse_clock(shell.run("clock").require())) for _ in range(SAMPLES)]
    except RequestFailed:
        capture.clock = HostClock(host, site.code)
        return 0.0
    ahead = estimate_drift(samples).drift
    capture.clock = HostClock(host, site.code, round(ahead, 3))
    return ahead


def read_log(
    shell: Shell, host: str, name: str, since: datetime, accepted: set[str], capture: SiteCapture
) -> None:
    """The latest lines of one log since that instant, within the limits, and its new error signatures."""
    text = shell.run("tail", lines=READ_LINES, path=f"{LOGS}/{name}").require()
    entries = parse_log(text)
    recent = [entry for entry in entries if entry.at >= since and not is_own_command(entry)]
    kept, left_out = keep_latest(recent)
    if left_out:
        said = plural(left_out, "ligne plus ancienne laissée", "lignes plus anciennes laissées")
        capture.missing.append(
            f"{host}/{name} : {said} de côté "
            f"(au plus {KEPT_LINES} lignes et {KEPT_BYTES} octets par journal)."
        )
    if text.count("\n") >= READ_LINES and entries and entries[0].at >= since:
        capture.missing.append(f"{host}/{name} : plus de {READ_LINES} lignes, le début n'a pas été lu.")
    capture.logs[f"{host}/{name}"] = "".join(f"{capture.mask.apply(line)}\n" for line in kept)
    fresh = [one for one in recent if one.level in TROUBLE and one.signature not in accepted]
    if fresh:
        # Of the masked lines: that is how they will be met again.
        masked = parse_log("\n".join(capture.mask.apply(one.lines[0]) for one in fresh))
        capture.signatures[f"{host}/{name}"] = sorted({one.signature for one in masked})


def is_own_command(entry: LogLine) -> bool:
    """True for a host's line about a command of this tool that went well."""
    if entry.level in TROUBLE or FAILED_COMMAND.search(entry.message):
        return False
    return OWN_COMMAND.search(entry.message) is not None


def keep_latest(entries: Iterable[LogLine]) -> tuple[list[str], int]:
    """The last lines within the limits, and how many were left out before them."""
    lines = [line for entry in entries for line in entry.lines]
    kept, size = 0, 0
    for line in reversed(lines[-KEPT_LINES:]):
        size += len(line.encode("utf-8", "replace")) + 1
        if size > KEPT_BYTES:
            break
        kept += 1
    return lines[len(lines) - kept :], len(lines) - kept


def read_module_diffs(platform: Platform, site: Site, capture: SiteCapture) -> None:
    """A unified diff of each module that is not the reference's."""
    expected = load_reference(platform, "modules")
    with open_session(platform, site) as session:
        found = read_modules(session)
    texts = {module.name: module.definition for module in found}
    for name, change, _, _ in compare_modules(found, expected):
        lines = difflib.unified_diff(
            expected.get(name, {}).get("definition", "").splitlines(),
            texts.get(name, "").splitlines(),
            f"référence {name}",
            f"{site.code} {name} ({change})",
            lineterm="",
        )
        capture.diffs[name] = "".join(f"{capture.mask.apply(line)}\n" for line in lines)


def compare_files(host: str, expected: dict[str, str], found: dict[str, str]) -> list[tuple[str, str, str]]:
    """Configuration files of a host that differ, as (host, file, change)."""
    changes = []
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            changes.append((host, name, "absent"))
        elif name not in expected:
            changes.append((host, name, "ajouté"))
        elif expected[name] != found[name]:
            changes.append((host, name, "modifié"))
    return changes


def load_reference(platform: Platform, subject: str) -> dict[str, dict[str, str]]:
    """One reference of the platform's baseline by name; empty when it has none."""
    try:
        found = baseline.load_reference(platform.baseline, subject)
    except NonregError:
        return {}
    return found if isinstance(found, dict) else {}


def save_capture(folder: Path, found: list[SiteCapture], late: list[str]) -> None:
    """Write the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for capture in found:
        for source, text in capture.logs.items():
            path = folder / LOGS / source
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, text)
    signatures = {source: one for capture in found for source, one in capture.signatures.items()}
    configuration = [row for capture in found for row in capture.configuration]
    clocks = {
        capture.clock.host: {"site": capture.clock.site, "ahead_seconds": capture.clock.ahead_seconds}
        for capture in found
        if capture.clock is not None
    }
    missing = [sentence for capture in found for sentence in capture.missing] + late
    write_file(folder / CLOCKS, json.dumps(clocks, ensure_ascii=False, indent=1) + "\n")
    write_file(folder / SIGNATURES, json.dumps(signatures, ensure_ascii=False, indent=1) + "\n")
    write_file(folder / CONFIGURATION, json.dumps(configuration, ensure_ascii=False, indent=1) + "\n")
    write_file(folder / MODULES_DIFF, join_diffs(found))
    write_file(folder / MISSING, "".join(f"{sentence}\n" for sentence in missing))


def join_diffs(found: list[SiteCapture]) -> str:
    """The diffs of all sites; one that two sites share is shown once, for the first of them."""
    shown: dict[tuple[str, str], str] = {}
    for capture in found:
        for name, diff in capture.diffs.items():
            body = "\n".join(diff.splitlines()[2:])  # without the line that names the site
            shown.setdefault((name, body), diff)
    lines = "".join(shown.values()).splitlines()
    if len(lines) > KEPT_DIFF_LINES:
        more = len(lines) - KEPT_DIFF_LINES
        lines = [*lines[:KEPT_DIFF_LINES], f"… {plural(more, 'ligne', 'lignes')} de plus"]
    return "".join(f"{line}\n" for line in lines)
