"""The API's reports: of a large shop each answer is kept as it was written, until facts change."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from tillpost.serve.kept import Kept
from tillpost.serve.reading import Asked, Reading
from tillpost.serve.rounds.rolling import FACTS
from tillpost.serve.tabular import as_csv

Form: TypeAlias = Literal["json", "csv"]

LONG_SECONDS = 0.05
"""An answer that took longer is not waited for again, but given as it was, with its age."""

MOST_BYTES = 4 << 20
"""An answer that is longer when packed is made each time: who wants little asks with `limit`."""


class Answer(NamedTuple):
    """A report in full, and by how many seconds it is older than the stores."""

    body: bytes
    age: float


class Answers:
    """Gives reports of one node; `facts` says how many its segments hold."""

    def __init__(
        self, reading: Reading, directory: Path, files: tuple[str, ...], facts: Callable[[], int]
    ) -> None:
        self._reading = reading
        self._facts = facts
        self._kept = Kept(
            directory, files, lambda: LONG_SECONDS, lambda told: len(told.body) <= MOST_BYTES
        )

    def give(self, name: str, asked: Asked, form: Form) -> Answer:
        """The report, as `{"rows": [...]}` or a table of text; raises as `Reading.report` does."""
        if self._facts() < FACTS:
            return self._made(name, asked, form)
        key = (name, form, msgspec.json.encode(asked))
        answer, age = self._kept.see(key, lambda: _packed(self._made(name, asked, form)))
        return Answer(zlib.decompress(answer.body), answer.age + age)

    def _made(self, name: str, asked: Asked, form: Form) -> Answer:
        rows = self._reading.report(name, asked)
        told = as_csv(rows).encode() if form == "csv" else msgspec.json.encode({"rows": rows})
        return Answer(told, self._reading.behind(name, asked))


def _packed(answer: Answer) -> Answer:
    return answer._replace(body=zlib.compress(answer.body, 1))
