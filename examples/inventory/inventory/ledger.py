"""What is in stock and what it cost, as the sum of its movements."""

from dataclasses import dataclass, field
from decimal import Decimal


class OutOfStock(Exception):
    """More was asked for than there is."""


@dataclass
class Position:
    """How many units of one article there are, and what one cost on average."""

    quantity: int = 0
    average_cost: Decimal = Decimal("0")

    @property
    def value(self):
        return self.quantity * self.average_cost


@dataclass
class Ledger:
    """All articles, by their code. Movements are kept in the order they came."""

    positions: dict = field(default_factory=dict)
    movements: list = field(default_factory=list)

    def position(self, code):
        """Return the position of an article; an unknown one is empty."""
        return self.positions.get(code, Position())

    def receive(self, code, quantity, unit_cost):
        """Add a delivery and move the average cost towards what it cost."""
        if quantity <= 0:
            raise ValueError(f"cannot receive {quantity} units of {code}")
        position = self.positions.setdefault(code, Position())
        total_value = position.value + quantity * unit_cost
        position.quantity += quantity
        position.average_cost = total_value / position.quantity
        self.movements.append((code, quantity))

    def ship(self, code, quantity):
        """Take units out and return what they had cost."""
        position = self.position(code)
        if quantity > position.quantity:
            raise OutOfStock(f"{code}: {quantity} wanted, {position.quantity} there")
        position.quantity -= quantity
        self.movements.append((code, -quantity))
        return quantity * position.average_cost
