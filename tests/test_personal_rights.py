"""The reference of rights does not know people: a named account with the rights of a campaign's is left out of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.sql import Rows
from nonreg.model.vocabulary import Role
from nonreg.people import People, Person
from nonreg.probes.personal_rights import leave_out_personal, list_held_accounts

COLUMNS = ("grantee", "object_kind", "object_name", "privilege")
RIGHTS = [
    ("relation", "ref.station", "SELECT"),
    ("server", "attribut", "LOGIN"),
    ("role", "pg_monitor", "MEMBER"),
]
MODELS, PERSONAL = ("nr_reader", "nr_writer"), ("p_lecture", "CORP\\P_Ecriture")


def make(*grants: tuple[str, list[tuple[str, str, str]]]) -> Rows:
    return Rows(COLUMNS, tuple((name, *right) for name, rights in grants for right in rights), "requête")


def names(rows: Rows) -> set[str]:
    return {str(row[0]) for row in rows.rows}


def test_a_named_account_with_the_rights_of_a_model_is_left_out() -> None:
    rows = make(
        ("nr_reader", RIGHTS), ("nr_writer", RIGHTS[:1]), ("p_lecture", RIGHTS), ("p_ecriture", RIGHTS[:1])
    )
    kept = leave_out_personal(rows, PERSONAL, MODELS)
    assert names(kept) == set(MODELS)
    assert (kept.columns, kept.request) == (rows.columns, rows.request)


def test_one_that_may_more_or_less_stays_and_so_does_an_account_that_nobody_declares() -> None:
    more = [*RIGHTS, ("relation", "ref.station", "UPDATE")]
    rows = make(("nr_reader", RIGHTS), ("p_lecture", more), ("p_ecriture", RIGHTS[:1]), ("inconnu", RIGHTS))
    assert names(leave_out_personal(rows, PERSONAL, MODELS)) == names(rows)


def test_his_own_campaign_leaves_his_accounts_out_and_keeps_the_technical_ones() -> None:
    rows = make(("nr_reader", RIGHTS), ("p_lecture", RIGHTS), ("aquareel_admin", RIGHTS[1:]))
    assert names(leave_out_personal(rows, PERSONAL, ("p_lecture", "p_ecriture"))) == {
        "nr_reader",
        "aquareel_admin",
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["nr_reader", "nr_writer", "p_lecture", "p_ecriture", "aquareel_app"]),
            st.sampled_from(RIGHTS),
        ),
        max_size=12,
    )
)
def test_only_rows_of_declared_accounts_ever_leave(grants: list[tuple[str, tuple[str, str, str]]]) -> None:
    rows = make(*((name, [right]) for name, right in grants))
    kept = leave_out_personal(rows, PERSONAL, MODELS)
    gone = [row for row in rows.rows if row not in kept.rows]
    assert {str(row[0]) for row in gone} <= {"p_lecture", "p_ecriture"}
    assert leave_out_personal(rows, (), MODELS).rows == rows.rows


def test_the_account_of_somebody_who_has_left_is_no_longer_left_out() -> None:
    at = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # 1 December in Paris
    people = People(
        Path("people.toml"),
        (
            Person("presente", "Odile Ruisselle", Role.RENFORT_TECHNIQUE, (), accounts=("p_presente",)),
            Person(
                "dernier-jour", "Ysé", Role.TITULAIRE, (), None, None, date(2026, 12, 1), None, ("p_jour",)
            ),
            Person(
                "partie", "Anaïs", Role.TITULAIRE, (), None, None, date(2026, 11, 30), None, ("p_partie",)
            ),
            Person("close", "Basile", Role.TITULAIRE, (), None, at, None, None, ("p_close",)),
            Person("future", "Zoé", Role.TITULAIRE, (), at + timedelta(1), None, None, None, ("p_future",)),
        ),
    )
    assert list_held_accounts(people, at) == ("p_presente", "p_jour")
