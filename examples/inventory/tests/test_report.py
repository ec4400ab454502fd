import unittest
from decimal import Decimal

from inventory.ledger import Ledger
from inventory.report import stock_value, to_reorder, valuation_table


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.ledger.receive("BOLT", 100, Decimal("0.20"))
        self.ledger.receive("NUT", 10, Decimal("0.10"))

    def test_the_value_is_the_sum_of_all_positions(self):
        self.assertEqual(stock_value(self.ledger), Decimal("21.00"))

    def test_the_greatest_shortage_comes_first(self):
        minimum = {"BOLT": 100, "NUT": 30, "WASHER": 50}
        self.assertEqual(to_reorder(self.ledger, minimum), [("WASHER", 50), ("NUT", 20)])

    def test_an_article_that_is_sold_out_is_left_out_of_the_table(self):
        self.ledger.ship("NUT", 10)
        self.assertEqual(valuation_table(self.ledger).splitlines()[-1].split(), ["total", "20.00"])
        self.assertNotIn("NUT", valuation_table(self.ledger))
