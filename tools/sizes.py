"""Keep the house small: functions of at most 60 lines, modules of at most 500, all documented."""

import ast
import statistics
import sys
from pathlib import Path

MOST_FUNCTION, MOST_MODULE, MOST_MEDIAN = 60, 500, 10


def main() -> int:
    """Print what is too large or without a docstring; 1 if there is any."""
    problems, lengths = [], []
    for path in sorted(Path("src").rglob("*.py")):
        text = path.read_text("utf-8")
        if text.count("\n") > MOST_MODULE:
            problems.append(f"{path}: {text.count(chr(10))} lines in one module")
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            lengths.append(length)
            if length > MOST_FUNCTION:
                problems.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
    median = statistics.median(lengths)
    if median > MOST_MEDIAN:
        problems.append(f"the median function has {median} lines")
    for line in problems:
        print(line)
    print(f"{len(lengths)} functions, median {median:g} lines, longest {max(lengths)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
