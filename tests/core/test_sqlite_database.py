import asyncio
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.store import queries
from tillpost.store.sqlite import Database, _Job, _Line, insert_rows

NAMES = re.compile(r":([a-z_]+)")
NUMBERS = re.compile(r"\?([0-9]+)")
INSERT = "INSERT INTO accepted (shop, destination, events) VALUES (?, 'meta', 1)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tillpost.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path, "gateway")
    yield opened
    opened.close()


def add(shop: str) -> Callable[[sqlite3.Connection], str]:
    def work(conn: sqlite3.Connection) -> str:
        conn.execute(INSERT, (shop,))
        return shop

    return work


def shops(path: Path) -> list[str]:
    """What another process would read now."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT shop FROM accepted ORDER BY shop").fetchall()
    connection.close()
    return [row[0] for row in rows]


def test_the_answer_comes_after_the_commit(database: Database, path: Path) -> None:
    assert database.write_now(add("a")) == "a"
    assert shops(path) == ["a"]


def test_writes_that_wait_are_committed_together_and_each_is_answered(
    database: Database, path: Path
) -> None:
    gate = threading.Event()

    async def all_at_once() -> list[str]:
        blocker = asyncio.to_thread(database.write_now, lambda _: gate.wait(5))
        waiting = asyncio.ensure_future(blocker)
        await asyncio.sleep(0.05)
        writes = [asyncio.ensure_future(database.write(add(f"s{n:03}"))) for n in range(300)]
        await asyncio.sleep(0)
        seen = shops(path)
        assert seen == []
        gate.set()
        await waiting
        first = await writes[0]
        assert first in shops(path)
        return await asyncio.gather(*writes)

    assert asyncio.run(all_at_once()) == [f"s{n:03}" for n in range(300)]
    assert len(shops(path)) == 300


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO accepted (shop, destination, events) VALUES (NULL, 'm', 1)", "NOT NULL"),
        ("INSERT INTO nowhere VALUES (1)", "no such table"),
    ],
)
def test_a_failing_job_is_undone_alone(
    database: Database, path: Path, statement: str, error: str
) -> None:
    gate = threading.Event()

    def broken(conn: sqlite3.Connection) -> None:
        conn.execute(INSERT, ("half",))
        conn.execute(statement)

    async def run() -> list[object]:
        blocker = asyncio.ensure_future(
            asyncio.to_thread(database.write_now, lambda _: gate.wait(5))
        )
        await asyncio.sleep(0.05)
        jobs = [database.write(add("a")), database.write(broken), database.write(add("b"))]
        futures = [asyncio.ensure_future(job) for job in jobs]
        await asyncio.sleep(0)
        gate.set()
        await blocker
        return await asyncio.gather(*futures, return_exceptions=True)

    first, second, third = asyncio.run(run())
    assert (first, third) == ("a", "b")
    assert isinstance(second, sqlite3.Error)
    assert error in str(second)
    assert shops(path) == ["a", "b"]


def test_requests_go_before_threads_and_wait_for_one_of_them_at_most() -> None:
    loop = asyncio.new_event_loop()
    of_threads = [_Job(Future(), None) for _ in range(4)]
    of_requests = [_Job(Future(), loop) for _ in range(3)]
    waiting: SimpleQueue[list[_Job] | None] = SimpleQueue()
    for jobs in (of_threads[:1], of_requests[:2], of_threads[1:2]):
        waiting.put(jobs)
    line = _Line(waiting)
    assert line.next_group() == of_requests[:2]
    waiting.put(of_requests[2:])
    assert line.next_group() == of_threads[:1]
    assert line.next_group() == of_requests[2:]
    waiting.put(of_threads[2:])
    waiting.put(None)
    assert line.next_group() == of_threads[1:]
    assert line.next_group() == []
    loop.close()


@pytest.mark.parametrize("rows", [1, 2, 64, 130])
def test_many_rows_of_one_statement_meet_what_is_there(database: Database, rows: int) -> None:
    add_up = (
        "INSERT INTO accepted (shop, destination, events)\nVALUES (?, 'meta', ?)\n"
        "ON CONFLICT (shop, destination) DO UPDATE SET events = events + excluded.events;"
    )
    given = [(f"s{number % 3}", 1) for number in range(rows)]
    database.write_now(lambda conn: insert_rows(conn, add_up, given))
    with database.reader() as conn:
        assert conn.execute("SELECT sum(events) FROM accepted").fetchone()[0] == rows
        assert conn.execute("SELECT count(*) FROM accepted").fetchone()[0] == min(rows, 3)


def test_a_disk_that_fails_refuses_the_whole_group_to_be_tried_again(
    database: Database, path: Path
) -> None:
    def full(conn: sqlite3.Connection) -> None:
        conn.execute(INSERT, ("lost",))
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with pytest.raises(Retryable, match="free space"):
        database.write_now(full)
    assert shops(path) == []
    assert database.write_now(add("a")) == "a"


def test_a_disk_that_is_full_at_the_start_is_told(tmp_path: Path) -> None:
    path = tmp_path / "full.db"
    small = (
        "import resource, sys; from pathlib import Path\n"
        "from tillpost.store.sqlite import Database\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "Database(Path(sys.argv[1]), 'gateway')"
    )
    told = subprocess.run(
        [sys.executable, "-c", small, path], capture_output=True, text=True, check=False
    )
    last = told.stderr.splitlines()[-1]
    assert last.startswith(f"tillpost.core.outcome.Misconfigured: cannot write to {path}")
    assert "make room" in last


def test_a_loop_that_closed_does_not_stop_the_writer(database: Database) -> None:
    gate = threading.Event()

    async def leave() -> None:
        job = asyncio.ensure_future(database.write(lambda _: gate.wait(5)))
        await asyncio.sleep(0.05)
        job.cancel()

    asyncio.run(leave())
    gate.set()
    assert database.write_now(add("a")) == "a"


def test_concurrent_writers_lose_nothing(database: Database, path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: database.write_now(add(f"s{n}")), range(200)))
    assert len(shops(path)) == 200


def test_a_reader_sees_one_moment_and_cannot_write(database: Database) -> None:
    database.write_now(add("a"))
    with database.reader() as conn:
        assert conn.execute("SELECT COUNT(*) FROM accepted").fetchone() == (1,)
        database.write_now(add("b"))
        assert conn.execute("SELECT COUNT(*) FROM accepted").fetchone() == (1,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            conn.execute(INSERT, ("c",))
    with database.reader() as conn:
        assert conn.execute("SELECT COUNT(*) FROM accepted").fetchone() == (2,)


def test_a_power_cut_cannot_take_what_was_answered(database: Database) -> None:
    found = database.write_now(
        lambda conn: [
            conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]
    )
    assert found == ["wal", 2]


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    Database(path, "gateway").close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    for readonly in (False, True):
        with pytest.raises(Misconfigured, match=r"newer version \(schema 99.*upgrade tillpost"):
            Database(path, "gateway", readonly=readonly)


def test_a_reader_refuses_an_older_file(path: Path) -> None:
    Database(path, "gateway").close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=0")
    connection.close()
    with pytest.raises(Misconfigured, match="db migrate"):
        Database(path, "gateway", readonly=True)


@pytest.mark.parametrize("statement", ["CREATE TABLE notes (n)", "PRAGMA application_id=77"])
def test_a_file_of_another_program_is_left_alone(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=0")
        connection.execute(statement)
    connection.close()
    with pytest.raises(Misconfigured, match="another program"):
        Database(path, "gateway")


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(Misconfigured, match="--data") as caught:
        Database(path, "gateway")
    assert "\n" not in str(caught.value)


def test_reading_only_refuses_writes(database: Database, path: Path) -> None:
    database.write_now(add("a"))
    reading = Database(path, "gateway", readonly=True)
    with reading.reader() as conn:
        assert conn.execute("SELECT COUNT(*) FROM accepted").fetchone() == (1,)
    with pytest.raises(Misconfigured, match="reading only"):
        reading.write_now(add("b"))
    with pytest.raises(Misconfigured, match="reading only"):
        asyncio.run(reading.write(add("b")))
    reading.close()


def test_reading_what_is_not_there_says_where_to_look(path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"there is no tillpost\.db.*--data"):
        Database(path, "gateway", readonly=True)


def test_a_directory_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file" / "tillpost.db", tmp_path):
        with pytest.raises(Misconfigured, match="choose another directory") as caught:
            Database(place, "gateway")
        assert "\n" not in str(caught.value)


def test_a_closed_database_says_so(path: Path) -> None:
    database = Database(path, "gateway")
    database.write_now(add("a"))
    database.close()
    database.close()
    with pytest.raises(Misconfigured, match="closed"):
        database.write_now(add("b"))


def test_opening_again_keeps_everything(path: Path) -> None:
    first = Database(path, "gateway")
    first.write_now(add("a"))
    with first.reader():
        pass
    first.close()
    assert {file.name for file in path.parent.iterdir()} == {"tillpost.db"}
    second = Database(path, "gateway")
    second.close()
    assert shops(path) == ["a"]


@pytest.mark.parametrize("schema", ["gateway", "receiver"])
def test_every_named_query_can_be_prepared(tmp_path: Path, schema: str) -> None:
    database = Database(tmp_path / "a.db", schema)

    def explain(conn: sqlite3.Connection) -> None:
        for text in queries.load(schema).values():
            names = dict.fromkeys(NAMES.findall(text))
            holes = len({*NUMBERS.findall(text)}) or text.count("?")
            values: Any = names or [None] * holes
            conn.execute(f"EXPLAIN {text}", values)

    database.write_now(explain)
    database.close()
    assert len(queries.load(schema)) > 10


def test_migrations_are_numbered_without_gaps() -> None:
    for schema in ("gateway", "receiver"):
        numbers = [number for number, _, _ in queries.migrations(schema)]
        assert numbers == list(range(1, len(numbers) + 1))
