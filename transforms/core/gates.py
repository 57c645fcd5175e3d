"""Gates: what a candidate action passes before it is sent, in order; the first that fails decides."""

from __future__ import annotations

from schemas.workspace.model import Journey
from schemas.workspace.steps import Send
from transforms.core.content_gates import content_gates, language_of
from transforms.core.entry_gates import entry_gates
from transforms.core.gate import Candidate, Message, preference
from transforms.core.permission_gates import permission_gates
from transforms.core.plan import Plan
from transforms.core.pressure_gates import pressure_gates
from transforms.core.rulings import PASSED, REHEARSED, Verdict
from transforms.core.scope import Scope


class Gates:
    """The gates of one message of a journey, compiled."""

    def __init__(self, journey: Journey, send: Send, plan: Plan) -> None:
        message = Message(journey, send, plan)
        template = plan.workspace.messages.get(send.template)
        content = [] if template is None else content_gates(message, template)
        self._gates = entry_gates(message) + permission_gates(message) + content + pressure_gates(message)
        self._languages = () if template is None else template.languages
        self._channels = send.channels
        rehearses = journey.mode == "dry_run" or plan.workspace.policy.dry_run
        self._passed = REHEARSED if rehearses else PASSED

    def pass_all(self, scope: Scope, slot: str, follows: bool) -> Verdict:
        """The verdict about a candidate: of the first gate that fails, or that it passed all.

        Args:
            slot: of the run.
            follows: whether the run has sent an action before, which its cooldown began with.
        """
        candidate = Candidate(scope, slot, follows, self._channels, None, {})
        for gate in self._gates:
            verdict = gate(candidate)
            if verdict is not None:
                return verdict
        wanted = preference(scope.profile, "language") if scope.profile.consents else None
        language = self.language(wanted)
        return Verdict(self._passed, candidate.evidence, candidate.channels[0], candidate.address, language)

    def language(self, wanted: str | None) -> str | None:
        """The language of the message for somebody who wants one, or has none in mind."""
        return language_of(wanted, self._languages)
