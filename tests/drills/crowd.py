"""Many clients at once that say little or much, and wait. It imports nothing of Tillpost."""

import socket
from contextlib import suppress

_HEAD = b"POST /events/demo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


class Crowd:
    """So many connections; each has sent a head and so many bytes of a body that goes on."""

    def __init__(self, port: int, clients: int, body: int = 0) -> None:
        self.open: list[socket.socket] = []
        begins = _HEAD + b"Content-Length: %d\r\n\r\n" % (body + 1) + b" " * body
        for _ in range(clients):
            with suppress(OSError):
                one = socket.create_connection(("127.0.0.1", port), timeout=2)
                self.open.append(one)
                one.sendall(begins)

    def close(self) -> None:
        """Go away, all of them."""
        for one in self.open:
            one.close()
