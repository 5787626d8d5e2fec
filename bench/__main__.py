"""`make bench`: every benchmark, one after the other; each prints its own table.

`python -m bench NAME [FLAGS]` runs one of them, with its own flags.
"""

import runpy
import sys
from pathlib import Path

BENCHES = ("build", "ingest", "deliver", "receive", "attribution", "markov", "dashboard", "reports")


def main() -> None:
    """Run the named benchmark with the flags that follow, or all that are here."""
    here = Path(__file__).parent
    asked, flags = sys.argv[1:2], sys.argv[2:]
    names = asked or [name for name in BENCHES if (here / f"{name}.py").exists()]
    sys.argv = [sys.argv[0], *flags]
    for name in names:
        print(f"\n== {name} ==", flush=True)
        runpy.run_module(f"bench.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
