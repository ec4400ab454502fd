import unittest
from decimal import Decimal

from inventory.ledger import Ledger, OutOfStock


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.ledger.receive("BOLT", 100, Decimal("0.20"))

    def test_a_delivery_moves_the_average_cost(self):
        self.ledger.receive("BOLT", 300, Decimal("0.40"))
        self.assertEqual(self.ledger.position("BOLT").quantity, 400)
        self.assertEqual(self.ledger.position("BOLT").average_cost, Decimal("0.35"))

    def test_shipping_returns_the_cost_and_keeps_the_average(self):
        self.assertEqual(self.ledger.ship("BOLT", 40), Decimal("8.00"))
        self.assertEqual(self.ledger.position("BOLT").quantity, 60)
        self.assertEqual(self.ledger.position("BOLT").average_cost, Decimal("0.20"))

    def test_the_last_unit_can_be_shipped(self):
        self.ledger.ship("BOLT", 100)
        self.assertEqual(self.ledger.position("BOLT").quantity, 0)

    def test_more_than_there_is_cannot_be_shipped(self):
        with self.assertRaises(OutOfStock):
            self.ledger.ship("BOLT", 101)
        self.assertEqual(self.ledger.movements, [("BOLT", 100)])

    def test_an_empty_delivery_is_refused(self):
        with self.assertRaises(ValueError):
            self.ledger.receive("BOLT", 0, Decimal("0.20"))
