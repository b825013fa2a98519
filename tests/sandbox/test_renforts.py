"""Named accounts of the renforts: nothing is open before a grant, exactly what must be then, nothing after."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import psycopg
import pytest
import requests

from nonreg.clients.sql import open_session
from nonreg.clients.ssh import open_shell
from nonreg.config import Platform, load_platform
from nonreg.errors import AccessDenied
from nonreg.grants.effective import check_account
from nonreg.grants.manifest import Account, load_manifest
from nonreg.handover.checks.named_accounts import list_uses
from nonreg.model import SiteRole
from nonreg.sandbox import postgres
from nonreg.sandbox.__main__ import main
from nonreg.sandbox.accounts import WRITER_SUFFIX, name_accounts
from nonreg.sandbox.authorised import access_file, hash_password, is_password, read_authorised
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import ACTIVE, DATABASE, DATABASE_SITES, HOSTS, PASSIVE, Layout
from nonreg.sandbox.renforts import grant, list_renforts, platform_file, render_platform, revoke
from nonreg.sandbox.switchover.nodes import connect, wait_for_writers
from nonreg.waiting import DeadlinePassed, wait_until

pytestmark = pytest.mark.platform

ONE, OTHER = "renfort-technique-essai", "renfort-pilotage-essai"
OWN = name_accounts(ONE)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A running platform on which no access is open."""
    instance = start_instance(tmp_path_factory.mktemp("renforts") / "banc")
    yield instance.layout
    stop_instance(instance)


@pytest.fixture
def opened(bench: Layout) -> Iterator[Layout]:
    """The first renfort's access is open, whatever was open before."""
    grant(bench, ONE)
    yield bench
    for person in (ONE, OTHER):
        revoke(bench, person)


def load(layout: Layout, person: str = ONE) -> Platform:
    return load_platform(str(platform_file(layout, person)))


def try_ssh(platform: Platform) -> list[str]:
    """Hosts that take the key."""
    hosts = [site.host for site in platform.sites] + [platform.drills.hypervisor]
    taken = []
    for host in filter(None, hosts):
        try:
            with open_shell(platform, host):
                taken.append(host.name)
        except AccessDenied:
            continue
    return taken


def try_databases(platform: Platform) -> list[tuple[str, str]]:
    """Sites and accounts that open a session."""
    taken = []
    for site in platform.sites:
        for account in Account if site.database else ():
            try:
                with open_session(platform, site, account) as session:
                    session.query("site_role")
                    taken.append((site.code, account.value))
            except AccessDenied:
                continue
    return taken


@contextmanager
def sign_in(platform: Platform, site: str = ACTIVE) -> Iterator[requests.Session]:
    """The light client with the name and password of the platform file, whatever it answers."""
    web = next(one.web for one in platform.sites if one.code == site)
    form = {
        "identifiant": web.client_user,
        "mot_de_passe": platform.secret(web.client_password_env).reveal(),
    }
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{web.client}/connexion", data=form, timeout=30, allow_redirects=False)
        yield session


def read_page(platform: Platform, session: requests.Session, site: str = ACTIVE) -> int:
    web = next(one.web for one in platform.sites if one.code == site)
    return session.get(f"{web.client}/dernieres", timeout=30, allow_redirects=False).status_code


def test_nothing_is_open_at_the_start_and_each_renfort_has_files_of_his_own(bench: Layout) -> None:
    assert [person.id for person in list_renforts(bench)] == [ONE, OTHER]
    keys = set()
    for person in (ONE, OTHER):
        platform = load(bench, person)
        assert (try_ssh(platform), try_databases(platform)) == ([], [])
        own = platform_file(bench, person)
        for suffix in (".env", ".key"):
            assert stat.S_IMODE(own.with_suffix(suffix).stat().st_mode) == 0o600
        keys.add(own.with_suffix(".key").read_text(encoding="utf-8"))
    assert len(keys) == 2
    assert stat.S_IMODE(bench.renforts_dir.stat().st_mode) == 0o700


def test_his_file_is_that_of_the_same_platform_with_his_accounts_and_none_else(bench: Layout) -> None:
    platform = load(bench)
    assert platform.identity() == load_platform(str(bench.platform_file)).identity()
    assert {use.account for use in list_uses(platform)} == set(OWN.list_all())
    kept = platform_file(bench, ONE).with_suffix(".env").read_text(encoding="utf-8")
    shared = {name: value for name, value in bench.secrets().items() if value in kept}
    assert set(shared) == {"AQ_STATION_PASSWORD"}


def test_the_shipped_platform_file_has_nothing_that_would_stay_technical() -> None:
    from nonreg.config import PLATFORMS_DIR

    text = (PLATFORMS_DIR / "embarquee.toml").read_text(encoding="utf-8")
    rendered = tomllib.loads(render_platform(text, ONE))
    assert "nr_" not in json.dumps(rendered["sites"])
    assert '"nonreg"' not in json.dumps([rendered["sites"], rendered["drills"]])


def test_granted_he_enters_everywhere_with_exactly_the_rights_of_the_manifest(opened: Layout) -> None:
    platform, manifest = load(opened), load_manifest()
    assert try_ssh(platform) == ["srv-a", "srv-b", "srv-s", "srv-h"]
    assert len(try_databases(platform)) == 4
    for role in (SiteRole.ACTIF, SiteRole.PASSIF):
        for account in Account:
            judgement = check_account(platform, platform.site(role), account, manifest)
            assert (judgement.missing, judgement.beyond) == ((), ())
    for site in DATABASE_SITES:
        with sign_in(platform, site) as session:
            assert read_page(platform, session, site) == 200


def test_his_reader_writes_nothing_even_by_mistake(opened: Layout) -> None:
    with open_session(load(opened), load(opened).site(SiteRole.ACTIF), "reader") as session:
        shown = session.query("server_settings")
        assert shown.rows
    dsn = postgres.admin_dsn(opened, ACTIVE, DATABASE)
    with psycopg.connect(dsn) as admin:
        found = admin.execute(
            "SELECT rolconfig FROM pg_roles WHERE rolname = ANY(%s) ORDER BY rolname DESC",
            ([OWN.reader, "nr_reader"],),
        ).fetchall()
    assert found == [(["default_transaction_read_only=on"],)] * 2


def test_granted_twice_and_revoked_twice_change_nothing_and_say_so(bench: Layout) -> None:
    assert grant(bench, ONE).startswith(f"Accès ouverts à « {ONE} »")
    before = access_file(bench.root, ACTIVE).read_bytes()
    assert "étaient déjà ouverts" in grant(bench, ONE)
    assert len(before) == len(access_file(bench.root, ACTIVE).read_bytes())
    assert len(try_databases(load(bench))) == 4
    assert revoke(bench, ONE).startswith(f"Accès de « {ONE} » retirés")
    assert "n'avait aucun accès" in revoke(bench, ONE)


def test_revoked_he_enters_nowhere_and_his_neighbour_and_the_campaigns_go_on(opened: Layout) -> None:
    grant(opened, OTHER)
    revoke(opened, ONE)
    assert (try_ssh(load(opened)), try_databases(load(opened))) == ([], [])
    for file in (platform_file(opened, OTHER), opened.platform_file):
        platform = load_platform(str(file))
        assert (len(try_ssh(platform)), len(try_databases(platform))) == (4, 4)
    assert platform_file(opened, ONE).with_suffix(".key").is_file()


def test_what_he_had_open_is_cut_with_his_access(opened: Layout) -> None:
    platform = load(opened)
    database = platform.site(SiteRole.ACTIF).database
    assert database is not None
    connection = psycopg.connect(
        host=database.host,
        port=database.port,
        dbname=database.name,
        user=OWN.reader,
        password=platform.secret("AQ_READER_PASSWORD").reveal(),
    )
    with connection, sign_in(platform) as session:
        assert read_page(platform, session) == 200
        revoke(opened, ONE)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        assert read_page(platform, session) == 302


def test_his_key_opens_his_account_only(opened: Layout) -> None:
    platform = load(opened)
    host = platform.sites[0].host
    key = paramiko.Ed25519Key.from_private_key_file(str(platform.path(host.key_file)))
    for user in ("nonreg", name_accounts(OTHER).ssh, "", "../site-b"):
        client = paramiko.SSHClient()
        client.load_host_keys(str(platform.path(host.known_hosts_file)))
        with client, pytest.raises(paramiko.SSHException):
            client.connect(
                host.address, host.port, user, pkey=key, allow_agent=False, look_for_keys=False, timeout=30
            )


def test_a_right_that_was_added_by_hand_goes_with_the_next_grant(opened: Layout) -> None:
    with psycopg.connect(postgres.admin_dsn(opened, PASSIVE, DATABASE), autocommit=True) as admin:
        admin.execute(f"GRANT UPDATE ON ref.station TO {OWN.writer}".encode())
        admin.execute(f"GRANT aquareel_app TO {OWN.reader}".encode())
    platform, manifest = load(opened), load_manifest()
    site = platform.site(SiteRole.PASSIF)
    assert all(check_account(platform, site, one, manifest).beyond for one in Account)
    assert "étaient déjà ouverts" in grant(opened, ONE)
    assert not any(check_account(platform, site, one, manifest).beyond for one in Account)


def test_a_switchover_waits_for_a_renfort_who_writes(opened: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OWN.writer.endswith(WRITER_SUFFIX)
    monkeypatch.setattr("nonreg.sandbox.switchover.nodes.QUIET_SECONDS", 0.3)
    platform = load(opened)
    with open_session(platform, platform.site(SiteRole.ACTIF), "writer") as session:
        session.query("site_role")  # its transaction stays open
        with connect(opened, ACTIVE) as tool, pytest.raises(DeadlinePassed):
            wait_for_writers(tool)
    with connect(opened, ACTIVE) as tool:
        wait_for_writers(tool)


def test_nobody_but_a_renfort_gets_an_account(
    bench: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for person in ("titulaire-essai", "inconnu", "../x"):
        monkeypatch.setattr("sys.argv", ["sandbox", "grant", "--person", person, "--dir", str(bench.root)])
        assert main() == 3
        assert f"« {person} » n'est pas un renfort" in capsys.readouterr().err


def test_the_command_tells_in_one_sentence_and_needs_a_running_platform(
    bench: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("grant", "revoke"):
        monkeypatch.setattr("sys.argv", ["sandbox", command, "--person", ONE, "--dir", str(bench.root)])
        assert main() == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert line.endswith(".")
        monkeypatch.setattr("sys.argv", ["sandbox", command, "--person", ONE, "--dir", str(tmp_path)])
        assert main() == 3
        assert "Aucune plateforme en marche" in capsys.readouterr().err


def test_a_site_that_does_not_answer_is_named_and_the_other_is_done(
    opened: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nonreg.errors import NonregError
    from nonreg.sandbox.control import start_service, stop_service

    stop_service(opened, PASSIVE, "postgresql")
    try:
        with pytest.raises(NonregError, match=f"La base de {PASSIVE} ne l'a pas permis"):
            revoke(opened, ONE)
        assert (try_ssh(load(opened)), read_authorised(access_file(opened.root, PASSIVE)).client) == ([], {})
    finally:
        start_service(opened, PASSIVE, "postgresql")
    wait_until(lambda: [site for site, _ in try_databases(load(opened))] == [PASSIVE] * 2, 30)
    assert "retirés" in revoke(opened, ONE)


def test_a_password_is_kept_as_a_salted_hash_and_a_damaged_file_opens_nothing(
    opened: Layout, tmp_path: Path
) -> None:
    assert hash_password("secret") != hash_password("secret")
    assert is_password("secret", hash_password("secret"))
    assert not any(is_password(word, kept) for word, kept in (("autre", hash_password("secret")), ("", "")))
    text = access_file(opened.root, ACTIVE).read_text(encoding="utf-8")
    assert not any(
        value in text for value in load(opened).path("renforts").joinpath(f"{ONE}.env").read_text().split()
    )
    (tmp_path / "x.json").write_text("[", encoding="utf-8")
    assert read_authorised(tmp_path / "x.json").ssh == {}
    assert {stat.S_IMODE(access_file(opened.root, one).stat().st_mode) for one in HOSTS} == {0o600}
