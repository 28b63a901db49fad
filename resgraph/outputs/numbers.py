"""Numbers and shapes → the short forms that tables and figures print."""

from __future__ import annotations

from decimal import Decimal

from ..ops import Shape


def count_text(number: int) -> str:
    """Three significant digits with a unit: 9.54 k, 118 M, 1.90 G; 0 is a dash, as in a table."""
    if number == 0:
        return "–"
    if number < 1000:
        return str(number)
    if number >= 10**32:  # beyond the last unit
        return f"{Decimal(number):.2e}"
    value, units = float(number) / 1000, iter("kMGTPEZYRQ")
    unit = next(units)
    while value >= 999.5:
        value, unit = value / 1000, next(units)
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def shape_label(shape: Shape) -> str:
    """`64 × 56 × 56`."""
    return " × ".join(map(str, shape))
