"""The link between both database sites, one route or all, cut through the HTTP control of a proxy on it."""

from __future__ import annotations

import json

from nonreg.clients.web import Answer, WebSession
from nonreg.errors import ConfigError, RequestFailed
from nonreg.faults import Description, Fault, register

TIMEOUT_SECONDS = 5.0
ROUTES = ("1", "2")


@register("link_cut")
class LinkCut(Fault):
    """Parameter `route`: `1`, `2`, or `toutes`. The control itself restores the route after the time it is given."""

    def describe(self) -> Description:
        where = "voies 1 et 2" if len(self._routes()) > 1 else f"voie {self._routes()[0]}"
        lines = " ; ".join(f"PUT {self._url()}{self._path(route)}" for route in self._routes())
        return Description(
            action=f"couper la liaison entre les sites, {where} : {lines} {self._body(True)}",
            healing=f"{lines} {self._body(False)}",
            hosts=(self._url().split("//")[-1],),
            dead_man=f"la liaison se rétablit seule après {self.context.max_seconds:g} s",
        )

    def inject(self, before: dict[str, str]) -> None:
        """Each cut carries its own time limit."""
        for route in self._routes():
            self._put(route, True)

    def heal(self, before: dict[str, str]) -> None:
        """Restore the routes and read them back."""
        for route in self._routes():
            answer = self._put(route, False)
            if json.loads(answer.body)["voies"][route]["coupee"]:
                raise RequestFailed(f"La voie {route} de la liaison reste coupée.")

    def _put(self, route: str, cut: bool) -> Answer:
        with WebSession(self._url(), TIMEOUT_SECONDS) as web:
            answer = web.put(self._path(route), self._body(cut).encode(), "application/json")
        if answer.status != 200:
            raise RequestFailed(f"{answer.request} : réponse {answer.status}, {answer.body[:200]}.")
        return answer

    def _routes(self) -> tuple[str, ...]:
        route = self.context.parameters.get("route", "toutes")
        return ROUTES if route == "toutes" else (route,)

    def _path(self, route: str) -> str:
        return f"/liaison/voies/{route}"

    def _body(self, cut: bool) -> str:
        return json.dumps(
            {"coupee": True, "secondes": self.context.max_seconds} if cut else {"coupee": False}
        )

    def _url(self) -> str:
        url = self.context.platform.drills.link_control
        if not url:
            raise ConfigError(
                f"La plateforme « {self.context.platform.name} » n'a pas de commande de liaison "
                '(drills.link_control) : remplacez cette panne, par exemple [drills.replace] link_cut = "by_hand".'
            )
        return url
