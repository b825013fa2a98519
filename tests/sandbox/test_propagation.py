"""Schema changes of an article follow the data to the subscriber, whichever site publishes, and never come back."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from nonreg.sandbox.layout import ACTIVE, DATABASE_SITES, PASSIVE, Layout
from nonreg.sandbox.switchover.nodes import connect
from nonreg.waiting import wait_until
from tests.sandbox.bench import query
from tests.sandbox.switching import expect_same_content, expect_sound, heal, switch

pytestmark = pytest.mark.platform

COLUMNS = (
    "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute"
    " WHERE attrelid = 'nr.article_essai'::regclass AND attnum > 0 AND NOT attisdropped"
)
ALTER = "SELECT nr.usp_modifier_article(%s)"
ORDERS = "SELECT count(*) FROM ha.ordre_schema"
ROWS = "SELECT to_jsonb(t) FROM nr.article_essai t ORDER BY id"
PLAIN, LONGER = "id valeur", "id valeur complement"


@pytest.fixture
def platform(switchable: Layout) -> Iterator[Layout]:
    """SITE-A active, the test article empty and without its optional column, before and after."""
    restore(switchable)
    yield switchable
    restore(switchable)


def restore(layout: Layout) -> None:
    """The platform as the tests expect it."""
    heal(layout, ACTIVE)
    expect_sound(layout, ACTIVE)
    query(layout, ACTIVE, ALTER, False, user="nr_writer")
    query(layout, ACTIVE, "DELETE FROM nr.article_essai", user="aquareel_admin")
    wait_for(layout, PASSIVE, COLUMNS, PLAIN)


def wait_for(layout: Layout, site: str, statement: str, expected: object) -> None:
    """A value comes to be what is expected."""
    wait_until(lambda: query(layout, site, statement) == [(expected,)], 10, f"{statement} : {expected}")


def test_a_column_added_by_the_bench_arrives_and_is_taken_away_again(platform: Layout) -> None:
    assert query(platform, ACTIVE, ALTER, True, user="nr_writer") == [(True,)]
    assert query(platform, ACTIVE, ALTER, True, user="nr_writer") == [(False,)]
    wait_for(platform, PASSIVE, COLUMNS, LONGER)
    assert query(platform, ACTIVE, ALTER, False, user="nr_writer") == [(True,)]
    wait_for(platform, PASSIVE, COLUMNS, PLAIN)


def test_orders_are_executed_in_their_place_among_the_rows(platform: Layout) -> None:
    with connect(platform, ACTIVE) as connection:
        for number in range(3):
            with connection.transaction():
                connection.execute("ALTER TABLE nr.article_essai ADD COLUMN complement varchar(40)")
                connection.execute("INSERT INTO nr.article_essai VALUES (%s, 1, 'avec')", (2 * number,))
            connection.execute("UPDATE nr.article_essai SET complement = 'changé'")
            connection.execute("ALTER TABLE nr.article_essai DROP COLUMN complement;")
            connection.execute("INSERT INTO nr.article_essai VALUES (%s, 2)", (2 * number + 1,))
    rows = query(platform, ACTIVE, ROWS)
    assert len(rows) == 6
    wait_until(lambda: query(platform, PASSIVE, ROWS) == rows, 10, "lignes reçues")
    assert query(platform, PASSIVE, COLUMNS) == [(PLAIN,)]
    expect_sound(platform, ACTIVE)


def test_an_order_goes_the_other_way_after_a_switchover_and_none_comes_back(platform: Layout) -> None:
    query(platform, ACTIVE, ALTER, True, user="nr_writer")
    assert switch(platform, "--vers", PASSIVE)[0] == 0
    assert [query(platform, site, COLUMNS) for site in DATABASE_SITES] == [[(LONGER,)]] * 2
    (orders,) = query(platform, PASSIVE, ORDERS)[0]
    query(platform, PASSIVE, ALTER, False, user="nr_writer")
    wait_for(platform, ACTIVE, COLUMNS, PLAIN)
    for site in DATABASE_SITES:
        wait_for(platform, site, ORDERS, orders + 1)
    expect_sound(platform, PASSIVE)


def test_the_bench_does_not_change_an_article_on_a_passive_site(platform: Layout) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="SITE_PASSIF"):
        query(platform, PASSIVE, ALTER, True, user="nr_writer")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(platform, ACTIVE, ALTER, True)


def test_only_articles_of_the_publisher_are_propagated(platform: Layout) -> None:
    before = [query(platform, site, ORDERS) for site in DATABASE_SITES]
    for site, table in ((ACTIVE, "ha.article"), (PASSIVE, "nr.article_essai")):
        query(platform, site, f"ALTER TABLE {table} ADD COLUMN essai integer", user="aquareel_admin")
        query(platform, site, f"ALTER TABLE {table} DROP COLUMN essai", user="aquareel_admin")
    assert [query(platform, site, ORDERS) for site in DATABASE_SITES] == before


@pytest.mark.parametrize(
    "order",
    [
        "DO $$ BEGIN ALTER TABLE nr.article_essai ADD COLUMN essai integer; END $$",
        "ALTER TABLE nr.article_essai ADD COLUMN essai integer; ALTER TABLE nr.article_essai ADD COLUMN autre integer",
    ],
)
def test_an_order_that_could_not_be_told_to_the_subscriber_is_refused(platform: Layout, order: str) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="ORDRE_NON_PROPAGEABLE"):
        query(platform, ACTIVE, order, user="aquareel_admin")
    assert query(platform, ACTIVE, COLUMNS) == [(PLAIN,)]


def test_a_full_copy_brings_the_columns_of_the_active_site_and_executes_no_past_order(
    platform: Layout,
) -> None:
    query(platform, ACTIVE, ALTER, True, user="nr_writer")
    wait_for(platform, PASSIVE, COLUMNS, LONGER)
    assert switch(platform, "--vers", PASSIVE, "--force")[0] == 0
    query(platform, PASSIVE, ALTER, False, user="nr_writer")  # SITE-A never hears of it
    query(platform, PASSIVE, "ALTER TABLE nr.article_essai ADD COLUMN autre integer", user="aquareel_admin")
    query(platform, PASSIVE, "INSERT INTO nr.article_essai VALUES (1, 1, 7)", user="aquareel_admin")
    assert switch(platform, "--reinitialiser", ACTIVE)[0] == 0
    assert [query(platform, site, COLUMNS) for site in DATABASE_SITES] == [[("id valeur autre",)]] * 2
    query(platform, PASSIVE, "ALTER TABLE nr.article_essai DROP COLUMN autre", user="aquareel_admin")
    wait_for(platform, ACTIVE, COLUMNS, PLAIN)
    expect_sound(platform, PASSIVE)
    expect_same_content(platform)
