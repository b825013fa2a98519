"""« comptes_nommes »: an account is one person's own, under a contract; a shared one is refused by its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import load_platform
from nonreg.handover.checks import CHECKS, CheckContext
from nonreg.handover.checks.named_accounts import (
    SHARED,
    Use,
    find_holders,
    judge_account,
    list_uses,
)
from nonreg.model import Role
from nonreg.people import GOVERNANCE_DIR, People, Person, explain_contract, load_people, simplify_account
from tests.decision_samples import make_key, public_line
from tests.handover.checking import NOW, SUBJECT, find, list_wrong

PLATFORM = load_platform("embarquee")
EMBEDDED = load_people(GOVERNANCE_DIR / "embarquee", PLATFORM.identity_token)
OWN = ("p.rivage", "p.rivage_l", "p.rivage_e", "p.rivage_c")


def make_person(person_id: str = "renfort-1", number: int = 1, **changes: object) -> Person:
    key = public_line(make_key("ed25519", number))
    person = Person(
        person_id,
        f"Essai {number}",
        Role.RENFORT_TECHNIQUE,
        (key,),
        contract_until=date(2027, 6, 30),
        accounts=OWN,
    )
    return replace(person, **changes)  # type: ignore[arg-type]


def make_named(*people: Person, subject: str = "renfort-1", at: datetime = NOW) -> CheckContext:
    """A platform whose accounts are one person's own."""
    sites = []
    for site in PLATFORM.sites:
        database = site.database and replace(site.database, reader_user=OWN[1], writer_user=OWN[2])
        web = replace(site.web, client_user=OWN[3] if site.web.client_user else None)
        sites.append(replace(site, host=replace(site.host, user=OWN[0]), database=database, web=web))
    hypervisor = PLATFORM.drills.hypervisor
    assert hypervisor is not None
    drills = replace(PLATFORM.drills, hypervisor=replace(hypervisor, user=OWN[0]))
    platform = replace(PLATFORM, sites=tuple(sites), drills=drills)
    return CheckContext(platform, Path("p.toml"), People(Path("people.toml"), people), subject, at)


def test_accounts_of_one_person_under_contract_are_accepted_and_not_shown() -> None:
    result = CHECKS["comptes_nommes"](make_named(make_person()))
    assert list_wrong(result) == []
    assert result.is_ok
    assert len(result.points) == 1 + 4 + 4 + 2
    assert not any(account in point.found for point in result.points for account in OWN)


def test_an_account_of_another_person_of_nobody_or_of_several_is_refused() -> None:
    first, second = make_person(), make_person("renfort-2", 2, accounts=(OWN[1].upper(),))
    several = CHECKS["comptes_nommes"](make_named(first, second))
    assert (
        find(several, "lecture de la base de SITE-A").found == "Ce compte est commun à renfort-1, renfort-2."
    )
    assert len(list_wrong(several)) == 2
    nobody = CHECKS["comptes_nommes"](make_named(replace(first, accounts=OWN[1:])))
    assert "que personne ne déclare" in find(nobody, "SSH de srv-h").found
    assert len(list_wrong(nobody)) == 4
    other = CHECKS["comptes_nommes"](
        make_named(replace(first, accounts=OWN[1:]), replace(second, accounts=OWN[:1]))
    )
    assert "déclaré par « renfort-2 »" in find(other, "SSH de srv-a").found


@pytest.mark.parametrize(
    "account",
    [
        "sa",
        "SA",
        "root",
        "Administrator",
        "CORP\\Administrateur",
        "admin@corp.invalid",
        ".\\Admin",
        "postgres",
        "test",
        "",
    ],
)
def test_a_well_known_shared_account_is_refused_even_when_one_person_declares_it(account: str) -> None:
    point = judge_account(Use(account, "compte", "user"), ("renfort-1",), "renfort-1")
    assert not point.ok
    assert "compte partagé" in point.found
    assert "Faites créer un compte nominatif" in point.remedy


@given(
    account=st.text("abcXYZ.-_", min_size=1, max_size=12).filter(lambda text: text.casefold() not in SHARED),
    domain=st.sampled_from(["", "CORP\\", ".\\"]),
    suffix=st.sampled_from(["", "@corp.invalid"]),
)
def test_a_domain_and_capitals_change_nothing_to_who_holds_an_account(
    account: str, domain: str, suffix: str
) -> None:
    people = People(Path("f"), (make_person(accounts=(account,)),))
    written = f"{domain}{account.upper()}{suffix}"
    assert simplify_account(written) == simplify_account(account)
    assert find_holders(written, people) == ("renfort-1",)


def test_a_contract_that_ended_is_not_written_or_a_person_no_longer_valid_is_refused() -> None:
    title = "Contrat"
    ended = make_named(make_person(contract_until=date(2026, 11, 30)))
    assert "a pris fin le 30/11/2026" in find(CHECKS["comptes_nommes"](ended), title).found
    unknown = make_named(make_person(contract_until=None))
    assert "n'est écrite nulle part" in find(CHECKS["comptes_nommes"](unknown), title).found
    gone = make_named(make_person(valid_until=NOW))
    assert "ne vaut pas" in find(CHECKS["comptes_nommes"](gone), title).found
    for context in (ended, unknown, gone):
        assert list_wrong(CHECKS["comptes_nommes"](context)) == ["Contrat et habilitation en cours"]


def test_the_last_day_of_a_contract_is_one_of_paris() -> None:
    person = make_person(contract_until=date(2026, 12, 1))
    last = datetime(2026, 12, 1, 22, 59, tzinfo=UTC)
    assert CHECKS["comptes_nommes"](make_named(person, at=last)).is_ok
    assert not CHECKS["comptes_nommes"](make_named(person, at=last.replace(hour=23))).is_ok


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_contract_is_told_ended_after_its_last_day_only(until: date, day: date) -> None:
    assert bool(explain_contract(make_person(contract_until=until), day)) is (day > until)
    assert explain_contract(make_person(contract_until=None), day) == ""


def test_somebody_who_is_not_in_the_people_file_has_no_account() -> None:
    result = CHECKS["comptes_nommes"](make_named(make_person(), subject="inconnu"))
    assert list_wrong(result) == ["Personne connue"]


@pytest.mark.parametrize("subject", [SUBJECT, "titulaire-essai"])
def test_the_technical_accounts_of_the_embedded_platform_are_nobodys(subject: str) -> None:
    result = CHECKS["comptes_nommes"](CheckContext(PLATFORM, Path("p"), EMBEDDED, subject, NOW))
    assert not any(point.ok for point in result.points[1:])
    assert "que personne ne déclare" in find(result, "SSH de srv-a").found


def test_every_account_of_the_platform_file_is_looked_at() -> None:
    uses = [(use.account, use.key) for use in list_uses(PLATFORM)]
    assert uses == [
        *[("nonreg", "user")] * 4,
        *[("nr_reader", "reader_user"), ("nr_writer", "writer_user"), ("consultation", "client_user")] * 2,
    ]
