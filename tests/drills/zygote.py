"""A process that has imported the server's code and forks a server for every line it reads.

    python -m tests.drills.zygote

A line is JSON, `{"arguments": [...], "output": FILE}`; the answer is the server's process id.
What is killed is the fork, which runs all that a start runs but the imports: so that a
thousand kills take minutes. The server is this process's child: it is reaped here.
"""

import json
import os
import signal
import sys


def main() -> None:
    """Fork until the input ends."""
    from tillpost.serve import start  # noqa: F401  # imported before the fork, not after it

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        given = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _serve(given["arguments"], given["output"])
        print(pid, flush=True)


def _serve(arguments: list[str], output: str) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    file = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from tillpost import cli

    sys.argv = ["tillpost", *arguments]
    cli.main()
    os._exit(0)


if __name__ == "__main__":
    main()
