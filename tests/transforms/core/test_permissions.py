"""What a person permits is what the gates let pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.action import Category
from schemas.workspace import Workspace
from schemas.workspace.policy import ConsentRule, Policy, UseCase
from tests.fold_events import at, fold_event
from tests.journeys import JOURNEY, SEND, Person, with_journeys
from transforms.core.permissions import permission, subscription_to
from transforms.core.profile import decode_image

CHANNELS = st.sampled_from([None, "web", "email"])
CATEGORIES = st.sampled_from([category.value for category in Category])
BOTH = replace(JOURNEY, steps=(replace(SEND, channels=("web", "email")),))
CART = {"sku": "A", "price": 25.5}


def about(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


CONSENTS = st.tuples(
    st.sampled_from(["consent.given", "consent.withdrawn"]), about(category=CATEGORIES, channel=CHANNELS)
)
SUBSCRIPTIONS = st.tuples(
    st.just("subscription.changed"),
    about(use_case=st.just("news"), channel=CHANNELS, subscribed=st.booleans()),
)
WANTED = st.tuples(
    st.just("preference.changed"),
    about(channels=st.sampled_from([["email"], ["email", "web"], ["web"], ["push"]])),
)
LISTS = st.tuples(
    st.just("suppression.changed"),
    about(list=st.just("legal_hold"), category=st.none() | CATEGORIES, suppressed=st.booleans()),
)
POLICIES = st.builds(
    Policy,
    consents=st.fixed_dictionaries({category: st.sampled_from(ConsentRule) for category in Category}),
    use_cases=st.booleans().map(lambda on: {"news": UseCase("news", on)}),
    control_percent=st.sampled_from([0, 0, 50]),
)


def told(
    workspace: Workspace, said: Sequence[tuple[str, dict[str, Any]]], has_address: bool, number: int
) -> Person:
    """A person who said these things, a minute apart."""
    someone = Person(workspace, f"{number:032x}")
    identity = "email:ann@example.com" if has_address else "cookie:c1"
    for minute, (kind, data) in enumerate([("login", {}), *said]):
        made = fold_event(
            someone.plan,
            kind,
            data,
            at(minute),
            event_id=f"e{minute}",
            person_id=someone.person_id,
            identities=(identity,),
        )
        someone.decide(made)
    return someone


@given(
    policy=POLICIES,
    category=st.sampled_from(Category),
    said=st.lists(CONSENTS | WANTED | LISTS, max_size=6),
    has_address=st.booleans(),
    number=st.integers(0, 50),
)
def test_a_category_may_be_sent_where_its_gates_let_it(
    workspace: Workspace,
    policy: Policy,
    category: Category,
    said: Sequence[tuple[str, dict[str, Any]]],
    has_address: bool,
    number: int,
) -> None:
    given = replace(with_journeys(workspace, replace(BOTH, category=category)), policy=policy)
    assert [*given.channels] == ["web", "email"]
    someone = told(given, said, has_address, number)
    allowed = permission(decode_image(someone.images[someone.person_id]), given, category)
    time_us = at(30)
    cart = fold_event(someone.plan, "cart_added", CART, time_us, event_id="cart", person_id=someone.person_id)
    advanced = someone.advance([cart], time_us)
    [decision] = advanced.commit.outbox.decisions
    if allowed.reason is None:
        assert decision.reason == "passed"
        [action] = advanced.commit.outbox.actions
        assert action.channel == allowed.channels[0]
    else:
        assert (decision.reason, allowed.channels) == (allowed.reason, ())


@given(policy=POLICIES, said=st.lists(SUBSCRIPTIONS, max_size=6), channel=st.sampled_from(["web", "email"]))
def test_a_use_case_is_on_where_its_gate_lets_it(
    workspace: Workspace, policy: Policy, said: Sequence[tuple[str, dict[str, Any]]], channel: str
) -> None:
    free = replace(policy, consents=dict.fromkeys(Category, ConsentRule.NOT_NEEDED), control_percent=0)
    journey = replace(JOURNEY, use_case="news", steps=(replace(SEND, channels=(channel,)),))
    given = replace(with_journeys(workspace, journey), policy=free)
    someone = told(given, said, True, 1)
    statements = decode_image(someone.images[someone.person_id]).consents
    standing = subscription_to(statements, free.use_cases["news"], channel)
    time_us = at(30)
    cart = fold_event(someone.plan, "cart_added", CART, time_us, event_id="cart", person_id=someone.person_id)
    [decision] = someone.decide(cart)
    assert decision.reason == ("passed" if standing.allowed else "not_subscribed")
