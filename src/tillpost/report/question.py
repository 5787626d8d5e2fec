"""One report's look at what a roll-up keeps."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from tillpost.ports import Rows
from tillpost.report.engine import SCHEMA, Engine, declared_as, in_columns
from tillpost.report.steps import CAMPAIGN_KEYS, SPENDING, text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Mode: TypeAlias = Literal["days", "orders", "facts"]
"""What a report is made of: sums of whole days, orders with their journeys, or the facts."""

ONE_TOUCH = frozenset({"first", "last", "last_non_direct", "last_paid"})
"""Models that credit one touch of an order."""

_OF_ORDERS = {
    "sales": "TABLE",
    "order_visitors": "VIEW",
    "buyers": "TABLE",
    "journeys": "TABLE",
    "bounds": "TABLE",
    "mains": "VIEW",
    "earned": "VIEW",
    "within": "VIEW",
}
"""Steps that are made of orders and journeys, by texts of their own."""

_LATER = frozenset({"customers", "carried", "journeys", "bounds", "credits"})
"""Steps that what is kept has already taken, or that are taken when they are needed."""

_OF_JOURNEYS = frozenset({"paths", "dated_paths"})
"""Reports that are made of journeys, by texts of their own."""


class Question(Engine):
    """A connection with a snapshot of its own, in which one report is made; then it is closed."""

    _create = "CREATE OR REPLACE TEMP"

    def __init__(
        self, connection: "DuckDBPyConnection", mode: Mode, beside: Mapping[str, Rows]
    ) -> None:
        """Ask over this connection to a roll-up; `beside` are tables that it does not keep."""
        self.connection = connection
        self._mode = mode
        self.connection.execute("BEGIN")
        for name, rows in beside.items():
            if name in SCHEMA:
                self.connection.execute(f"CREATE TEMP TABLE {name} ({declared_as(name)})")
                self.append(name, list(in_columns(rows, list(SCHEMA[name]))))

    def make(self, step: str, models: Sequence[str]) -> None:
        """A step's table, from what is kept where that is possible."""
        if self._mode == "facts":
            super().make(step, models)
        elif self._mode == "days":
            self._of_days(step, models)
        else:
            self._of_orders(step, models)

    def _of_days(self, step: str, models: Sequence[str]) -> None:
        if step == "earned":
            self._take("VIEW", step, "kept/earned_of_days")
        elif step in {*CAMPAIGN_KEYS, *SPENDING}:
            super().make(step, models)

    def _of_orders(self, step: str, models: Sequence[str]) -> None:
        if step in _LATER:
            return
        if step == "earned" and not ONE_TOUCH.issuperset(models):
            self._kept("journeys", "bounds")
            super().make(step, models)
        elif step == "earned":
            self._kept("mains", "earned")
        elif step in _OF_ORDERS:
            self._kept(*(("sales", "within") if step == "sales" else (step,)))
        else:
            super().make(step, models)

    def _kept(self, *steps: str) -> None:
        for step in steps:
            self._take(_OF_ORDERS[step], step, f"kept/{step}")

    def _take(self, kind: str, name: str, source: str) -> None:
        self.connection.execute(f"{self._create} {kind} {name} AS {text(source)}")

    def _text(self, report: str) -> str:
        is_kept = report in _OF_JOURNEYS and self._mode == "orders"
        return text(f"kept/{report}" if is_kept else report)
