"""The catalog of destinations, one module each; none of them does any I/O.

A destination offers a value `destination` with `name`, `limits`, and two functions:

- `encode(events, settings) -> Request`: what to send, for a batch within `limits`;
- `interpret(response, events) -> list[Outcome]`: what became of each event, in order.
"""
