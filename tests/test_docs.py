"""The documentation against the code that it speaks of."""

from pathlib import Path

from schemas.decision import Gate, Reason
from schemas.metrics import MEANING, Metric

DOCS = Path(__file__).parent.parent / "docs"


def test_every_counter_is_in_the_registry_and_in_the_docs() -> None:
    assert set(MEANING) == set(Metric)
    text = (DOCS / "journey.md").read_text()
    for metric, meaning in MEANING.items():
        assert f"| `{metric.value}` | {meaning} |" in text


def test_every_gate_and_reason_is_in_the_docs() -> None:
    text = (DOCS / "journey.md").read_text()
    silent = {Reason.PASSED}
    for name in [*Gate, *(set(Reason) - silent)]:
        assert f"`{name}`" in text, name
