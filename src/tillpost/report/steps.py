"""The chain of `.sql` texts of a report: each makes one table that the next may read.

The texts stand under `report/sql`, one a step, and keep to what DuckDB and Spark both
understand. Two steps are put together here, since they hang on the models asked for:
`credits`, a row for each touch that a model credits, and `earned`, their sums.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

CAMPAIGN_KEYS = ("campaign_names", "label_keys")
SPENDING = ("expenses", "claims")

SALES = ("customers", "sales")
"""The steps that find the period's orders."""

JOURNEYS = (*SALES, "order_visitors", "carried", "journeys", "bounds")
"""The steps that find their touches."""

CREDITING = (*JOURNEYS, *CAMPAIGN_KEYS, "label_parts")
"""The steps before touches are credited."""

ATTRIBUTION = (*CREDITING, "credits", "mains")
"""The steps that credit touches one by one, and say what brought each order."""

KNOWN = (*ATTRIBUTION, "known_buyers")
"""The same, and the step that says whose buyers the platform knew."""

LISTED = "listed"
"""The step that lists the orders of the period."""

PAGE = "page"
"""The step that lists only those of them that are asked for, where a part of a list is."""

RECONCILED = ("standing", "reconcile")
"""The steps that say of each listed order where it stands, and why the sides differ about it."""

EARNINGS = (*CREDITING, "earned")
"""The steps that sum up what touches earned."""

MODELS_OF: dict[str, tuple[str, ...]] = {
    "credits_plain": ("first", "last", "last_non_direct", "last_paid", "linear", "position"),
    "credits_time_decay": ("time_decay",),
    "credits_participation": ("participation",),
    "credits_unseen": ("unseen",),
}
"""Which text credits touches under which models; `unseen` is what all say without touches."""

_VIEWS = frozenset({"mains", "known_buyers", "standing", "reconcile"})
"""Steps that are read once, by one text, and so are not kept."""

KEYS = ("s.shop", "s.currency", "s.is_returning", "c.label", "c.first_window", "c.last_window")
"""What `earned` tells apart."""

DAY = "d.day"
"""What `tallied`, which is `earned` for a roll-up, tells apart as well."""


@cache
def text(name: str) -> str:
    """The SQL of one step; names are those of the files under `report/sql`."""
    return (files("tillpost.report") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def every_text() -> list[str]:
    """All SQL of reports."""
    folder = files("tillpost.report") / "sql"
    found = [*folder.iterdir(), *(folder / "kept").iterdir()]
    return [one.read_text(encoding="utf-8") for one in found if one.name.endswith(".sql")]


def statements(step: str, models: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """What makes a step's table, in order: `TABLE` or `VIEW`, a name, and its query.

    Credits are many and read once, so they are not kept.
    """
    if step not in {"credits", "earned", "tallied"}:
        yield "VIEW" if step in _VIEWS else "TABLE", step, text(step)
        return
    asked = {
        name: [model for model in known if model in {*models, "unseen"}]
        for name, known in MODELS_OF.items()
    }
    for name, known in asked.items():
        if known:
            yield "VIEW", name, text(name)
            if step != "credits":
                yield "TABLE", f"summed_{name}", _summed(name, known, by_day=step == "tallied")
    parts = [
        _credit(name, model) if step == "credits" else _earned(name, model, step)
        for name, known in asked.items()
        for model in known
    ]
    yield "VIEW", step, "\nUNION ALL\n".join(parts)


def _summed(name: str, models: Sequence[str], *, by_day: bool) -> str:
    """Sums of one text's credits, a row for each of `KEYS` (and day), two columns a model."""
    keys = ", ".join((*KEYS, DAY) if by_day else KEYS)
    days = " JOIN days d ON d.sale = c.sale" if by_day else ""
    sums = ", ".join(
        f"CAST(SUM(c.{model}_{part}) AS BIGINT) AS {model}_{part}"
        for model in models
        for part in ("minor", "share")
    )
    return (
        f"SELECT {keys}, {sums} FROM {name} c JOIN sales s ON s.sale = c.sale{days} GROUP BY {keys}"
    )


def _credit(name: str, model: str) -> str:
    told, source = _of_models(model)
    return (
        f"SELECT {told} AS model, c.sale, c.first_window, c.last_window, c.touch_id, c.label,"
        f" c.back, c.moment, CAST(c.{model}_minor AS BIGINT) AS minor,"
        f" CAST(c.{model}_share AS BIGINT) AS share"
        f" FROM {name} c{source} WHERE c.{model}_share IS NOT NULL"
    )


def _earned(name: str, model: str, step: str) -> str:
    told, source = _of_models(model)
    given = (*KEYS, DAY) if step == "tallied" else KEYS
    keys = ", ".join(f"c.{key.split('.')[1]}" for key in given)
    return (
        f"SELECT {told} AS model, {keys}, c.{model}_minor AS minor, c.{model}_share AS shares"
        f" FROM summed_{name} c{source} WHERE c.{model}_share IS NOT NULL"
    )


def _of_models(model: str) -> tuple[str, str]:
    """The model of a row: its own, or every model that is asked for."""
    return ("m.model", " CROSS JOIN models m") if model == "unseen" else (f"'{model}'", "")
