"""Blocks of settings in a page: put into the settings of a shop, which then must be good."""

import json
import tomllib
from pathlib import Path
from typing import Any, TypeAlias

from tillpost.serve import configure

Tree: TypeAlias = dict[str, Any]

_NAMES = ("name", "kind", "id")
_SECRET = "whsec_YSBzZWNyZXQgb2YgdGhlIHJlYWRlcg=="
_SHOP = 'shops = [{ name = "acme", domain = "acme.example" }]'


def laid_over(settings: str, block: str, folder: Path) -> str:
    """The settings with a page's block in them; raises what a server would say of them.

    A table of the block replaces keys of the one that is there; an entry of a list that has a
    name of its own replaces the list, one without is more of the last entry.
    """
    tree = _over(tomllib.loads(settings or _SHOP), tomllib.loads(block))
    text = "".join(f"{key} = {_literal(value)}\n" for key, value in tree.items())
    configure.parse(text, folder / "tillpost.toml", {}, read=lambda _: _SECRET)
    return text


def _over(there: Tree, block: Tree) -> Tree:
    return {**there, **{key: _joined(there.get(key), value) for key, value in block.items()}}


def _joined(there: Any, value: Any) -> Any:
    if isinstance(there, list) and isinstance(value, dict):
        return [*there[:-1], _over(there[-1], value)]
    if isinstance(there, list) and _is_more(value):
        return [*there[:-1], _over(there[-1], value[0])]
    if isinstance(there, dict) and isinstance(value, dict):
        return _over(there, value)
    return value


def _is_more(value: Any) -> bool:
    """Whether this is one entry without a name of its own."""
    one = isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict)
    return one and not value[0].keys() & {*_NAMES}


def _literal(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_literal(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
