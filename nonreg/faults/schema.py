"""A column added to the test article, as a delivery would add one, and taken away again."""

from __future__ import annotations

from nonreg.clients.sql import Rows, Session, open_session
from nonreg.errors import RequestFailed
from nonreg.faults import DATA, Description, Fault, register
from nonreg.waiting import observe_until

ARRIVAL_SECONDS = 30.0


@register("column_added")
class ColumnAdded(Fault):
    """ALTER TABLE of the published test article, at the active site only: replication carries it."""

    rank = DATA

    def describe(self) -> Description:
        return Description(
            action="ajouter une colonne facultative à l'article d'essai : nr.usp_modifier_article(true)",
            healing="retirer la colonne de l'article d'essai : nr.usp_modifier_article(false)",
            hosts=(self.context.require_site().host.name,),
        )

    def prepare(self) -> dict[str, str]:
        """The article's columns as they are."""
        with open_session(self.context.platform, self.context.require_site()) as session:
            return {"columns": describe_columns(read_columns(session))}

    def inject(self, before: dict[str, str]) -> None:
        """Add it."""
        self._alter(True)

    def heal(self, before: dict[str, str]) -> None:
        """Take it away; every node must have the columns of before."""
        platform = self.context.platform
        with open_session(platform, self.context.require_site()) as session:
            changed = describe_columns(read_columns(session)) != before["columns"]
        if changed:
            self._alter(False)
        for site in platform.sites:
            if site.database is None:
                continue
            with open_session(platform, site) as session:
                found = observe_until(
                    lambda: describe_columns(read_columns(session)),
                    lambda columns: columns == before["columns"],
                    ARRIVAL_SECONDS,
                    0.1,
                )
            if found != before["columns"]:
                raise RequestFailed(f"L'article d'essai de {site.code} garde d'autres colonnes : {found}.")

    def _alter(self, adding: bool) -> None:
        with open_session(self.context.platform, self.context.require_site(), "writer") as session:
            session.query("drill_alter_article", adding=adding)
            session.commit()


def read_columns(session: Session) -> Rows:
    """Columns of the test article on one node, in a transaction of its own."""
    session.commit()
    return session.query("drill_article_columns")


def describe_columns(rows: Rows) -> str:
    """Columns as one text: `id integer, valeur numeric`."""
    return ", ".join(f"{name} {kind}" for name, kind in rows.rows)
