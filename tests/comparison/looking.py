"""How the tests of the comparison change one side, look at both, and read a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from nonreg.comparison.run import Comparison, Options, compare_table
from nonreg.errors import PlatformError
from tests.pair import Pair

MEASURES = (
    "CREATE TABLE essai.mesure (cap_id integer, chr_id integer, mes_valeur numeric(12,3), "
    "mes_etat varchar(10) NOT NULL, PRIMARY KEY (cap_id, chr_id))"
)
FILL = (
    "INSERT INTO essai.mesure SELECT g % 40 + 1, g / 40 + 1, CASE WHEN g % 50 <> 0 THEN g % 997 / 10.0 END, "
    "CASE WHEN g % 50 = 0 THEN 'MANQUANTE' ELSE 'OK' END FROM generate_series(0, 39999) g"
)
ROWS = 40_000


def change(pair: Pair, *statements: str, side: int = 1) -> None:
    with pair.connect(side) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def look(pair: Pair, table: str = "essai.mesure", options: Options = Options(), **more: Any) -> Comparison:  # noqa: B008
    return compare_table(*pair.places, table, options, **more)


def refuse(pair: Pair, table: str, options: Options = Options()) -> str:  # noqa: B008
    with pytest.raises(PlatformError) as refused:
        look(pair, table, options)
    text = str(refused.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text
