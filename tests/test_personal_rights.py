"""The reference of rights does not know people: a named account with the rights of a campaign's is left out of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.sql import Rows
from nonreg.probes.personal_rights import leave_out_personal

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
