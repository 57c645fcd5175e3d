"""`cjaas preferences`: what stands, and the events that change it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from pipelines import stores
from pipelines.live_config import Endpoints, LiveConfig
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.timestamps import parse_rfc3339
from schemas.workspace import Workspace, load_workspace
from sinks import pubsub_publisher
from tests.messages import decode_one
from tests.pipelines.command_line import Done, cjaas, well
from tests.workspaces import SETTINGS, write_workspace
from transforms.core.decode import Decoder

ANN = "email:ann@example.com"
FREE = "consents: {commercial: not_needed, advisory: not_needed}\n"
RULES = """\
consents: {commercial: opt_in, advisory: opt_out}
use_cases:
  - {name: reminders}
  - {name: newsletter, subscribed: false}
"""
SAID: tuple[tuple[str, int, str, dict[str, Any]], ...] = (
    ("login", 1, "/web", {}),
    ("consent.given", 2, "/banner", {"category": "commercial"}),
    ("consent.withdrawn", 3, "/mails", {"category": "commercial", "channel": "email"}),
    ("consent.withdrawn", 4, "/call", {"category": "advisory"}),
    ("subscription.changed", 5, "/centre[/x]", {"use_case": "newsletter", "subscribed": True}),
    (
        "subscription.changed",
        6,
        "/mails",
        {"use_case": "newsletter", "channel": "email", "subscribed": False},
    ),
    ("preference.changed", 7, "/centre", {"channels": ["web", "email"], "most_per_week": 2}),
    ("suppression.changed", 8, "/law", {"list": "hold", "category": "operative", "suppressed": True}),
)


class Small(NamedTuple):
    """A workspace, an input, and a run over it."""

    workspace: Path
    events: Path
    output: Path

    def preferences(self, *words: object, output: Path | None = None) -> Done:
        where = ("--workspace", self.workspace, "--output", output or self.output)
        return cjaas("preferences", *words, *where)

    def shown(self, output: Path | None = None) -> Any:
        done = self.preferences(ANN, "--json", output=output)
        assert (done.code, done.err) == (0, "")
        return done.json()

    def rerun(self, folder: Path, lines: str) -> Path:
        """A run over the input with these lines behind it."""
        events = folder / "events.ndjson"
        events.write_text(self.events.read_text() + lines)
        words = ("--workspace", self.workspace, "--input", events, "--output", folder / "output")
        assert well("run", *words, "--json").json()["dead_letters"] == {}
        return folder / "output"

    def load(self) -> Workspace:
        return load_workspace(self.workspace, {})


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("preferences")
    workspace, events, output = folder / "workspace", folder / "events.ndjson", folder / "output"
    assert FREE in SETTINGS
    write_workspace(workspace, settings=SETTINGS.replace(FREE, RULES))
    lines = [
        {
            "specversion": "1.0",
            "id": f"e{day}",
            "source": source,
            "type": kind,
            "time": f"2026-01-0{day}T10:00:00Z",
            # The person is known by the better identity; the address alone would name another one.
            "identitytype": "customer",
            "identity": "C1",
            "previousidentitytype": "email",
            "previousidentity": "ann@example.com",
            "data": data,
        }
        for kind, day, source, data in SAID
    ]
    events.write_text("".join(json.dumps(line) + "\n" for line in lines))
    well("run", "--workspace", workspace, "--input", events, "--output", output)
    return Small(workspace, events, output)


def said(day: int, value: Any, source: str) -> dict[str, Any]:
    time = f"2026-01-0{day}T10:00:00.000000Z"
    return {"value": value, "time": time, "event_id": f"e{day}", "source": source}


def test_it_shows_what_stands_since_when_and_where_it_was_said(small: Small) -> None:
    shown = small.shown()
    assert shown["categories"] == {
        "legal": {
            "rule": "not_needed",
            "said": None,
            "channels": {},
            "may_be_sent": True,
            "through": ["web", "email"],
            "reason": None,
        },
        "operative": {
            "rule": "not_needed",
            "said": None,
            "channels": {},
            "may_be_sent": False,
            "through": [],
            "reason": "suppression_list",
        },
        "commercial": {
            "rule": "opt_in",
            "said": said(2, True, "/banner"),
            "channels": {"email": said(3, False, "/mails")},
            "may_be_sent": True,
            "through": ["web"],
            "reason": None,
        },
        "advisory": {
            "rule": "opt_out",
            "said": said(4, False, "/call"),
            "channels": {},
            "may_be_sent": False,
            "through": [],
            "reason": "no_consent",
        },
    }
    assert shown["use_cases"] == {
        "reminders": {"on": True, "by_default": True, "said": None, "channels": {}},
        "newsletter": {
            "on": True,
            "by_default": False,
            "said": said(5, True, "/centre[/x]"),
            "channels": {"email": said(6, False, "/mails")},
        },
    }
    assert shown["preferences"] == {
        "channels": said(7, ["web", "email"], "/centre"),
        "language": None,
        "most_per_week": said(7, 2, "/centre"),
        "time_zone": None,
        "quiet_from": None,
        "quiet_until": None,
    }
    assert shown["suppression_lists"] == [
        {"list": "hold", "category": "operative", "said": said(8, True, "/law")}
    ]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")]


def test_a_table_shows_it_to_people(small: Small) -> None:
    done = small.preferences(ANN)
    assert (done.code, done.err) == (0, "")
    day = "2026-01-0{}T10:00:00.000000Z".format
    rows = [cells(line) for line in done.out.splitlines() if "│" in line]
    assert rows == [
        ["legal", "not needed", "never said", "", "", "may be sent: web, email"],
        ["operative", "not needed", "never said", "", "", "not sent: the person is on a suppression list"],
        ["commercial", "opt in", "given", day(2), "/banner", "may be sent: web"],
        ["email", "", "withdrawn", day(3), "/mails", "not sent"],
        ["advisory", "opt out", "withdrawn", day(4), "/call", "not sent: the person has not consented"],
        ["reminders", "on by default", "never said", "", "", "on"],
        ["newsletter", "off by default", "on", day(5), "/centre[/x]", "on"],
        ["email", "", "off", day(6), "/mails", "off"],
        ["channels", "", "web, email", day(7), "/centre", ""],
        ["language", "", "never said", "", "", ""],
        ["most per week", "", "2", day(7), "/centre", ""],
        ["time zone", "", "never said", "", "", ""],
        ["quiet from", "", "never said", "", "", ""],
        ["quiet until", "", "never said", "", "", ""],
        ["list hold", "keeps back operative", "on the list", day(8), "/law", ""],
    ]


CHANGES = (
    *("--consent", "advisory=given", "--consent", "commercial/web=withdrawn"),
    *("--subscribe", "newsletter/email", "--unsubscribe", "reminders"),
    *("--set", "language=de", "--set", "channels=email,web", "--set", "most_per_week=0"),
    *("--set", "time_zone=Europe/Berlin", "--set", "quiet_from=21:00", "--set", "quiet_until=08:00"),
)


def test_a_finished_run_gets_events_that_say_so_and_the_next_run_shows_them(
    small: Small, tmp_path: Path
) -> None:
    done = small.preferences(ANN, *CHANGES)
    assert done.code == 0
    assert done.err == (
        "cjaas: the run has finished: nothing is changed; append these events to its input, or publish them\n"
    )
    events = done.lines()
    assert [(event["type"], event["data"]) for event in events] == [
        ("consent.given", {"category": "advisory"}),
        ("consent.withdrawn", {"category": "commercial", "channel": "web"}),
        ("subscription.changed", {"use_case": "newsletter", "channel": "email", "subscribed": True}),
        ("subscription.changed", {"use_case": "reminders", "subscribed": False}),
        (
            "preference.changed",
            {
                "language": "de",
                "channels": ["email", "web"],
                "most_per_week": 0,
                "time_zone": "Europe/Berlin",
                "quiet_from": "21:00",
                "quiet_until": "08:00",
            },
        ),
    ]
    assert {event["source"] for event in events} == {"cjaas/preferences"}
    assert len({event["id"] for event in events}) == len(events)
    person_id = small.shown()["person_id"]
    decoder = Decoder(small.load(), "0")
    for line in done.out.splitlines():
        event = decode_one(decoder, line.encode(), publish_us=parse_rfc3339(json.loads(line)["time"]))
        assert isinstance(event, Event)
        assert event.person_id == person_id
    shown = small.shown(small.rerun(tmp_path, done.out))
    assert shown["person_id"] == person_id
    time = events[0]["time"]
    for name, through, reason in (
        ("commercial", [], "no_consent"),
        ("advisory", ["email", "web"], None),
        ("legal", ["email", "web"], None),
    ):
        assert (shown["categories"][name]["through"], shown["categories"][name]["reason"]) == (
            through,
            reason,
        )
    assert shown["categories"]["advisory"]["said"] == {
        "value": True,
        "time": time,
        "event_id": events[0]["id"],
        "source": "cjaas/preferences",
    }
    assert shown["categories"]["commercial"]["channels"]["web"]["value"] is False
    assert shown["use_cases"]["reminders"]["on"] is False
    assert shown["use_cases"]["newsletter"]["channels"]["email"]["value"] is True
    assert {name: each["value"] for name, each in shown["preferences"].items()} == events[-1]["data"]
    assert {each["time"] for each in shown["preferences"].values()} == {time}


class Writer:
    """Takes what is published."""

    written: list[tuple[str, list[Any]]]
    closed = 0

    def __init__(self, project: str, *, emulator_host: str | None) -> None:
        assert (project, emulator_host) == ("p", "127.0.0.1:1")

    def write(self, topic: str, messages: Sequence[Any]) -> int:
        Writer.written.append((topic, list(messages)))
        return sum(len(message.data) for message in messages)

    def close(self) -> None:
        Writer.closed += 1


def test_nominees_are_named_and_withdrawn(small: Small, tmp_path: Path) -> None:
    assert small.shown()["nominees"] == []
    named = small.preferences(
        ANN, "--nominate", "reminders=email:Bea@example.com", "--nominate", "newsletter=email:c@example.com"
    )
    events = named.lines()
    assert [(event["type"], event["data"]) for event in events] == [
        (
            "contact.nominated",
            {"use_case": use_case, "namespace": "email", "value": f"{name}@example.com"},
        )
        for use_case, name in (("reminders", "bea"), ("newsletter", "c"))
    ]
    (tmp_path / "named").mkdir()
    output = small.rerun(tmp_path / "named", named.out)
    shown = small.shown(output)["nominees"]
    assert [(nominee["use_case"], nominee["identity"], nominee["said"]["value"]) for nominee in shown] == [
        ("newsletter", "email:c@example.com", {}),
        ("reminders", "email:bea@example.com", {}),
    ]
    table = small.preferences(ANN, output=output)
    row = ["nominee for reminders", "", "", events[0]["time"], "cjaas/preferences"]
    found = [cells(line) for line in table.out.splitlines() if "nominee for" in line]
    assert [*row, "email:bea@example.com is told as well"] in found
    withdrawn = small.preferences(ANN, "--withdraw", "reminders=email:bea@example.com", output=output)
    (tmp_path / "withdrawn").mkdir()
    after = small.rerun(tmp_path / "withdrawn", named.out + withdrawn.out)
    assert [nominee["use_case"] for nominee in small.shown(after)["nominees"]] == ["newsletter"]


def test_a_job_that_is_up_gets_them_on_its_firehose(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = stores.stores_of

    @contextmanager
    def finished(output: Path, workspace: Workspace) -> Iterator[stores.Stores]:
        assert output == tmp_path
        with real(small.output, workspace) as found:
            yield found

    Writer.written, Writer.closed = [], 0
    monkeypatch.setattr(stores, "stores_of", finished)
    monkeypatch.setattr(pubsub_publisher, "TopicWriter", Writer)
    endpoints = Endpoints("127.0.0.1:1", "", "", "")
    config = LiveConfig(str(small.workspace), "p", "s", "i", "t", "d", endpoints=endpoints)
    (tmp_path / "live.json").write_bytes(msgspec.json.encode(config))
    done = small.preferences(ANN, "--consent", "advisory=given", "--subscribe", "newsletter", output=tmp_path)
    assert (done.code, done.err) == (0, "")
    [(topic, messages)] = Writer.written
    size_bytes = sum(len(message.data) for message in messages)
    assert done.out == f"Published 2 messages, {size_bytes} bytes.\n"
    assert (topic, Writer.closed) == ("shop-events", 1)
    attributes: list[dict[str, str] | None] = [dict(message.attributes) for message in messages]
    batch = MessageBatch(
        "a",
        [message.data for message in messages],
        ["1", "2"],
        attributes,
        [parse_rfc3339(json.loads(message.data)["time"]) for message in messages],
    )
    decoded = Decoder(small.load(), "0").decode(batch)
    assert [event.type for event in decoded.events] == ["consent.given", "subscription.changed"]
    assert {event.person_id for event in decoded.events} == {small.shown(tmp_path)["person_id"]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--consent", "commercial"), "expected CATEGORY=given, CATEGORY=withdrawn, or the same with"),
        (("--consent", "commercial=yes"), "--consent commercial=yes: expected CATEGORY=given"),
        (
            ("--consent", "adverts=given"),
            "expected a category of legal, operative, commercial, advisory, found 'adverts'",
        ),
        (("--consent", "legal/fax=given"), "expected a channel of web, email, found 'fax'"),
        (("--consent", "legal/=given"), "expected a channel of web, email, found ''"),
        (("--subscribe", "news"), "expected a use case of reminders, newsletter, found 'news'"),
        (("--unsubscribe", "newsletter/fax"), "expected a channel of web, email, found 'fax'"),
        (("--set", "language"), "expected NAME=VALUE, found no =; names are channels, language"),
        (("--set", "colour=red"), "expected a preference of channels, language, most_per_week"),
        (("--set", "language=the best"), "expected a language such as de or pt-BR, found 'the best'"),
        (("--set", "channels=web,fax"), "expected a channel of web, email, found 'fax'"),
        (("--set", "channels=web,web"), "expected each channel once"),
        (("--set", "most_per_week=-1"), "expected a number from 0 to 1,000,000, found '-1'"),
        (("--set", "time_zone=Berlin"), "expected a time zone such as Europe/Berlin, found 'Berlin'"),
        (("--set", "quiet_from=25:00"), "expected a time of the day such as 21:00, found '25:00'"),
        (
            ("--subscribe", "newsletter", "--unsubscribe", "newsletter"),
            "expected each thing once, found subscription/newsletter twice",
        ),
        (("--set", "language=de", "--set", "language=en"), "found preference/language twice"),
        (("--nominate", "reminders"), "expected USE_CASE=NAMESPACE:VALUE such as orders=email:bea@example"),
        (("--nominate", "news=email:b@example.com"), "expected a use case of reminders, newsletter"),
        (("--withdraw", "reminders=cookie:c1"), "expected a namespace of a channel's addresses of email"),
        (("--nominate", "reminders=email:bea"), "--nominate reminders=email:bea: identity email: expected"),
        (
            ("--nominate", "reminders=email:b@e.de", "--withdraw", "reminders=email:B@e.de"),
            "expected each thing once, found nomination/reminders/email:b@e.de twice",
        ),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_nothing_is_said(
    small: Small, words: tuple[str, ...], message: str
) -> None:
    done = small.preferences(ANN, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_whom_it_does_not_know_it_tells_in_a_line(small: Small) -> None:
    done = small.preferences("email:bob@example.com", "--subscribe", "newsletter")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("cjaas: nobody has the identity email:bob@example.com")
