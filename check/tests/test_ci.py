# SPDX-License-Identifier: GPL-2.0-only
""".ci/run: its last line, status and time limit, against a make that misbehaves on purpose."""

import os
import shutil
import subprocess
import time

import pytest

from check import tapfile

# What make does, and what the last line is then.
MAKES = {
    "passes": ("echo 3 passed, 0 failed, 1 skipped", "3 passed, 0 failed, 1 skipped"),
    "fails": ("echo 3 passed, 10 failed; echo 'make: *** Error 1'; exit 1", "3 passed, 10 failed"),
    "dies": ("echo error: no network; exit 2", "0 passed, 1 failed"),
    "leaves somebody": ("sleep 60 & echo 3 passed, 0 failed", "3 passed, 0 failed"),
    "hangs": ("echo '[1/2] check-a: 3 passed, 0 failed'; exec sleep 60", "0 passed, 1 failed"),
    "sums when told to end": ("trap 'echo 2 passed, 0 failed; exit' TERM; while :; do sleep 0.1; done",
                              "2 passed, 0 failed"),
}


@pytest.mark.parametrize("what", MAKES)
def test_last_line(tmp_path, what):
    script, last = MAKES[what]
    (tmp_path / "clone/.ci").mkdir(parents=True)
    shutil.copy(tapfile.ROOT / ".ci/run", tmp_path / "clone/.ci")
    make = tmp_path / "make"
    make.write_text(f"#!/bin/sh\necho make \"$@\"\n{script}\n")
    make.chmod(0o755)
    begin = time.monotonic()
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run([tmp_path / "clone/.ci/run", "7", "2"], env=os.environ | {"PATH": path}, capture_output=True,
                          text=True, check=False)
    lines = done.stdout.splitlines()
    assert lines[0] == "make --no-print-directory check WITHIN=7"
    assert lines[-1] == last
    assert (done.returncode == 0) == (" 0 failed" in last)
    assert time.monotonic() - begin < 30
