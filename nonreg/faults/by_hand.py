"""A fault that a person makes and heals: the drill instructs and waits for a named confirmation."""

from __future__ import annotations

from nonreg.errors import NeedsPerson
from nonreg.faults import Description, Fault, register


@register("by_hand")
class ByHand(Fault):
    """Stands for a kind that nothing can inject on this platform; parameter `instruction` may say more."""

    def describe(self) -> Description:
        what = self.context.parameters.get("remplace", "panne")
        site = self.context.site
        where = f" sur {site.code}" if site else ""
        more = self.context.parameters.get("instruction", "")
        details = ", ".join(
            f"{name} {value}"
            for name, value in sorted(self.context.parameters.items())
            if name not in ("remplace", "instruction")
        )
        subject = f"{what}{where}" + (f" ({details})" if details else "") + (f" : {more}" if more else "")
        return Description(
            action=f"une personne provoque la panne « {subject} » et le confirme",
            healing=f"une personne met fin à la panne « {subject} » et le confirme",
            hosts=(site.host.name,) if site else (),
            by_hand=True,
        )

    def inject(self, before: dict[str, str]) -> None:
        """Only a person can."""
        raise NeedsPerson(self.describe().action)

    def heal(self, before: dict[str, str]) -> None:
        """Only a person can."""
        raise NeedsPerson(self.describe().healing)
