"""`fields=` as the Graph API takes it: names between commas, each with its own in braces.

web{event_name,event_match_quality{composite_score}}
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tillpost.core.body import DEPTH_LIMIT
from tillpost.receive.question import Wrong

Selection: TypeAlias = "dict[str, Selection]"
"""Name -> what is wanted of it; empty for all."""


def selection(text: str) -> Selection:
    """What the parameter asks for; raises `Wrong` where its braces do not close or hold nothing."""
    wanted: Selection = {}
    around = [wanted]
    name = ""
    for sign in f"{text},":
        if sign not in "{},":
            name += sign
            continue
        inner: Selection = {}
        if name.strip():
            inner = around[-1].setdefault(name.strip(), {})
            name = ""
        elif sign == "{":
            raise Wrong("Syntax error in fields: a brace must follow a name")
        _step(sign, around, inner)
    if len(around) > 1:
        raise Wrong("Syntax error in fields: a brace is not closed")
    return wanted


def _step(sign: str, around: list[Selection], inner: Selection) -> None:
    if sign == "{":
        if len(around) > DEPTH_LIMIT:
            raise Wrong("Syntax error in fields: too deep")
        around.append(inner)
    elif sign == "}":
        around.pop()
        if not around:
            raise Wrong("Syntax error in fields: a brace closes none")


def chosen(told: Mapping[str, Any], wanted: Selection, known: Sequence[str]) -> dict[str, Any]:
    """What is wanted of an answer whose fields are `known`; raises `Wrong` for a field that is not.

    A known field without a value is left out.
    """
    for name in wanted:
        if name not in known:
            raise Wrong(f"Tried accessing nonexisting field ({name[:60]})")
    return {name: _part(told[name], inner) for name, inner in wanted.items() if name in told}


def _part(value: Any, wanted: Selection) -> Any:
    if isinstance(value, list):
        return [_part(one, wanted) for one in value]
    if not wanted or not isinstance(value, Mapping):
        return value
    return {name: _part(value[name], inner) for name, inner in wanted.items() if name in value}
