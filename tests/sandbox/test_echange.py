"""The exchange service: files in, exports out, nothing twice and nothing half."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from nonreg.sandbox.layout import ACTIVE, PASSIVE, Layout
from nonreg.waiting import wait_until
from tests.sandbox.bench import count_buffered, own_station, query

WITHIN = 10.0


def exchange_dir(layout: Layout, site: str = ACTIVE) -> Path:
    """The exchange folder of a site."""
    return layout.site_dir(site) / "echange"


def drop(layout: Layout, name: str, text: str, verdict: str) -> Path:
    """Drop a file and wait until the service moved it to `traites` or `rejets`."""
    home = exchange_dir(layout)
    before = set((home / verdict).iterdir())
    (home / "entree" / f".{name}").write_text(text, encoding="utf-8")
    (home / "entree" / f".{name}").rename(home / "entree" / name)
    return wait_until(lambda: next(iter(set((home / verdict).iterdir()) - before), None), WITHIN, verdict)


def test_a_csv_file_is_imported_once_and_journaled_with_its_end(sandbox: Layout) -> None:
    with own_station(sandbox) as station:
        text = (
            "date;code;valeur\n"
            f"2026-11-20 06:00:00;{station.code}/H;512.0\n2026-11-20 06:05:00;{station.code}/H;\n"
        )
        name = f"{station.code}.csv"
        drop(sandbox, name, text, "traites")
        rows = "SELECT tmp_valeur, tmp_source FROM tampon.mesure WHERE cap_id = %s ORDER BY tmp_horodatage"
        assert query(sandbox, ACTIVE, rows, station.h_sensor) == [(512, "FICHIER"), (None, "FICHIER")]
        ends = (
            "SELECT count(*) FROM evt.evenement d"
            " JOIN evt.evenement f ON f.evt_origine_id = d.evt_id AND f.evt_fin WHERE d.evt_message = %s"
        )
        assert query(sandbox, ACTIVE, ends, f"import {name} commencé") == [(1,)]

        drop(sandbox, name, text, "rejets")
        assert count_buffered(sandbox, station.code) == 2


BAD_LINES = {
    "deux-champs": "2026-11-20 06:05:00;{code}/H",
    "date-iso": "2026-11-20T06:05:00;{code}/H;1",
    "date-francaise": "20/11/2026 06:05;{code}/H;1",
    "sans-grandeur": "2026-11-20 06:05:00;{code};1",
    "grandeur-inconnue": "2026-11-20 06:05:00;{code}/Z;1",
    "station-inconnue": "2026-11-20 06:05:00;Z999999999/H;1",
    "virgule": "2026-11-20 06:05:00;{code}/H;1,5",
    "nan": "2026-11-20 06:05:00;{code}/H;NaN",
    "trop-grand": "2026-11-20 06:05:00;{code}/H;1234567890",
}


def test_a_file_with_one_bad_line_is_refused_whole_and_journaled(sandbox: Layout) -> None:
    home = exchange_dir(sandbox)
    with own_station(sandbox) as station:
        names = {f"{name}-{station.code}.csv": line for name, line in BAD_LINES.items()}
        for name, line in names.items():
            good = f"2026-11-20 06:00:00;{station.code}/H;512.0\n"
            (home / "entree" / name).write_text(good + line.format(code=station.code), encoding="utf-8")
        wait_until(lambda: all((home / "rejets" / name).exists() for name in names), WITHIN, "rejets")
        assert count_buffered(sandbox, station.code) == 0
        events = "SELECT split_part(evt_message, ' ', 2) FROM evt.evenement WHERE evt_message LIKE %s"
        refused = query(sandbox, ACTIVE, events, f"fichier %-{station.code}.csv rejeté%")
        assert {name for (name,) in refused} == set(names)


@pytest.mark.parametrize(("task", "suffix"), [("anduze_csv", "csv"), ("anduze_sandre", "xml")])
def test_an_order_writes_an_export_whose_values_are_those_of_the_database(
    sandbox: Layout, task: str, suffix: str
) -> None:
    home = exchange_dir(sandbox)
    before = set((home / "sortie").glob(f"*.{suffix}"))
    (home / "ordres" / f"{task}.ordre").touch()
    path = wait_until(
        lambda: next(iter(set((home / "sortie").glob(f"*.{suffix}")) - before), None), WITHIN, "export"
    )
    assert re.fullmatch(rf"\d{{14}}_{task}_\d{{3}}\.{suffix}", path.name)
    stored = query(
        sandbox,
        ACTIVE,
        "SELECT horodatage_utc, valeur FROM prod.tvf_serie('V714401001', 'H',"
        " to_timestamp(%s, 'YYYYMMDDHH24MISS')::timestamp - interval '24 hours',"
        " to_timestamp(%s, 'YYYYMMDDHH24MISS')::timestamp)",
        *[path.name[:14]] * 2,
    )
    if suffix == "csv":
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        assert header == "date;code;valeur"
        expected = [f"{at:%Y-%m-%d %H:%M:%S};V714401001/H;{'' if v is None else v}" for at, v in stored]
        assert lines == expected
    else:
        root = ET.parse(path).getroot()
        assert [root.findtext(f"Scenario/{tag}/CdIntervenant") for tag in ("Emetteur", "Destinataire")] == [
            "1520",
            "1537",
        ]
        found = [
            (o.findtext("DtObsHydro"), o.findtext("ResObsHydro"))
            for o in root.iterfind("Donnees/Series/Serie/ObssHydro/ObsHydro")
        ]
        assert found == [(f"{at:%Y-%m-%dT%H:%M:%S}+00:00", str(v)) for at, v in stored if v is not None]
    assert len(stored) > 280


def test_an_order_for_an_unknown_task_is_removed_and_the_passive_site_does_nothing(sandbox: Layout) -> None:
    passive = exchange_dir(sandbox, PASSIVE)
    (passive / "entree" / "x.csv").write_text("n'importe quoi", encoding="utf-8")
    order = exchange_dir(sandbox) / "ordres" / "../ordres/inconnue.ordre"
    order.touch()
    wait_until(lambda: not order.exists(), WITHIN, "ordre supprimé")
    assert (passive / "entree" / "x.csv").exists()
    assert not list((passive / "sortie").iterdir())
    (passive / "entree" / "x.csv").unlink()
