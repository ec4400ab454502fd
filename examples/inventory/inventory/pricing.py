"""What a customer pays: a list price, lowered by the discount tier that the quantity reaches."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Tier:
    """A discount that begins at a number of units."""

    minimum_quantity: int
    percent: int


DEFAULT_TIERS = (Tier(10, 5), Tier(50, 10), Tier(200, 18))


def discount_percent(quantity, tiers=DEFAULT_TIERS):
    """Return the best discount whose minimum quantity is reached, or 0."""
    best = 0
    for tier in tiers:
        if quantity > tier.minimum_quantity and tier.percent > best:
            best = tier.percent
    return best


def line_total(list_price, quantity, tiers=DEFAULT_TIERS):
    """Return the price of an order line, rounded to the cent."""
    factor = Decimal(100 - discount_percent(quantity, tiers)) / 100
    return (list_price * quantity * factor).quantize(CENT, rounding=ROUND_HALF_UP)


def order_total(lines, tiers=DEFAULT_TIERS):
    """Return the sum of all lines, each a pair of list price and quantity."""
    return sum((line_total(price, quantity, tiers) for price, quantity in lines), Decimal("0.00"))
