# SPDX-License-Identifier: GPL-2.0-only
"""The sums of check/run and tapfile, against a make that misbehaves on purpose."""

import os
import pathlib
import subprocess
import sys

import pytest
import tapfile

RUN = pathlib.Path(__file__).parent.parent / "run"

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


@pytest.fixture
def run(tmp_path):
    """Call check/run with the fake make; returns (status, lines)."""
    make = tmp_path / "make"
    make.write_text(f"""#!{sys.executable}
import pathlib, sys
text, code = {TARGETS!r}[sys.argv[-1]]
if text is not None:
    pathlib.Path({str(tmp_path)!r}, sys.argv[-1].removeprefix("check-") + ".tap").write_text(text)
print("disk on fire")
print("make: *** no rule")
sys.exit(code)
""")
    make.chmod(0o755)

    def call(*targets):
        done = subprocess.run([RUN, "--make", make, "--results", tmp_path, *targets], capture_output=True, text=True,
                              env=os.environ | {"CACHE": tmp_path}, check=False)
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
    lines = [line.split() for line in (RUN.parent.parent / "setup/times").read_text().splitlines()]
    found = [line for line in lines if line and not line[0].startswith("#")]
    assert len({name for name, _ in found}) == len(found)
    assert all(seconds.isdecimal() for _, seconds in found)


def test_expected_times(run, tmp_path):
    (tmp_path / "times").mkdir()
    (tmp_path / "times/check-good").write_text("300")
    (tmp_path / "times/check-dies").write_text("torn")
    _, lines = run("check-good", "check-dies")
    assert lines[0] == "2 checks, about 5 minutes"
    assert "[1/2] check-good ... (0 s so far, takes about 300 s)" in lines
    assert "[2/2] check-dies ... (0 s so far)" in lines
    assert float((tmp_path / "times/check-good").read_text()) < 60


def test_a_stale_result_does_not_count(run, tmp_path):
    (tmp_path / "dies.tap").write_text("TAP version 14\nok 1 - a\n1..1\n")
    assert run("check-dies")[1][-1] == "0 passed, 1 failed"


def test_writer_is_read_back(tmp_path):
    with tapfile.Writer("x", tmp_path) as tap:
        tap.point("good")
        tap.point("bad", ["line one\nline two"])
        tap.skip("odd", "no kvm")
    assert (tap.points, tap.failed) == (3, 1)
    total = tapfile.read(tmp_path / "x.tap")
    assert str(total) == "1 passed, 1 failed, 1 skipped"
    assert total.notes == ["not ok bad: line one", "skipped odd (no kvm)"]


def test_writer_that_dies_has_failed(tmp_path):
    with pytest.raises(OSError), tapfile.Writer("x", tmp_path) as tap:
        tap.point("good")
        raise OSError
    total = tapfile.read(tmp_path / "x.tap")
    assert str(total) == "1 passed, 1 failed" and "ended early" in total.notes[0]
