"""Killed before any change of the disk, whatever seals leaves evidence that verifies, and the next one ends it."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.evidence.chain import list_seals
from nonreg.evidence.files import MANIFEST, PENDING
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.evidence.signatures import find_people
from nonreg.evidence.verify import Means, State, verify_runs, verify_thing
from nonreg.model import Acceptance, Answer, InterventionDecision
from tasks.intervention import ACCEPTANCE, FOLDER, Answered, publish_decision, record_acceptance
from tasks.migration import MigrationRequest, publish_migration
from tests.every_page import make_migration
from tests.governed import NOW, Governed, make_governed
from tests.retention.cut import cut
from tests.retention.sites import verify
from tests.test_intervention import make_decision

PERSON = "titulaire-essai"
Act = Callable[[Governed], object]


@pytest.fixture(scope="module", autouse=True)
def _quick_pages() -> Iterator[None]:
    """What a PDF holds is nothing to a kill, and its fonts do not survive a fork."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("tasks.intervention", "tasks.migration"):
            patch.setattr(f"{module}.write_pdf", lambda document, at: b"%PDF-1.7")
        yield


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Governed:
    """A decision that was published and whose reserves wait; nobody changes it."""
    governed = make_governed(tmp_path_factory.mktemp("site"))
    publish_decision(governed.platform, make_reserves(), None, governed.runs_dir)
    return governed


def make_reserves(name: str = "I-000000000001") -> InterventionDecision:
    return dataclasses.replace(make_decision(Answer.GO_AVEC_RESERVES), id=name)


def publish(governed: Governed, name: str = "I-000000000002") -> None:
    publish_decision(governed.platform, make_reserves(name), None, governed.runs_dir)


def accept(governed: Governed) -> None:
    decision = make_reserves()
    answered = Answered(decision, governed.runs_dir / FOLDER / decision.id, None)
    accepted = Acceptance.ACCEPTED
    record_acceptance(governed.platform, answered, accepted, PERSON, "Vu.", governed.runs_dir, NOW)


def migrate(governed: Governed, name: str = "M-20261123T060000Z-aaaaaa") -> None:
    platform = governed.platform
    report = dataclasses.replace(make_migration(), id=name)
    publish_migration(MigrationRequest(platform, platform, ticket="AQ-1"), report, governed.runs_dir, None)


def seal_in_place(governed: Governed, name: str = "P-1") -> None:
    folder = governed.runs_dir / "revues" / name
    folder.mkdir(parents=True)
    (folder / "revue.json").write_text("{}", encoding="utf-8")
    platform = governed.platform
    thing = Thing("revue", name, platform.name, platform.identity_token, NOW + timedelta(hours=1), "AQ-1")
    seal_folder(folder, thing, governed.runs_dir)


ACTS: dict[str, tuple[Act, Act]] = {
    "intervention": (publish, lambda governed: publish(governed, "I-000000000003")),
    "acceptance": (accept, publish),
    "migration": (migrate, lambda governed: migrate(governed, "M-20261123T060000Z-bbbbbb")),
    "in place": (seal_in_place, lambda governed: None),
}


@pytest.mark.parametrize("name", ACTS)
def test_what_is_killed_at_any_write_verifies_and_is_ended_by_the_next_one(
    origin: Governed, tmp_path: Path, name: str
) -> None:
    act, following = ACTS[name]
    lines, said = set(), set()
    changes, killed = 0, True
    while killed:
        site = Governed(Path(shutil.copytree(origin.root, tmp_path / f"copie-{changes}")))
        killed = cut(lambda site=site: act(site), site.runs_dir, changes)  # type: ignore[misc]
        assert verify(site) == [], changes
        before = ledger.read_entries(site.runs_dir / ledger.FILE)
        lines.add(len(before))
        found = verify_runs(site.runs_dir, Means(find_people(site.runs_dir), {}))
        said |= {one.text for one in found if "interrompue" in one.text and one.state is State.NOTE}
        following(site)
        assert verify(site) == [], changes
        for seal in list_seals(before) if name != "in place" else ():
            assert (site.runs_dir / seal.folder / MANIFEST).is_file(), (changes, seal)
            assert not (site.runs_dir / seal.folder / PENDING).exists()
            around = (site.runs_dir / seal.folder).parent
            assert not list(around.glob(f".fabrique-*/{Path(seal.folder).name}/{MANIFEST}"))
        shutil.rmtree(site.root)
        changes += 1
    assert len(lines) == 2  # killed before the line, and after it
    assert said


def test_an_acceptance_that_was_cut_after_its_line_counts_for_whoever_intervenes_next(
    origin: Governed, tmp_path: Path
) -> None:
    changes = 0
    while True:
        site = Governed(Path(shutil.copytree(origin.root, tmp_path / f"copie-{changes}")))
        count = len(ledger.read_entries(site.runs_dir / ledger.FILE))
        assert cut(lambda site=site: accept(site), site.runs_dir, changes)  # type: ignore[misc]
        if len(ledger.read_entries(site.runs_dir / ledger.FILE)) > count:
            break
        changes += 1
    from nonreg.evidence.interrupted import finish_sealed

    finish_sealed(site.runs_dir / FOLDER, site.runs_dir)
    assert (site.runs_dir / FOLDER / make_reserves().id / ACCEPTANCE).is_file()
    folder = site.runs_dir / FOLDER / make_reserves().id
    assert State.WRONG not in {
        one.state for one in verify_thing(folder, site.runs_dir, Means(find_people(site.runs_dir), {}))
    }


@pytest.mark.parametrize("changed", ["decision.json", PENDING, "page.html"])
def test_what_was_cut_and_is_changed_meanwhile_is_an_alteration_and_is_not_put_in_its_place(
    origin: Governed, tmp_path: Path, changed: str
) -> None:
    changes = 0
    while True:
        site = Governed(Path(shutil.copytree(origin.root, tmp_path / f"copie-{changes}")))
        assert cut(lambda site=site: publish(site), site.runs_dir, changes)  # type: ignore[misc]
        left = [one.parent for one in (site.runs_dir / FOLDER).glob(f".*/*/{PENDING}")]
        if left and len(ledger.read_entries(site.runs_dir / ledger.FILE)) == 3:
            break
        changes += 1
    file = left[0] / changed
    file.write_bytes(file.read_bytes().replace(b"AQ-12", b"AQ-13") + b" ")
    wrong = verify(site)
    assert [one.about for one in wrong] == [f"{FOLDER}/I-000000000002"]
    publish(site, "I-000000000003")
    assert [one.about for one in verify(site)] == [f"{FOLDER}/I-000000000002"]
