"""Clients that read: the latest values on whichever node is active, and the light client's page as its users see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from nonreg.clients.line import Line
from nonreg.config import Secret
from nonreg.drills.client import NOT_ACTIVE, RETURN_SECONDS, Clock, DrillClient, NodeClient, Result, WebTarget
from nonreg.drills.history import Attempt
from nonreg.drills.targets import Targets
from nonreg.errors import PlatformError, Unreachable
from nonreg.model import SiteRole
from nonreg.model.drill import WriteOutcome
from nonreg.probes.client_page import PAGE, has_latest, sign_in

ACK, ERR = WriteOutcome.ACK, WriteOutcome.ERR
NOTHING_READ = "aucune dernière valeur"
MUST_SIGN_IN = (302, 303, 401)


class Reader(NodeClient):
    """Reads the latest values where the role is active; its lines commit by themselves."""

    def __init__(
        self, lines: Sequence[Line], clock: Clock, period_seconds: float, record: Callable[[Attempt], None]
    ) -> None:
        title = "Lecture des dernières valeurs en base active"
        super().__init__("lecture", title, lines, clock, period_seconds, record)

    def ask(self, line: Line, sequence: int) -> Result:
        try:
            session = line.session()
            if session.query("site_role").scalar() != SiteRole.ACTIF:
                return ERR, NOT_ACTIVE
            rows = session.query("latest_values").rows
        except PlatformError as error:
            if isinstance(error, Unreachable):
                line.drop()
            return ERR, str(error)
        return (ACK, "") if rows else (ERR, NOTHING_READ)


class PageReader(DrillClient):
    """A user of the light client: the active site's page, the passive one's when it does not come, and back."""

    def __init__(
        self,
        pages: Sequence[WebTarget],
        user: str,
        secret: Secret,
        clock: Clock,
        period_seconds: float,
        record: Callable[[Attempt], None],
    ) -> None:
        super().__init__("page", "Page du client léger", clock, period_seconds, record)
        self._pages, self._targets = pages, Targets(pages, clock.now, RETURN_SECONDS)
        self._user, self._secret, self._sequence = user, secret, 0

    def take_turn(self) -> bool:
        self._sequence += 1
        for page in self._targets.order():
            done = self.attempt(self._sequence, page.site_code, partial(self._look, page))
            if done.outcome is ACK:
                self._targets.worked(page)
                break
            self._targets.failed(page, done.ended_seconds - done.sent_seconds)
        return False

    def close(self) -> None:
        for page in self._pages:
            page.web.close()

    def _look(self, page: WebTarget) -> Result:
        try:
            answer = page.web.get(PAGE)
            if answer.status in MUST_SIGN_IN:
                sign_in(page.web, self._user, self._secret)
                answer = page.web.get(PAGE)
        except PlatformError as error:
            return ERR, str(error)
        if answer.status == 200 and has_latest(answer.body):
            return ACK, ""
        return ERR, f"HTTP {answer.status}"
