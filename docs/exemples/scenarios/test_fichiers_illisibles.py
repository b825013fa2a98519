"""A drill of one's own: unreadable files are all refused, and the exchange goes on importing what is good."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from nonreg.clients.sftp import open_share
from nonreg.drills.drill import DrillRun
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect, SiteRole
from nonreg.probes.replication import read_fresh
from nonreg.recorder import scenario
from nonreg.scenarios.applicatif.steps import ENTRY, FILE_PREFIX, REFUSED, dropped_files
from nonreg.waiting import observe_until
from nonreg.witness import Witness

COUNT = 5
FILES = DrillFault("unreadable_files", SiteRole.ACTIF, (("count", str(COUNT)),), max_seconds=60.0)


@scenario(
    "HD-901",
    "Échange : des fichiers illisibles sont tous rejetés, le fichier sain qui suit est importé",
    Criticality.MAJEURE,
    Effect.DISRUPTIVE,
    timeout_seconds=120,
    drill=Drill(DrillStage.CHARGE, (FILES,)),
    queries=("buffer_origins",),
)
def test_unreadable_files(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    station, site = drill.create_station(), campaign.active_site
    at = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    good = f"date;code;valeur\n{at:%Y-%m-%d %H:%M:%S};{station.code}/H;612\n".encode()
    within = campaign.patience("exchange_seconds")
    drill.inject("unreadable_files")
    with campaign.shell(site) as shell, open_share(shell) as share, dropped_files(share):
        request = share.drop(ENTRY, f"{FILE_PREFIX}{campaign.id[:8]}_sain.csv", good)
        refused = observe_until(
            lambda: [name for name in share.list_files(REFUSED) if name.startswith("nr_illisible_")],
            lambda names: len(names) == COUNT,
            within,
        )
        witness.expect_equal(len(refused), COUNT, f"fichiers rejetés sur {site.code}")
        with campaign.session(site) as session:
            rows = observe_until(
                lambda: read_fresh(session, "buffer_origins", station=station.code),
                lambda got: bool(got.rows),
                within,
            )
        witness.expect_equal([row[2] for row in rows.rows], [Decimal(612)], request)
    drill.heal_all()
