"""Deliveries from a supplier's CSV file with the columns code, quantity and unit_cost."""

import csv
from decimal import Decimal, InvalidOperation

COLUMNS = ("code", "quantity", "unit_cost")


class ImportProblem(Exception):
    """A file that cannot be read, with the line that is at fault."""


def read_deliveries(file):
    """Yield (code, quantity, unit cost) for each row; blank lines are skipped."""
    reader = csv.DictReader(file)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        raise ImportProblem(f"missing columns: {', '.join(missing)}")
    for row in reader:
        try:
            yield row["code"].strip().upper(), int(row["quantity"]), Decimal(row["unit_cost"])
        except (ValueError, TypeError, AttributeError, InvalidOperation) as problem:
            raise ImportProblem(f"line {reader.line_num}: {row}") from problem


def import_deliveries(ledger, file):
    """Book every delivery of a file and return how many there were. Nothing is booked when a line is at fault."""
    deliveries = list(read_deliveries(file))
    for code, quantity, unit_cost in deliveries:
        ledger.receive(code, quantity, unit_cost)
    return len(deliveries)
