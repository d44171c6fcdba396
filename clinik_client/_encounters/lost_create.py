"""How an encounter that a lost create may have left is recognised."""

from typing import Final

from .._recovery import Comparison

ENCOUNTER: Final = Comparison(
    changing=frozenset({"status", "lengthMinutes", "diagnosis", "hospitalization", "participants"}),
    moment=("period", "start"),
    end=("period", "end"),
    days=("dateFrom", "dateTo"),
)
