"""A small double-entry ledger: accounts, postings, balances and monthly statements.

Amounts are whole cents. A transaction is balanced or it is refused; nothing here rounds in silence. The journal is a text
file with one transaction for each block, which people edit by hand.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Iterable, Iterator

DATE_FORMAT = "%Y-%m-%d"
MAX_LINE = 2_000
HEADER = re.compile(r"^(?P<date>\d{4}-\d{2}-\d{2})\s+(?P<flag>[*!])?\s*(?P<text>.+)$")
POSTING = re.compile(r"^\s+(?P<account>[A-Z][\w:-]*)\s+(?P<amount>-?\d+(\.\d{2})?)\s*(?P<currency>[A-Z]{3})?$")


class LedgerError(Exception):
    """Something in a journal is wrong; the message names the line."""

    def __init__(self, message: str, line: int | None = None) -> None:
        place = f"line {line}: " if line is not None else ""
        super().__init__(place + message)
        self.line = line


class Kind(Enum):
    """What an account is, which decides the sign that people expect."""

    ASSETS = "Assets"
    LIABILITIES = "Liabilities"
    EQUITY = "Equity"
    INCOME = "Income"
    EXPENSES = "Expenses"

    @property
    def is_credit_normal(self) -> bool:
        return self in (Kind.LIABILITIES, Kind.EQUITY, Kind.INCOME)


@dataclass(frozen=True, order=True)
class Account:
    """An account, named by a path such as `Assets:Bank:Checking`."""

    name: str

    def __post_init__(self) -> None:
        root = self.name.split(":", 1)[0]
        if root not in {kind.value for kind in Kind}:
            raise LedgerError(f"unknown kind of account {root!r}")

    @property
    def kind(self) -> Kind:
        return Kind(self.name.split(":", 1)[0])

    @property
    def parent(self) -> Account | None:
        head, separator, _ = self.name.rpartition(":")
        return Account(head) if separator else None

    def is_within(self, other: Account) -> bool:
        return self.name == other.name or self.name.startswith(other.name + ":")


@dataclass(frozen=True)
class Posting:
    """One side of a transaction."""

    account: Account
    cents: int
    currency: str = "EUR"

    def negated(self) -> Posting:
        return Posting(self.account, -self.cents, self.currency)


@dataclass
class Transaction:
    """Postings that add up to nothing in each currency."""

    date: dt.date
    text: str
    postings: list[Posting] = field(default_factory=list)
    is_cleared: bool = False

    def check(self) -> None:
        totals: dict[str, int] = defaultdict(int)
        for posting in self.postings:
            totals[posting.currency] += posting.cents
        off = {currency: cents for currency, cents in totals.items() if cents}
        if off:
            listed = ", ".join(format_cents(cents, currency) for currency, cents in sorted(off.items()))
            raise LedgerError(f"{self.text!r} on {self.date} is off by {listed}")

    def touches(self, account: Account) -> bool:
        return any(posting.account.is_within(account) for posting in self.postings)

    def reversed(self, date: dt.date) -> Transaction:
        return Transaction(date, f"Reversal: {self.text}", [posting.negated() for posting in self.postings])


def parse_cents(text: str) -> int:
    """Returns the cents of an amount such as `12`, `12.50` or `-0.05`."""
    sign = -1 if text.startswith("-") else 1
    units, _, cents = text.lstrip("-").partition(".")
    return sign * (int(units) * 100 + int(cents or "0"))


def format_cents(cents: int, currency: str = "EUR") -> str:
    """Returns an amount as people write it."""
    sign = "-" if cents < 0 else ""
    units, rest = divmod(abs(cents), 100)
    return f"{sign}{units:,}.{rest:02d} {currency}"


def parse(text: str) -> Iterator[Transaction]:
    """Yields the transactions of a journal in the order of the file."""
    current: Transaction | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > MAX_LINE:
            raise LedgerError("the line is too long", number)
        if not line.strip() or line.lstrip().startswith((";", "#")):
            continue
        header = HEADER.match(line)
        if header:
            if current is not None:
                current.check()
                yield current
            current = parse_header(header, number)
            continue
        if current is None:
            raise LedgerError("a posting stands before the first transaction", number)
        current.postings.append(parse_posting(line, number))
    if current is not None:
        current.check()
        yield current


def parse_header(match: re.Match[str], number: int) -> Transaction:
    try:
        date = dt.datetime.strptime(match["date"], DATE_FORMAT).date()
    except ValueError as error:
        raise LedgerError(f"there is no day {match['date']}", number) from error
    return Transaction(date, match["text"].strip(), is_cleared=match["flag"] == "*")


def parse_posting(line: str, number: int) -> Posting:
    match = POSTING.match(line)
    if match is None:
        raise LedgerError(f"cannot read {line.strip()!r} as a posting", number)
    return Posting(Account(match["account"]), parse_cents(match["amount"]), match["currency"] or "EUR")


class Ledger:
    """All transactions, in the order of their dates."""

    def __init__(self, transactions: Iterable[Transaction] = ()) -> None:
        self.transactions: list[Transaction] = []
        for transaction in transactions:
            self.add(transaction)

    @classmethod
    def load(cls, path: Path) -> Ledger:
        return cls(parse(path.read_text(encoding="utf-8")))

    def add(self, transaction: Transaction) -> None:
        transaction.check()
        at = len(self.transactions)
        while at > 0 and self.transactions[at - 1].date > transaction.date:
            at -= 1
        self.transactions.insert(at, transaction)

    def accounts(self) -> list[Account]:
        found = {posting.account for transaction in self.transactions for posting in transaction.postings}
        return sorted(found)

    def between(self, first: dt.date, last: dt.date) -> Iterator[Transaction]:
        for transaction in self.transactions:
            if first <= transaction.date <= last:
                yield transaction

    def balances(self, until: dt.date | None = None) -> dict[Account, dict[str, int]]:
        """Returns what each account holds at the end of a day, by currency."""
        totals: dict[Account, dict[str, int]] = {}
        for transaction in self.transactions:
            if until is not None and transaction.date > until:
                break
            for posting in transaction.postings:
                by_currency = totals.setdefault(posting.account, defaultdict(int))
                by_currency[posting.currency] += posting.cents
        return totals

    def balance(self, account: Account, currency: str = "EUR", until: dt.date | None = None) -> int:
        """Returns what an account and all accounts below it hold, in cents."""
        total = 0
        for other, by_currency in self.balances(until).items():
            if other.is_within(account):
                total += by_currency.get(currency, 0)
        return total

    def running(self, account: Account, currency: str = "EUR") -> Iterator[tuple[Transaction, int, int]]:
        """Yields each transaction of an account with its change and the balance after it."""
        total = 0
        for transaction in self.transactions:
            matching = [it for it in transaction.postings if it.account.is_within(account)]
            change = sum(it.cents for it in matching if it.currency == currency)
            if not matching:
                continue
            total += change
            yield transaction, change, total

    def uncleared(self, before: dt.date) -> list[Transaction]:
        return [it for it in self.transactions if not it.is_cleared and it.date < before]


@dataclass
class Statement:
    """What came in and went out of an account in one month."""

    account: Account
    month: dt.date
    opening: int
    closing: int
    lines: list[tuple[dt.date, str, int]] = field(default_factory=list)

    @property
    def change(self) -> int:
        return self.closing - self.opening

    def render(self) -> str:
        width = max((len(text) for _, text, _ in self.lines), default=10)
        rows = [f"{self.account.name}, {self.month:%B %Y}"]
        rows.append(f"{'opening':<{width + 11}} {format_cents(self.opening):>16}")
        for date, text, cents in self.lines:
            rows.append(f"{date:%Y-%m-%d} {text:<{width}} {format_cents(cents):>16}")
        rows.append(f"{'closing':<{width + 11}} {format_cents(self.closing):>16}")
        return "\n".join(rows) + "\n"


def month_range(month: dt.date) -> tuple[dt.date, dt.date]:
    """Returns the first and the last day of a month."""
    first = month.replace(day=1)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    return first, following - dt.timedelta(days=1)


def statement(ledger: Ledger, account: Account, month: dt.date) -> Statement:
    """Makes the statement of an account for the month that a day is in."""
    first, last = month_range(month)
    opening = ledger.balance(account, until=first - dt.timedelta(days=1))
    result = Statement(account, first, opening, opening)
    for transaction in ledger.between(first, last):
        for posting in transaction.postings:
            if posting.account.is_within(account):
                result.lines.append((transaction.date, transaction.text, posting.cents))
                result.closing += posting.cents
    return result


def write_csv(ledger: Ledger, account: Account) -> str:
    """Returns the postings of an account as CSV with a running balance."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["date", "text", "change", "balance"])
    for transaction, change, total in ledger.running(account):
        writer.writerow([transaction.date.isoformat(), transaction.text, change / 100, total / 100])
    return out.getvalue()


@dataclass(frozen=True)
class Budget:
    """How much may be spent from an account in a month."""

    account: Account
    cents: int

    def remaining(self, ledger: Ledger, month: dt.date) -> int:
        first, last = month_range(month)
        spent = 0
        for transaction in ledger.between(first, last):
            spent += sum(it.cents for it in transaction.postings if it.account.is_within(self.account))
        return self.cents - spent


def over_budget(ledger: Ledger, budgets: Iterable[Budget], month: dt.date) -> list[tuple[Account, int]]:
    """Returns the accounts whose budget is overdrawn, the worst first."""
    overdrawn = []
    for budget in budgets:
        remaining = budget.remaining(ledger, month)
        if remaining < 0:
            overdrawn.append((budget.account, -remaining))
    return sorted(overdrawn, key=lambda it: it[1], reverse=True)


@dataclass(frozen=True)
class Rule:
    """Which account an imported line belongs to, by a pattern in its text."""

    pattern: re.Pattern[str]
    account: Account

    def matches(self, text: str) -> bool:
        return self.pattern.search(text) is not None


class Importer:
    """Turns the lines of a bank's CSV file into transactions."""

    def __init__(self, source: Account, rules: list[Rule], fallback: Account) -> None:
        self.source = source
        self.rules = rules
        self.fallback = fallback

    def account_for(self, text: str) -> Account:
        for rule in self.rules:
            if rule.matches(text):
                return rule.account
        return self.fallback

    def read(self, text: str) -> Iterator[Transaction]:
        reader = csv.DictReader(io.StringIO(text))
        for number, row in enumerate(reader, start=2):
            try:
                date = dt.datetime.strptime(row["date"], DATE_FORMAT).date()
                cents = parse_cents(row["amount"])
            except (KeyError, ValueError) as error:
                raise LedgerError(f"cannot read the row: {error}", number) from error
            text = row.get("text", "").strip()
            postings = [Posting(self.source, cents), Posting(self.account_for(text), -cents)]
            yield Transaction(date, text, postings)


def merge(ledger: Ledger, imported: Iterable[Transaction]) -> int:
    """Adds the transactions that are not in the ledger yet, and returns how many those were."""
    known = {(it.date, it.text, tuple(it.postings)) for it in ledger.transactions}
    n_added = 0
    for transaction in imported:
        key = (transaction.date, transaction.text, tuple(transaction.postings))
        if key in known:
            continue
        ledger.add(transaction)
        known.add(key)
        n_added += 1
    return n_added


def render_journal(ledger: Ledger) -> str:
    """Returns the text of a journal that reads back as the same ledger."""
    blocks = []
    for transaction in ledger.transactions:
        flag = "* " if transaction.is_cleared else ""
        rows = [f"{transaction.date:%Y-%m-%d} {flag}{transaction.text}"]
        for posting in transaction.postings:
            amount = f"{posting.cents / 100:.2f}"
            rows.append(f"    {posting.account.name}  {amount} {posting.currency}")
        blocks.append("\n".join(rows))
    return "\n\n".join(blocks) + "\n"


def net_worth(ledger: Ledger, until: dt.date, currency: str = "EUR") -> int:
    """Returns assets minus liabilities at the end of a day, in cents."""
    assets = ledger.balance(Account(Kind.ASSETS.value), currency, until)
    liabilities = ledger.balance(Account(Kind.LIABILITIES.value), currency, until)
    return assets + liabilities


def main(path: str, account: str, day: str) -> int:
    """Prints the statement of an account for the month of a day."""
    ledger = Ledger.load(Path(path))
    month = dt.datetime.strptime(day, DATE_FORMAT).date()
    print(statement(ledger, Account(account), month).render(), end="")
    for transaction in ledger.uncleared(month):
        print(f"not cleared: {transaction.date} {transaction.text}")
    return 0
