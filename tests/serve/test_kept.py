"""What was read is kept until the stores change; what takes long is not waited for twice."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.live import wait_for

from tillpost.serve import kept
from tillpost.serve.http.pages import long_work
from tillpost.serve.http.pages.long_work import LongWork, Progress
from tillpost.serve.kept import Kept


class Time:
    def __init__(self) -> None:
        self.at = 100.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(kept, "time", made)
    return made


class Shop:
    """A file that changes, and a look at it that takes so many seconds."""

    def __init__(self, directory: Path, clock: Time) -> None:
        self.file, self.clock = directory / "a.db", clock
        self.looks, self.takes = 0, 0.0
        self.may = threading.Event()
        self.may.set()
        self.change()

    def change(self) -> None:
        size = self.file.stat().st_size if self.file.exists() else 0
        self.file.write_bytes(b"x" * (size + 1))

    def look(self) -> int:
        self.may.wait(5)
        self.looks += 1
        self.clock.at += self.takes
        return self.looks


def test_a_look_serves_until_the_files_change(tmp_path: Path, clock: Time) -> None:
    shop, desk = Shop(tmp_path, clock), Kept(tmp_path, ("a.db",))
    assert [desk.get("key", shop.look) for _ in range(3)] == [1, 1, 1]
    shop.change()
    assert desk.get("key", shop.look) == 2
    clock.at += 31
    assert desk.get("key", shop.look) == 3


def test_what_takes_long_is_shown_with_its_age_while_it_is_taken_anew(
    tmp_path: Path, clock: Time
) -> None:
    shop, desk = Shop(tmp_path, clock), Kept(tmp_path, ("a.db",))
    shop.takes = 2.0
    assert desk.see("key", shop.look) == (1, 0.0)
    shop.change()
    clock.at += 5
    assert desk.see("key", shop.look) == (1, 7.0)
    clock.at += 5
    shop.may.clear()
    assert desk.see("key", shop.look) == (1, 12.0)
    shop.may.set()
    wait_for(lambda: shop.looks == 2)
    shop.change()
    clock.at += 301
    assert desk.get("key", shop.look) == 3


def test_nobody_stands_in_line_with_looks_that_nobody_waits_for(
    tmp_path: Path, clock: Time
) -> None:
    slow, quick = Shop(tmp_path, clock), Shop(tmp_path, clock)
    desk = Kept(tmp_path, ("a.db",))
    slow.takes = quick.takes = 1.0
    assert [desk.get("slow", slow.look), desk.get("quick", quick.look)] == [1, 1]
    slow.may.clear()
    slow.change()
    clock.at += 5
    assert desk.get("slow", slow.look) == 1
    wait_for(kept._LINE.locked)
    clock.at += 5
    assert desk.see("quick", quick.look) == (1, 11.0)
    clock.at += 301
    assert desk.get("quick", quick.look) == 2
    assert (desk.get("new", quick.look), slow.looks) == (3, 1)
    slow.may.set()
    wait_for(lambda: slow.looks == 2 and not kept._LINE.locked())


def test_two_who_ask_at_once_wait_for_one_look(tmp_path: Path) -> None:
    desk, began, go = Kept(tmp_path, ("a.db",)), threading.Event(), threading.Event()
    looks: list[int] = []

    def look() -> int:
        began.set()
        go.wait(5)
        looks.append(1)
        return len(looks)

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(desk.get("k", look))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert began.wait(5)
    go.set()
    for thread in threads:
        thread.join(5)
    assert (found, looks) == ([1, 1], [1])


def test_a_page_that_takes_long_tells_its_progress_and_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long_work, "PATIENCE_SECONDS", 0.05)
    go, reads = threading.Event(), []

    def read() -> str:
        reads.append(1)
        go.wait(5)
        return "figures"

    async def ask() -> list[Any]:
        work = LongWork()
        first = [await work.ask("page", read), await work.ask("page", read)]
        go.set()
        await asyncio.sleep(0.2)
        last = await work.ask("page", read)
        go.clear()
        again = await work.ask("page", read)
        go.set()
        return [*first, last, again]

    first, second, last, again = asyncio.run(ask())
    assert (first, second) == (Progress(0), Progress(0))
    assert (last, len(reads)) == ("figures", 2)
    assert again == Progress(0, usual=0)


def test_a_page_that_cannot_be_read_says_so_to_who_asks() -> None:
    def read() -> str:
        raise ValueError("no such order")

    async def ask() -> str:
        work = LongWork()
        for _ in range(2):
            with pytest.raises(ValueError, match="no such order"):
                await work.ask("page", read)
        return "asked twice"

    assert asyncio.run(ask()) == "asked twice"
