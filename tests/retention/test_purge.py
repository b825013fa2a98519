"""A purge removes what is shown and nothing else, leaves its evidence, and may be killed anywhere."""

from __future__ import annotations

import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.__main__ import main
from nonreg.alerts.delivery import Step
from nonreg.evidence.files import MANIFEST, EvidenceWrong
from nonreg.evidence.manifest import hash_content, parse_manifest
from nonreg.history import default_url, open_history, rebuild
from nonreg.model.retention import Purged, RetentionPlan
from nonreg.retention.figures import PURGES
from nonreg.retention.purge import ANNOUNCED, LOCK, TRASH
from nonreg.store import hash_file, load_json
from tasks.publication import judge_folder
from tasks.retention import PAGE, purge
from tests.governed import Governed, make_governed, publish_run
from tests.retention.cut import cut
from tests.retention.sites import NOW, OLD, RECENT, list_places, list_purges, look, seal_old, verify, work_on
from tests.retention.test_plan import make_alert
from tests.test_promotion import promote_run
from tests.tracker.desks import connect_folder
from tests.tracker.folders import add_ticket

GONE = ("migrations/M-1", "vieux", "vieux-2")


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Governed:
    """Two runs, a migration and an alert past their time, a run of last month; to copy."""
    governed = make_governed(tmp_path_factory.mktemp("conservation"))
    publish_run(governed, "vieux", started_at=OLD)
    publish_run(governed, "vieux-2", started_at=OLD + timedelta(hours=1))
    seal_old(governed, "migrations/M-1", "migration")
    publish_run(governed, "recent", started_at=RECENT)
    make_alert(governed, "remise", Step.ATTEMPT, Step.HANDED, Step.DELIVERED)
    return governed


@pytest.fixture
def site(aged: Governed, tmp_path: Path) -> Governed:
    return Governed(Path(shutil.copytree(aged.root, tmp_path / "copie")))


def apply(governed: Governed) -> Purged:
    return purge(work_on(governed), NOW, "AQ-5", "titulaire-essai")


def test_what_was_shown_is_gone_the_rest_is_there_and_everything_verifies(site: Governed) -> None:
    done = apply(site)
    assert sorted(one.place for one in done.removed)[1:] == list(GONE)
    assert not any((site.runs_dir / place).exists() for place in GONE)
    assert (site.runs_dir / "recent" / MANIFEST).is_file()
    assert list((site.runs_dir / "alertes").glob("*.json*")) == []
    assert not (site.runs_dir / PURGES / TRASH).exists()
    assert verify(site) == []
    assert look(site).removable == ()


def test_the_ledger_and_a_sealed_file_list_each_thing_with_the_hash_of_its_manifest(site: Governed) -> None:
    hashes = {
        place: hash_content(parse_manifest((site.runs_dir / place / MANIFEST).read_bytes())) for place in GONE
    }
    done = apply(site)
    (line,) = list_purges(site)
    assert (line.data["hashes"], line.data["folders"]) == (hashes, [*line.data["folders"]])
    assert sorted(line.data["folders"]) == list(GONE)
    assert (line.data["files"], line.person, line.ticket) == ({"alerte": 1}, "titulaire-essai", "AQ-5")
    folder = site.runs_dir / PURGES / done.id
    plan = load_json(RetentionPlan, folder / ANNOUNCED)
    assert {one.place: one.sha256 for one in plan.removable if one.place in hashes} == hashes
    assert "vieux-2" in (folder / PAGE).read_text(encoding="utf-8")
    assert main(["verify", str(folder)]) == 0


def test_the_command_says_what_it_did_and_where_the_evidence_is(site: Governed) -> None:
    done = site.cli("retention", "purge", "--apply")
    assert done.returncode == 0, done.stderr
    assert "4 éléments retirés." in done.stdout
    (folder,) = (site.runs_dir / PURGES).glob("P-*")
    assert str(folder) in done.stdout
    again = site.cli("retention", "purge", "--apply")
    assert "0 élément retiré." in again.stdout
    assert len(list_purges(site)) == 1


def test_a_purge_is_told_in_its_ticket(site: Governed, tmp_path: Path) -> None:
    folder = tmp_path / "suivi-local"
    connect_folder(site, folder)
    closed = 'etat = "fermé"\nferme_le = 2026-01-01'
    add_ticket(folder, "AQ-1", "Campagnes", closed)
    add_ticket(folder, "AQ-5", "Conservation")
    assert site.cli("tracker", "deliver").returncode == 0  # what came before a tracker was named is not told
    done = site.cli("retention", "purge", "--apply", "--ticket", "AQ-5")
    assert done.returncode == 0, done.stdout
    told = "".join(path.read_text(encoding="utf-8") for path in (folder / "AQ-5").rglob("*.md"))
    assert "dossiers au terme de leur conservation : 3." in told


def test_a_folder_that_no_purge_announced_is_still_missed(site: Governed) -> None:
    apply(site)
    shutil.rmtree(site.runs_dir / "recent")
    assert [one.about for one in verify(site)] == ["recent"]


def test_a_folder_that_comes_back_after_its_purge_has_to_be_what_was_sealed(site: Governed) -> None:
    shutil.copytree(site.runs_dir / "vieux", site.root / "garde")
    apply(site)
    shutil.copytree(site.root / "garde", site.runs_dir / "vieux")
    assert verify(site) == []
    (site.runs_dir / "vieux" / "report.html").write_text("autre", encoding="utf-8")
    assert [one.about for one in verify(site)] == ["vieux"]


def test_the_evidence_of_a_purge_is_never_purged(site: Governed) -> None:
    apply(site)
    later = look(site, NOW + timedelta(days=3650))
    assert not [place for place in list_places(later) if place.startswith(PURGES)]


def test_a_purge_whose_evidence_was_changed_is_noticed(site: Governed) -> None:
    done = apply(site)
    file = site.runs_dir / PURGES / done.id / ANNOUNCED
    file.write_text(file.read_text(encoding="utf-8").replace("vieux-2", "vieux-3"), encoding="utf-8")
    assert [one.about for one in verify(site)] == [f"{PURGES}/{done.id}"]


def test_the_history_keeps_the_figures_of_removed_runs_even_when_it_is_built_again(site: Governed) -> None:
    def list_history() -> list[tuple[object, ...]]:
        history = open_history(default_url(site.runs_dir))
        runs = history.list_runs("embarquee", 10)
        return [(one.run_id, one.verdict, one.passed, one.failed) for one in runs]

    before = list_history()
    apply(site)
    assert list_history() == before
    (site.runs_dir / "history.sqlite").unlink()
    rebuilt = rebuild(site.runs_dir, default_url(site.runs_dir), print, judge_folder)
    assert (rebuilt.indexed, rebuilt.broken) == (3, ())
    assert list_history() == before


def test_a_broken_ledger_stops_everything(site: Governed) -> None:
    file = site.runs_dir / ledger.FILE
    file.write_bytes(file.read_bytes().replace(b"vieux-2", b"vieux-3"))
    done = site.cli("retention", "purge", "--apply")
    assert done.returncode == 1
    assert all((site.runs_dir / place).is_dir() for place in GONE)


# ---- killed anywhere -------------------------------------------------------------------------------------------------


def test_killed_at_any_moment_it_leaves_evidence_that_verifies_and_the_next_one_finishes(
    aged: Governed, tmp_path: Path
) -> None:
    kept = {path: hash_file(path) for path in (aged.runs_dir / "recent").rglob("*") if path.is_file()}
    states = set()
    for changes in itertools.count():
        site = Governed(Path(shutil.copytree(aged.root, tmp_path / "copie")))
        killed = cut(lambda site=site: apply(site), site.runs_dir, changes)
        wrong = [one.about for one in verify(site, judged=False) if not one.text.startswith("pas scellé")]
        assert wrong == [], changes  # its own evidence is sealed by the next one, as a run that was cut there
        for place in GONE:  # whole, or gone
            folder = site.runs_dir / place
            assert not folder.exists() or (folder / MANIFEST).is_file(), (changes, place)
        states.add((len(list_purges(site)), sum((site.runs_dir / place).exists() for place in GONE)))
        apply(site)
        assert verify(site, judged=False) == [], changes
        assert not any((site.runs_dir / place).exists() for place in GONE), changes
        assert sorted(
            one.name for one in (site.runs_dir / PURGES).iterdir() if not one.name.startswith("P-")
        ) == [LOCK]
        removed = [place for line in list_purges(site) for place in line.data["folders"]]
        assert set(removed) == set(GONE), changes
        for path, sha256 in kept.items():
            assert hash_file(site.runs_dir / path.relative_to(aged.runs_dir)) == sha256
        shutil.rmtree(site.root)
        if not killed:
            break
    assert not killed
    assert {(0, 3), (1, 3), (1, 0)} <= states


def test_what_becomes_a_reference_after_its_purge_was_announced_stays(site: Governed) -> None:
    changes = 0
    while not list_purges(site):
        shutil.rmtree(site.runs_dir / PURGES, ignore_errors=True)
        assert cut(lambda: apply(site), site.runs_dir, changes)
        changes += 1
    assert (site.runs_dir / "vieux").is_dir()
    promote_run(site, site.runs_dir / "vieux")
    done = apply(site)
    assert [(one.item.place, one.reasons) for one in done.left] == [("vieux", ("référence promue n° 1",))]
    assert (site.runs_dir / "vieux").is_dir()
    assert not (site.runs_dir / "vieux-2").exists()
    assert verify(site) == []


def announce(site: Governed) -> Path:
    """A purge that was killed after its line, before anything was removed."""
    changes = 0
    while not list_purges(site) or not list((site.runs_dir / PURGES).glob(f"P-*/{MANIFEST}")):
        shutil.rmtree(site.root)
        shutil.copytree(site.root.with_name("origine"), site.root)
        assert cut(lambda: apply(site), site.runs_dir, changes)
        changes += 1
    (folder,) = (site.runs_dir / PURGES).glob("P-*")
    return folder


def test_what_somebody_adds_to_the_list_of_a_cut_purge_is_not_removed(site: Governed) -> None:
    shutil.copytree(site.root, site.root.with_name("origine"))
    file = announce(site) / ANNOUNCED
    for added in ("recent", "../gouvernance"):
        before = file.read_text(encoding="utf-8")
        file.write_text(before.replace('"vieux-2"', f'"{added}"'), encoding="utf-8")
        with pytest.raises(EvidenceWrong, match="altérée, rien n'est retiré"):
            apply(site)
        file.write_text(before, encoding="utf-8")
    assert all((site.runs_dir / place).is_dir() for place in (*GONE, "recent"))
    apply(site)
    assert verify(site) == []


def test_what_a_link_leads_to_stays(site: Governed, tmp_path: Path) -> None:
    (site.runs_dir / "vieux").rename(tmp_path / "ailleurs")
    (site.runs_dir / "vieux").symlink_to(tmp_path / "ailleurs")
    plan = look(site)
    assert not {"", "vieux"} & {*list_places(plan), *(one.item.place for one in plan.kept)}
    apply(site)
    assert (tmp_path / "ailleurs" / MANIFEST).is_file()
    assert (site.runs_dir / "recent" / MANIFEST).is_file()


def test_two_purges_at_the_same_time_remove_each_thing_once(site: Governed) -> None:
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: cut(lambda: apply(site), site.runs_dir, 1_000_000), range(3)))
    assert done == [False] * 3
    assert len(list_purges(site)) == 1
    assert verify(site) == []
