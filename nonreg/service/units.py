"""The systemd units of a lasting installation, written for one machine; nothing is installed nor started."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from nonreg.errors import NonregError, UsageError
from nonreg.french import explain_os_error
from nonreg.prefect_home import PATIENT_CLIENTS
from nonreg.store import write_file

TEMPLATES = Path(__file__).parent / "systemd"
HARDENING = "hardening.conf"
OF_THE_SERVER = ("aquareel-prefect.service", "aquareel-prefect-identity.service")
LOCAL_API = "http://127.0.0.1:4200/api"
ENVIRONMENT = "installation.env"
HIDDEN = ("/home/", "/root/", "/run/user/")
SAFE_PATH = re.compile(
    r"/[A-Za-z0-9._/-]*[A-Za-z0-9._-]"
)  # nothing that systemd would split, expand or quote
SAFE_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._/-]*)?/api")


def render_units(project: str, api: str = "", installation: str = "") -> dict[str, str]:
    """Every file by its name; UsageError for a folder or an address that a unit cannot hold."""
    if not SAFE_PATH.fullmatch(project):
        raise UsageError(
            f"Le dossier du projet doit être un chemin absolu, sans espace ni caractère spécial : {project}"
        )
    if api and not SAFE_URL.fullmatch(api):
        raise UsageError(f"L'adresse d'une API est de la forme https://serveur/api : {api}")
    if installation and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", installation):
        raise UsageError(
            f"Un identifiant d'installation est fait de lettres, de chiffres et de tirets : {installation}"
        )
    hardening = read(HARDENING).rstrip()
    units = {
        path.name: read(path.name).replace("@HARDENING@", hardening).replace("@PROJECT@", project)
        for path in sorted(TEMPLATES.iterdir())
        if path.name != HARDENING and not (api and path.name in OF_THE_SERVER)
    }
    return units | {ENVIRONMENT: render_environment(project, api or LOCAL_API, installation)}


def render_environment(project: str, api: str, installation: str) -> str:
    """What all units share; no secret stands there."""
    values = {
        "PREFECT_API_URL": api,
        "NONREG_INSTALLATION": installation or secrets.token_hex(8),
        "NONREG_PLATFORMS": "/etc/aquareel-nonreg/plateformes",
        "AQUAREEL_NONREG_HOME": project,
        "PYTHONDONTWRITEBYTECODE": "1",
        **PATIENT_CLIENTS,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def read(name: str) -> str:
    """One template."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def write_units(output: Path, project: str, api: str, installation: str) -> list[Path]:
    """Write every file; the paths. UsageError for a project that hardened units do not see."""
    if project.startswith(HIDDEN):
        raise UsageError(
            f"Les unités ne voient ni /home ni /root (ProtectHome) : installez le projet ailleurs que {project}"
        )
    units = render_units(project, api, installation)
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            write_file(output / name, text)
    except OSError as error:
        raise NonregError(f"{output} : {explain_os_error(error)}.") from error
    return [output / name for name in units]
