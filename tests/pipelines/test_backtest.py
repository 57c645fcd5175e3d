"""`cjaas backtest`: changed journeys over the tape of a run; every difference is reasoned out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.cli import bounded
from tests.pipelines.backtests import PERSONS, SENT, Trial, decisions
from tests.pipelines.command_line import SHOP, files, hidden, process, well
from tests.pipelines.conftest import Run
from tests.workspaces import record

GREET = """\
name: greet
version: 1
category: operative
entry: {event: login, reentry: once}
steps:
  - {send: greet, channel: web, template: welcome}
"""


def test_an_unchanged_workspace_decides_the_same_byte_for_byte(trial: Trial, tmp_path: Path) -> None:
    before = files(trial.output)
    report = trial.report("--to", tmp_path / "kept")
    assert trial.differences() == {}
    assert report["journeys"]["remind"]["sent"] == {"would": 3, "was": 3, "difference": 0}
    assert report["journeys"]["remind"]["persons"] == {"would": 2, "was": 2, "difference": 0}
    assert (report["events"], report["late"], report["refused"]) == (9, 1, [])
    assert report["as_of"] == "2026-01-06T00:00:00.000000Z"
    assert decisions(tmp_path / "kept") == decisions(trial.output) != {}
    # Nothing is sent, no tape is written, and the run is as it was.
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["decisions", "summary.json"]
    assert json.loads((tmp_path / "kept" / "summary.json").read_text()) == report
    assert files(trial.output) == before
    assert "No count differs." in well(*trial.words()).out


def test_copies_late_broken_and_avro_events_decide_the_same_byte_for_byte(shop: Run, tmp_path: Path) -> None:
    assert shop.summary["late"] > 50
    assert shop.summary["duplicates"] > 50
    words = ("backtest", "--workspace", SHOP, "--output", shop.output, "--to", tmp_path / "kept", "--json")
    report = well(*words).json()
    assert decisions(tmp_path / "kept") == decisions(shop.output)
    assert report["events"] == shop.summary["valid"]
    assert report["late"] == shop.summary["late"]
    assert report["total"]["sent"]["was"] == shop.summary["decisions"]["sent"]
    assert all(row["difference"] == 0 for row in report["total"]["others"])


def test_more_processes_decide_the_same(shop: Run, tmp_path: Path) -> None:
    words = ("backtest", "--workspace", SHOP, "--output", shop.output, "--to", tmp_path / "kept")
    done = process(*words, "--workers", 2)
    assert (done.code, done.err) == (0, "")
    assert decisions(tmp_path / "kept") == decisions(shop.output)
    assert hidden(tmp_path) == []


def test_in_other_slices_only_the_sequence_differs(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "SLICE_BYTES", 10)
    trial.report("--to", tmp_path / "kept")
    columns = "SELECT * EXCLUDE (sequence) FROM decisions ORDER BY decision_id"
    rows = {
        output: well("sql", columns, "--output", output, "--json").out
        for output in (tmp_path / "kept", trial.output)
    }
    assert rows[tmp_path / "kept"] == rows[trial.output]
    assert len(decisions(tmp_path / "kept")) > len(decisions(trial.output))


def test_a_shorter_wait_reaches_whom_an_exit_kept_away(trial: Trial) -> None:
    trial.remind(("wait: 1h", "wait: 20m"))
    assert trial.differences() == {SENT: (4, 3), PERSONS: (3, 2), "exited": (0, 1), "moved": (1, 0)}


def test_a_longer_wait_makes_one_of_two_runs(trial: Trial) -> None:
    trial.remind(("wait: 1h", "wait: 3h"))
    # Bob waits until 13:00 when he comes back at 12:00.
    assert trial.differences() == {SENT: (2, 3), "under_way": (1, 0)}


def test_what_is_due_after_the_end_of_the_run_is_not_decided(trial: Trial) -> None:
    trial.remind(("wait: 1h", "wait: 15h"), ("exit: [purchase]\n", ""))
    # As of midnight all three still wait; only bob's second cart has a decision.
    assert trial.differences() == {
        SENT: (0, 3), PERSONS: (0, 2), "exited": (0, 1), "under_way": (1, 0), "moved": (0, 2)
    }  # fmt: skip


def test_a_cap_spares_the_second_message(trial: Trial) -> None:
    trial.settings("caps: [{limit: 1, window: 1d}]\n")
    assert trial.differences() == {SENT: (2, 3), "cap": (1, 0)}
    trial.settings("caps: [{limit: 1, window: 90m}]\n")
    assert trial.differences() == {}


def test_a_condition_holds_for_fewer(trial: Trial) -> None:
    trial.remind(("op: exists", "op: ge, value: 2"))
    # Bob has two carts by 13:00; cid's second came too late to count.
    assert trial.differences() == {
        SENT: (1, 3), PERSONS: (1, 2), "condition_not_met": (2, 0), "moved": (0, 1)
    }  # fmt: skip


def test_quiet_hours_defer(trial: Trial) -> None:
    trial.settings('quiet_hours: [{from: "11:30", until: "12:30", then: defer}]\n')
    # In Berlin it is noon when the first reminders of bob and cid are due, and one hour before their end.
    assert trial.differences() == {"quiet_hours": (2, 0)}


def test_a_control_group_holds_all_out(trial: Trial) -> None:
    trial.remind(("priority: 40", "control_group: 100"))
    assert trial.differences() == {SENT: (0, 3), PERSONS: (0, 2), "control_group": (3, 0), "moved": (0, 2)}


def test_a_dry_run_sends_nothing(trial: Trial) -> None:
    trial.remind(("priority: 40", "mode: dry_run"))
    found = trial.differences()
    assert found == {SENT: (0, 3), PERSONS: (0, 2), "passed": (3, 0), "moved": (0, 2)}


def test_a_new_journey_reaches_others(trial: Trial) -> None:
    trial.journey("greet", GREET)
    assert trial.differences("greet") == {SENT: (1, 0), PERSONS: (1, 0), "moved": (1, 0)}
    assert trial.differences("remind") == {}
    assert trial.differences(None) == {SENT: (4, 3), PERSONS: (3, 2), "moved": (1, 0)}


def test_a_journey_that_nobody_enters_is_told(trial: Trial) -> None:
    trial.journey("greet", GREET.replace("login", "call_wrapped"))
    assert trial.report()["journeys"]["greet"]["sent"] == {"would": 0, "was": 0, "difference": 0}


def test_a_journey_that_is_gone_loses_all(trial: Trial) -> None:
    trial.journey("remind", None)
    expected = {SENT: (0, 3), PERSONS: (0, 2), "exited": (0, 1), "moved": (0, 2)}
    assert trial.differences() == trial.differences(None) == expected


def test_decisions_of_a_time_are_compared(trial: Trial) -> None:
    trial.settings("caps: [{limit: 1, window: 1d}]\n")
    # Sent at 11:00 to two, at 13:00 to bob alone; what came before counts for caps all the same.
    assert trial.differences("remind", "--until", "2026-01-05T13:00:00Z") == {}
    since = ("--since", "2026-01-05T13:00:00Z")
    assert trial.differences("remind", *since) == {
        SENT: (0, 1), PERSONS: (0, 1), "cap": (1, 0), "moved": (0, 1)
    }  # fmt: skip
    assert trial.report(*since)["since"] == "2026-01-05T13:00:00.000000Z"
    assert trial.differences("remind", "--since", "2026-01-05T13:00:01Z") == {}
    shown = well(*trial.words(*since, "--until", "2026-01-06")).out.splitlines()
    assert shown[1] == "decisions since 2026-01-05T13:00:00.000000Z until 2026-01-06T00:00:00.000000Z"


def test_journeys_can_be_chosen(trial: Trial) -> None:
    trial.journey("greet", GREET)
    trial.settings("caps: [{limit: 1, window: 1d, category: commercial}]\n")
    report = trial.report("--journey", "greet")
    assert list(report["journeys"]) == ["greet"]
    assert report["total"] == report["journeys"]["greet"]
    assert list(trial.report("--journey", "remind", "greet")["journeys"]) == ["greet", "remind"]
    assert "all journeys" not in well(*trial.words("--journey", "greet")).out


def test_events_that_the_workspace_does_not_know_are_counted_and_told(trial: Trial, tmp_path: Path) -> None:
    (trial.workspace / "schemas" / "probe.v1.avsc").unlink()
    report = trial.report("--to", tmp_path / "kept")
    [refused] = report["refused"]
    assert (refused["type"], refused["error"], refused["events"]) == ("probe", "unknown_schema", 1)
    assert report["events"] == 9
    assert trial.differences() == {}
    shown = well(*trial.words()).out.splitlines()
    assert shown[1] == (
        "1 event of type probe is none of this workspace's and decides nothing: unknown_schema, "
        "type: expected an event type of workspace 'shop', found 'probe'"
    )
    assert len(list((tmp_path / "kept" / "dead_letters").iterdir())) == 1


def test_events_that_a_schema_refuses_by_now_are_told(trial: Trial) -> None:
    path = trial.workspace / "schemas" / "purchase.v1.avsc"
    path.unlink()
    fields = [{"name": "total", "type": "long"}, {"name": "currency", "type": "string"}]
    path.write_text(json.dumps(record("purchase", fields)))
    assert [(row["type"], row["error"]) for row in trial.report()["refused"]] == [
        ("purchase", "invalid_data")
    ]
    # Without her purchase ann is reminded.
    assert trial.differences() == {SENT: (4, 3), PERSONS: (3, 2), "exited": (0, 1), "moved": (1, 0)}


def test_what_is_kept_can_be_asked(trial: Trial, tmp_path: Path) -> None:
    trial.remind(("wait: 1h", "wait: 20m"))
    out = well(*trial.words("--to", tmp_path / "kept")).out
    assert f"The decisions that would have been made are kept in {tmp_path / 'kept'}." in out
    query = (
        "SELECT action_id, as_of, person_id FROM decisions WHERE outcome = 'sent' ORDER BY as_of, action_id"
    )
    rows = well("sql", query, "--output", tmp_path / "kept", "--json").lines()
    assert [row["as_of"][11:16] for row in rows] == ["10:20", "10:20", "10:20", "12:20"]
    assert "sent step remind" in well("explain", rows[0]["action_id"], "--output", tmp_path / "kept").out
    # Whom it would have reached in vain, and a way to see why not.
    [hint] = [line for line in out.splitlines() if "explain --person" in line]
    told = well("explain", "--person", hint.split()[3], *hint.split()[4:]).out
    assert "an exit event ended the journey first" in told
    assert hint.split()[3] in {row["person_id"] for row in rows}


def test_the_table_shows_the_counts(trial: Trial) -> None:
    trial.remind(("wait: 1h", "wait: 20m"))
    trial.journey("greet", GREET)
    out = well(*trial.words()).out
    assert out.splitlines()[0] == (
        f"workspace shop on the tape of {trial.output}: 9 events as of 2026-01-06T00:00:00.000000Z, "
        "1 of them late"
    )
    greet = [["sent", "1", "0", "+1"], ["persons reached", "1", "0", "+1"], ["who got none", "1", "", ""]]
    assert table(out) == [
        ["greet", "", "", ""],
        *greet,
        ["remind", "", "", ""],
        ["sent", "4", "3", "+1"],
        ["persons reached", "3", "2", "+1"],
        ["who got none", "1", "", ""],
        ["suppressed at reentry: exited", "0", "1", "-1"],
        ["all journeys", "", "", ""],
        ["sent", "5", "3", "+2"],
        ["persons reached", "4", "2", "+2"],
        ["who got none", "2", "", ""],
        ["suppressed at reentry: exited", "0", "1", "-1"],
    ]
    trial.journey("greet", None)
    trial.journey("remind", None)
    assert ["who would get none", "", "2", ""] in table(well(*trial.words()).out)


def table(out: str) -> list[list[str]]:
    """The cells of the rows that were printed."""
    lines = [line for line in out.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
