"""Who blocks whom, asked of a real server."""

from __future__ import annotations

import threading

import psycopg

from nonreg.clients.sql import open_session
from nonreg.config import load_platform
from nonreg.model import SiteRole
from nonreg.probes.replication import read_fresh
from nonreg.probes.server_load import find_root_blockers, judge_size, parse_locks, parse_sizes
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from nonreg.waiting import wait_until


def test_a_request_that_waits_is_seen_with_the_one_that_blocks_it(sandbox: Layout) -> None:
    platform = load_platform(str(sandbox.platform_file))
    dsn = postgres.admin_dsn(sandbox, ACTIVE, DATABASE)
    with (
        open_session(platform, platform.site(SiteRole.ACTIF)) as session,
        psycopg.connect(dsn, application_name="bloqueur") as holder,
        psycopg.connect(dsn, application_name="bloqué") as waiter,
    ):
        assert parse_locks(read_fresh(session, "locks")) == ()
        holder.execute("SELECT pg_advisory_xact_lock(77)")
        thread = threading.Thread(target=waiter.execute, args=("SELECT pg_advisory_xact_lock(77)",))
        thread.start()
        try:
            (found,) = wait_until(lambda: parse_locks(read_fresh(session, "locks")), 10)
        finally:
            holder.rollback()
            thread.join(10)
        assert (found.session, found.blocking_session) == (waiter.info.backend_pid, holder.info.backend_pid)
        assert (found.database, found.blocking_program, found.blocking_transactions) == (
            DATABASE,
            "bloqueur",
            1,
        )
        assert 0 <= found.wait_seconds < 10
        assert find_root_blockers([found]) == (holder.info.backend_pid,)
        waiter.rollback()
        assert parse_locks(read_fresh(session, "locks")) == ()


def test_sizes_of_the_databases_are_read_by_the_readers_account(sandbox: Layout) -> None:
    platform = load_platform(str(sandbox.platform_file))
    with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
        found = {size.database: size for size in parse_sizes(session.query("database_sizes"))}
    own = found[DATABASE]
    assert own.data_bytes > 1_000_000
    assert own.log_bytes >= 16 * 1024 * 1024
    assert judge_size(own) == ""
