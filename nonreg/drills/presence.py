"""What a database holds of a drill's writes, by the names that their clients gave them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nonreg.clients.sql import open_session
from nonreg.config import Platform, Site
from nonreg.drills.accounting import Write
from nonreg.drills.numbering import PlacedStation, identify_beat


def count_present(
    platform: Platform, site: Site, campaign_id: str, stations: Sequence[PlacedStation]
) -> dict[Write, int]:
    """How often one site's database holds each beat and measure; PlatformError when it cannot be read.

    Read it on the active site, once its clients have stopped. A measure with a wrong value or time has a name that
    nobody sent.
    """
    by_code = {station.code: station for station in stations}
    present: Counter[Write] = Counter()
    with open_session(platform, site) as session:
        for sequence, _ in session.query("drill_beats", campaign_id=campaign_id).rows:
            write = identify_beat(int(sequence))
            if write is not None:
                present[write] += 1
        if stations:
            for code, at, value, copies, _ in session.query("drill_frames", stations=",".join(by_code)).rows:
                present[by_code[code.strip()].identify(at, value)] += int(copies)
    return dict(present)
