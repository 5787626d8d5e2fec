"""Reading the settings: file, then environment, then flags; every mistake named with its place."""

import difflib
import ipaddress
import json
import os
import re
import tomllib
import types
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import msgspec

from tillpost.core import testers
from tillpost.core.outcome import Misconfigured
from tillpost.deliver import catalog
from tillpost.serve import origins, outward, pixel, secret_files
from tillpost.serve.settings import (
    SECRET_KEYS,
    AdAccountSettings,
    Settings,
    ShopSettings,
    TelemetrySettings,
    known_keys,
)

PREFIX = "TILLPOST_"
_NOT_SETTINGS = frozenset(
    {
        "TILLPOST_DATA",
        "TILLPOST_ALL",
        "TILLPOST_SHARED",
        "TILLPOST_CONFIG",
        "TILLPOST_KEY",
        "TILLPOST_KEY_FILE",
    }
)


def load(
    path: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Settings:
    """The settings of a file, overlaid by the environment and by flags.

    Flags are dotted keys, e.g. {"server.port": 9000}; None leaves a key alone.
    Raises `Misconfigured` with the file, the line and the fix.
    """
    return parse(_text(path), path, environment, flags)


def parse(
    text: str,
    path: Path | None,
    environment: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    read: Callable[[Path], str] = secret_files.text_of,
) -> Settings:
    """As `load`, of a text that is, or will be, the file; `read` gives the secrets' files."""
    tree = _tree(path, text)
    if path is not None:
        tree = secret_files.read_all(tree, path, read)
    _check_keys(tree, Settings, (), path, text)
    for name in _variables(environment):
        _overlay(tree, name, environment[name])
    for dotted, value in (flags or {}).items():
        if value is not None:
            _put(tree, dotted.split("."), value, f"--{dotted.rsplit('.', 1)[-1]}")
    _check_kinds(tree, path, text)
    settings = _convert(tree, path, text)
    _check_sense(settings)
    return settings


def shown(settings: Settings) -> dict[str, Any]:
    """The settings as plain values with every secret masked."""
    masked = _masked(msgspec.to_builtins(settings))
    return dict(masked)


def as_lines(tree: Mapping[str, Any]) -> list[str]:
    """The settings one a line, by dotted key: `shops.0.name = "demo"`."""
    return [f"{key} = {json.dumps(value)}" for key, value in origins.leaves(tree).items()]


def told_by(
    path: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]
) -> dict[str, str]:
    """Where each key that was set was set last, as `origins.origin` looks it up."""
    return {
        **(origins.of_file(path, _text(path)) if path is not None else {}),
        **origins.of_environment(_variables(environment), PREFIX),
        **{key: f"--{key.rsplit('.', 1)[-1]}" for key, value in flags.items() if value is not None},
    }


def _variables(environment: Mapping[str, str]) -> list[str]:
    """The variables that are settings."""
    named = (name for name in environment if name.startswith(PREFIX))
    return sorted(name for name in named if name not in _NOT_SETTINGS)


def data_directory(settings: Settings, environment: Mapping[str, str]) -> Path:
    """Where the databases are: the setting, else `$TILLPOST_DATA`, else ./tillpost-data."""
    return Path(settings.server.data or environment.get("TILLPOST_DATA") or "tillpost-data")


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise Misconfigured(
            f"cannot read {path} ({error.strerror}): name a file with --config"
        ) from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path} is not UTF-8 text: save it as UTF-8") from None


def _tree(path: Path | None, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path} is not valid TOML: {error}") from None


def _check_keys(tree: Any, kind: Any, trail: tuple[str, ...], path: Path | None, text: str) -> None:
    if isinstance(tree, list):
        for entry in tree:
            _check_keys(entry, _inner(kind), trail, path, text)
        return
    tables = _tables(kind)
    if not tables or not isinstance(tree, dict):
        return
    known = _known(tables, tree)
    for key, value in tree.items():
        if key not in known:
            raise Misconfigured(_unknown(key, trail, known, path, text))
        _check_keys(value, known[key], (*trail, key), path, text)


def _unknown(
    key: str, trail: tuple[str, ...], known: Mapping[str, Any], path: Path | None, text: str
) -> str:
    where = f"{path}:{_line(text, key)}"
    dotted = ".".join((*trail, key))
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(sorted(known))}"
    return f"{where}: unknown key `{dotted}`; {hint}"


def _line(text: str, key: str) -> int:
    """The line a key stands on, found by a scan: tomllib keeps no places."""
    pattern = re.compile(rf"^\s*(\[+[\w.\s]*)?\b{re.escape(key)}\b")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.match(line):
            return number
    return 1


def _tables(kind: Any) -> list[Any]:
    """The settings tables behind a type: `X | None`, tuples and choices are looked through."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    if get_origin(kind) in {Union, types.UnionType}:
        return [table for part in get_args(kind) for table in _tables(part)]
    return []


def _known(tables: list[Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of the table that `tree` is; of all it may be, while it does not say which."""
    tag_field = tables[0].__struct_config__.tag_field
    told = [t for t in tables if t.__struct_config__.tag == tree.get(tag_field)]
    known: dict[str, Any] = {}
    for table in (told if tag_field else None) or tables:
        known |= known_keys(table)
    return known


def _inner(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is tuple else kind


def _overlay(tree: dict[str, Any], name: str, value: str) -> None:
    """One environment variable: `__` nests, a number is a place in a list, `_FILE` is read."""
    steps = name.removeprefix(PREFIX).lower().split("__")
    if steps[-1].endswith("_file"):
        steps[-1] = steps[-1].removesuffix("_file")
        try:
            text = Path(value).read_text("utf-8")
        except OSError as error:
            raise Misconfigured(f"{name}: cannot read {value} ({error.strerror})") from None
        _put(tree, steps, secret_files.value(text, steps[-1]), name)
        return
    _put(tree, steps, _value(value), name)


def _value(text: str) -> Any:
    """Lists and booleans are written as in TOML; everything else is text."""
    if text.startswith("[") or text in {"true", "false"}:
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text


def _put(tree: dict[str, Any], steps: list[str], value: Any, origin: str) -> None:
    kind: Any = Settings
    place: Any = tree
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(place, list):
            place = _entry(place, step, value if following is None else {}, origin)
            kind = _inner(kind)
            continue
        tables = _tables(kind)
        known = _known(tables, place) if tables else {}
        if step not in known:
            raise Misconfigured(_unknown(step, (), known, Path(origin), ""))
        kind = known[step]
        if following is None:
            place[step] = value
        else:
            place = place.setdefault(step, [] if get_origin(kind) is tuple else {})


def _entry(place: list[Any], step: str, new: Any, origin: str) -> Any:
    if not step.isdigit() or int(step) > len(place):
        raise Misconfigured(f"{origin}: `{step}` is no place in the list: use 0 to {len(place)}")
    if int(step) == len(place):
        place.append(new)
    return place[int(step)]


def _convert(tree: dict[str, Any], path: Path | None, text: str) -> Settings:
    try:
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        message = str(error)
        keys = re.findall(r"\.(\w+)", message.rsplit(" - at ", maxsplit=1)[-1])
        line = _line(text, keys[-1]) if keys else 1
        where = f"{path}:{line}" if path else "settings"
        raise Misconfigured(f"{where}: {message.replace(' - at `$.', ' at `')}") from None


def _check_kinds(tree: Mapping[str, Any], path: Path | None, text: str) -> None:
    """Name the destination that was meant, where a kind is none that there is."""
    rows = tree.get("destinations")
    kinds = [row.get("kind") for row in rows if isinstance(row, dict)] if rows else []
    wrong = next((k for k in kinds if isinstance(k, str) and k not in catalog.members()), None)
    if wrong is not None:
        near = difflib.get_close_matches(wrong, catalog.members(), n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"kinds: {', '.join(catalog.members())}"
        where = f"{path}:{_line(text, 'kind')}" if path else "settings"
        raise Misconfigured(f"{where}: there is no destination kind `{wrong}`; {hint}")


def _check_sense(settings: Settings) -> None:
    names = [shop.name for shop in settings.shops]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise Misconfigured(f"shops: two shops are named `{doubled}`: give each its own name")
    _check_telemetry(settings.telemetry)
    for shop in settings.shops:
        _check_channels(shop)
        _check_costs(shop)
        _check_testers(shop)
        pixel.check(shop)
    for dataset in settings.receiver.datasets:
        if dataset.beside is not None and dataset.beside not in names:
            raise Misconfigured(
                f"receiver.datasets: beside = {dataset.beside!r} is no shop; "
                f"shops: {', '.join(names)}"
            )
    allowed = _networks(settings.server.private_networks)
    for number, destination in enumerate(settings.destinations):
        if destination.shop not in names:
            raise Misconfigured(
                f"destinations: there is no shop `{destination.shop}`; shops: {', '.join(names)}"
            )
        url = getattr(destination, "url", None)
        if url is not None:
            outward.check_url(url, f"destinations[{number}].url", allowed)
    for number, account in enumerate(settings.ad_accounts):
        _check_account(account, f"ad_accounts[{number}]", names)
        if account.url is not None:
            outward.check_url(account.url, f"ad_accounts[{number}].url", allowed)


def _check_account(account: AdAccountSettings, where: str, names: list[str]) -> None:
    if account.shop not in names:
        raise Misconfigured(
            f"{where}: there is no shop `{account.shop}`; shops: {', '.join(names)}"
        )
    if not account.account_id.removeprefix("act_").isdigit():
        raise Misconfigured(f"{where}: account_id is a number, as act_1234567890")
    if not account.every_hours > 0:
        raise Misconfigured(f"{where}: every_hours is a number above 0, as 6")


def _check_telemetry(given: TelemetrySettings) -> None:
    if given.endpoint is None:
        return
    if not given.endpoint.startswith(("http://", "https://")):
        raise Misconfigured(
            f"telemetry.endpoint: {given.endpoint!r} is no address of a collector: write it as "
            "http://127.0.0.1:4318"
        )
    if not 0 <= given.share <= 1:
        raise Misconfigured("telemetry.share: it is a share of the requests, from 0 to 1")
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise Misconfigured(
            "telemetry.endpoint is set and OpenTelemetry is not installed: "
            "pip install 'tillpost[otel]'"
        )


def _networks(texts: tuple[str, ...]) -> outward.Networks:
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise Misconfigured(f"server.private_networks: {error}; write e.g. 10.1.0.0/16") from None


def _check_testers(shop: ShopSettings) -> None:
    try:
        testers.read(shop.orders.testers)
    except ValueError as error:
        raise Misconfigured(
            f"shops.orders.testers: {error}; write an e-mail, @its.domain or a network"
        ) from None


def _check_costs(shop: ShopSettings) -> None:
    told = {name: value or "0" for name, value in msgspec.to_builtins(shop.costs).items()}
    for name, value in told.items():
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal(-1)
        if not (number.is_finite() and number >= 0):
            raise Misconfigured(f"shops.costs.{name}: {value!r} is no number: write it as 2.9")


def _check_channels(shop: ShopSettings) -> None:
    """Regular expressions are read once here, so that a wrong one is told by its rule."""
    for rule in shop.channels:
        if not rule.conditions:
            raise Misconfigured(f"shops.channels: `{rule.channel}` has no conditions: give it one")
        for condition in rule.conditions:
            try:
                re.compile(condition.value if "regex" in condition.op else "")
            except re.error as error:
                raise Misconfigured(
                    f"shops.channels: `{rule.channel}`: {condition.value!r} is no regular "
                    f"expression ({error}): correct it"
                ) from None


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "***" if k in SECRET_KEYS and v else _masked(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(entry) for entry in value]
    return value


def environment() -> Mapping[str, str]:
    """The process's own environment."""
    return os.environ
