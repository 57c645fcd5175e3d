"""Faults by chance: any call of a service goes wrong in one way or another, with probabilities, seeded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from threading import Lock
from typing import Generic, TypeVar
from zlib import crc32

import grpc

from tests.pipelines.durable_services import DurableServices
from tests.sinks.append_rows_proxy import AppendFault, Row
from tests.sinks.faults import Fault

_BIGTABLE = (
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
)
_OTHERS = (*_BIGTABLE, grpc.StatusCode.INTERNAL)
_PARTIAL_ROWS = 50
_OWED_EVERY = 3

Trouble = TypeVar("Trouble")


class Chance(Generic[Trouble]):
    """Draws what happens to the calls of one service, and sees to it that each kind comes soon.

    Until each has happened once, every third call that one can befall gets one that has not, as a short run,
    or a slow machine with few and large calls, would leave out the rare ones.

    Args:
        kinds: by name, how probable it is for a call, and what makes it.
        usual: what happens else.

    Attributes:
        happened: how often each kind was drawn.
    """

    def __init__(
        self,
        seed: int,
        kinds: Mapping[str, tuple[float, Callable[[Random], Trouble]]],
        usual: Callable[[], Trouble],
    ) -> None:
        self.kinds = kinds
        self.happened: Counter[str] = Counter()
        self._usual = usual
        self._random = Random(seed)
        self._owed = self._random.sample(sorted(kinds), len(kinds))
        self._calls = 0
        self._lock = Lock()

    def draw(self, *besides: str) -> Trouble:
        """What happens to a call that none of these kinds can befall."""
        with self._lock:
            owed = next((name for name in self._owed if name not in besides), None)
            if owed is not None:
                self._calls += 1
                if self._calls % _OWED_EVERY == 0:
                    self._owed.remove(owed)
                    self.happened[owed] += 1
                    return self.kinds[owed][1](self._random)
            left = self._random.random()
            for name, (probability, make) in self.kinds.items():
                if name in besides:
                    continue
                left -= probability
                if left < 0:
                    self.happened[name] += 1
                    return make(self._random)
        return self._usual()

    def missing(self) -> set[str]:
        """The kinds that never happened."""
        return set(self.kinds) - set(self.happened)


class RandomFaults:
    """Makes the servers before all three services fail from now on.

    Attributes:
        hanging: methods, and a table, whose next call gets no answer until the job gives it up.
    """

    def __init__(self, services: DurableServices, seed: int) -> None:
        self.hanging: set[str] = set()
        refused_once: set[str] = set()

        def refuse_rows(random: Random) -> AppendFault:
            """Rows that the table refuses the first time that it sees them."""
            chosen = random.randrange(1 << 16)

            def refused(row: Row) -> str | None:
                message_id = row["message_id"]
                if message_id in refused_once or crc32(f"{chosen}@{message_id}".encode()) % 4:
                    return None
                refused_once.add(message_id)
                return "refused by the test"

            return AppendFault(refused=refused)

        self.bigtable = Chance(
            seed,
            {
                "refused": (0.04, lambda random: Fault(random.choice(_BIGTABLE))),
                "lost": (0.04, lambda random: Fault(random.choice(_BIGTABLE), applied=True)),
                "reset": (0.01, _reset),
                "slow": (0.04, lambda random: Fault(delay_seconds=random.uniform(0.05, 0.5))),
                "partial": (0.2, _partial),
                "broken off": (0.04, lambda random: Fault(random.choice(_BIGTABLE), applied=True, answers=1)),
            },
            Fault,
        )
        self.pubsub = Chance(
            seed,
            {
                "refused": (0.1, lambda random: Fault(random.choice(_OTHERS))),
                "lost": (0.1, lambda random: Fault(random.choice(_OTHERS), applied=True)),
                "slow": (0.1, lambda random: Fault(delay_seconds=random.uniform(0.05, 0.5))),
            },
            Fault,
        )
        self.bigquery = Chance(
            seed,
            {
                "refused": (0.04, lambda random: AppendFault(random.choice(_OTHERS))),
                "lost": (0.04, lambda random: AppendFault(random.choice(_OTHERS), applied=True)),
                "ended": (0.04, lambda random: AppendFault(random.choice(_OTHERS), broken=True)),
                "ended late": (
                    0.04,
                    lambda random: AppendFault(random.choice(_OTHERS), broken=True, applied=True),
                ),
                "slow": (0.04, lambda random: AppendFault(delay_seconds=random.uniform(0.05, 0.5))),
                "rows": (0.1, refuse_rows),
            },
            AppendFault,
        )
        services.bigtable.usual = self._of_bigtable
        services.pubsub.usual = self._of_pubsub
        services.bigquery.usual_append = self._of_bigquery

    def missing(self) -> set[str]:
        """The kinds that never happened, of all services."""
        return self.bigtable.missing() | self.pubsub.missing() | self.bigquery.missing() | self.hanging

    def _of_bigtable(self, method: str) -> Fault:
        if self._hangs(method):
            return Fault(silent=True)
        besides = {"MutateRows": ("broken off",), "ReadRows": ("partial",)}
        return self.bigtable.draw(*besides.get(method, ("partial", "broken off")))

    def _of_pubsub(self, method: str) -> Fault:
        return Fault(silent=True) if self._hangs(method) else self.pubsub.draw()

    def _of_bigquery(self, table: str) -> AppendFault:
        if self._hangs(table):
            return AppendFault(silent=True)
        # A decision that is refused would end the job, and so would a dead letter.
        return self.bigquery.draw(*(() if table == "tape_raw" else ("rows",)))

    def _hangs(self, name: str) -> bool:
        if name not in self.hanging:
            return False
        self.hanging.remove(name)
        return True


def _reset(random: Random) -> Fault:
    """A connection that breaks in the middle of an answer, as gRPC tells of it."""
    details = "Received RST_STREAM with error code 2"
    return Fault(grpc.StatusCode.INTERNAL, details, applied=random.random() < 0.5)


def _partial(random: Random) -> Fault:
    rows = {index: random.choice(_BIGTABLE) for index in range(_PARTIAL_ROWS) if random.random() < 0.3}
    return Fault(rows=rows | {0: grpc.StatusCode.UNAVAILABLE})


def calm(services: DurableServices) -> None:
    """Nothing fails any more."""
    services.bigtable.usual = services.pubsub.usual = lambda _: Fault()
    services.bigquery.usual_append = lambda _: AppendFault()
