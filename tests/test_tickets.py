"""Ticket references: well-formed ones pass as they are, anything else is refused in one sentence."""

from __future__ import annotations

import pytest

from nonreg.errors import UsageError
from nonreg.tickets import require_ticket


@pytest.mark.parametrize("reference", ["AQ-0", "AQ-123", "A1-7"])
def test_a_well_formed_reference_passes(reference: str) -> None:
    assert require_ticket(reference) == reference


@pytest.mark.parametrize(
    "reference", ["", "AQ", "AQ-", "aq-1", "1A-1", "AQ-1 ", "AQ-1\n", "AQ-１２", "AQ-٣", "ＡＱ-1", "AQ–1"]
)
def test_anything_else_is_refused_even_digits_of_other_scripts(reference: str) -> None:
    with pytest.raises(UsageError, match="mal formée"):
        require_ticket(reference)
