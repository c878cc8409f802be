# SPDX-License-Identifier: GPL-2.0-only
"""Comparing the arms of a lab's folder: medians, paired differences, what is left out."""

import subprocess
import sys

import pytest

from bench import boot
from bench.report.tests import synthetic


def compared(folder):
    return subprocess.run([sys.executable, "-m", "bench.compare", folder], cwd=boot.ROOT, capture_output=True,
                          text=True, check=False)


def test_differences_are_paired_by_seed(tmp_path):
    for seed, taken in ((1, 2000), (2, 4000), (3, 9000)):
        synthetic.boot(tmp_path, seed=seed, per_drain=taken)
    for seed, taken in ((2, 3000), (3, 9000), (4, 1)):
        synthetic.boot(tmp_path, arm="qpw1", seed=seed, per_drain=taken)
    synthetic.boot(tmp_path, arm="qpw1", seed=5, verdict="hang")
    synthetic.boot(tmp_path, seed=2, kind="sensitivity", setting="no-ballast", per_drain=70000)
    synthetic.boot(tmp_path, arm="qpw1", seed=1, lab="kvm", per_drain=70000)
    said = compared(tmp_path / "virtual").stdout.splitlines()
    assert said[0] == "left out: rt-qpw1/seed-005: hang: as planned"
    at = said.index("kernel instructions imposed on the isolated CPU [per drain]; "
                    "a difference up to 1,000 does not matter")
    assert [" ".join(line.split()) for line in said[at + 1:at + 3]] == [
        "rt-unpatched 4,000 (boots: 3)", "rt-qpw1 3,000 (boots: 3) −500 (−1,000 .. 0; pairs: 2)"]


@pytest.mark.parametrize(("made", "said"), [({}, "no boots in it"), ({"verdict": "panic"}, "none of 1 boots is good")])
def test_nothing_to_compare(tmp_path, made, said):
    (tmp_path / "virtual").mkdir()
    if made:
        synthetic.boot(tmp_path, **made)
    done = compared(tmp_path / "virtual")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
