"""Steps that several APPLICATIF scenarios take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from nonreg.bench import Bench, TestStation
from nonreg.clients.sftp import FileShare
from nonreg.clients.sql import Rows, Session
from nonreg.clients.web import Answer, WebSession
from nonreg.config import Secret
from nonreg.fixtures import Campaign
from nonreg.probes import client_page
from nonreg.probes.frames import FrameReply, parse_reply
from nonreg.waiting import observe_until
from nonreg.witness import NotRestored, Witness

ENTRY, DONE, REFUSED, ORDERS, OUTBOX = (
    f"echange/{name}" for name in ("entree", "traites", "rejets", "ordres", "sortie")
)
FILE_PREFIX = "nr_"  # of every file that a campaign drops; campaigns exclude one another


def sign_in(web: WebSession, campaign: Campaign, password: Secret) -> Answer:
    """The answer to the login form."""
    return client_page.sign_in(web, campaign.active_site.web.client_user or "", password)


def expect_accepted(witness: Witness, answer: Answer, inserted: int, duplicates: int = 0) -> None:
    """The frontal took the frame and counted it so."""
    wanted = FrameReply(True, inserted, duplicates)
    found = (answer.status, parse_reply(answer.body))
    expected = f"200, {inserted} insérées, {duplicates} doublons"
    witness.expect(found == (200, wanted), answer.request, expected, f"{answer.status}, {answer.body}")


def wait_refined(active: Session, campaign: Campaign, *stations: TestStation) -> Rows:
    """Number of values of these stations that the refinement service left behind at its deadline."""
    codes = ",".join(station.code for station in stations)
    return observe_until(
        lambda: active.query("buffer_pending", stations=codes),
        lambda rows: rows.scalar() == 0,
        campaign.patience("ingestion_seconds"),
    )


def refine(bench: Bench) -> None:
    """Run the refinement procedure now, instead of waiting for its service."""
    bench.refine(datetime.now(UTC))
    bench.session.commit()


@contextmanager
def dropped_files(share: FileShare) -> Iterator[None]:
    """Files named `nr_…` live in the exchange folders inside the block only; AssertionError if one resists."""
    folders = (ENTRY, DONE, REFUSED, ORDERS)
    try:
        yield
    finally:
        for folder in folders:
            for name in share.list_files(folder):
                if name.lstrip(".").startswith(FILE_PREFIX):
                    share.remove(f"{folder}/{name}")
        left = [f"{folder}/{name}" for folder in folders for name in share.list_files(folder)]
        left = [path for path in left if path.rpartition("/")[2].lstrip(".").startswith(FILE_PREFIX)]
        if left:
            raise NotRestored("Fichiers d'essai restants : " + ", ".join(left))
