"""Platform files: what is right is read, what is wrong is named with its key and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import PLATFORMS_DIR, Secret, find_key_line, load_platform
from nonreg.errors import ConfigError, UsageError
from nonreg.model import Nature, SiteRole

SHIPPED = (PLATFORMS_DIR / "embarquee.toml").read_text(encoding="utf-8")


def load_text(folder: Path, text: str) -> object:
    file = folder / "essai.toml"
    file.write_text(text, encoding="utf-8")
    return load_platform(str(file))


def test_the_shipped_platform_is_a_test_platform_with_three_roles() -> None:
    platform = load_platform("embarquee")
    assert platform.nature is Nature.TEST
    assert [platform.site(role).role for role in SiteRole] == list(SiteRole)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("port = 2222", 'port = "x"', "clé « sites.0.host.port », ligne {line} : il faut un nombre entier"),
        ('nature = "TEST"', 'nature = "ESSAI"', "clé « nature », ligne {line} : valeur « ESSAI » refusée"),
        (
            'role = "PASSIF"',
            'role = "PASIF"',
            "clé « sites.1.role », ligne {line} : valeur « PASIF » refusée",
        ),
        (
            "page_seconds = 3.0",
            'page_seconds = "vite"',
            "clé « limits.page_seconds », ligne {line} : il faut un nombre",
        ),
        ("page_seconds = 3.0", "page_seconds = nan", "clé « limits.page_seconds », ligne {line} : un nombre"),
        (
            "page_seconds = 3.0",
            "page_seconds = -1.0",
            "clé « limits.page_seconds », ligne {line} : un nombre",
        ),
        ("page_seconds = 3.0", "page_seconds = 1e9", "ligne {line} : un nombre positif, au plus 36000000"),
        ("run_hours = 24.0", "run_hours = 1e12", "ligne {line} : un nombre positif, au plus 10000"),
        ("run_hours = 24.0", "run_hours = inf", "clé « limits.pre_intervention_run_hours », ligne {line}"),
        ("free_bytes = 268435456.0", "free_bytes = 1e300", "ligne {line} : un nombre positif, au plus 1"),
        ("timeout_seconds = 10.0", "timeout_seconds = 1e300", "clé « sites.0.host.timeout_seconds », ligne"),
        ("timeout_seconds = 10.0", "timeout_seconds = 0", "clé « sites.0.host.timeout_seconds », ligne"),
        ("query_timeout_seconds = 30.0", "query_timeout_seconds = nan", "query_timeout_seconds », ligne"),
        ("port = 5432", "port = 65536", "clé « sites.0.database.port », ligne {line} : un nombre positif"),
        ("8086]", "0]", "clé « sites.0.host.open_ports », ligne {line} : un nombre positif"),
        (
            "page_seconds = 3.0",
            f"page_seconds = {'9' * 400}",
            "limits.page_seconds », ligne {line} : il faut un nombre",
        ),
        ("port = 5432", f"port = {'9' * 5_000}", "TOML refusé (un nombre"),
        ('baseline = "embarquee"', 'baseline = ["a/b"]', "« baseline », ligne {line} : il faut un texte"),
        ("baseline =", "base_line =", "ligne {line} : clé inconnue"),
        ("opens = 09:00:00", "opens = 9", "openings », ligne {line} : les heures s'écrivent 09:00:00"),
        ("closes = 12:00:00", "closes = 08:00:00", "openings », ligne {line} : les plages"),
        ("closes = 12:00:00", 'closes = "midi"', "openings.0.closes », ligne {line} : il faut une heure"),
        (
            "closures = []",
            "closures = [{ day = 20270507, name = 'pont' }]",
            "ligne {line} : il faut une date",
        ),
        ("[limits]", "[limits", "TOML mal formé, ligne {line}"),
        ('ticket = "AQ-0"', 'ticket = "AQ-0', "TOML mal formé, ligne {line}"),
    ],
)
def test_a_wrong_line_is_named_with_its_key_and_number(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in SHIPPED
    text = SHIPPED.replace(old, new, 1)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if new in one)
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text)
    assert expected.format(line=line) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named_with_the_line_of_its_table(tmp_path: Path) -> None:
    text = SHIPPED.replace('name = "srv-b"\n', "", 1)
    with pytest.raises(
        ConfigError, match=r"clé « sites\.1\.host\.name », ligne \d+ : clé obligatoire absente"
    ):
        load_text(tmp_path, text)


def test_two_active_sites_in_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exactement un site ACTIF"):
        load_text(tmp_path, SHIPPED.replace('role = "PASSIF"', 'role = "ACTIF"', 1))


def test_a_site_with_a_role_that_needs_a_database_must_have_one(tmp_path: Path) -> None:
    start = SHIPPED.index("[sites.database]")
    stop = SHIPPED.index("[sites.host]")
    with pytest.raises(ConfigError, match=r"SITE-A \(ACTIF\) n'a pas de \[sites.database\]"):
        load_text(tmp_path, SHIPPED[:start] + SHIPPED[stop:])


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "essai.toml"
    file.write_bytes('title = "été"'.encode("latin-1"))
    with pytest.raises(ConfigError, match="pas en UTF-8"):
        load_platform(str(file))


def test_what_is_nested_too_deep_or_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trop de niveaux imbriqués"):
        load_text(tmp_path, "sites = " + "[" * 100_000)
    (tmp_path / "secrets.env").write_bytes(b"MOT=\xe9")
    platform = load_text(tmp_path, SHIPPED.replace('base_dir = ".sandbox"', f'base_dir = "{tmp_path}"'))
    with pytest.raises(ConfigError, match="pas en UTF-8"):
        platform.secret("AQ_ABSENT")  # type: ignore[attr-defined]


def test_the_greatest_limits_are_read(tmp_path: Path) -> None:
    text = SHIPPED.replace("run_hours = 24.0", "run_hours = 10000").replace(
        "free_bytes = 268435456.0", "free_bytes = 0"
    )
    limits = load_text(tmp_path, text).limits  # type: ignore[attr-defined]
    assert (limits["pre_intervention_run_hours"], limits["disk_free_bytes"]) == (10_000.0, 0.0)


def test_the_name_that_decisions_hold_is_read_in_one_form(tmp_path: Path) -> None:
    platform = load_text(tmp_path, SHIPPED.replace('name = "embarquee"', 'name = "embarque\u0301e"', 1))
    assert platform.name == "embarquée"  # type: ignore[attr-defined]


def test_an_unknown_platform_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"Plateforme inconnue : « nulle-part » \(connues : .*embarquee"):
        load_platform("nulle-part")


def test_an_absent_file_is_named() -> None:
    with pytest.raises(UsageError, match=r"introuvable : ailleurs/absente\.toml"):
        load_platform("ailleurs/absente.toml")


@given(st.text(alphabet="[]=\"'.#\n abé1", max_size=80))
def test_any_text_is_refused_in_one_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path_factory.getbasetemp(), text)
    assert len(str(caught.value).splitlines()) == 1


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3))
def test_find_key_line_never_points_outside_the_text(keys: list[str]) -> None:
    text = "a = 1\n[b]\nc = 2\n[[c]]\na = 3\n"
    line = find_key_line(text, keys)
    assert line is None or 1 <= line <= 5


def test_a_secret_comes_from_the_environment_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets.env").write_text("AQ_READER_PASSWORD=du-fichier\n", encoding="utf-8")
    platform = load_text(tmp_path, SHIPPED.replace('base_dir = ".sandbox"', f'base_dir = "{tmp_path}"'))
    assert platform.secret("AQ_READER_PASSWORD").reveal() == "du-fichier"  # type: ignore[attr-defined]
    monkeypatch.setenv("AQ_READER_PASSWORD", "de-l-environnement")
    assert platform.secret("AQ_READER_PASSWORD").reveal() == "de-l-environnement"  # type: ignore[attr-defined]


def test_an_absent_secret_is_named_by_its_variable(tmp_path: Path) -> None:
    platform = load_text(tmp_path, SHIPPED.replace('base_dir = ".sandbox"', f'base_dir = "{tmp_path}"'))
    with pytest.raises(ConfigError, match="AQ_READER_PASSWORD est absent"):
        platform.secret("AQ_READER_PASSWORD")  # type: ignore[attr-defined]


def test_a_secret_never_shows_in_its_repr() -> None:
    assert "motdepasse" not in repr(Secret("motdepasse"))
