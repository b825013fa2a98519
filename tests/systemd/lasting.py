"""A lasting installation on a machine, step by step as docs/installation.md says it, with its own commands."""

from __future__ import annotations

import re
import secrets

from tests.prefect_server import ROOT
from tests.systemd.machine import PROJECT, PYTHON, Machine

UNITS_DIR = "/root/unites"
SETTINGS = "/etc/aquareel-nonreg"
SERVER, IDENTITY, WORKER, WATCH = (
    "aquareel-prefect.service",
    "aquareel-prefect-identity.service",
    "aquareel-nonreg-worker@1.service",
    "aquareel-nonreg-watch.service",
)
ALL = (SERVER, IDENTITY, WORKER, WATCH)
DEPLOY = "deploiements.service"
BENCH_DIR = "/srv/banc/plateforme"
PLATFORM = f"{BENCH_DIR}/platform.toml"
BENCH = f"""
[Service]
Type=oneshot
RemainAfterExit=yes
User=aquareel-nonreg
WorkingDirectory={PROJECT}
Environment=HOME=/srv/banc PYTHONDONTWRITEBYTECODE=1
ExecStart={PYTHON} -m nonreg.sandbox up --dir {BENCH_DIR} --network 127.79.1
ExecStop={PYTHON} -m nonreg.sandbox down --dir {BENCH_DIR}
"""


def read_documented(pattern: str) -> list[str]:
    """The words of a command of docs/installation.md, of which the pattern has one group."""
    text = (ROOT / "docs" / "installation.md").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.search(pattern, text)
    assert found, f"{pattern} : absent de docs/installation.md"
    return found[1].split()


def install(machine: Machine) -> None:
    """Steps 1 to 4: project, accounts, settings, units started; and an embedded platform of the workers' account."""
    machine.run(
        "env", f"--chdir={PROJECT}", PYTHON, *["-m", "nonreg.service", "units"], "--output", UNITS_DIR
    )
    machine.run("install", "-D", "-t", "/etc/sysusers.d", f"{UNITS_DIR}/aquareel-nonreg.sysusers.conf")
    machine.run("systemd-sysusers")
    machine.run("mkdir", "-p", f"{PROJECT}/runs")
    machine.run("chown", "-R", "aquareel-nonreg:", f"{PROJECT}/runs", f"{PROJECT}/nonreg/governance")
    machine.run("install", "-d", "-m", "711", SETTINGS)
    machine.run("install", "-m", "644", "-t", SETTINGS, f"{UNITS_DIR}/installation.env")
    machine.write(f"{SETTINGS}/secret", f"aquareel:{secrets.token_urlsafe(24)}\n", 0o600)
    shipped = (ROOT / "docs" / "exemples" / "alertes.toml").read_text(encoding="utf-8")
    alerts = re.sub("(?m)^runs_dir = .*", f'runs_dir = "{PROJECT}/runs"', shipped)
    machine.write(f"{SETTINGS}/alertes.toml", alerts, 0o644)
    named = [f"{name}=inconnu" for name in re.findall(r'^\w+_env = "(\w+)"', shipped, re.MULTILINE)]
    lines = [f"NONREG_ALERTS={SETTINGS}/alertes.toml", *named]
    machine.write(f"{SETTINGS}/alertes.env", "\n".join(lines) + "\n", 0o600)
    machine.run("sh", "-c", f"install -m 644 -t /etc/systemd/system {UNITS_DIR}/*.service")
    machine.write("/etc/systemd/system/banc.service", BENCH, 0o644)
    machine.run("systemctl", "daemon-reload")
    done = machine.attempt(*read_documented(r"`(systemctl enable --now [^`]*)`"))
    assert done.returncode == 0, done.stderr + machine.tell(*ALL)
    machine.run("install", "-d", "-o", "aquareel-nonreg", "-m", "700", "/srv/banc")
    machine.run("systemctl", "start", "banc.service")


def deploy(machine: Machine) -> None:
    """Step 5; nothing there can be waited for without D-Bus, so that a name stands in for `--pipe --wait`."""
    words = read_documented(r"\n +systemd-run --pipe --wait (.*)\n")
    named = ("--unit", DEPLOY, "-p", "Type=oneshot", "-p", "RemainAfterExit=yes")
    done = machine.attempt("systemd-run", *named, *words)
    assert done.returncode == 0, done.stderr + machine.tell(DEPLOY, SERVER, IDENTITY)
