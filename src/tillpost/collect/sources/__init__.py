"""The catalog of sources, one module each; none of them does any I/O.

A source offers `name`, and two functions over plain values:

- `verify(request, settings) -> None | Rejection`: is this really from whom it says it is;
- `parse(request, settings) -> list[Parsed] | Rejection`: what it says, as facts.
"""
