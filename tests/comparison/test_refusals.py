"""What cannot be compared is told in one sentence, and nothing is called equal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import psycopg
import pytest

from nonreg.comparison.pace import Pace
from nonreg.comparison.run import Options, Place, compare_table
from nonreg.comparison.slices import Bound
from nonreg.comparison.wording import tell_comparison
from nonreg.errors import UsageError
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import DATABASE_SITES
from nonreg.waiting import wait_until
from tests.comparison.looking import ROWS, change, look, refuse
from tests.pair import Pair

REFUSED = {
    "no key": ("CREATE TABLE essai.t (a integer)",) * 2 + ("ni clé primaire ni index unique",),
    "a nullable key": (
        ("CREATE TABLE essai.t (a integer UNIQUE)",) * 2 + ("ni clé primaire ni index unique",)
    ),
    "a part of a table": (
        ("CREATE TABLE essai.t (a integer PRIMARY KEY) PARTITION BY RANGE (a)",) * 2 + ("table partitionnée",)
    ),
    "a view": ("CREATE VIEW essai.t AS SELECT 1 AS a",) * 2 + ("pas une table",),
    "a table that others inherit": (
        ("CREATE TABLE essai.t (a integer PRIMARY KEY); CREATE TABLE essai.fille () INHERITS (essai.t)",) * 2
        + ("d'autres tables en héritent",)
    ),
    "rows that are hidden": (
        (
            "CREATE TABLE essai.t (a integer PRIMARY KEY); ALTER TABLE essai.t ENABLE ROW LEVEL SECURITY; "
            "CREATE POLICY une ON essai.t USING (a < 9)",
        )
        * 2
        + ("cache des lignes",)
    ),
    "a type that only has the name of another": (
        ("CREATE DOMAIN essai.text AS integer; CREATE TABLE essai.t (a integer PRIMARY KEY, b essai.text)",)
        * 2
        + ("essai.text",)
    ),
    "a type": (("CREATE TABLE essai.t (a integer PRIMARY KEY, p point)",) * 2 + ("La colonne p de essai.t",)),
    "other columns": (
        "CREATE TABLE essai.t (a integer PRIMARY KEY, b text)",
        "CREATE TABLE essai.t (a integer PRIMARY KEY, c text)",
        "b seulement sur SITE-A, c seulement sur SITE-B",
    ),
    "another type": (
        "CREATE TABLE essai.t (a integer PRIMARY KEY, b text)",
        "CREATE TABLE essai.t (a integer PRIMARY KEY, b integer)",
        "texte sur SITE-A, entier sur SITE-B",
    ),
    "another key": (
        "CREATE TABLE essai.t (a integer, b integer, PRIMARY KEY (a, b))",
        "CREATE TABLE essai.t (a integer, b integer NOT NULL, PRIMARY KEY (a))",
        "n'a pas la même clé des deux côtés",
    ),
    "not there": ("CREATE TABLE essai.t (a integer PRIMARY KEY)", "SELECT 1", "n'existe pas sur SITE-B"),
}


@pytest.mark.parametrize(("left", "right", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_compared_is_told_in_a_sentence(pair: Pair, left: str, right: str, words: str) -> None:
    drop = (
        "DO $$ BEGIN DROP VIEW IF EXISTS essai.t; EXCEPTION WHEN wrong_object_type THEN DROP TABLE essai.t CASCADE; "
        "END $$"
    )
    for side, statement in enumerate((left, right)):
        change(pair, drop, "DROP DOMAIN IF EXISTS essai.text", statement, side=side)
    assert words in refuse(pair, "essai.t")


def test_a_table_that_a_delivery_rewrites_meanwhile_is_not_taken_for_empty(measures: Pair) -> None:
    """On both sides at once, begun before the comparison and done behind its snapshot."""
    rewrite = "ALTER TABLE essai.mesure ALTER mes_etat TYPE text USING mes_etat || '!'"
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with ExitStack() as stack:
        begun = [stack.enter_context(measures.connect(side)) for side in range(2)]
        for connection in begun:
            connection.execute("BEGIN")
            connection.execute(rewrite)  # type: ignore[call-overload]
        asked = stack.enter_context(ThreadPoolExecutor(1)).submit(look, measures)
        for side in range(2):
            with measures.connect(side) as witness:
                wait_until(lambda session=witness: session.execute(waiting).fetchone()[0], 10)  # type: ignore[misc]
        for connection in begun:
            connection.execute("COMMIT")
        found = asked.result()
    assert found.left_rows == ROWS


def test_texts_in_another_encoding_of_the_server_are_the_same_texts(pair: Pair) -> None:
    places = []
    for side, encoding in enumerate(("UTF8", "LATIN1")):
        create = (
            f"CREATE DATABASE {encoding} ENCODING {encoding} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        change(pair, create, side=side)
        dsn = postgres.admin_dsn(pair.layout, DATABASE_SITES[side], encoding.lower())
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE public.t (a text PRIMARY KEY, b integer)")
            connection.execute("GRANT SELECT ON public.t TO PUBLIC")
            connection.execute("INSERT INTO public.t VALUES ('é', %s), ('à', 0)", (side,))
        place = pair.places[side]
        assert place.site.database is not None
        database = replace(place.site.database, name=encoding.lower())
        places.append(Place(place.platform, replace(place.site, database=database)))
    assert [one.key for one in compare_table(*places, "public.t").differences] == [("é",)]


def test_columns_of_one_side_only_are_left_out_when_that_is_asked_and_told(pair: Pair) -> None:
    for side, more in enumerate(("b text", "c integer")):
        change(
            pair,
            "DROP TABLE IF EXISTS essai.valeur",
            f"CREATE TABLE essai.valeur (id integer PRIMARY KEY, {more}, v integer)",
            "INSERT INTO essai.valeur (id, v) SELECT g, g FROM generate_series(1, 9) g",
            side=side,
        )
    found = look(pair, "essai.valeur", Options(common=True))
    assert found.is_equal
    assert found.left_out == (("b",), ("c",))
    assert tell_comparison(found) == (
        "essai.valeur : identique sur SITE-A et SITE-B (9 lignes, sans b, c, qu'un seul côté a)."
    )
    change(pair, "UPDATE essai.valeur SET v = 0 WHERE id = 3")
    assert [one.key for one in look(pair, "essai.valeur", Options(common=True)).differences] == [(3,)]


def test_a_smaller_type_that_a_migration_widened_is_compared_all_the_same(pair: Pair) -> None:
    for side, type_name in enumerate(("integer", "bigint")):
        change(
            pair,
            "DROP TABLE IF EXISTS essai.valeur",
            f"CREATE TABLE essai.valeur (id {type_name} PRIMARY KEY, v numeric({9 + side},{2 + side}))",
            "INSERT INTO essai.valeur SELECT g, g / 4.0 FROM generate_series(-50, 50) g",
            side=side,
        )
    assert look(pair, "essai.valeur").is_equal
    change(pair, "UPDATE essai.valeur SET v = v + 0.001 WHERE id = 7")
    assert [one.key for one in look(pair, "essai.valeur").differences] == [(7,)]


def test_a_table_that_the_account_may_not_read_is_told(measures: Pair) -> None:
    database = measures.places[1].site.database
    assert database is not None
    change(measures, f"REVOKE SELECT ON essai.mesure FROM {database.reader_user}")
    assert "refuse ce droit" in refuse(measures, "essai.mesure")


def test_a_wrong_table_name_or_bound_is_a_usage_error(measures: Pair) -> None:
    for table in ("mesure", "a.b.c", ".x", ""):
        with pytest.raises(UsageError, match="Table mal nommée"):
            look(measures, table)
    with pytest.raises(UsageError, match="n'a pas de colonne « absente »"):
        look(measures, options=Options(bound=Bound("absente", 1)))


def test_a_request_slower_than_the_threshold_gives_the_comparison_up(measures: Pair) -> None:
    text = refuse(measures, "essai.mesure", Options(pace=Pace(abort_seconds=0.000001)))
    assert "seuil d'abandon" in text


def test_a_smaller_load_leaves_the_server_alone_for_the_rest_of_the_time() -> None:
    import threading

    waits: list[float] = []

    class Noted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    done, seconds = Pace(load=0.25).run(lambda: 7, "SITE-A", Noted())
    assert done == 7
    assert waits == [pytest.approx(seconds * 3)]
    for load in (0, -1, 1.5):
        with pytest.raises(UsageError, match="charge"):
            Pace(load=load)
