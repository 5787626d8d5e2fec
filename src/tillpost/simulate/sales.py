"""The orders as business facts: who bought what, when, and what became of it."""

from bisect import bisect_left
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from tillpost.simulate.dice import Dice
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.people import Person, Typed, person, typed
from tillpost.simulate.places import EXPONENTS, RATES, TRAVELLERS
from tillpost.simulate.times import DAY, HOUR, Span, moment

CENT = Decimal("0.01")
GOODS = (
    ("Linen Shirt", "linen-shirt", "64.00"),
    ("Stone Mug", "stone-mug", "22.50"),
    ("Wool Blanket", "wool-blanket", "129.00"),
    ("Oak Board", "oak-board", "48.00"),
    ("Beeswax Candle", "beeswax-candle", "18.00"),
    ("Canvas Apron", "canvas-apron", "39.90"),
    ("Glass Carafe", "glass-carafe", "34.00"),
    ("Cotton Throw", "cotton-throw", "79.00"),
)
"""Title, handle and price in the shop's currency."""


class Line(Struct, frozen=True):
    """One line of an order; `price` is for one piece before discounts, in shop currency."""

    title: str
    handle: str
    number: int
    quantity: int
    price: Decimal
    gift_card: bool = False


class Sale(Struct, frozen=True):
    """One order with all that happens to it. Times are Unix seconds, money is the shop's."""

    index: int
    id: int
    name: str
    buyer: Person
    at: float
    kind: str
    """web, pos, draft, renewal or api."""
    reason: str | None
    """Why the order is not eligible as a Purchase; None if it is."""
    typed: Typed
    guest: bool
    walk_in: bool
    returning: bool
    gift_to: Person | None
    lines: tuple[Line, ...]
    extra: Line | None
    """Added after the checkout."""
    code: str | None
    discount: Decimal
    shipping: Decimal
    currency: str
    test: bool
    status: str
    """paid, authorized or pending when it was created."""
    paid_at: float | None
    fulfilled_at: float | None
    cancelled_at: float | None
    refund_at: float | None
    refund_lines: int
    """How many lines are given back; 0 is the whole order."""
    checkout_token: str | None
    cart_token: str | None
    left: bool = False
    """A checkout without an order: of all that, only the goods and who typed is true."""

    def subtotal(self, *, upsold: bool = False) -> Decimal:
        """Goods after discounts."""
        lines = self.lines + ((self.extra,) if upsold and self.extra else ())
        return sum((line.price * line.quantity for line in lines), Decimal(0)) - self.discount

    def tax(self, *, upsold: bool = False) -> Decimal:
        """Tax on the goods; in the price where the law says so."""
        rate, base = self.buyer.country.tax, self.subtotal(upsold=upsold)
        return _cents(base - base / (1 + rate) if self.buyer.country.eea else base * rate)

    def total(self, *, upsold: bool = False) -> Decimal:
        """What the buyer pays."""
        tax = Decimal(0) if self.buyer.country.eea else self.tax(upsold=upsold)
        return self.subtotal(upsold=upsold) + self.shipping + tax

    def refund(self) -> Decimal:
        """What is given back."""
        if not self.refund_lines:
            return self.total(upsold=True)
        line = self.lines[0]
        return min(line.price, self.total())


LEFT = 1_000_000_000
"""Numbers of checkouts that are left begin here, above those of all orders."""


def left(dice: Dice, knobs: Knobs, number: int, at: float, who: Person) -> Sale:
    """The sale that somebody's checkout did not become."""
    index = LEFT + number
    _, lines = _basket(dice, knobs, index, web=True)
    return Sale(
        index=index,
        id=5_900_000_000_001 + index * 1_024,
        name="",
        buyer=who,
        at=at,
        kind="web",
        reason="left",
        typed=typed(dice, knobs, who, index),
        guest=True,
        walk_in=False,
        returning=False,
        gift_to=None,
        lines=lines,
        extra=None,
        code=None,
        discount=Decimal(0),
        shipping=Decimal("0.00"),
        currency=_currency(dice, knobs, who, index, web=True),
        test=False,
        status="left",
        paid_at=None,
        fulfilled_at=None,
        cancelled_at=None,
        refund_at=None,
        refund_lines=0,
        checkout_token=dice.hexes(32, "checkout", index),
        cart_token=dice.hexes(32, "cart", index),
        left=True,
    )


def presented(amount: Decimal, currency: str) -> Decimal:
    """A shop amount in the buyer's currency, rounded to its minor unit."""
    exponent = EXPONENTS.get(currency, 2)
    unit = Decimal(1).scaleb(-exponent)
    return (amount * RATES[currency]).quantize(unit, rounding=ROUND_HALF_UP)


def sales(dice: Dice, knobs: Knobs, span: Span, first: int = 0) -> tuple[Sale, ...]:
    """All orders by time of placing, numbered from `first`.

    Nothing here depends on browsers, ads or blockers.
    """
    times = sorted(moment(dice, span, "order", i) for i in range(knobs.orders))
    buyers: list[int] = []
    return tuple(
        _sale(dice, knobs, first + n, at, span.end, _buyer(dice, knobs, n, times, buyers, first))
        for n, at in enumerate(times)
    )


def _buyer(  # the past of the shop is these facts
    dice: Dice, knobs: Knobs, index: int, times: list[float], buyers: list[int], first: int
) -> tuple[int, bool]:  # fmt: skip
    """The buyer's number, and whether she bought before; `buyers` grows by this one."""
    recent = bisect_left(times, times[index] - 2 * DAY)
    fresh = (max(buyers) + 1 if buyers else first, dice.chance(0.5, "old-customer", index))
    chosen = fresh if dice.chance(knobs.returning, "returning", index) else (fresh[0], False)
    if recent < index and dice.chance(knobs.second, "second", index):
        chosen = (buyers[recent + int(dice.u("which-second", index) * (index - recent))], True)
    elif recent and dice.chance(knobs.returning, "returning", index):
        chosen = (buyers[int(dice.u("which", index) * recent)], True)
    buyers.append(chosen[0])
    return chosen


def _sale(
    dice: Dice, knobs: Knobs, index: int, at: float, end: float, buyer: tuple[int, bool]
) -> Sale:
    who = person(dice, knobs, buyer[0])
    kind = _kind(dice, knobs, index)
    web = kind == "web"
    code, lines = _basket(dice, knobs, index, web=web)
    goods = sum((line.price * line.quantity for line in lines), Decimal(0))
    zero = web and dice.chance(knobs.zero, "zero", index)
    cut = goods if zero else (_cents(goods / 10) if code else Decimal(0))
    status, paid_at = _payment(dice, knobs, index, at, web=web)
    if paid_at is not None and paid_at > end:
        paid_at = None
    test = web and dice.chance(knobs.test, "test", index)
    gift_card = lines[0].gift_card
    cancelled_at, refund_at, part = _aftermath(dice, knobs, index, at, end, paid_at)
    fulfilled = at + dice.between(0.5, 3, "fulfilled", index) * DAY
    other = dice.chance(knobs.gift, "gift", index)
    return Sale(
        index=index,
        id=5_900_000_000_001 + index * 1_024,
        name=f"#{1001 + index}",
        buyer=who,
        at=at,
        kind=kind,
        reason=_reason(
            kind, test=test, zero=zero, gift_card=gift_card, status=status, paid_at=paid_at,
            never=dice.chance(knobs.never_paid, "never-paid", index),
        ),
        typed=typed(dice, knobs, who, index),
        guest=web and dice.chance(knobs.guest, "guest", index),
        walk_in=_walk_in(dice, knobs, index),
        returning=buyer[1],
        gift_to=person(dice, knobs, who.index + 1) if web and other else None,
        lines=lines,
        extra=_extra(dice, knobs, index, web=web and not zero and not gift_card),
        code="WELCOME100" if zero else code,
        discount=cut,
        shipping=Decimal("5.90") if web and not zero and goods < 100 else Decimal("0.00"),
        currency=_currency(dice, knobs, who, index, web=web),
        test=test,
        status=status,
        paid_at=paid_at,
        fulfilled_at=fulfilled if paid_at and max(fulfilled, paid_at) < end else None,
        cancelled_at=cancelled_at,
        refund_at=refund_at,
        refund_lines=part,
        checkout_token=dice.hexes(32, "checkout", index) if web else None,
        cart_token=dice.hexes(32, "cart", index) if web else None,
    )  # fmt: skip


def _kind(dice: Dice, knobs: Knobs, index: int) -> str:
    draw = dice.u("kind", index)
    for kind, rate in (
        ("pos", knobs.pos),
        ("draft", knobs.draft),
        ("renewal", knobs.renewal),
        ("api", knobs.api),
    ):
        if draw < rate:
            return kind
        draw -= rate
    return "web"


def _walk_in(dice: Dice, knobs: Knobs, index: int) -> bool:
    return dice.u("kind", index) < min(knobs.walk_in, knobs.pos)


def _basket(
    dice: Dice, knobs: Knobs, index: int, *, web: bool
) -> tuple[str | None, tuple[Line, ...]]:
    if web and dice.chance(knobs.gift_card, "gift-card", index):
        return None, (Line("Gift Card", "gift-card", 99, 1, Decimal("50.00"), gift_card=True),)
    count = dice.weighted(((1, 0.55), (2, 0.30), (3, 0.15)), "lines", index)
    first = dice.whole(0, len(GOODS) - 1, "goods", index)
    rows = []
    for n in range(count):
        number = (first + n * 3) % len(GOODS)
        title, handle, price = GOODS[number]
        quantity = 2 if dice.chance(0.2, "quantity", index, n) else 1
        rows.append(Line(title, handle, number, quantity, Decimal(price)))
    if web and dice.chance(knobs.coupon_only, "coupon-only", index):
        return "CREATOR10", tuple(rows)
    return ("SPRING10" if web and dice.chance(0.15, "code", index) else None), tuple(rows)


def _extra(dice: Dice, knobs: Knobs, index: int, *, web: bool) -> Line | None:
    if not web or not dice.chance(knobs.upsell, "upsell", index):
        return None
    title, handle, price = GOODS[4]
    return Line(title, handle, 4, 1, Decimal(price))


def _payment(
    dice: Dice, knobs: Knobs, index: int, at: float, *, web: bool
) -> tuple[str, float | None]:
    if web and dice.chance(knobs.pending, "pending", index):
        if dice.chance(knobs.never_paid, "never-paid", index):
            return "pending", None
        return "pending", at + dice.between(2 * HOUR, 4 * DAY, "paid-after", index)
    if web and dice.chance(knobs.capture, "capture", index):
        return "authorized", at + dice.between(HOUR, 2 * DAY, "captured-after", index)
    return "paid", at + 1.0


def _reason(
    kind: str, *, test: bool, zero: bool, gift_card: bool, status: str, paid_at: float | None,
    never: bool,
) -> str | None:  # fmt: skip
    """The first rule that keeps an order from being a Purchase."""
    unpaid = "never_paid" if never else "awaiting_payment"
    rows = (
        (test, "test_order"),
        (kind in {"draft", "renewal"}, kind),
        (zero, "zero_value"),
        (gift_card, "gift_card"),
        (status == "pending" and paid_at is None, unpaid),
    )
    return next((reason for hit, reason in rows if hit), None)


def _aftermath(
    dice: Dice, knobs: Knobs, index: int, at: float, end: float, paid_at: float | None
) -> tuple[float | None, float | None, int]:
    """Times of cancelling and refunding, and how many lines go back (0 is all)."""
    if paid_at is None:
        return None, None, 0
    if dice.chance(knobs.cancelled, "cancelled", index):
        when = max(at + dice.between(HOUR, DAY, "cancel-after", index), paid_at + HOUR)
        return (when, when + 2, 0) if when < end else (None, None, 0)
    draw = dice.u("refund", index)
    if draw >= knobs.refund_full + knobs.refund_partial:
        return None, None, 0
    when = paid_at + dice.between(DAY, 6 * DAY, "refund-after", index)
    return None, when if when < end else None, 0 if draw < knobs.refund_full else 1


def _currency(dice: Dice, knobs: Knobs, who: Person, index: int, *, web: bool) -> str:
    if not web or not dice.chance(knobs.other_currency, "currency", index):
        return "USD"
    home = who.country.currency
    return home if home != "USD" else dice.pick(TRAVELLERS, "traveller", index)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
