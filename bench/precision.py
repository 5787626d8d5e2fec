"""How surely events find their accounts: python -m bench.precision [PEOPLE].

`tests.precision` says what is measured, `tests.population` on whom.
"""

import sys
import time

from tests.population import HARD, Sharing, population
from tests.precision import measured


def main() -> None:
    """Print one row for each kind of event."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for title, sharing in (("usual sharing", Sharing()), ("hard", HARD)):
        began = time.perf_counter()
        for name, got in measured(population(size, sharing=sharing)).items():
            print(
                f"{title}, {name}: {got.events:,} events, {got.given:,} given an account, "
                f"precision {got.precision:.3%} ({got.given - got.right:,} wrong), "
                f"{got.usable:,} with a usable key, recall {got.recall:.3%} "
                f"({got.missed:,} missed), "
                f"{got.sharing:,} share a key, of which {got.recall_of_sharing:.3%} found"
            )
        print(f"{size:,} people in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
