"""Where every setting comes from: a line of the file, the environment, a flag, or the default."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tillpost.serve.secret_files import SUFFIX

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*([\w.\-"']+)\s*=\s*(.*)$""")


def of_file(path: Path, text: str) -> dict[str, str]:
    """`FILE:LINE` by dotted key; the entries of lists are counted from 0."""
    return {key: f"{path}:{line}" for key, line in places(text).items()}


def of_environment(names: Iterable[str], prefix: str) -> dict[str, str]:
    """The variable's name by the dotted key it sets."""
    return {name.removeprefix(prefix).lower().replace("__", "."): name for name in names}


def origin(dotted: str, known: Mapping[str, str]) -> str | None:
    """Where a key comes from: it was given itself, by a file, or inside a table on one line.

    None if it was not given.
    """
    steps = dotted.split(".")
    for count in range(len(steps), 0, -1):
        key = ".".join(steps[:count])
        found = known.get(key) or known.get(f"{key}{SUFFIX}")
        if found is not None:
            return found
    return None


def places(text: str) -> dict[str, int]:
    """The line of every key of a valid TOML text: tomllib keeps no places."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    prefix, number = "", 0
    lines = text.splitlines()
    while number < len(lines):
        if header := _HEADER.match(lines[number]):
            prefix = _opened(header[2], counts, is_list=header[1] == "[[")
        elif key := _KEY.match(lines[number]):
            name = re.sub(r"[\"']", "", key[1])
            found[f"{prefix}{name}"] = number + 1
            number += _further_lines(key[2], lines[number + 1 :])
        number += 1
    return found


def _opened(header: str, counts: dict[str, int], *, is_list: bool) -> str:
    """The prefix of the keys under a header; `counts` holds the entries of each list so far."""
    *above, last = [part.strip(" \"'") for part in header.split(".")]
    prefix = ""
    for part in above:
        prefix += f"{part}."
        if prefix in counts:
            prefix += f"{counts[prefix] - 1}."
    prefix += f"{last}."
    if is_list:
        counts[prefix] = counts.get(prefix, 0) + 1
        prefix += f"{counts[prefix] - 1}."
    return prefix


def _further_lines(value: str, following: list[str]) -> int:
    """How many more lines the value takes."""
    for more in range(len(following) + 1):
        if _is_whole("\n".join([value, *following[:more]])):
            return more
    return 0


def _is_whole(value: str) -> bool:
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return False
    return True


def leaves(tree: Any, prefix: str = "") -> dict[str, Any]:
    """The values by dotted key; what is not set is left out."""
    if not isinstance(tree, dict | list) or not tree:
        return {} if tree is None else {prefix[:-1]: tree}
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found: dict[str, Any] = {}
    for key, value in entries:
        found |= leaves(value, f"{prefix}{key}.")
    return found
