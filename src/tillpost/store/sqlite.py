"""One SQLite database: a single writer thread with group commit, and a pool of readers.

`synchronous=FULL` in WAL mode: a write that was answered survives a power cut.
All writes of requests that wait while a commit runs go together into the next one, so
that the price of an fsync is shared; the worker's go between, so that none waits for long.
Each write has a savepoint of its own: one that fails is undone alone.
"""

import asyncio
import queue
import re
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from functools import lru_cache, partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.store import queries
from tillpost.store.checkpoint import LOG_PAGES, Checkpoints

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]

_MOST_IN_A_GROUP = 256
_ROWS_AT_ONCE = 64
"""Rows of one INSERT; the statement of every number up to it stays prepared."""
_ROW = re.compile(r"(?<=VALUES)\s*(\([^()]*\))")
_BUSY_SECONDS = 10.0
_APPLICATION_ID = 0x7111_9057
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-65536",
    f"wal_autocheckpoint={LOG_PAGES}",
    "secure_delete=ON",  # what was erased is gone from the file too
)


class _Job(NamedTuple):
    """A write that waits: `rows` of one statement, or any `work`; and who waits for it.

    `loop` is the event loop of an asyncio waiter, None for a waiting thread.
    """

    waiter: "asyncio.Future[Any] | Future[Any]"
    loop: asyncio.AbstractEventLoop | None
    work: Work | None = None
    statement: str = ""
    rows: Sequence[tuple[Any, ...]] = ()


Result: TypeAlias = tuple[Any, BaseException | None]


class Database:
    """A database file and the schema it is migrated to at opening.

    Raises `Misconfigured` if the file cannot be opened, is not ours, or was made
    by a newer version. A `readonly` database never migrates and refuses writes.
    """

    def __init__(self, path: Path, schema: str, *, readonly: bool = False) -> None:
        self.path = path
        self.schema = schema
        self.readonly = readonly
        self._readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._gathered: list[_Job] = []
        self._writer: threading.Thread | None = None
        if readonly:
            self._check_readable()
            return
        connection = _open(path)
        try:
            _check_ours(connection, path)
            _migrate(connection, schema, path)
        except sqlite3.Error as error:
            connection.close()
            if not _is_trouble(error):
                raise
            raise Misconfigured(f"cannot write to {path} ({error}): make room for it") from None
        except BaseException:
            connection.close()
            raise
        self._writer = threading.Thread(
            target=self._write_loop, args=(connection,), name=f"write-{schema}", daemon=True
        )
        self._checkpoints = Checkpoints(partial(_open, path), f"checkpoint-{schema}")
        self._writer.start()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, once its transaction is on disk.

        Raises what `work` raises, or `Retryable` when the disk refuses the commit.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        self._gather(_Job(waiter, loop, work))
        return await waiter

    async def append(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Return once these rows are on disk; appends that wait together are one call.

        `statement` is an INSERT with `VALUES (?, ...)` of one row at its end. Raises as `write`.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._gather(_Job(waiter, loop, None, statement, rows))
        await waiter

    def write_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `write`, for a thread that may block."""
        waiter: Future[T] = Future()
        self._check_open()
        self._jobs.put([_Job(waiter, None, work)])
        return waiter.result()

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection inside one snapshot, given back at the end."""
        try:
            connection = self._readers.get_nowait()
        except queue.Empty:
            connection = _open_reader(self.path)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.execute("ROLLBACK")
            self._readers.put(connection)

    def damage(self) -> str | None:
        """What SQLite's check of every page and index finds first; None if all is well."""
        try:
            with self.reader() as connection:
                found: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            return str(error)
        return None if found == "ok" else found

    def empty_log(self) -> bool:
        """Move what the write-ahead log holds into the file, and leave the log empty.

        False if a reader or another checkpoint is in the way: call it again later.
        """
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            connection.close()
        return not busy

    def close(self) -> None:
        """Commit what waits, close every connection; the database cannot be used after."""
        with suppress(queue.Empty):
            while True:
                self._readers.get_nowait().close()
        if self._writer is not None:
            self._hand_over()
            self._jobs.put(None)
            self._writer.join()
            self._checkpoints.close()
            self._writer = None

    def _check_readable(self) -> None:
        _check_there(self.path)
        try:
            with self.reader() as connection:
                _check_version(connection, self.schema, self.path, readonly=True)
        except BaseException:
            self.close()
            raise

    def _check_open(self) -> None:
        if self._writer is None:
            how = "open for reading only" if self.readonly else "closed"
            raise Misconfigured(f"{self.path} is {how}: write through the server")

    def _gather(self, job: _Job) -> None:
        """Give the job to the writer together with all others of this turn of the event loop."""
        self._check_open()
        self._gathered.append(job)
        if len(self._gathered) == 1 and job.loop is not None:
            job.loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._jobs.put(gathered)

    def _write_loop(self, connection: sqlite3.Connection) -> None:
        line = _Line(self._jobs)
        while group := line.next_group():
            _commit_group(connection, group)
            self._checkpoints.written()
        connection.close()


class _Line:
    """The jobs that wait, in groups of one transaction each.

    A thread's write may be long (a round of folding), and a request that shared its transaction
    would be answered as late. So requests have their own, and one thread's write goes in between.
    """

    def __init__(self, jobs: "queue.SimpleQueue[list[_Job] | None]") -> None:
        self._jobs = jobs
        self._requests: deque[_Job] = deque()
        self._threads: deque[_Job] = deque()
        self._is_closing = False
        self._is_threads_turn = False

    def next_group(self) -> list[_Job]:
        """Those that go next, after a wait for the first; none when the last have gone."""
        self._take_in()
        asked, others = self._requests, self._threads
        if asked and not (others and self._is_threads_turn):
            self._is_threads_turn = True
            return [asked.popleft() for _ in range(min(len(asked), _MOST_IN_A_GROUP))]
        self._is_threads_turn = False
        return [others.popleft() for _ in range(1 if asked else len(others))]

    def _take_in(self) -> None:
        with suppress(queue.Empty):
            while not self._is_closing:
                jobs = self._jobs.get(block=not (self._requests or self._threads))
                for job in jobs or ():
                    (self._threads if job.loop is None else self._requests).append(job)
                self._is_closing = jobs is None


def _commit_group(connection: sqlite3.Connection, group: list[_Job]) -> None:
    """Run the group in one transaction and answer every job only after the commit."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        results = [
            result
            for _, jobs in groupby(group, key=lambda job: job.statement)
            for result in _run(connection, list(jobs))
        ]
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        failure = Retryable(f"the disk refused a write ({error}): free space or check the disk")
        results = [(None, failure)] * len(group)
    _answer(group, results)


def _run(connection: sqlite3.Connection, jobs: list[_Job]) -> list[Result]:
    """The results of jobs of one kind: appends go in together, unless one of them is bad."""
    if jobs[0].statement:
        rows = [row for job in jobs for row in job.rows]
        if _appended(connection, jobs[0].statement, rows):
            return [(None, None)] * len(jobs)
    return [_attempt(connection, _work_of(job)) for job in jobs]


def _work_of(job: _Job) -> Work:
    return job.work or partial(insert_rows, statement=job.statement, rows=job.rows)


def _appended(
    connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]
) -> bool:
    """Whether all rows went in; else none did. A single INSERT does that without a savepoint."""
    insert = partial(insert_rows, statement=statement, rows=rows)
    if len(rows) > _ROWS_AT_ONCE:
        return _attempt(connection, insert)[1] is None
    try:
        insert(connection)
    except Exception as error:
        if _is_trouble(error):
            raise
        return False
    return True


def _attempt(connection: sqlite3.Connection, work: Work) -> Result:
    """What `work` returned, or what it raised after all that it did was undone."""
    connection.execute("SAVEPOINT job")
    try:
        value = work(connection)
    except Exception as error:
        if _is_trouble(error):
            raise
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return None, error
    connection.execute("RELEASE job")
    return value, None


def insert_rows(
    connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows by a statement that has `VALUES (?, ...)` of one row, many at a time.

    Each statement that runs is a wait for the interpreter's lock, so there are few.
    """
    for begun in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[begun : begun + _ROWS_AT_ONCE]
        connection.execute(_widened(statement, len(part)), tuple(chain.from_iterable(part)))


@lru_cache(maxsize=4 * _ROWS_AT_ONCE)
def _widened(statement: str, rows: int) -> str:
    """The statement of one row, for so many."""
    head, row, tail = _ROW.split(statement.rstrip(" ;\n"), maxsplit=1)
    return head + " " + ",".join([row] * rows) + tail


def _answer(group: list[_Job], results: list[Result]) -> None:
    """Tell every waiter; each event loop is called once for all of its own."""
    waiting: dict[asyncio.AbstractEventLoop, list[tuple[Any, Result]]] = {}
    for job, result in zip(group, results, strict=True):
        if job.loop is None:
            _resolve([(job.waiter, result)])
        else:
            waiting.setdefault(job.loop, []).append((job.waiter, result))
    for loop, answers in waiting.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: list[tuple[Any, Result]]) -> None:
    for waiter, (value, error) in answers:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(value)
        else:
            waiter.set_exception(error)


def _is_trouble(error: Exception) -> bool:
    """Whether the disk or the file failed, and not the statement of one job."""
    if not isinstance(error, sqlite3.OperationalError):
        return False
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) != sqlite3.SQLITE_ERROR


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(
            path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=4 * _ROWS_AT_ONCE,
        )
        return _prepared(connection, _PRAGMAS)
    except (OSError, sqlite3.Error) as error:
        raise Misconfigured(
            f"cannot write to {path} ({error}): choose another directory with --data"
        ) from None


def _open_reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    return _prepared(connection, ("query_only=ON", "cache_size=-32768"))


def _prepared(connection: sqlite3.Connection, pragmas: Sequence[str]) -> sqlite3.Connection:
    """The connection with these settings; it is closed if the file does not take them."""
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def version_of(path: Path, schema: str) -> int:
    """The number of a file's schema, read and left as it is.

    Raises `Misconfigured` for a file that is not ours, damaged, or of a newer version.
    """
    _check_there(path)
    try:
        with closing(_open_reader(path)) as connection:
            _check_ours(connection, path)
            return _check_version(connection, schema, path)
    except sqlite3.DatabaseError as error:
        raise Misconfigured(f"{path} is damaged ({error}): restore a backup") from None


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise Misconfigured(
            f"there is no {path.name} in {path.parent}: name the data directory of a server "
            "that ran with --data"
        )


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    mark = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if mark == _APPLICATION_ID:
        return
    if mark or connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
        raise Misconfigured(
            f"{path} belongs to another program: choose another directory with --data"
        )


def _check_version(
    connection: sqlite3.Connection, schema: str, path: Path, *, readonly: bool = False
) -> int:
    """The file's schema number, if this version can work with it."""
    newest = queries.migrations(schema)[-1][0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > newest:
        raise Misconfigured(
            f"{path} was written by a newer version (schema {version}, known {newest}): "
            "upgrade tillpost or restore a backup"
        )
    if readonly and version < newest:
        raise Misconfigured(
            f"{path} has an older schema ({version}, needed {newest}): run tillpost db migrate"
        )
    return version


def _migrate(connection: sqlite3.Connection, schema: str, path: Path) -> None:
    """Bring the file to the newest schema, each migration in one transaction with its number."""
    version = _check_version(connection, schema, path)
    for number, _, text in queries.migrations(schema):
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{text}\nPRAGMA user_version={number};\n"
                f"PRAGMA application_id={_APPLICATION_ID};\nCOMMIT;"
            )
