"""Conditions: what each test means, and that the compiled and the explained form agree."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.timestamps import DAY_US, format_rfc3339
from schemas.workspace.condition import All, Condition, Not, Op, Subject, Test
from schemas.workspace.condition import Any as AnyOf
from tests.fold_events import START_US
from transforms.core.condition import Explained, Read, compile_condition
from transforms.core.numbers import SCALE, to_billionths

X = Subject("field", "x")
Scope = dict[str, list[Any]]


def read(subject: Subject) -> Read:
    return lambda scope: scope.get(subject.name, [])


def holds(condition: Condition, scope: Scope, as_of_us: int = START_US) -> bool:
    compiled = compile_condition(condition, read)(scope, as_of_us)
    assert Explained(condition, read).evaluate(scope, as_of_us)[0] is compiled
    return compiled


@pytest.mark.parametrize(
    ("op", "wanted", "found", "expected"),
    [
        (Op.EQ, 5, [5], True),
        (Op.EQ, 5, [5.0], True),
        (Op.EQ, 5, ["5.00"], True),
        (Op.EQ, 0.1, [Decimal("0.100")], True),
        (Op.EQ, 5, [6], False),
        (Op.EQ, 1, [True], False),
        (Op.EQ, True, [True], True),
        (Op.EQ, True, [1], False),
        (Op.EQ, "a", ["b", "a"], True),
        (Op.EQ, "5", [5], False),
        (Op.EQ, "a", [], False),
        (Op.EQ, 1e300, ["abc"], False),
        (Op.EQ, 1e300, [1e300], False),
        (Op.NE, 5, [6], True),
        (Op.NE, 5, [5.0], False),
        (Op.NE, 5, [6, 5], False),
        (Op.NE, 5, [], False),
        (Op.GT, 5, [5], False),
        (Op.GT, 5, ["5.01"], True),
        (Op.GT, 5, [1, 6], True),
        (Op.GE, 5, [5.0], True),
        (Op.LT, 5, [5], False),
        (Op.LT, 5, [Decimal("4.999999999")], True),
        (Op.LE, 5, [5], True),
        (Op.LE, 5, [], False),
        (Op.GT, 5, ["abc"], False),
        (Op.GT, 5, [True], False),
        (Op.LT, 1e300, [5], False),
        (Op.GT, "b", ["c"], True),
        (Op.GT, "b", [5], False),
        (Op.LE, "2026-01-02", ["2026-01-02"], True),
        (Op.IN, (1, "a"), ["a"], True),
        (Op.IN, (1, "a"), [1.0], True),
        (Op.IN, (1, "a"), ["b"], False),
        (Op.IN, (), [1], False),
        (Op.CONTAINS, "ell", ["hello"], True),
        (Op.CONTAINS, "x", ["hello"], False),
        (Op.CONTAINS, "b", ["a", "b"], True),
        (Op.CONTAINS, 2, [1, 2.0], True),
        (Op.CONTAINS, "S1", [{"S1": 2}], True),
        (Op.CONTAINS, "S2", [{"S1": 2}], False),
        (Op.CONTAINS, 2.0, [{"2": 1}], True),
        (Op.CONTAINS, 2, [{"2": 1}], True),
        (Op.CONTAINS, True, [{"true": 1}], True),
        (Op.EXISTS, True, ["x"], True),
        (Op.EXISTS, True, [False], True),
        (Op.EXISTS, True, [], False),
        (Op.EXISTS, False, [], True),
        (Op.EXISTS, False, [0], False),
        (Op.EXISTS, None, ["x"], True),
    ],
)
def test_operators(op: Op, wanted: Any, found: list[Any], expected: bool) -> None:
    assert holds(Test(X, op, wanted), {"x": found}) is expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (format_rfc3339(START_US), True),
        (format_rfc3339(START_US - DAY_US), True),
        (format_rfc3339(START_US - DAY_US - 1), False),
        (format_rfc3339(START_US + 1), False),
        (format_rfc3339(START_US).removesuffix("Z"), True),
        ("2026-03-01", True),
        ("2026-02-28", False),
        ("soon", False),
        ("2026-02-30", False),
        (5, False),
    ],
)
def test_within_is_that_long_before_the_time_asked_about(found: Any, expected: bool) -> None:
    assert holds(Test(X, Op.WITHIN, DAY_US), {"x": [found]}) is expected


def test_within_of_nothing_fails() -> None:
    assert not holds(Test(X, Op.WITHIN, DAY_US), {})


YES, NO = Test(X, Op.EXISTS, True), Test(X, Op.EXISTS, False)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (All((YES, YES)), True),
        (All((YES, NO)), False),
        (All(()), True),
        (AnyOf((NO, YES)), True),
        (AnyOf((NO, NO)), False),
        (AnyOf(()), False),
        (Not(NO), True),
        (Not(All((YES, AnyOf((NO, Not(YES)))))), True),
    ],
)
def test_trees(condition: Condition, expected: bool) -> None:
    assert holds(condition, {"x": [1]}) is expected


OPS = [Op.EQ, Op.NE, Op.GT, Op.GE, Op.LT, Op.LE, Op.CONTAINS]
TESTS = st.one_of(
    st.builds(
        Test,
        st.builds(Subject, st.just("field"), st.sampled_from("xyz")),
        st.sampled_from(OPS),
        st.integers(-3, 3) | st.sampled_from(["a", "1", 1e300]),
    ),
    st.builds(
        Test,
        st.builds(Subject, st.just("attribute"), st.sampled_from("xyz")),
        st.just(Op.EXISTS),
        st.booleans(),
    ),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    TESTS,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=8,
)
FOUND = st.integers(-3, 3) | st.booleans() | st.sampled_from(["a", "ab", "1", 0.5, Decimal("1.0"), 1e300])
SCOPES = st.dictionaries(st.sampled_from("xyz"), st.lists(FOUND, max_size=2))


def naive(condition: Condition, scope: Scope) -> bool:
    match condition:
        case All(parts):
            return all(naive(part, scope) for part in parts)
        case AnyOf(parts):
            return any(naive(part, scope) for part in parts)
        case Not(part):
            return not naive(part, scope)
        case Test():
            return holds(condition, scope)


@given(CONDITIONS, SCOPES)
def test_explained_says_what_the_compiled_says(condition: Condition, scope: Scope) -> None:
    assert holds(condition, scope) is naive(condition, scope)


COMPARISONS = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.LT: operator.lt,
    Op.LE: operator.le,
}
NEAR = st.sampled_from([0, 1, 20, -20, 10**15, 10**29, -(10**29)])
NEIGHBOURS = st.builds(lambda near, step: near + step, NEAR, st.integers(-2, 2))
NUMBERS = (
    NEIGHBOURS
    | NEIGHBOURS.map(float)
    | st.floats(-25, 25)
    | st.builds(lambda near, step: Decimal(near * SCALE + step) / SCALE, NEAR, st.integers(-2, 2))
    | st.builds(lambda near, step: Decimal(near * 10**10 + step) / 10**10, NEAR, st.integers(-20, 20))
    | st.floats()
    | st.booleans()
)


@given(
    st.sampled_from(sorted(COMPARISONS)),
    st.integers(-25, 25) | st.floats(-25, 25) | NEIGHBOURS,
    NUMBERS | NUMBERS.map(str),
)
def test_numbers_compare_by_their_billionths(op: Op, wanted: float, found: Any) -> None:
    bound, value = to_billionths(wanted), to_billionths(found)
    expected = COMPARISONS[op](value, bound) if value is not None and bound is not None else op is Op.NE
    assert holds(Test(X, op, wanted), {"x": [found]}) is expected


def test_evidence_names_what_was_compared() -> None:
    condition = All((Test(X, Op.GE, 20), Test(Subject("attribute", "y"), Op.IN, (1, 2)), YES))
    held, evidence = Explained(condition, read).evaluate({"x": [25.5], "y": [1, 3]}, START_US)
    assert held
    assert evidence == [
        {"field": "x", "op": "ge", "value": 20, "found": 25.5, "holds": True},
        {"attribute": "y", "op": "in", "value": [1, 2], "found": [1, 3], "holds": True},
        {"field": "x", "op": "exists", "value": True, "found": 25.5, "holds": True},
    ]


def test_no_condition_holds() -> None:
    assert Explained(None, read).evaluate({}, START_US) == (True, [])
