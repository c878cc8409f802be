# SPDX-License-Identifier: GPL-2.0-only
"""check.run, its sums and its time limit, against a make that misbehaves on purpose."""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import types

import pytest

from check import run as runner
from check import stop, tapfile, times

# What each target of the fake make writes to its TAP file, and its exit status.
TARGETS = {
    "check-good": ("TAP version 14\nok 1 - a\nok 2 - b # SKIP no clock\n1..2\n", 0),
    "check-plan-first": ("TAP version 14\n1..1\nok 1 - a\n", 0),
    "check-bad": ("TAP version 14\nok 1 - a\nnot ok 2 - b\n# why\n1..2\n", 1),
    "check-subtest": ("TAP version 14\n    not ok 1 - inner\n    1..1\nok 1 - outer\n1..1\n", 0),
    "check-todo": ("TAP version 14\nnot ok 1 - b # TODO later\n1..1\n", 1),
    "check-short": ("TAP version 14\n1..3\nok 1 - a\n", 0),
    "check-cut": ("TAP version 14\nok 1 - a\n", 0),
    "check-bail": ("TAP version 14\n1..3\nok 1 - a\nBail out! no disk\n", 1),
    "check-garbage": ("\x00what\n", 0),
    "check-dies": (None, 2),
    "check-silent": (None, 0),
    "check-liar": ("TAP version 14\nok 1 - a\n1..1\n", 3),
}

EXPECTED = {
    "check-good": "1 passed, 0 failed, 1 skipped",
    "check-plan-first": "1 passed, 0 failed",
    "check-bad": "1 passed, 1 failed",
    "check-subtest": "1 passed, 0 failed",
    "check-todo": "0 passed, 1 failed",
    "check-short": "1 passed, 1 failed",
    "check-cut": "1 passed, 1 failed",
    "check-bail": "1 passed, 1 failed",
    "check-garbage": "0 passed, 1 failed",
    "check-dies": "0 passed, 1 failed",
    "check-silent": "0 passed, 1 failed",
    "check-liar": "1 passed, 1 failed",
}

# Targets that never end: what they have written until then.
HANGS = {
    "check-hangs": "TAP version 14\nok 1 - a\nnot ok 2 - b\n# why\n",
    "check-waits": "TAP version 14\n1..2\nok 1 - a\n",
}
# As a compiler that does not care, an emulator in a session of its own, and one whose parent is gone.
CHILDREN = """
trap '' TERM
setsid sh -c 'echo $$ >>PIDS; trap "" TERM; while :; do sleep 1; done' &
(sh -c 'echo $$ >>PIDS; exec sleep 1000' &)
echo $$ >>PIDS
while :; do sleep 1; done
"""


@pytest.fixture
def fake(tmp_path):
    """The command that calls check.run with the fake make."""
    make = tmp_path / "make"
    make.write_text(f"""#!{sys.executable}
import os, pathlib, sys
tap = pathlib.Path({str(tmp_path)!r}, sys.argv[-1].removeprefix("check-") + ".tap")
if text := {HANGS!r}.get(sys.argv[-1]):
    tap.write_text(text)
    os.execvp("sh", ["sh", "-c", {CHILDREN.replace("PIDS", str(tmp_path / "pids"))!r}])
text, code = {TARGETS!r}.get(sys.argv[-1], (None, 0))
if text is not None:
    tap.write_text(text)
print("disk on fire")
print("make: *** no rule")
sys.exit(code)
""")
    make.chmod(0o755)
    return [sys.executable, "-m", "check.run", "--make", make, "--results", tmp_path, "--patience", "1"]


@pytest.fixture
def run(fake, tmp_path):
    """Call check.run with the fake make; returns (status, lines)."""
    def call(*arguments):
        done = subprocess.run([*fake, *arguments], capture_output=True, text=True,
                              env=os.environ | {"CACHE": str(tmp_path)}, check=False)
        return done.returncode, done.stdout.splitlines()

    return call


@pytest.mark.parametrize("target", TARGETS)
def test_one_target(run, target):
    status, lines = run(target)
    assert lines[-1] == EXPECTED[target]
    assert status == (", 0 failed" not in EXPECTED[target])


def test_all_targets_run_and_are_summed(run):
    status, lines = run(*TARGETS)
    assert lines[-1] == "8 passed, 9 failed, 1 skipped"
    assert status == 1


def test_last_error_line_is_shown(run):
    _, lines = run("check-dies")
    assert any("disk on fire" in line for line in lines)


def test_reason_for_giving_up_is_shown(run):
    _, lines = run("check-bail")
    assert any("no disk" in line for line in lines)


def test_skip_reason_is_shown(run):
    _, lines = run("check-good")
    assert any("no clock" in line for line in lines)


def test_times_name_a_stage_once_in_whole_seconds():
    """As setup/stage.sh reads them, whose arithmetic knows no others."""
    lines = [line.split() for line in (tapfile.ROOT / "setup/times").read_text().splitlines()]
    found = [line for line in lines if line and not line[0].startswith("#")]
    assert len({name for name, _ in found}) == len(found)
    assert all(seconds.isdecimal() for _, seconds in found)


def test_expected_times(run, tmp_path):
    (tmp_path / "times").mkdir()
    (tmp_path / "times/check-good").write_text("300")
    (tmp_path / "times/check-dies").write_text("torn")
    _, lines = run("--alone", "check-good", "--", "check-good", "check-dies")
    assert lines[0] == "2 checks, about 5 minutes and what they need"
    assert "[1/2] check-good ... (0:00 so far, takes about 5:00)" in lines
    assert any(re.fullmatch(r"\[2/2\] check-dies \.\.\. \(0:\d\d so far\)", line) for line in lines)
    assert float((tmp_path / "times/check-good").read_text()) < 60
    assert (tmp_path / "times/check-dies").read_text() == "torn", "it failed, and may take longer"


def test_expectations_are_those_of_this_machine(tmp_path):
    """Stated ones are scaled by what took how much longer than stated when it was done for the first time."""
    known = times.Times(tmp_path)
    stated = known.stated["check-w1"]
    assert known.expected("check-w1") == stated and known.expected("check-none-such") is None
    known.keep("check-units", 3 * known.stated["check-units"])
    assert known.expected("check-w1") == pytest.approx(3 * stated)
    known.keep("check-units", known.stated["check-units"])
    assert known.expected("check-w1") == pytest.approx(3 * stated), "another run, from what the first has left"
    known.keep("check-w1", 77)
    assert known.expected("check-w1") == 77
    (tmp_path / ".first").write_text("torn")
    assert known.factor() == 1


def test_stages_expect_the_same(tmp_path):
    """setup/stage.sh has the same files."""
    (tmp_path / "times").mkdir()
    (tmp_path / "times/.first").write_text("30 10\n4.5 5\n")
    known = times.Times(tmp_path / "times")
    assert known.factor() == pytest.approx(2.3)
    for name in ("rt-none", "unknown-stage"):
        done = subprocess.run(["setup/stage.sh", name, "testing", "sleep", "3.2"], cwd=times.tapfile.ROOT, check=True,
                              capture_output=True, text=True, env=os.environ | {"CACHE": str(tmp_path), "PLAN": ""})
        first = done.stdout.splitlines()[0]
        assert re.fullmatch(r"testing, 0:0\d" + (" of about 1:32" if name == "rt-none" else ""), first)
    assert 2 <= known.expected("rt-none") < 60 and 2 <= known.expected("unknown-stage") < 60
    assert len((tmp_path / "times/.first").read_text().splitlines()) == 3, "the unknown one is not compared"


def test_the_same_stage_twice_at_once(tmp_path):
    """One after the other, as in two checks that need the same kernel; only the first has something to do."""
    script = f'[ -e {tmp_path}/made ] || {{ echo x >>{tmp_path}/begun; sleep 2.5; touch {tmp_path}/made; }}'
    both = [subprocess.Popen(["setup/stage.sh", "twice", "testing", "sh", "-c", script], cwd=times.tapfile.ROOT,
                             stdout=subprocess.PIPE, text=True, env=os.environ | {"CACHE": str(tmp_path), "PLAN": ""})
            for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert all(process.returncode == 0 for process in both)
    assert (tmp_path / "begun").read_text() == "x\n"
    assert all(re.search(r"testing, done in 0:\d\d$", text) for text in said), "each took that long"


def test_a_stage_that_takes_longer_says_so(tmp_path):
    (tmp_path / "times").mkdir()
    (tmp_path / "times/slow").write_text("0")
    done = subprocess.run(["setup/stage.sh", "slow", "testing", "sleep", "3"], cwd=times.tapfile.ROOT, check=True,
                          capture_output=True, text=True, env=os.environ | {"CACHE": str(tmp_path), "PLAN": ""})
    assert re.match(r"testing, 0:0\d, longer than the 0:00 expected\n", done.stdout)


def test_order_turns_with_each_commit():
    """The first part stays; the second begins elsewhere, and five commits, near or far apart, have each come early."""
    first, then = ["check-good", "check-bad"], [f"check-{letter}" for letter in "abcdefghijklmnopq"]

    def order(turn):
        return runner.ordered(argparse.Namespace(target=first, then=then, turn=turn))

    assert order(0) == [*first, *then]
    for stride in (1, 2, 10, len(then)):
        early = set()
        for commit in range(1000, 1000 + 5 * stride, stride):
            found = order(commit)
            assert found[:2] == first and sorted(found[2:]) == then
            early |= set(found[2:2 + len(then) // 2])
        assert early == set(then)


def gone(process):
    """Has a process ended, or does it within seconds? One that was killed has yet to run to its end."""
    for _ in range(50):
        try:
            if pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def started(tmp_path):
    """The three processes of a target that hangs, once they are there."""
    for _ in range(300):
        if (tmp_path / "pids").exists() and len(found := (tmp_path / "pids").read_text().split()) == 3:
            return found
        time.sleep(0.1)
    raise AssertionError("the target that hangs did not start")


def test_time_limit(run, tmp_path):
    """What was not reached is listed and does not count; a failure that was seen does; nothing goes on running."""
    begin = time.monotonic()
    status, lines = run("--within", "0.2", "--alone", "check-hangs", "--",
                        "check-good", "check-hangs", "check-plan-first", "check-bad")
    assert 11 < time.monotonic() - begin < 60
    assert all(gone(process) for process in started(tmp_path))
    assert any(line.startswith("[2/4] check-hangs: 0 passed, 1 failed (stopped after ") for line in lines)
    assert "      not ok b: why" in lines
    assert lines[-5:] == ["3 checks were not reached within 0.2 minutes, and have neither passed nor failed:",
                          "      check-hangs, stopped", "      check-plan-first", "      check-bad",
                          "1 passed, 1 failed, 1 skipped"]
    assert status == 1
    assert not (tmp_path / "times/check-hangs").exists()


def test_time_limit_without_a_failure(run):
    status, lines = run("--within", "0.2", "--alone", "check-waits", "--",
                        "check-plan-first", "check-waits", "check-bad")
    assert lines[-1] == "1 passed, 0 failed" and status == 0
    assert lines[-4].startswith("2 checks were not reached")


def test_nothing_reached_is_a_failure(run):
    status, lines = run("--within", "0.01", "check-waits")
    assert "      check-waits, stopped" in lines
    assert lines[-1] == "0 passed, 1 failed" and status == 1


def test_time_counts_from_the_start_of_make(run):
    up = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    status, lines = run("--within", "10", "--since", str(up - 600), "check-plan-first")
    assert not any(" ... (" in line for line in lines), "time was up before"
    assert lines[-1] == "0 passed, 1 failed" and status == 1
    assert run("--within", "10", "--since", str(up - 300), "check-plan-first")[1][-1] == "1 passed, 0 failed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop(fake, tmp_path, number):
    """SIGTERM, as by timeout: as if time were up. Ctrl-C: nothing is summed. Either way nothing goes on running."""
    with subprocess.Popen([*fake, "check-plan-first", "check-waits"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=os.environ | {"CACHE": str(tmp_path)},
                          # What a shell runs in the background ignores SIGINT, and so does all that this starts.
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
        found = started(tmp_path)
        first = next(line for line in process.stdout if line.startswith("[1/2] check-plan-first: "))
        process.send_signal(number)
        lines = [first, *process.stdout.read().splitlines()]
    assert all(map(gone, found))
    if number == signal.SIGTERM:
        assert lines[-2:] == ["      check-waits, stopped", "1 passed, 0 failed"] and process.returncode == 0
    else:
        assert lines[-1] == "check: interrupted; nothing is summed" and process.returncode == 1


def test_tells_of_what_runs(fake, tmp_path, capsys, monkeypatch):
    """Once a beat, what was put out last; and that it takes longer than expected, unless that is a stage's doing."""
    monkeypatch.setattr(runner, "BEAT", 0.5)
    check = runner.Check("[1/1] check-waits", "check-waits", tmp_path, expected=0.001)
    limit = types.SimpleNamespace(reached=iter([False] * 20 + [True]).__next__)
    _, running, _ = runner.run_all([check], tmp_path / "make", limit, times.Times(None))
    assert running == [check]
    stop.stop_all(1)
    late = re.compile(r"\[1/1\] check-waits, 0:\d\d, longer than the 0:00 expected: no output")
    assert any(late.fullmatch(line) for line in capsys.readouterr().out.splitlines())
    for last in ("building kernel rt-none, 2:00 of about 3:00", "stage 1 of 3: fetching, 2:00"):
        check.log.write_text(f"make: x\n{last}\n")
        check.beat = 0
        check.say()
        check.say()
        assert re.fullmatch(rf"\[1/1\] check-waits, \d:\d\d: {last}\n", capsys.readouterr().out)


@pytest.mark.parametrize("slots", [1, 2])
def test_side_by_side(fake, tmp_path, slots, monkeypatch):
    """As many as may, in their order; but not a and b, which share something, and nobody beside d."""
    monkeypatch.setattr(runner, "SLOTS", slots)
    now, seen, order = set(), set(), ""

    class Noted(runner.Check):
        def start(self, make):
            nonlocal order
            super().start(make)
            now.add(self.title)
            seen.add("".join(sorted(now)))
            order += self.title

        def ended(self):
            if done := super().ended():
                now.remove(self.title)
            return done

    checks = [Noted(name, f"check-{name}", tmp_path, alone=name == "d", apart="check-a check-b" if name in "ab" else ())
              for name in "abcdef"]
    limit = types.SimpleNamespace(reached=lambda: False)
    _, running, waiting = runner.run_all(checks, tmp_path / "make", limit, times.Times(None))
    assert not running and not waiting and all(check.cpu > 0 for check in checks)
    assert max(map(len, seen)) == slots
    assert "d" in seen and not any(("d" in who and who != "d") or "ab" in who for who in seen)
    assert order == ("abcdef" if slots == 1 else "acbdef")


def test_cpu_time_is_told(run):
    """Of what a target has started as well, so that a busy machine and much work can be told apart."""
    _, lines = run("check-good")
    assert any(re.search(r"check-good: .*\(\d+ s, \d+ s of CPU\)$", line) for line in lines)


def test_what_others_share_is_not_its_own_time(run, tmp_path):
    (tmp_path / "make").write_text((tmp_path / "make").read_text().replace(
        "disk on fire", "stage 1 of 2: building kernel rt-none, done in 2:05"))
    _, lines = run("check-good")
    assert any("(0 s, and 125 s for what it needs, " in line for line in lines)
    assert float((tmp_path / "times/check-good").read_text()) == 0


def test_a_stale_result_does_not_count(run, tmp_path):
    (tmp_path / "dies.tap").write_text("TAP version 14\nok 1 - a\n1..1\n")
    assert run("check-dies")[1][-1] == "0 passed, 1 failed"


def test_writer_is_read_back(tmp_path):
    with tapfile.Writer("x", tmp_path) as tap:
        tap.point("good")
        tap.point("bad", ["line one\nline two"], "sort: a")
        tap.skip("odd", "no kvm", "sort")
        tap.point("2 a", measured=True)
    assert (tap.points, tap.failed) == (4, 1)
    assert tapfile.points(tap.path) == [
        tapfile.Point("good", True), tapfile.Point("bad", False, kind="sort: a"),
        tapfile.Point("odd", True, "no kvm", "sort"), tapfile.Point("2 a", True, measured=True)]
    total = tapfile.read(tmp_path / "x.tap")
    assert str(total) == "2 passed, 1 failed, 1 skipped"
    assert total.notes == ["not ok sort: a: bad: line one", "skipped sort: odd (no kvm)"]


def test_writer_that_dies_has_failed(tmp_path):
    with pytest.raises(OSError), tapfile.Writer("x", tmp_path) as tap:
        tap.point("good")
        raise OSError
    total = tapfile.read(tmp_path / "x.tap")
    assert str(total) == "1 passed, 1 failed" and "ended early" in total.notes[0]
