"""The table `[tracker]` of a platform file: what is refused, in one sentence that names the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonreg.config import PLATFORMS_DIR, load_platform
from nonreg.errors import ConfigError
from nonreg.tracker.protocol import holds_mark, mark_text
from nonreg.tracker.settings import TrackerKind
from tests.governed import without_tracker

REDMINE = {
    "kind": '"redmine"',
    "url": '"https://suivi.exemple.fr"',
    "project": '"aquareel"',
    "key_env": '"NONREG_TRACKER_KEY"',
}


def write_platform(tmp_path: Path, table: dict[str, str]) -> Path:
    lines = [f"{key} = {value}" for key, value in table.items()]
    file = tmp_path / "site.toml"
    own = without_tracker((PLATFORMS_DIR / "embarquee.toml").read_text(encoding="utf-8"))
    file.write_text(own + "\n[tracker]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_a_tracker_of_a_platform_file_is_read(tmp_path: Path) -> None:
    settings = load_platform(str(write_platform(tmp_path, REDMINE))).tracker
    assert settings is not None
    assert (settings.kind, settings.project, settings.prefix) == (TrackerKind.REDMINE, "aquareel", "AQ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": '"ftp://suivi"'}, "tracker.url"),
        ({"url": '"https://moi:mdp@suivi.exemple.fr"'}, "tracker.url"),
        ({"key_env": '""'}, "un suivi redmine a besoin de « key_env »"),
        ({"kind": '"jira"'}, "tracker.kind"),
        ({"kind": '"dossier"'}, "un suivi local a besoin de « folder »"),
        ({"prefix": '"aq 1"'}, "tracker.prefix"),
        ({"timeout_seconds": "-1"}, "tracker.timeout_seconds"),
        ({"timeout_seconds": "nan"}, "tracker.timeout_seconds"),
        ({"max_attachment_bytes": "0"}, "tracker.max_attachment_bytes"),
        ({"key": '"secret en clair"'}, "tracker.key"),
    ],
)
def test_a_wrong_table_is_refused_by_its_key(tmp_path: Path, change: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_platform(str(write_platform(tmp_path, REDMINE | change)))


def test_a_written_key_is_found_again_and_no_longer_one_is() -> None:
    text = mark_text("Campagne OK", "0123456789abcdef")
    assert holds_mark(text, "0123456789abcdef")
    assert not holds_mark(text, "0123456789abcde")
    with pytest.raises(ValueError, match="not a key"):
        mark_text("Campagne OK", "a b")
