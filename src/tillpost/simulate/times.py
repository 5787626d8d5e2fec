"""Simulated time: its span, and how busy the hours of a day are."""

from msgspec import Struct

from tillpost.simulate.dice import Dice

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0

STEP = 1_800.0
"""Seconds of one step of the simulated clock."""

HOURS = (1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 7, 7, 6, 6, 6, 7, 8, 9, 10, 9, 7, 4, 2)
"""How busy each hour of a day (UTC) is."""


def step_end(at: float) -> float:
    """What the simulated clock shows when something of this time is sent."""
    return (at // STEP + 1) * STEP


class Span(Struct, frozen=True):
    """The simulated time: its first and last second, as Unix seconds."""

    begin: float
    end: float

    @property
    def middle(self) -> float:
        """Half-way; a campaign is renamed then."""
        return (self.begin + self.end) / 2


def moment(dice: Dice, span: Span, stream: str, *entity: object) -> float:
    """A time in the span, busier in the evening where the span has whole days."""
    days = int((span.end - span.begin) // DAY)
    if not days:
        return round(dice.between(span.begin, span.end, f"{stream}-time", *entity), 3)
    day = dice.whole(0, days - 1, f"{stream}-day", *entity)
    hour = dice.weighted(tuple(enumerate(HOURS)), f"{stream}-hour", *entity)
    second = dice.between(0, HOUR, f"{stream}-second", *entity)
    return round(span.begin + day * DAY + hour * HOUR + second, 3)
