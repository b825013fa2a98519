"""Gestures of the switchover tool's tests: the command, roles, equal contents, healing as an operator would."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

from nonreg.sandbox.layout import ACTIVE, DATABASE_SITES, PASSIVE, Layout
from nonreg.sandbox.switchover.__main__ import main
from nonreg.sandbox.switchover.lock import hold_tool
from nonreg.sandbox.switchover.nodes import SwitchoverRefused, connect, other_site, read_node
from nonreg.sandbox.switchover.planned import switch_over
from nonreg.sandbox.switchover.progress import DIE_AT, Steps
from nonreg.sandbox.switchover.reinitialisation import reinitialise
from nonreg.waiting import wait_until
from tests.sandbox.bench import query

ROLES = "SELECT sit_code, sit_role FROM ref.site ORDER BY sit_code"
ARTICLES = "SELECT art_schema || '.' || art_table FROM ha.article ORDER BY 1"
CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t"
STREAMING = "SELECT count(*) FROM pg_stat_subscription WHERE relid IS NULL AND pid IS NOT NULL"
COPY_SECONDS = 60.0
A_ACTIVE = {ACTIVE: "ACTIF", PASSIVE: "PASSIF", "SITE-S": "SURVEILLANCE"}
B_ACTIVE = {ACTIVE: "PASSIF", PASSIVE: "ACTIF", "SITE-S": "SURVEILLANCE"}


def switch(layout: Layout, *words: str) -> tuple[int, str, str]:
    """Run the tool in this process: exit code, output, errors."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            code = main(["--dir", str(layout.root), *words])
        except SystemExit as end:
            code = int(str(end.code))
    return code, output.getvalue(), errors.getvalue()


def start_tool(layout: Layout, *words: str, die_at: int = 0) -> tuple[int, str, str]:
    """Run the tool as a command, in a process of its own; `die_at` is the stop point at which it is killed."""
    done = subprocess.run(
        [sys.executable, "-m", "nonreg.sandbox.switchover", "--dir", str(layout.root), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {DIE_AT: str(die_at)},
    )
    return done.returncode, done.stdout, done.stderr


def roles(layout: Layout, site: str = ACTIVE) -> dict[str, str]:
    """Roles that a site sees."""
    return dict(query(layout, site, ROLES))


def find_active(layout: Layout) -> list[str]:
    """Sites that say of themselves that they are active."""
    return [site for site in DATABASE_SITES if query(layout, site, "SELECT ha.usp_etat()") == [("ACTIF",)]]


def read_mandates(layout: Layout) -> list[int]:
    """The mandate that each database site knows."""
    return [query(layout, site, "SELECT ha.usp_mandat()")[0][0] for site in DATABASE_SITES]


def expect_same_content(layout: Layout) -> None:
    """Every article comes to hold the same rows on both sites; the services go on writing meanwhile."""
    different = [article for (article,) in query(layout, ACTIVE, ARTICLES)]

    def none_left() -> bool:
        for article in tuple(different):
            ours, theirs = (query(layout, site, CONTENT.format(article)) for site in DATABASE_SITES)
            if ours == theirs:
                different.remove(article)
        return not different

    wait_until(none_left, 10, "contenus égaux")


def attempt(layout: Layout, target: str) -> str:
    """Ask for a switchover without starting a process; the refusal, empty when it was done."""
    with hold_tool(layout) as mandates:
        try:
            switch_over(layout, mandates, target, Steps(str))
        except SwitchoverRefused as refusal:
            return str(refusal)
    return ""


def heal(layout: Layout, wanted: str) -> None:
    """Make a site active as an operator would: what the tool says in its refusal is done, then asked again."""
    refusal = attempt(layout, wanted)
    advice = re.search(r"« bascule --reinitialiser (SITE-[AB]) »", refusal)
    if advice is not None:
        with hold_tool(layout) as mandates:
            reinitialise(layout, mandates, advice[1], Steps(str), COPY_SECONDS)
        refusal = attempt(layout, wanted)
    assert refusal in ("", f"Bascule refusée : {wanted} est déjà actif."), refusal


def expect_sound(layout: Layout, active: str) -> None:
    """One active site, the same roles and mandate on both, replication one way, nothing left of another role."""
    passive = other_site(active)
    assert find_active(layout) == [active]
    assert roles(layout, active) == roles(layout, passive)
    assert len(set(read_mandates(layout))) == 1
    wait_until(lambda: query(layout, passive, STREAMING, user="aquareel_admin") == [(1,)], 10, "flux")
    with connect(layout, active) as ours, connect(layout, passive) as theirs:
        feeding, fed = read_node(ours, active).replication, read_node(theirs, passive).replication
    assert (feeding.publishes, feeding.subscription, fed.publishes, fed.slots) == (True, None, False, {})
    assert fed.subscription is not None
    assert fed.subscription.is_complete
    assert feeding.slots == {str(fed.subscription.slot): True}
