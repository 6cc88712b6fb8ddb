"""Answering beside the event loop: plans are computed by a few threads, so that the service hears everything else meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import TypeAdapter

from allotment.exchange.plan import Plan
from allotment.serve.limits import Limits
from allotment.serve.reading import snapshots_in
from allotment.serve.refusals import Refused

PLANS = TypeAdapter(list[Plan])
Result = TypeVar("Result")


def busy() -> Refused:
    """Return the refusal of a request for which there is no room now."""
    return Refused(503, "too many requests are being answered; try again later", {"retry-after": "1"})


class Answering:
    """The threads that compute a policy's answers; each keeps a simulation of its own."""

    def __init__(self, policy: Any, limits: Limits) -> None:
        self.policy, self.limits = policy, limits
        self.most_snapshots = limits.snapshots_of(policy.world.problem)
        self._in_flight = 0
        self._threads = ThreadPoolExecutor(limits.at_once, thread_name_prefix="answering")
        self._free = asyncio.Semaphore(limits.at_once)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold one of the places for requests in flight, from before the body is read; `Refused` where none is left."""
        if self._in_flight >= self.limits.in_flight:
            raise busy()
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    async def answer(self, body: bytes) -> tuple[bytes, int]:
        """Return the plans for a request's body as JSON, and how many they are; `Refused` where no thread gets free."""
        try:
            async with asyncio.timeout(self.limits.seconds):
                await self._free.acquire()
        except TimeoutError:
            raise busy() from None
        try:
            return await self.beside(lambda: self._answered(body))
        finally:
            self._free.release()

    def _answered(self, body: bytes) -> tuple[bytes, int]:
        answer = self.policy.recommend(snapshots_in(body, self.limits, self.most_snapshots))
        if isinstance(answer, list):
            return PLANS.dump_json(answer, by_alias=True), len(answer)
        return answer.model_dump_json(by_alias=True).encode(), 1

    async def beside(self, work: Callable[[], Result]) -> Result:
        """Return the result of some work that a thread does."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def end(self) -> None:
        """Take no more work; what has begun is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
