"""The documentation against the code that it speaks of."""

import re
from pathlib import Path

from pipelines.live_config import Endpoints, LiveConfig
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


def test_every_option_of_a_running_job_is_in_the_docs() -> None:
    text = (DOCS / "streaming.md").read_text()
    options = text[text.index("## Options") : text.index("## On this machine")]
    for name in (*LiveConfig.__struct_fields__, *Endpoints.__struct_fields__):
        assert f"`{name}`" in options, name


def test_every_link_leads_somewhere() -> None:
    pages = sorted(DOCS.rglob("*.md"))
    assert len(pages) > 10
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"
