import io
import unittest
from decimal import Decimal

from inventory.importer import ImportProblem, import_deliveries
from inventory.ledger import Ledger


class ImporterTest(unittest.TestCase):
    def test_deliveries_are_booked(self):
        ledger = Ledger()
        text = "code,quantity,unit_cost\nbolt,100,0.20\n nut ,50,0.10\n"
        self.assertEqual(import_deliveries(ledger, io.StringIO(text)), 2)
        self.assertEqual(ledger.position("NUT").quantity, 50)
        self.assertEqual(ledger.position("BOLT").average_cost, Decimal("0.20"))

    def test_a_missing_column_is_named(self):
        with self.assertRaisesRegex(ImportProblem, "unit_cost"):
            import_deliveries(Ledger(), io.StringIO("code,quantity\nbolt,1\n"))

    def test_a_bad_line_books_nothing(self):
        ledger = Ledger()
        text = "code,quantity,unit_cost\nbolt,100,0.20\nnut,many,0.10\n"
        with self.assertRaisesRegex(ImportProblem, "line 3"):
            import_deliveries(ledger, io.StringIO(text))
        self.assertEqual(ledger.movements, [])
