"""Markdown tables for the pages that cog prints from the code."""

from collections.abc import Iterable, Sequence


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


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
