"""The verdict of a comparison: pure.

A difference that nobody expected weighs most; then what could not be compared; then what is expected without being
signed off, foreseen without being there, or compared with less than it seems.
"""

from __future__ import annotations

from nonreg.migration.expected import Answered
from nonreg.model.migration import Compared, ExpectedDifference, MigrationVerdict
from nonreg.wording import plural


def judge(
    found: Compared, unmatched: tuple[ExpectedDifference, ...], answered: Answered
) -> tuple[MigrationVerdict, tuple[str, ...]]:
    """The verdict and all its reasons in French; the differences already name the line that foresees them."""
    expected = sum(one.expected is not None for one in found.differences)
    unexpected = len(found.differences) - expected
    compared = sum(one.compared for one in found.subjects)
    reasons: list[tuple[MigrationVerdict, str]] = []
    if unexpected:
        said = plural(unexpected, "différence non prévue", "différences non prévues")
        reasons.append((MigrationVerdict.ECARTS, f"{said}."))
    if found.not_compared:
        said = ", ".join(
            dict.fromkeys(
                f"{one.what.lower()} ({len(one.names)})" if one.names else one.what.lower()
                for one in found.not_compared
            )
        )
        reasons.append(
            (
                MigrationVerdict.INCOMPLET,
                f"N'a pas pu être comparé, et n'est pas tenu pour identique : {said}.",
            )
        )
    elif not compared:
        reasons.append((MigrationVerdict.INCOMPLET, "Rien n'a été comparé."))
    if expected and answered.signed is None:
        said = plural(
            expected, "différence attendue mais non signée", "différences attendues mais non signées"
        )
        reasons.append((MigrationVerdict.AVEC_RESERVES, f"{said}."))
    if answered.unsigned:
        reasons.append((MigrationVerdict.AVEC_RESERVES, answered.unsigned))
    if unmatched:
        said = plural(
            len(unmatched),
            "différence attendue n'a pas été trouvée",
            "différences attendues n'ont pas été trouvées",
        )
        reasons.append((MigrationVerdict.AVEC_RESERVES, f"{said}."))
    reasons += [(MigrationVerdict.AVEC_RESERVES, one) for one in found.reserves]
    if reasons:
        worst = max((one for one, _ in reasons), key=list(MigrationVerdict).index)
        return worst, tuple(said for _, said in reasons)
    if expected:
        assert answered.signed is not None
        said = plural(expected, "différence, attendue et signée", "différences, toutes attendues et signées")
        return MigrationVerdict.CONFORME, (f"{said} ({answered.signed.decision}).",)
    return MigrationVerdict.CONFORME, ("Aucune différence.",)
