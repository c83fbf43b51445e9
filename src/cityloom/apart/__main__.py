"""The child: told on standard input what to open and which columns to read, it answers in Arrow.

The first line is JSON, what to open; the answer is a line of JSON, what was found. Each further
line is a JSON list of columns; the answer is an Arrow stream of all rows.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO, Protocol

from cityloom.apart import MEMORY, OUT_OF_MEMORY, PROCESSOR, REFUSED, Refused


class Source(Protocol):
    """An opened file."""

    facts: dict[str, Any]

    def batches(self, columns: list[str]) -> Iterator[Any]:
        """Record batches of some columns, and of what is wrong with each row."""
        ...


def main(program: str) -> int:
    """Answer until there are no more questions; the exit status."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between the answers
    bound()
    try:
        source = opened(program, json.loads(sys.stdin.readline()))
        answers.write(json.dumps(source.facts).encode() + b"\n")
        answers.flush()
        for line in sys.stdin:
            stream(source, json.loads(line), answers)
    except Refused as refused:
        said = {"message": str(refused), "discreet": refused.discreet}
        print("\n" + json.dumps(said), file=sys.stderr)
        return REFUSED
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


def bound() -> None:
    """Bound what this process may take, where the system can."""
    with suppress(ImportError):
        import resource

        for limit, most in (
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_CPU, PROCESSOR),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ValueError, OSError):
                resource.setrlimit(limit, (most, most))


def opened(program: str, asked: dict[str, Any]) -> Source:
    """The file that is asked for."""
    if program == "sheets":
        from cityloom.apart.sheets import Sheet

        return Sheet(**asked)
    from cityloom.apart.layers import Layer

    return Layer(**asked)


def stream(source: Source, columns: list[str], answers: BinaryIO) -> None:
    """Write all rows of some columns."""
    import pyarrow as pa

    batches = source.batches(columns)
    first = next(batches)
    with pa.ipc.new_stream(answers, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)
    answers.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
