"""Markdown tables for the pages that cog prints from the code."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Sequence

from msgspec import Struct


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [_line(heads), _line(["---"] * len(heads)), *(_line(row) for row in rows)]
    return "\n".join(lines)


def code(value: object) -> str:
    """The value as code, or an empty cell for nothing."""
    return f"`{value}`" if value not in {None, ""} else ""


def codes(values: Iterable[object]) -> str:
    """Values as code, side by side."""
    return " ".join(code(value) for value in values)


def keys(kind: type[Struct]) -> str:
    """A table of a settings table's own keys: name, default, and what stands under it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    node = next(part for part in tree.body if isinstance(part, ast.ClassDef))
    rows = []
    for field, text in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            default = getattr(kind, "__struct_defaults__", ())
            names = kind.__struct_fields__[-len(default) :] if default else ()
            given = dict(zip(names, default, strict=True))
            name = ast.unparse(field.target)
            told = _default(given.get(name)) if field.value is not None else "needed"
            about = inspect.cleandoc(ast.literal_eval(text.value)).replace("\n", " ")
            rows.append([code(name), told if told == "needed" else code(told), about])
    return table(["Key", "Default", "What it is"], rows)


def _default(value: object) -> str:
    """A default as it would stand in TOML; nothing for what is made for each, or not set."""
    if value is None or not isinstance(value, str | int | float | tuple):
        return ""
    if isinstance(value, str):
        return value
    return str(list(value)).replace("'", '"') if isinstance(value, tuple) else str(value).lower()


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
