"""Forms of the Spend page: look at a file, import it, put it away."""

import anyio.to_thread
from msgspec import structs
from starlette.routing import BaseRoute

from tillpost.serve import spending
from tillpost.serve.http.pages.acts import Counter, Form
from tillpost.serve.memory import Draft
from tillpost.serve.sessions import Notice

MOST_BYTES = 11 << 20
"""Longest form with a file; the file itself may have 10 MiB."""


def routes(counter: Counter) -> list[BaseRoute]:
    """`/spend/preview`, `/spend/map`, `/spend/import` and `/spend/discard`."""
    acts = _Spend(counter)
    return [
        counter.route("/spend/preview", "import", acts.preview, MOST_BYTES),
        counter.route("/spend/map", "import", acts.map),
        counter.route("/spend/import", "import", acts.keep),
        counter.route("/spend/discard", "import", acts.discard),
    ]


class _Spend:
    """Takes a shop's spend files."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._node = counter.node

    async def preview(self, form: Form) -> Notice:
        """The file waits on the page, with what importing it would do."""
        layout = spending.layout_of(
            {
                "platform": form.field("platform").lower(),
                "currency": form.field("currency").upper(),
                "date_format": form.field("date_format"),
            }
        )
        own = self._node.shops[form.shop].currency
        layout = structs.replace(layout, currency=layout.currency or own)
        name = form.field("file.name")[:120] or "spend.csv"
        draft = Draft(name, form.field("file"), layout, form.viewer.name)
        self._node.memory.drafts.keep(form.shop, draft)
        return Notice("Nothing counts yet: look at it, then import it.")

    async def map(self, form: Form) -> Notice:
        """The waiting file is read anew, with the columns that were chosen."""
        chosen = {n: value for n, value in form.fields.items() if n.startswith("map.") and value}
        mapping = spending.layout_of(chosen).mapping
        draft = self._node.memory.drafts.take(form.shop)
        layout = structs.replace(draft.layout, mapping=mapping)
        self._node.memory.drafts.keep(form.shop, structs.replace(draft, layout=layout))
        return Notice("The file is read with these columns now; nothing counts yet.")

    async def keep(self, form: Form) -> Notice:
        """The file that waits is imported, all of it or nothing."""
        draft = self._node.memory.drafts.take(form.shop)
        told = await anyio.to_thread.run_sync(
            spending.keep_spend, self._node.store, draft.text, draft.layout, form.shop
        )
        if told["errors"]:
            first = told["errors"][0]
            return Notice(f"Line {first['line']}: {first['what']}. {first['fix']}", bad=True)
        await self._counter.note(form, "imported spend", f"{draft.name}: {told['imported']} rows")
        return Notice(f"{told['imported']:,} rows of {draft.name} count now.")

    async def discard(self, form: Form) -> Notice:
        """The file that waits is forgotten."""
        self._node.memory.drafts.take(form.shop)
        return Notice("The file is put away; nothing was imported.")
