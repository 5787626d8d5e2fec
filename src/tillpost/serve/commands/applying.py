"""Many shops from one list: a TOML or CSV of shops that inherit, written into `tillpost.toml`.

The list's shops stand in one block of the settings file between two marks; everything
outside of the marks is left as it is. A table named after a kind of destination, e.g.
`[shops.meta]`, is a destination of that shop.
"""

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from tillpost.core.outcome import Misconfigured
from tillpost.deliver import catalog
from tillpost.serve import configure, secret_files
from tillpost.serve.private import write_private
from tillpost.serve.secret_files import SUFFIX
from tillpost.serve.settings import SECRET_KEYS
from tillpost.store.lock import tell_to_read_again

BEGIN = "# >>> shops written by `tillpost apply`: change the list, not these lines"
END = "# <<< shops written by `tillpost apply`"
SECRETS = "secrets"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")

_LISTS = frozenset({"origins", "server_keys", "webhook_secrets", "secrets", "events"})
"""Columns of a CSV whose cells hold several values, with spaces between."""

Tree: TypeAlias = dict[str, Any]


class Change(Struct, frozen=True):
    """What applying a list did, or would do: the shops by name, and the secrets' files."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    secrets: tuple[str, ...]


class _Block(Struct, frozen=True):
    """The text of one shop, and the secrets to keep apart by the name of their file."""

    text: str
    secrets: Mapping[str, str]


def apply(source: Path, config_file: Path, *, dry_run: bool = False) -> Change:
    """Write the list's shops into the settings; with `dry_run` only say what would change.

    Raises `Misconfigured` for a list that cannot be read and for settings that no server
    could run with; nothing is written then.
    """
    shops = {tree["name"]: _block(tree) for tree in read(source)}
    text = config_file.read_text("utf-8") if config_file.exists() else ""
    before = dict(_blocks_of(text))
    wanted = {name: block.text for name, block in shops.items()}
    kept = {name: secret for block in shops.values() for name, secret in block.secrets.items()}
    folder = config_file.parent / SECRETS
    new = [name for name, secret in kept.items() if not _holds(folder / name, secret)]
    change = Change(
        added=tuple(name for name in wanted if name not in before),
        changed=tuple(n for n in wanted if n in before and before[n] != wanted[n]),
        removed=tuple(name for name in before if name not in wanted),
        unchanged=sum(before.get(name) == wanted[name] for name in wanted),
        secrets=tuple(new),
    )
    after = _replaced(text, wanted)
    _check(after, config_file, kept)
    if not dry_run and (after != text or new):
        _write(config_file, after, {name: kept[name] for name in new})
    return change


def tell_server(config_file: Path) -> str | None:
    """Have a server that runs with these settings read them again: its address, if one does."""
    settings = configure.load(config_file, configure.environment())
    directory = configure.data_directory(settings, configure.environment())
    return tell_to_read_again(directory, config_file)


def read(source: Path) -> list[Tree]:
    """The shops of a list, each with what it inherits; raises `Misconfigured` with the place."""
    try:
        text = source.read_text("utf-8-sig")
        document = _csv(text, source) if source.suffix == ".csv" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise Misconfigured(f"{source}: cannot be read ({why}): name a TOML or CSV file") from None
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{source} is not valid TOML: {error}") from None
    unknown = document.keys() - {"defaults", "templates", "shops"}
    if unknown:
        told = ", ".join(sorted(unknown))
        raise Misconfigured(
            f"{source}: unknown `{told}`: a list has [defaults], [templates.NAME] and [[shops]]"
        )
    found = [_inherited(shop, document, f"{source}: shop {n}") for n, shop in _shops(document)]
    names = [shop["name"] for shop in found]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise Misconfigured(f"{source}: two shops are named `{doubled}`: give each its own name")
    return found


def _shops(document: Tree) -> Iterator[tuple[int, Tree]]:
    return enumerate(document.get("shops", []), 1)


def _csv(text: str, source: Path) -> Tree:
    """Columns are dotted keys; an empty cell is inherited. `defaults.toml` beside it is read."""
    rows = csv.DictReader(io.StringIO(text), strict=True)
    try:
        shops = [_row(row, f"{source}:{rows.line_num}") for row in rows]
    except csv.Error as error:
        raise Misconfigured(f"{source}:{rows.line_num}: {error}: save it as CSV again") from None
    beside = source.with_suffix(".defaults.toml")
    above = tomllib.loads(beside.read_text("utf-8")) if beside.exists() else {}
    return {**above, "shops": shops}


def _row(row: Mapping[str | None, Any], where: str) -> Tree:
    if None in row or None in row.values():
        raise Misconfigured(f"{where}: the row has not as many cells as the headings")
    made: Tree = {}
    for heading, cell in row.items():
        if (text := cell.strip()) and heading:
            *above, last = heading.strip().split(".")
            place = made
            for step in above:
                place = place.setdefault(step, {})
            place[last] = text.split() if last in _LISTS else text
    return made


def _inherited(shop: Tree, document: Tree, where: str) -> Tree:
    """The shop over its template over the defaults, with a name that fits a path and a file."""
    given = dict(shop)
    named = given.pop("template", None)
    templates = document.get("templates", {})
    if named is not None and named not in templates:
        known = ", ".join(templates) or "none"
        raise Misconfigured(f"{where}: there is no template `{named}`; templates: {known}")
    base = _over(document.get("defaults", {}), templates.get(named, {}))
    made = _over(base, given)
    name = made.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Misconfigured(f"{where}: name {name!r}: give it small letters, digits, - and _")
    return made


def _over(base: Tree, own: Tree) -> Tree:
    """One table over another; tables in both are joined, everything else is replaced."""
    joined = {
        key: _over(base[key], value)
        for key, value in own.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **own, **joined}


def _block(shop: Tree) -> _Block:
    """The text of a shop and its destinations; secrets become files of their own."""
    kinds = catalog.members()
    kept: dict[str, str] = {}
    own = {key: value for key, value in shop.items() if key not in kinds}
    text = _tables("shops", _apart(own, shop["name"], kept))
    for kind in (key for key in shop if key in kinds):
        table = {"kind": kind, "shop": shop["name"], **shop[kind]}
        text += "\n" + _tables("destinations", _apart(table, f"{shop['name']}-{kind}", kept))
    return _Block(text, kept)


def _apart(tree: Tree, name: str, kept: dict[str, str]) -> Tree:
    """The tree with every secret put into `kept`, and its file named in its place."""
    made: Tree = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            made[key] = _apart(value, f"{name}-{key}", kept)
        elif key == "server_keys":
            keys = [entry if isinstance(entry, dict) else {"key": entry} for entry in value]
            made[key] = [_apart(entry, f"{name}-{n}", kept) for n, entry in enumerate(keys)]
        elif key in SECRET_KEYS:
            kept[f"{name}-{key}"] = "\n".join(value) if isinstance(value, list) else str(value)
            made[f"{key}{SUFFIX}"] = f"{SECRETS}/{name}-{key}"
        else:
            made[key] = value
    return made


def _tables(name: str, tree: Tree) -> str:
    """`[[name]]` with its keys, then its tables."""
    plain = [f"{key} = {_literal(value)}" for key, value in tree.items() if not _is_table(value)]
    lines = [f"[[{name}]]", *plain]
    for key, value in tree.items():
        if _is_table(value):
            lines += [f"  [{name}.{key}]"]
            lines += [f"  {k} = {_literal(v)}" for k, v in value.items()]
    return "\n".join(lines) + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _literal(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_literal(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _blocks_of(text: str) -> Iterator[tuple[str, str]]:
    """The shops of an earlier run: name and text."""
    _, _, rest = text.partition(f"{BEGIN}\n")
    inside, _, _ = rest.partition(END)
    for part in re.split(r"(?m)^(?=\[\[shops\]\])", inside):
        if part.strip():
            yield tomllib.loads(part)["shops"][0]["name"], part.strip() + "\n"


def _replaced(text: str, wanted: Mapping[str, str]) -> str:
    """The settings with the block of this list in the place of the earlier one."""
    block = f"{BEGIN}\n" + "\n".join(wanted.values()) + f"{END}\n"
    if BEGIN in text:
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        return before + block + after.removeprefix("\n")
    gap = "\n" if text and not text.endswith("\n\n") else ""
    return f"{text}{gap}{block}"


def _holds(path: Path, secret: str) -> bool:
    return path.is_file() and path.read_text("utf-8").strip() == secret


def _check(text: str, config_file: Path, kept: Mapping[str, str]) -> None:
    """Raises `Misconfigured` if no server could run with the new settings."""

    def read(path: Path) -> str:
        return kept.get(path.name) or secret_files.text_of(path)

    configure.parse(text, config_file, {}, read=read)


def _write(config_file: Path, text: str, new: Mapping[str, str]) -> None:
    """Put the secrets, then the settings that name them, into their places."""
    folder = config_file.parent / SECRETS
    try:
        if new:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, secret in new.items():
            write_private(folder / name, f"{secret}\n".encode())
        write_private(config_file, text.encode())
    except OSError as error:
        raise Misconfigured(
            f"cannot write to {config_file.parent} ({error.strerror}): name another --config"
        ) from None
