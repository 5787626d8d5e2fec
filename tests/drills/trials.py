"""The drills on a real server process: what is done to it, and that it bit.

Each takes a scene and how much to do, and leaves its figures in `scene.figures`. Whether
anything was lost, doubled, invented or left unexplained is the oracle's to say.
"""

import random
import resource
import time
from collections.abc import Callable
from typing import TypeAlias

from tests.drills.crowd import Crowd
from tests.drills.nodes import strace
from tests.drills.scene import Scene

Trial: TypeAlias = Callable[[Scene, int], None]

SYNCS = "fsync,fdatasync"
WRITES = "pwrite64"
ANSWERS = "writev,sendto,write"
READS = "recvfrom,read"


def kills(scene: Scene, times: int) -> None:
    """SIGKILL at random moments, under load."""
    dice = random.Random(7)
    scene.node.must_start()
    scene.shop.start()
    began, slowest = time.monotonic(), 0.0
    for _ in range(times):
        time.sleep(dice.uniform(0.01, 0.25))
        scene.node.kill()
        killed = time.monotonic()
        scene.node.must_start()
        slowest = max(slowest, time.monotonic() - killed)
    scene.shop.stop()
    took = round(time.monotonic() - began)
    scene.figures |= {"kills": times, "seconds": took, "slowest start": f"{slowest:.1f} s"}


def killed_at(calls: str) -> Trial:
    """SIGKILL in the n-th of these system calls of a thread, for rising n, under load."""

    def trial(scene: Scene, times: int) -> None:
        log = scene.directory / "strace.log"
        killed = 0
        scene.shop.start()
        for n in _steps(times):
            scene.node.must_start()
            with scene.node.injected(f"signal=KILL:when={n}", calls=calls, log=log):
                killed += scene.node.wait(within=2.0)
            scene.node.kill()
        scene.shop.stop()
        assert killed, "no injected kill hit"
        scene.figures |= {"kills": killed}

    return trial


def killed_starting(scene: Scene, times: int) -> None:
    """SIGKILL in the n-th write or sync of a start: first with no data, later with a backlog."""
    log = scene.directory / "strace.log"
    scene.shop.start()
    calls = f"{SYNCS},{WRITES},openat,mkdir,write"
    killed = 0
    for n in _steps(times):
        came_up = scene.node.start(*strace(f"signal=KILL:when={n}", calls=calls, log=log))
        killed += not came_up
        scene.node.kill()
    scene.node.must_start()
    scene.shop.stop()
    scene.shop.send_until(10)
    assert killed, "no injected kill hit"
    scene.figures |= {"kills": killed}


def failing_at(calls: str, error: str) -> Trial:
    """The n-th of these system calls of every thread fails, for rising n; the others work."""

    def trial(scene: Scene, times: int) -> None:
        log = scene.directory / "strace.log"
        injected = 0
        scene.node.must_start()
        scene.shop.start()
        for n in _steps(times):
            with scene.node.injected(f"error={error}:when={n}", calls=calls, log=log):
                scene.node.wait(within=0.4)
            injected += log.read_text().count("(INJECTED)") if log.exists() else 0
            if scene.node.ended is not None:
                scene.node.must_start()
        scene.shop.stop()
        scene.shop.send_until(10)
        assert injected, "no injected failure hit"
        scene.figures |= {"failed calls": injected}

    return trial


def killed_while_sending(scene: Scene, times: int) -> None:
    """SIGKILL while the platform has a batch and has not answered yet."""
    scene.platform.play("slow")
    scene.node.must_start()
    for _ in range(times):
        scene.shop.start()
        seen = len(scene.platform.arrivals)
        _until(lambda seen=seen: len(scene.platform.arrivals) > seen)  # type: ignore[misc]
        scene.node.kill()
        scene.shop.stop()
        scene.node.must_start()
    scene.figures |= {"kills": times}


def power_cuts(scene: Scene, times: int) -> None:
    """Power cuts under load: every second leaves a random half of the unsynced sectors."""
    dice = random.Random(11)
    scene.shop.at_once = 32
    scene.node.must_start()
    scene.shop.start(8)
    for n in range(times):
        time.sleep(dice.uniform(0.2, 0.6))
        scene.power_cut(torn=n % 2 == 1)
    scene.shop.stop()
    scene.figures |= {"power cuts": times}


def disk_full(scene: Scene, times: int) -> None:
    """The disk fills up under load, and has room again: 503 in between, then all goes on."""
    assert scene.disk is not None
    scene.node.must_start()
    slowest = 0.0
    for _ in range(times):
        scene.shop.send_until(20)
        scene.shop.refused.clear()
        scene.shop.longest = 0.0
        scene.disk.tell("room", bytes=4096)
        scene.shop.start()
        _until(lambda: scene.shop.refused.get(503, 0) >= 4)
        slowest = max(slowest, scene.shop.longest)
        scene.disk.tell("room", bytes=None)
        back = time.monotonic()
        goal = scene.shop.acked + 10
        _until(lambda goal=goal: scene.shop.acked >= goal)  # type: ignore[misc]
        scene.shop.stop()
        scene.figures["back after"] = f"{time.monotonic() - back:.1f} s"
    scene.figures |= {"times full": times, "slowest answer": f"{slowest:.2f} s"}


def disk_slow(scene: Scene, times: int) -> None:
    """Every sync takes 0.2 s, then one is stuck for three (at length: thirty), nothing else."""
    assert scene.disk is not None
    scene.node.must_start()
    scene.disk.tell("sync", seconds=0.2)
    scene.shop.send_until(10 * times)
    scene.disk.tell("sync", seconds=min(3.0 * times, 30.0))
    scene.shop.start()
    time.sleep(1.0)
    scene.disk.tell("sync", seconds=0.0)
    scene.shop.stop()
    scene.shop.send_until(10 * times)
    scene.figures |= {"slowest answer": f"{scene.shop.longest:.1f} s"}
    assert scene.shop.longest >= 0.2, "the slow disk was not felt"


def sync_fails(scene: Scene, times: int) -> None:
    """Syncs fail, later ones succeed, and then the power goes: a failed sync is never believed."""
    assert scene.disk is not None
    scene.node.must_start()
    for _ in range(times):
        scene.shop.send_until(10)
        scene.disk.tell("sync", failures=3)
        scene.shop.start()
        _until(lambda: scene.shop.refused.get(503, 0) >= 1 or scene.node.ended is not None)
        scene.disk.tell("sync", failures=0)
        goal = scene.shop.acked + 10
        if scene.node.ended is None:
            _until(lambda goal=goal: scene.shop.acked >= goal)  # type: ignore[misc]
        scene.power_cut(torn=False)
        scene.shop.stop()
    scene.figures |= {"failed syncs": 3 * times, "power cuts": times}


def few_files(scene: Scene, times: int) -> None:
    """No file can be opened any more, no connection taken; then there is room again."""
    scene.node.must_start()
    scene.shop.start(16)
    most = 0
    for _ in range(times):
        time.sleep(0.3)
        with scene.node.limited(resource.RLIMIT_NOFILE, scene.node.files()):
            fresh = Crowd(scene.node.port, 60)
            time.sleep(0.5)
            most = max(most, scene.node.files())
            fresh.close()
        if scene.node.ended is not None:
            scene.node.must_start()
        goal = scene.shop.acked + 10
        _until(lambda goal=goal: scene.shop.acked >= goal)  # type: ignore[misc]
    scene.shop.stop()
    scene.figures |= {"times": times, "files at most": most}


def little_memory(scene: Scene, times: int) -> None:
    """No more memory can be had while large bodies come; what that ends is started again."""
    scene.node.must_start()
    scene.shop.start()
    ended = 0
    for _ in range(times):
        time.sleep(0.3)
        with scene.node.limited(resource.RLIMIT_AS, scene.node.address_space() + (1 << 20)):
            crowd = Crowd(scene.node.port, 24, body=4 << 20)
            time.sleep(0.7)
            crowd.close()
        if scene.node.ended is not None:
            ended += 1
            scene.node.must_start()
        goal = scene.shop.acked + 10
        _until(lambda goal=goal: scene.shop.acked >= goal)  # type: ignore[misc]
    scene.shop.stop()
    scene.figures |= {"times": times, "ended by it": ended}


def stops(scene: Scene, times: int) -> None:
    """SIGTERM under load: what was received is answered, then it ends by itself."""
    scene.node.must_start()
    scene.shop.start()
    slowest = 0.0
    for _ in range(times):
        time.sleep(0.3)
        slowest = max(slowest, scene.node.terminate())
        scene.node.must_start()
    scene.shop.stop()
    assert slowest <= 10.0, f"a stop took {slowest:.1f} s"
    scene.figures |= {"stops": times, "slowest stop": f"{slowest:.1f} s"}


def frozen(scene: Scene, times: int) -> None:
    """SIGSTOP for a while, then on, and a kill: as a virtual machine that is moved."""
    scene.node.must_start()
    scene.shop.start()
    for _ in range(times):
        time.sleep(0.2)
        scene.node.freeze()
        time.sleep(0.5)
        scene.node.thaw()
    scene.node.kill()
    scene.shop.stop()
    scene.figures |= {"pauses": times}


_FARTHEST = 120


def _steps(times: int) -> list[int]:
    """So many numbers: each of the first, where a start-up is, then ever wider apart.

    Short of what a server under load does in two seconds: they begin anew after `_FARTHEST`.
    """
    found: list[int] = []
    n = 1.0
    while len(found) < times:
        found.append(int(n))
        n = max(n + 1, n * 1.2)
        n = n if n <= _FARTHEST else 1.0
    return found


ROUGH = ("silent_after", "half_body", "html_502", "transient", "reset", "empty_200", "ok", "ok")
"""Modes after which the same batch is simply due again."""


def rough_platform(scene: Scene, times: int) -> None:
    """Answers that break off, say nothing, or are not the platform's; poison; and kills."""
    dice = random.Random(13)
    scene.platform.play(lambda n: ROUGH[n % len(ROUGH)])
    scene.shop.poison = 0.02
    scene.node.must_start()
    for _ in range(times):
        scene.shop.start()
        time.sleep(dice.uniform(0.3, 0.8))
        scene.node.kill()
        scene.shop.stop()
        scene.node.must_start()
    scene.figures |= {"kills": times, "modes": len(set(ROUGH))}


def _until(done: Callable[[], bool], within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not done():
        assert time.monotonic() < end, f"it did not come to that within {within:g} s"
        time.sleep(0.01)
