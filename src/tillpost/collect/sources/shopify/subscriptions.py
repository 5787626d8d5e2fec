"""The shop's webhooks that lead here, as its Admin API lists them; one that is gone is made again.

Shopify deletes a webhook that an app made over the API once eight deliveries in a row have
failed, which takes four hours (reference `shopify`, 1.4). Those of an app's own file, and those
of Settings > Notifications, are in no list that an app may read. Pure: nothing is sent here.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tillpost.collect.backfill import Ask, Keep, Pull
from tillpost.collect.sources.shopify.pull import asked
from tillpost.core.outcome import Misconfigured, Permanent

SINCE = "2026-01"
"""Versions of the Admin API from this one on tell a webhook's address as `uri`."""
PATIENCE_SECONDS = 4 * 3600.0
"""Shopify takes at least so long to delete one: what goes sooner, somebody removed."""

_NAMED_SINCE = "2026-04"
_MOST = 100
_LIST = (
    "query($first:Int!,$after:String){webhookSubscriptions(first:$first,after:$after)"
    "{pageInfo{hasNextPage endCursor} nodes{topic uri format includeFields metafieldNamespaces "
    "metafields{namespace key} filter%s}}}"
)
_CREATE = (
    "mutation($topic:WebhookSubscriptionTopic!,$given:WebhookSubscriptionInput!)"
    "{webhookSubscriptionCreate(topic:$topic,webhookSubscription:$given)"
    "{webhookSubscription{id} userErrors{field message}}}"
)
_THERE = "already been taken"


class Metafield(Struct, frozen=True):
    """A metafield that the webhook carries."""

    namespace: str
    key: str


class Subscription(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A webhook as the API takes and tells it; `topic` as ORDERS_CREATE."""

    topic: str
    uri: str
    format: str = "JSON"
    include_fields: tuple[str, ...] = ()
    metafield_namespaces: tuple[str, ...] = ()
    metafields: tuple[Metafield, ...] = ()
    filter: str | None = None
    name: str | None = None

    @property
    def says(self) -> str:
        """The topic as a webhook's head and the shop's pages write it: orders/create."""
        return self.topic.lower().replace("_", "/", 1)


class Kept(Struct, frozen=True):
    """A webhook that is to be there: when it was made again last, and since when it is gone."""

    subscription: Subscription
    made_at: float | None = None
    gone_at: float | None = None
    trouble: str | None = None
    """Why it could not be made again."""


def listed(api_version: str) -> Pull:
    """Every webhook that the app made; raises as `pull.pages`."""
    query = _LIST % (" name" if api_version >= _NAMED_SINCE else "")
    cursor, more = None, True
    while more:
        variables = {"first": _MOST, "after": cursor}
        page = yield from asked(Ask(query, variables), "webhookSubscriptions")
        more, cursor = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        yield Keep(page["nodes"], cursor or "")


def created(one: Subscription) -> Pull:
    """Make this webhook; one that is there already is good.

    Raises `Misconfigured` with the shop's words if it does not want to, else as `pull.pages`.
    """
    given = {name: value for name, value in msgspec.to_builtins(one).items() if name != "topic"}
    step = Ask(_CREATE, {"topic": one.topic, "given": {"format": one.format, **given}})
    answer = yield from asked(step, "webhookSubscriptionCreate")
    words = [str(error["message"]) for error in answer["userErrors"]]
    if words and not any(_THERE in text for text in words):
        raise Misconfigured(f"the shop does not make the webhook {one.says}: {words[0][:200]}")


def ours(nodes: Sequence[Any], shop: str, public_url: str | None) -> list[Subscription]:
    """Of these webhooks, those that lead to this shop's address here.

    Where the server knows its own address, only those that lead to it. Raises `Permanent` for
    a list that is not as documented.
    """
    try:
        found = msgspec.convert(nodes, list[Subscription], strict=False)
    except msgspec.ValidationError as error:
        raise Permanent(f"the Admin API told a webhook in another shape: {error}") from None
    return [one for one in found if leads_here(one.uri, shop, public_url)]


def leads_here(uri: str, shop: str, public_url: str | None) -> bool:
    """Whether a webhook's address is that of this shop at this server."""
    address, path = uri.partition("?")[0], f"/webhooks/shopify/{shop}"
    if public_url is not None:
        return address == public_url.rstrip("/") + path
    return address.startswith("https://") and address.endswith(path)


def compared(known: Iterable[Kept], found: Sequence[Subscription], now: float) -> list[Kept]:
    """What is to be there from now on: all that were found, and those that are gone.

    What goes within four hours of being made again was removed by somebody, and is not wanted.
    """
    before = {_place(kept.subscription): kept for kept in known}
    there = {_place(one) for one in found}
    made = {place: kept.made_at for place, kept in before.items()}
    gone = [
        Kept(kept.subscription, kept.made_at, kept.gone_at or now, kept.trouble)
        for place, kept in before.items()
        if place not in there and not _is_unwanted(kept, now)
    ]
    return [*(Kept(one, made.get(_place(one))) for one in found), *gone]


def _place(one: Subscription) -> tuple[str, str, str | None]:
    """What tells two webhooks of a shop apart."""
    return one.topic, one.uri, one.filter


def _is_unwanted(kept: Kept, now: float) -> bool:
    return kept.made_at is not None and now - kept.made_at < PATIENCE_SECONDS
