"""A setting of the application changed for the time of a drill, in SQL through the bench's procedure."""

from __future__ import annotations

from nonreg.clients.sql import open_session
from nonreg.errors import RequestFailed
from nonreg.faults import DATA, Description, Fault, register


@register("parameter_set")
class ParameterSet(Fault):
    """Parameters `code` and `value`; the former value is read first and put back."""

    rank = DATA

    def describe(self) -> Description:
        site, code, value = self.context.require_site(), self.context.parameters["code"], self._value()
        return Description(
            action=f"mettre le paramètre {code} à {value} : nr.usp_regler_parametre('{code}', '{value}')",
            healing=f"nr.usp_regler_parametre('{code}', valeur d'avant)",
            hosts=(site.host.name,),
        )

    def prepare(self) -> dict[str, str]:
        """The value as it is."""
        with open_session(self.context.platform, self.context.require_site()) as session:
            return {"value": str(session.query("parameter", code=self.context.parameters["code"]).scalar())}

    def inject(self, before: dict[str, str]) -> None:
        """Set it."""
        self._set(self._value())

    def heal(self, before: dict[str, str]) -> None:
        """Put the former value back and read it."""
        self._set(before["value"])
        if (now := self.prepare()["value"]) != before["value"]:
            raise RequestFailed(f"Le paramètre {self.context.parameters['code']} est resté à {now}.")

    def _set(self, value: str) -> None:
        with open_session(self.context.platform, self.context.require_site(), "writer") as session:
            session.query("drill_set_parameter", code=self.context.parameters["code"], value=value)
            session.commit()

    def _value(self) -> str:
        return self.context.parameters["value"]
