"""Purchases with a native step: what it would gain, measured; no part of the product.

`bench/native.c` is compiled by the machine's own gcc into a folder that is thrown away.
It spells plain values only, so the answer is checked against `core.identity` for everyone.
"""

import importlib.machinery
import importlib.util
import json
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from msgspec import Raw

from tillpost.core import capi
from tillpost.core.event import Event

SOURCE = Path(__file__).with_suffix(".c")
RAW = ("em", "ph", "fn", "ln", "db", "ge", "ct", "st", "zp", "country", "external_id")


def compiled(folder: Path) -> Path | None:
    """The extension module, or None where gcc or Python's headers are missing."""
    headers = sysconfig.get_paths()["include"]
    if not shutil.which("gcc") or not (Path(headers) / "Python.h").exists():
        return None
    library = folder / "native.so"
    options = ["-O3", "-march=native", "-shared", "-fPIC", f"-I{headers}"]
    subprocess.run(["gcc", *options, str(SOURCE), "-o", str(library)], check=True)
    return library


def loaded(library: str) -> Any:
    loader = importlib.machinery.ExtensionFileLoader("native", library)
    spec = importlib.util.spec_from_loader("native", loader)
    if spec is None:
        raise ImportError(library)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def user_of(person: dict[str, Any]) -> tuple[str, ...]:
    user = person["user"]
    return (*(user[key] for key in RAW), person["ip"], person["agent"], person["fbc"], user["fbp"])


def with_step(native: Any, person: dict[str, Any], custom_data: dict[str, Any]) -> bytes:
    """Customer information native, the event laid out as it is now."""
    event = Event(
        shop="demo",
        event_name="Purchase",
        event_time=person["time"],
        event_id=person["id"],
        event_source_url=person["url"],
        action_source="website",
        custom_data=custom_data,
    )
    made = capi.server_event(event)
    made["user_data"] = Raw(native.user_data(user_of(person)))
    return capi.encode(made)


def whole(native: Any, person: dict[str, Any]) -> bytes:
    """From raw values to JSON in one call."""
    made: bytes = native.purchase(
        user_of(person),
        person["id"],
        person["time"],
        person["url"],
        person["value"],
        person["currency"],
        person["items"],
    )
    return made


def verify(made: bytes | None, expected: bytes) -> None:
    """Stop unless the native step says, of this person, exactly what the rules say."""
    if made is None or json.loads(made) != json.loads(expected):
        raise AssertionError(made)
