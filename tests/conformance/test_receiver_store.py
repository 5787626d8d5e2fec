from collections.abc import Iterator
from pathlib import Path

import pytest

from tillpost.store.receiver_memory import MemoryReceiverStore
from tillpost.store.receiver_sqlite import SqliteReceiverStore
from tillpost.store.sqlite import Database
from tillpost.testing.receiver_statistics import ReceiverStatisticsSuite
from tillpost.testing.receiver_store import ReceiverStoreSuite


class TestMemory(ReceiverStoreSuite, ReceiverStatisticsSuite):
    @pytest.fixture
    def store(self) -> MemoryReceiverStore:
        return MemoryReceiverStore()


class TestSqlite(ReceiverStoreSuite, ReceiverStatisticsSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteReceiverStore]:
        database = Database(tmp_path / "receiver.db", "receiver")
        yield SqliteReceiverStore(database)
        database.close()
