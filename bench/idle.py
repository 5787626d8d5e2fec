"""`tillpost serve` whose worker never starts: python -m bench.idle serve --data DIR --port N.

What is taken in stays where it is, so that taking in can be measured alone.
"""

from tillpost.cli import main
from tillpost.serve.worker import Worker

if __name__ == "__main__":
    Worker.start = Worker.wake = Worker.came_in = lambda _: None  # type: ignore[method-assign,assignment]
    main()
