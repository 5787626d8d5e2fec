"""As if a platform had refused an order's Purchase for good."""

import sqlite3

from tests.live import Live


def refuse(server: Live, order_id: str) -> None:
    """The order's Purchase becomes a dead letter, with the platform's words."""
    database = sqlite3.connect(server.data / "tillpost.db", timeout=10)
    with database:
        database.execute(
            "UPDATE outbox SET state = 'dead', reason = 'refused', detail = 'Invalid parameter'"
            " WHERE event = (SELECT id FROM events WHERE order_id = ?)",
            (order_id,),
        )
    database.close()
