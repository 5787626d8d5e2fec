"""The catalog of destinations, one module each; none of them does any I/O.

A module offers a class `Settings`, the keys it takes in `[[destinations]]`, and a value
`destination` as `tillpost.deliver.contract.Destination` describes it:

- `build(event, settings) -> dict`: one event as the platform takes it, as JSON values;
- `refuses(event, built, settings, now) -> Outcome | None`: what would be refused is never sent;
- `encode(payloads, settings, now) -> Request`: what to send, for a batch within `limits`;
- `interpret(response, payloads) -> list[Outcome]`: what became of each, in order.

Nothing else is edited: settings, checks, tests and docs find it by its module. Its golden
cases are `tests/cases/destinations/NAME/*.toml`.
"""
