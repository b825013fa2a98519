"""Settings of a service: one JSON file in the site's folder, without any secret in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Settings:
    """One service's settings; relative paths of the file start at the site's folder."""

    site: str
    service: str
    address: str
    site_dir: Path
    databases: tuple[tuple[str, str, int], ...]  # (site, address, port), in order of preference
    options: dict[str, Any]

    @property
    def log_file(self) -> Path:
        """Where the service logs."""
        return self.site_dir / "logs" / f"{self.service}.log"

    @property
    def port(self) -> int:
        """TCP port of the service; KeyError for one that does not listen."""
        return int(self.options["port"])

    @property
    def version(self) -> str:
        """Installed version of the service."""
        return (self.site_dir / "version" / f"{self.service}.txt").read_text(encoding="utf-8").strip()

    def path(self, option: str) -> Path:
        """A path of the options."""
        return (self.site_dir / str(self.options[option])).resolve()

    def secret(self, name: str) -> str:
        """A secret of the instance; KeyError names one that is absent."""
        lines = self.path("secrets").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)[name]


def load_settings(path: Path) -> Settings:
    """Read a settings file; ValueError or KeyError when it is not one."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    site_dir = path.resolve().parent.parent
    databases = tuple((str(d["site"]), str(d["adresse"]), int(d["port"])) for d in data.pop("bases", []))
    return Settings(
        site=data.pop("site"),
        service=data.pop("service"),
        address=data.pop("adresse"),
        site_dir=site_dir,
        databases=databases,
        options=data,
    )
