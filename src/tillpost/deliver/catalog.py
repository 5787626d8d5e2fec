"""Every destination there is: each module of `tillpost.deliver.destinations`, found by looking.

Packages of others offer theirs under the entry-point group `tillpost.destinations`, as
modules of the same shape; none of ours can be replaced that way.
"""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import NamedTuple

from tillpost.deliver import destinations
from tillpost.deliver.contract import Destination, Settings

GROUP = "tillpost.destinations"


class Member(NamedTuple):
    """A destination and the type of its settings."""

    destination: Destination
    settings: type[Settings]
    about: str
    """The first line of its module's docstring."""


@cache
def members() -> Mapping[str, Member]:
    """Kind -> member, in the order of their names."""
    found = [import_module(point.module) for point in entry_points(group=GROUP)]
    package = destinations.__name__
    found += [
        import_module(f"{package}.{module.name}")
        for module in pkgutil.iter_modules(destinations.__path__)
    ]
    made = {module.destination.name: _member(module) for module in found}
    return dict(sorted(made.items()))


def _member(module: ModuleType) -> Member:
    about = (module.__doc__ or "").strip().partition("\n")[0]
    return Member(module.destination, module.Settings, about)
