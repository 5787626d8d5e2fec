"""Files that only their owner may read, whole or not there at all."""

import os
from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """Put a file of mode 0600 on disk; a crash leaves the old state or the whole file."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Names are on disk only once their folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
