"""The value of the stock, and what to order again."""

from decimal import Decimal


def stock_value(ledger):
    """Return what the whole stock had cost."""
    return sum((position.value for position in ledger.positions.values()), Decimal("0"))


def to_reorder(ledger, minimum_quantities):
    """Return (code, missing units) for articles below their minimum, the greatest shortage first."""
    shortages = [
        (code, minimum - ledger.position(code).quantity)
        for code, minimum in minimum_quantities.items()
        if ledger.position(code).quantity < minimum
    ]
    return sorted(shortages, key=lambda shortage: (-shortage[1], shortage[0]))


def valuation_table(ledger):
    """Return one text line for each article in stock, and the total."""
    lines = [
        f"{code:<10}{position.quantity:>8}{position.average_cost:>12.2f}{position.value:>14.2f}"
        for code, position in sorted(ledger.positions.items())
        if position.quantity > 0
    ]
    lines.append(f"{'total':<10}{'':>20}{stock_value(ledger):>14.2f}")
    return "\n".join(lines)
