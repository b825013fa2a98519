"""Documents of the contract: a validated version stays as long as its draft, from which it would be archived again."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.people import load_people
from tasks.personal import erase_person
from tasks.retention import purge
from tests.documents.sites import make_site, record
from tests.retention.sites import explain, list_places, look, verify, work_on

FIVE_YEARS = timedelta(days=1900)


def test_a_version_goes_with_its_draft_and_neither_before_the_other(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    (site.tickets / "AQ-12" / "ticket.toml").write_text(
        'titre = "Fini"\nouvert_le = 2026-11-20\nferme_le = 2026-11-30\netat = "fermé"\n', encoding="utf-8"
    )
    later = datetime.now(UTC) + FIVE_YEARS
    draft, version = f"documents/{document_id}", f"documents/{document_id}-v1"
    file = site.documents / document_id / "projet.toml"
    os.utime(file, (later.timestamp(), later.timestamp()))  # somebody works on it again
    plan = look(site.governed, later)
    assert explain(plan, version) == f"cité par {draft}, qui est gardé"
    old = datetime.now(UTC).timestamp()
    os.utime(file, (old, old))
    assert {draft, version} <= set(list_places(look(site.governed, later)))
    purge(work_on(site.governed), later)
    assert not (site.documents / document_id).exists()
    assert not (site.documents / f"{document_id}-v1").exists()
    assert verify(site.governed) == []


def test_what_an_erased_titulaire_validated_stays_validated(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    file = site.governed.governance / "people.toml"
    text = file.read_text(encoding="utf-8")
    ends = datetime.now(UTC) + timedelta(days=1)
    signer = 'id = "titulaire-essai"'
    file.write_text(text.replace(signer, f"{signer}\nvalid_until = {ends.isoformat()}"), encoding="utf-8")
    later = datetime.now(UTC) + timedelta(days=2)
    erase_person(work_on(site.governed), "titulaire-essai", [], "AQ-12", later, apply=True)
    people = load_people(site.governed.governance, site.governed.platform.identity_token)
    assert [one.name for one in people.persons if one.id == "titulaire-essai"] == ["—"]
    assert verify(site.governed) == []
    assert "Validé" in site.render(document_id)[1]
