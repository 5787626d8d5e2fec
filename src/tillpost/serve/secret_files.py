"""Secrets apart from the settings: `access_token_file = "secrets/token"` stands for its text."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tillpost.core.outcome import Misconfigured
from tillpost.serve.settings import SECRET_KEYS

SUFFIX = "_file"


def text_of(path: Path) -> str:
    """The text of a file."""
    return path.read_text("utf-8")


def read_all(
    tree: Mapping[str, Any], source: Path, read: Callable[[Path], str] = text_of
) -> dict[str, Any]:
    """The settings with every `KEY_file` of a secret replaced by what the file holds.

    A relative path starts at the settings file. A key that holds several secrets, e.g.
    `webhook_secrets_file`, has one a line. `read` gives a file's text.
    Raises `Misconfigured` with the key and the file.
    """
    made = {key: _inside(value, source, read) for key, value in tree.items()}
    for named in [key for key in made if _names_a_secret(key)]:
        key = named.removesuffix(SUFFIX)
        if key in made:
            raise Misconfigured(f"{source}: `{key}` and `{named}` are both set: keep one")
        made[key] = _secret(read, str(made.pop(named)), source, named)
    return made


def value(text: str, key: str) -> str | list[str]:
    """What a secret's file says: one secret, or for a key of several one a line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if key.endswith("s"):
        return lines
    return lines[0] if len(lines) == 1 else text.strip()


def _inside(value: Any, source: Path, read: Callable[[Path], str]) -> Any:
    if isinstance(value, dict):
        return read_all(value, source, read)
    if isinstance(value, list):
        return [_inside(entry, source, read) for entry in value]
    return value


def _names_a_secret(key: str) -> bool:
    return key.endswith(SUFFIX) and key.removesuffix(SUFFIX) in SECRET_KEYS


def _secret(read: Callable[[Path], str], given: str, source: Path, named: str) -> str | list[str]:
    path = source.parent / given
    try:
        found = value(read(path), named.removesuffix(SUFFIX))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise Misconfigured(
            f"{source}: `{named}`: cannot read {path} ({why}): let the server's user read it"
        ) from None
    if not found:
        raise Misconfigured(f"{source}: `{named}`: {path} is empty: put the secret into it")
    return found
