"""A small catalog for the tests of discovery, in both engines' words."""

from __future__ import annotations

from nonreg.discovery.catalog import Catalog, Constraint, Module, ModuleHash, ModuleKind

HASH = "ab" * 32


def view(name: str, definition: str | None = "CREATE VIEW prod.v AS SELECT 1 AS a") -> Module:
    """A view of schema prod."""
    return Module("prod", name, ModuleKind.VIEW, 0, definition)


def function(name: str, parameters: int = 0) -> Module:
    """An inline table function of schema prod."""
    return Module("prod", name, ModuleKind.INLINE_FUNCTION, parameters, "SELECT 1 AS a")


def procedure(name: str, definition: str | None, parameters: int = 0) -> Module:
    """A procedure of schema evt."""
    return Module("evt", name, ModuleKind.PROCEDURE, parameters, definition)


def reading(name: str) -> Module:
    """A procedure of schema evt that reads, in T-SQL."""
    return procedure(name, f"CREATE PROCEDURE evt.{name} AS SELECT sta_code FROM ref.station;")


SMALL = Catalog(
    (
        view("v_mesure"),
        function("tvf_dernieres"),
        function("tvf_cumul", parameters=3),
        reading("usp_lister"),
        procedure("usp_chiffree", None),
    ),
    (
        Constraint("ref", "station", "pk_station"),
        Constraint("ref", "station", "ck_l'autre"),
        Constraint("prod", "mesure", "pk_mesure"),
        Constraint("ref", "seuil", "ck_seuil", is_enabled=False),
        Constraint("ref", "seuil", "fk_seuil", is_trusted=False),
        Constraint("ref", "seuil", "CK__seuil__3F466844", is_system_named=True),
    ),
    (ModuleHash("prod", "v_mesure", HASH), ModuleHash("evt", "usp_chiffree", "")),
)
