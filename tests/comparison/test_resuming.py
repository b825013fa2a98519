"""A node that is lost in the middle, and the comparison that goes on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nonreg.comparison import postgresql
from nonreg.comparison import side as one_side
from nonreg.comparison.journal import Journal, find_mark
from nonreg.comparison.pace import Pace
from nonreg.comparison.progress import Progress
from nonreg.comparison.run import Options
from nonreg.comparison.slices import Bound
from nonreg.errors import RequestFailed, Unreachable
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import DATABASE_SITES
from tests.comparison.looking import change, look, refuse
from tests.pair import Pair


def stop_after(pair: Pair, sums: int) -> Any:
    """A teller that kills the second server once so many slices are summed."""

    def tell(progress: Progress) -> None:
        if progress.step == "sommes" and progress.done >= sums:
            postgres.stop_cluster(pair.layout, DATABASE_SITES[1])

    return tell


def test_a_node_lost_in_the_middle_is_a_sentence_and_the_comparison_goes_on_later(
    measures: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PAGES", 1)
    change(measures, "UPDATE essai.mesure SET mes_valeur = 3.25 WHERE cap_id = 5 AND chr_id = 5")
    options = Options(bound=Bound("chr_id", 2000), journal=tmp_path / "reprise" / "mesure.jsonl")
    with pytest.raises(Unreachable) as lost:
        look(measures, options=options, tell=stop_after(measures, 64))
    assert "SITE-B" in str(lost.value)
    assert options.journal is not None
    kept = options.journal.read_text("utf-8")
    assert kept.count("\n") >= 2
    postgres.start_cluster(measures.layout, DATABASE_SITES[1])
    # Killed while it wrote: half a line is behind what was kept.
    options.journal.write_text(kept + '{"side": 0, "su', encoding="utf-8")
    found = look(measures, options=options)
    assert found.resumed >= 64
    assert [one.key for one in found.differences] == [(5, 5)]
    assert not options.journal.exists()


def test_what_was_summed_of_another_bound_is_not_taken_up(measures: Pair, tmp_path: Path) -> None:
    journal = tmp_path / "mesure.jsonl"
    with pytest.raises(RequestFailed):
        look(measures, options=Options(Bound("chr_id", 900), Pace(abort_seconds=1e-9), journal=journal))
    journal.write_text('{"table": "une autre"}\n{"side": 0, "sums": [[0, 1, 1]]}\n', encoding="utf-8")
    assert look(measures, options=Options(Bound("chr_id", 900), journal=journal)).resumed == 0


def test_rows_that_moved_since_the_comparison_was_cut_short_make_it_start_again(
    measures: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PAGES", 1)
    options = Options(bound=Bound("chr_id", 2000), journal=tmp_path / "mesure.jsonl")

    def tell(progress: Progress) -> None:
        if progress.done >= 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look(measures, options=options, tell=tell)
    measures.on_both("DELETE FROM essai.mesure WHERE cap_id = 1")
    assert "repartira du début" in refuse(measures, "essai.mesure", options)
    assert look(measures, options=replace(options)).resumed == 0


def cut_short(pair: Pair, options: Options, share: float) -> None:
    """A comparison of which that share of the slices is summed."""

    def tell(progress: Progress) -> None:
        if progress.step == "sommes" and progress.share >= share:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look(pair, "essai.mesure", options, tell=tell)


def test_rows_that_both_sides_have_put_elsewhere_are_summed_anew(
    measures: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many rows in each slice as before, on both sides; the one that differs has gone to a slice summed before."""
    monkeypatch.setattr(postgresql, "PAGES", 1)
    monkeypatch.setattr(one_side, "MOST_SLICES", 4)
    measures.on_both(
        "DROP TABLE essai.mesure",
        "CREATE TABLE essai.mesure (chr_id integer PRIMARY KEY, v char(40) NOT NULL)",
        "INSERT INTO essai.mesure SELECT g, g FROM generate_series(1, 4000) g ORDER BY -g",
    )
    change(measures, "UPDATE essai.mesure SET v = 'FAUX' WHERE chr_id = 1")
    measures.on_both(
        "CLUSTER essai.mesure USING mesure_pkey", "CREATE INDEX retour ON essai.mesure ((-chr_id))"
    )
    measures.on_both("CLUSTER essai.mesure USING retour")
    options = Options(bound=Bound("chr_id", 4000), journal=tmp_path / "mesure.jsonl")
    cut_short(measures, options, 0.3)
    measures.on_both("CLUSTER essai.mesure USING mesure_pkey")
    found = look(measures, options=options)
    assert [one.key for one in found.differences] == [(1,)]
    assert found.resumed == 0


def test_a_row_that_changed_since_is_told_once_and_then_all_is_summed_anew(
    measures: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its page, with no other row more or less: the sums that were kept explain nothing any more."""
    monkeypatch.setattr(postgresql, "PAGES", 1)
    measures.on_both("ALTER TABLE essai.mesure SET (fillfactor = 50)", "VACUUM FULL essai.mesure")
    options = Options(bound=Bound("chr_id", 2000), journal=tmp_path / "mesure.jsonl")
    write = "UPDATE essai.mesure SET mes_valeur = {} WHERE cap_id = 1 AND chr_id = 1"
    change(measures, write.format(501))
    cut_short(measures, options, 1.0)
    change(measures, write.format(502))
    assert "essai.mesure a changé" in refuse(measures, "essai.mesure", options)
    found = look(measures, options=options)
    assert ([one.key for one in found.differences], found.resumed) == ([(1, 1)], 0)


def test_what_was_summed_days_ago_is_summed_anew(
    measures: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PAGES", 1)
    options = Options(bound=Bound("chr_id", 2000), journal=tmp_path / "mesure.jsonl")
    assert options.journal is not None
    cut_short(measures, options, 0.3)
    assert find_mark(options.journal, "chr_id") == 2000
    long_ago = options.journal.stat().st_mtime - 2 * 86_400
    os.utime(options.journal, (long_ago, long_ago))
    assert find_mark(options.journal, "chr_id") is None
    assert look(measures, options=options).resumed == 0


DAMAGED = {
    "bytes that are no text": b"\xff\xfe\x00 {",
    "a line of another shape": b'{"side": 7, "sums": [[0, 1, 1]]}\n',
    "numbers that are none": b'{"side": 0, "sums": [[0, "un", 1]]}\n',
    "a list": b"[]\n",
    "zeros of a disk that lost its power": bytes(512),
}


@pytest.mark.parametrize("behind", [True, False], ids=["behind what is whole", "alone"])
@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_journal_gives_what_is_whole_in_it(tmp_path: Path, damage: bytes, behind: bool) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path, {"bound": ["a", 1]}).add(0, {3: (5, -7)})
    path.write_bytes((path.read_bytes() if behind else b"") + damage)
    again = Journal(path, {"bound": ["a", 1]})
    assert again.sums == (({3: (5, -7)} if behind else {}), {})
    again.add(1, {4: (1, 1)})
    assert Journal(path, {"bound": ["a", 1]}).sums == (again.sums[0], {4: (1, 1)})


def test_two_comparisons_at_once_do_not_mix_what_they_keep(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    first, second = (Journal(path, {"bound": ["a", upto]}) for upto in (1, 2))
    first.add(0, {0: (1, 1)})
    second.add(0, {1: (2, 2)})
    first.add(0, {2: (3, 3)})
    assert Journal(path, {"bound": ["a", 2]}).sums == ({1: (2, 2)}, {})
    first.forget()
    assert Journal(path, {"bound": ["a", 2]}).sums == ({1: (2, 2)}, {})
    second.forget()
    assert not path.exists()
    first.add(0, {5: (1, 1)})
    assert not path.exists()


def test_a_journal_that_cannot_be_written_is_a_sentence(measures: Pair, tmp_path: Path) -> None:
    (tmp_path / "fichier").touch()
    options = Options(bound=Bound("chr_id", 2000), journal=tmp_path / "fichier" / "mesure.jsonl")
    assert "impossible (ce n'est pas un dossier)" in refuse(measures, "essai.mesure", options)


def test_what_was_asked_is_told_once_with_the_bound_s_value(measures: Pair) -> None:
    change(measures, "UPDATE essai.mesure SET mes_valeur = 3 WHERE chr_id = 9")
    found = look(measures, options=Options(bound=Bound("chr_id", 900)))
    assert [request.splitlines()[0] for request in found.requests] == [
        "-- SITE-A, SITE-B : sommes",
        "-- SITE-A, SITE-B : empreintes",
        "-- SITE-A, SITE-B : lignes",
    ]
    assert found.requests[0].endswith("-- :upto = 900")
