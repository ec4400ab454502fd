import unittest
from decimal import Decimal

from inventory.pricing import Tier, discount_percent, line_total, order_total


class PricingTest(unittest.TestCase):
    def test_a_small_order_has_no_discount(self):
        self.assertEqual(discount_percent(1), 0)
        self.assertEqual(discount_percent(9), 0)

    def test_a_discount_begins_at_the_minimum_of_its_tier(self):
        self.assertEqual([discount_percent(quantity) for quantity in (10, 50, 200)], [5, 10, 18])

    def test_between_two_tiers_the_lower_one_counts(self):
        self.assertEqual(discount_percent(49), 5)
        self.assertEqual(discount_percent(199), 10)

    def test_tiers_may_come_in_any_order(self):
        tiers = (Tier(100, 20), Tier(5, 2))
        self.assertEqual(discount_percent(150, tiers), 20)

    def test_a_line_is_rounded_half_up(self):
        self.assertEqual(line_total(Decimal("0.333"), 15), Decimal("4.75"))

    def test_an_order_is_the_sum_of_its_lines(self):
        lines = [(Decimal("2.50"), 4), (Decimal("1.00"), 60)]
        self.assertEqual(order_total(lines), Decimal("64.00"))
