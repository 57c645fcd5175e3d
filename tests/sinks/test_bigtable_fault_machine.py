"""Two Bigtable profile stores that commit in turns while calls fail: a state machine."""

from __future__ import annotations

from grpc import StatusCode
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from schemas.store import Commit
from sinks.bigtable_client import TableClient
from sinks.bigtable_errors import BigtableError
from sinks.bigtable_heads import HeadRows
from sinks.bigtable_rows import Keys
from tests.sinks.bigtable import Stores, new_workspace
from tests.sinks.faults import BULK, CONDITIONAL, READ, FaultyServer
from tests.sinks.two_stores import TwoStores


class FaultyStores(TwoStores):
    """Two stores whose commits fail halfway, lose their answers, and are overtaken while they write."""

    errors = (BigtableError,)

    def __init__(self, profile_stores: Stores, faulty_bigtable: FaultyServer) -> None:
        own = new_workspace()
        self.server = faulty_bigtable
        self.overtaking = False
        self.client = TableClient(profile_stores.address)
        self.heads = HeadRows(self.client, Keys(own))
        super().__init__(lambda: profile_stores.open(own, host=faulty_bigtable.host))

    @rule(
        method=st.sampled_from([READ, CONDITIONAL]),
        code=st.sampled_from([StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED]),
        applied=st.booleans(),
        call=st.integers(1, 3),
    )
    def lose(self, method: str, code: StatusCode, applied: bool, call: int) -> None:
        self.server.fail(method, code, applied=applied, call=call)

    @rule(rows=st.sets(st.integers(0, 4), min_size=1), final=st.booleans())
    def fail_to_write(self, rows: set[int], final: bool) -> None:
        code = StatusCode.INVALID_ARGUMENT if final else StatusCode.UNAVAILABLE
        self.server.fail_rows(dict.fromkeys(rows, code))

    @rule()
    def be_overtaken(self) -> None:
        self.overtaking = True

    def commit(self, who: int, commit: Commit, stands: bool) -> None:
        if self.overtaking:
            self.overtaking = False
            self.server.meanwhile(BULK, lambda: self.overtake(1 - who, commit))
        self.settle(who, commit, stands)
        self.server.heal()
        for failure in self.server.failures:
            raise failure

    def overtake(self, who: int, slow: Commit) -> None:
        """Another's commit on top of one whose rows are still to be written."""
        try:
            if self.heads.read(slow.shard, payload=False).token != slow.token:
                return
            self.truth.apply(slow)
            self.ghosts = True
            head = self.stores[who].head(slow.shard)
            stands = head.token == slow.token
            images = dict.fromkeys(slow.images, b"overtaken")
            deadlines = dict.fromkeys(slow.deadlines)
            token = self.new_token()
            quick = Commit(
                slow.shard, head.token, slow.sequence + 1, token, images, deadlines, slow.outbox, slow.woken
            )
            self.settle(who, quick, stands)
        except BigtableError:
            pass

    def settle(self, who: int, commit: Commit, stands: bool) -> None:
        try:
            assert self.stores[who].commit(commit) is stands
        except BigtableError:
            # The head tells whether it was applied; it must not have been unless the token stood.
            row = self.heads.read(commit.shard, payload=False)
            applied = commit.token in (row.token, *row.past)
            assert stands or not applied
            stands = applied
        if stands and self.truth.head(commit.shard).sequence < commit.sequence:
            self.truth.apply(commit)

    def teardown(self) -> None:
        self.server.heal()
        try:
            super().teardown()
        finally:
            self.client.close()


def test_two_that_commit_in_turns_lose_nothing_when_calls_fail(
    profile_stores: Stores,
    faulty_bigtable: FaultyServer,
) -> None:
    class Machine(FaultyStores):
        def __init__(self) -> None:
            super().__init__(profile_stores, faulty_bigtable)

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
