"""Work spread over processes, its results in the order of what was asked."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Asked = TypeVar("Asked")
Result = TypeVar("Result")

_AHEAD = 2
"""Results a worker may be ahead of whoever takes them, so that memory stays bounded."""


def in_order(
    work: Callable[[Asked], Result], asked: Iterable[Asked], workers: int
) -> Iterator[Result]:
    """The result of each piece of work, in order, whatever the number of workers.

    One worker is this process. More are processes of their own, which import the module of `work`;
    a script that asks for them keeps its own doing behind ``if __name__ == "__main__"``.
    """
    if workers <= 1:
        yield from map(work, asked)
        return
    waiting: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            for item in asked:
                waiting.append(pool.submit(work, item))
                if len(waiting) > _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
