"""A stop answers what it was sent: the last byte of a body may come after SIGTERM."""

import os
import signal
import socket
import time
from pathlib import Path

from tests.drills.chaos import Chaos
from tests.drills.nodes import Node
from tests.drills.shop import webhook

UNDER_WAY = 20


def _begin(node: Node, number: int) -> tuple[socket.socket, bytes]:
    """A connection that has sent an order but for its last byte, and that byte."""
    path, body, headers = webhook(number, "10.00", time.time())
    given = {**headers, "host": "shop", "content-length": str(len(body)), "connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    connection = socket.create_connection(("127.0.0.1", node.port), timeout=10)
    connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body[:-1])
    return connection, body[-1:]


def test_what_was_under_way_at_a_stop_gets_its_true_answer(tmp_path: Path) -> None:
    platform = Chaos(tmp_path / "arrived.jsonl")
    node = Node(tmp_path, platform.url)
    node.must_start()
    begun = [_begin(node, number) for number in range(1, UNDER_WAY + 1)]
    time.sleep(0.3)
    os.kill(node.pid, signal.SIGTERM)
    time.sleep(0.2)
    for connection, rest in begun:
        connection.sendall(rest)
    answers = [connection.makefile("rb").readline() for connection, _ in begun]
    for connection, _ in begun:
        connection.close()
    assert node.wait(within=10)
    node.close()
    platform.close()
    assert answers == [b"HTTP/1.1 200 OK\r\n"] * UNDER_WAY
