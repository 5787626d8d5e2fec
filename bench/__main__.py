"""`make bench`: every benchmark, one after the other; each prints its own table."""

import runpy
import sys
from pathlib import Path

BENCHES = ("build", "ingest", "deliver", "receive", "attribution", "markov", "dashboard")


def main() -> None:
    """Run the named benchmarks, or all that are here."""
    here = Path(__file__).parent
    names = sys.argv[1:] or [name for name in BENCHES if (here / f"{name}.py").exists()]
    sys.argv = sys.argv[:1]
    for name in names:
        print(f"\n== {name} ==", flush=True)
        runpy.run_module(f"bench.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
