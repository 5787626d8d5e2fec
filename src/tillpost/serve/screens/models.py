"""Models side by side, the paths that shoppers take, and how long they take to buy."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tillpost.core.attribution import MODELS
from tillpost.serve.screens.ask import MODEL_NAMES, Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View

DAYS: tuple[tuple[float, str], ...] = (
    (1 / 24, "within an hour"),
    (1, "within a day"),
    (3, "in 1 to 3 days"),
    (7, "in 3 to 7 days"),
    (14, "in 1 to 2 weeks"),
    (30, "in 2 to 4 weeks"),
)
"""Below so many days from the first visit to the order, and how that is called."""
LATER = "later"


def read(desk: Desk, ask: Ask) -> View:
    """The comparison for this shop and period."""
    found = {name: desk.report(name, ask) for name in ("models", "journeys", "path_models")}
    return view(found["models"], found["journeys"], found["path_models"], ask)


def view(
    models: Sequence[Mapping[str, Any]],
    journeys: Sequence[Mapping[str, Any]],
    of_paths: Sequence[Mapping[str, Any]],
    ask: Ask,
) -> View:
    """Four tables: revenue by channel and model, the models that learn, days to buy, top paths."""
    learned = _learned_table(of_paths, ask)
    return View(
        tables=(
            _model_table(models, ask),
            learned,
            _day_table(journeys),
            _path_table(journeys, ask),
        )
    )


def _model_table(models: Sequence[Mapping[str, Any]], ask: Ask) -> Table:
    shown = [m for m in MODELS if m != "participation"]
    columns = [Column("channel", "Channel")]
    for model in sorted(shown, key=lambda m: m != ask.model):
        columns.append(Column(model, MODEL_NAMES[model], "money"))
        if model != ask.model:
            columns.append(
                Column(
                    f"{model}_change",
                    "±",
                    "share",
                    shown=model == "first",
                    about="against the first column",
                )
            )
    rows = [_model_row(row, shown, ask.model) for row in models]
    table = Table(
        name="models",
        caption="Revenue by channel under each model",
        columns=tuple(columns),
        rows=rows,
        empty="No order in this period. Choose a longer one.",
    )
    return table.as_asked(ask)


def _model_row(row: Mapping[str, Any], models: Sequence[str], base: str) -> dict[str, Any]:
    first = Decimal(row[f"{base}_revenue"]) if base in models else Decimal(0)
    made: dict[str, Any] = {"channel": row["channel"], "currency": row["currency"]}
    for model in models:
        revenue = row[f"{model}_revenue"]
        made[model] = revenue
        change = (Decimal(revenue) - first) / first if first else None
        made[f"{model}_change"] = round(float(change), 4) if change is not None else None
    return made


def _learned_table(of_paths: Sequence[Mapping[str, Any]], ask: Ask) -> Table:
    """Markov and Shapley: what the paths themselves say, also those that led to nothing."""
    table = Table(
        name="learned",
        caption="Models that learn from the paths",
        columns=(
            Column("channel", "Channel"),
            Column("markov_1_revenue", "Markov", "money", about="by what would be lost without it"),
            Column("markov_1", "Orders", "number", about="by Markov, order 1"),
            Column("markov_1_removal_effect", "Lost without it", "share", about="removal effect"),
            Column("shapley_revenue", "Shapley", "money", about="each path among its channels"),
            Column("shapley", "Orders by Shapley", "number", shown=False),
            Column("markov_2_revenue", "Markov, order 2", "money"),
            Column("markov_3_revenue", "Markov, order 3", "money", shown=False),
        ),
        rows=of_paths,
        empty="No path was seen in this period. Choose a longer one.",
    )
    return table.as_asked(ask)


def _path_table(journeys: Sequence[Mapping[str, Any]], ask: Ask) -> Table:
    of_day = ", by the day of the order" if ask.basis == "accrual" else ""
    return Table(
        name="paths",
        caption=f"Top paths to an order{of_day}",
        columns=(
            Column("path", "Visits, the first to the last"),
            Column("orders", "Orders", "whole"),
            Column("revenue", "Revenue", "money"),
            Column("touches", "Visits", "whole"),
            Column("mean_days", "Days to buy", "number"),
        ),
        rows=journeys,
        most=25,
        empty="No journey was seen. Put the pixel into the shop's theme, so that visits are known.",
    )


def _day_table(journeys: Sequence[Mapping[str, Any]]) -> Table:
    counts: dict[str, int] = defaultdict(int)
    for row in journeys:
        name = next((name for below, name in DAYS if row["mean_days"] < below), LATER)
        counts[name] += row["orders"]
    whole = sum(counts.values())
    rows = [
        {"span": name, "orders": counts[name], "share": round(counts[name] / whole, 4)}
        for name in (*(name for _, name in DAYS), LATER)
        if counts[name]
    ]
    return Table(
        name="days",
        caption="From the first visit to the order, by the mean of each path",
        columns=(
            Column("span", "The order came"),
            Column("orders", "Orders", "whole"),
            Column("share", "Share", "part"),
        ),
        rows=rows,
        empty="No journey was seen in this period.",
    )


SCREEN = Screen(
    path="/models",
    title="Models and journeys",
    group="Money",
    about="The same orders under every model: where they differ, a decision hangs on the model.",
    read=read,
    filters=("period", "model", "window", "basis"),
)
