"""A long-lived client's own connection, which a dead server cannot hold up."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from nonreg.clients.late import sqlalchemy as sa
from nonreg.clients.mssql import APPLICATION
from nonreg.clients.postgresql import connect_impatiently
from nonreg.clients.sql import Session, create_site_engine, refuse_connection
from nonreg.config import Platform, Site
from nonreg.errors import ConfigError


class Line:
    """One client's own connection to one site, opened when it is first used, and again once it was dropped.

    For one thread that lives long and must not be held up by a dead server: a connection is given up after
    `connect_seconds` (a server that accepts it and says nothing, after 2 s, the driver's least), a request after
    `request_seconds` (through ODBC both are whole seconds). With `autocommit` each statement is a transaction.
    A line may be handed from one thread to another: it belongs to the one that asked last for its session.
    """

    def __init__(
        self,
        platform: Platform,
        site: Site,
        account: str,
        connect_seconds: float = 1.0,
        request_seconds: float = 2.0,
        *,
        autocommit: bool = False,
        application: str = APPLICATION,
    ) -> None:
        if site.database is None:
            raise ConfigError(f"Le site {site.code} n'a pas de base de données.")
        self.site_code = site.code
        self._database = replace(
            site.database, login_timeout_seconds=connect_seconds, query_timeout_seconds=request_seconds
        )
        self._engine = create_site_engine(
            platform, replace(site, database=self._database), account, application
        )
        if autocommit:
            self._engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: sa.Connection | None = None
        self._session: Session | None = None
        if self._database.engine == "postgresql":
            sa.event.listen(self._engine, "do_connect", self._connect_impatiently)

    def session(self) -> Session:
        """The open session, connected if need be, for the calling thread; NotSent or AccessDenied when it cannot be."""
        if self._session is None or self._connection is None or self._connection.closed:
            try:
                self._connection = self._engine.connect()
            except sa.exc.SQLAlchemyError as error:
                raise refuse_connection(error, self._database, self.site_code) from error
            self._session = Session(self._connection, self._database, self.site_code)
        self._session.take_over()
        return self._session

    def undo(self) -> None:
        """Undo what was not committed; a connection that cannot is dropped."""
        try:
            if self._connection is not None:
                self._connection.rollback()
        except sa.exc.SQLAlchemyError:
            self.drop()

    def drop(self) -> None:
        """Close the connection, whatever its state; the next session opens another."""
        if self._connection is not None:
            with suppress(sa.exc.SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = self._session = None

    def close(self) -> None:
        """Close for good."""
        self.drop()
        self._engine.dispose()

    def _connect_impatiently(self, _dialect: Any, _record: Any, words: Any, options: dict[str, Any]) -> Any:
        return connect_impatiently(self._database, words, options)
