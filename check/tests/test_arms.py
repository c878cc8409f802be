# SPDX-License-Identifier: GPL-2.0-only
"""bench/arms.sh: what it reads, and what it says to bad input."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = "# SPDX\n# What it is.\n"


@pytest.fixture
def arms(tmp_path):
    """Two arms in a folder of their own; call it to run arms.sh there."""
    (tmp_path / "bench/arms").mkdir(parents=True)
    shutil.copy(ROOT / "bench/arms.sh", tmp_path / "bench")
    (tmp_path / "bench/arms/plain").write_text(HEAD + "ORDER=0\n")
    (tmp_path / "variants/mine/arms").mkdir(parents=True)
    (tmp_path / "variants/mine/arms/mine1").write_text(HEAD + "BOOT=mine=1 also\n")

    def run(*args):
        return subprocess.run(["bench/arms.sh", *args], cwd=tmp_path, capture_output=True, text=True, check=False)
    run.folder = tmp_path
    return run


def test_arms_in_their_order_with_their_kernels(arms):
    assert arms().stdout.splitlines() == [
        "plain\tKERNEL\tplain", "plain\tSAYS\tWhat it is.", "plain\tORDER\t0",
        "mine1\tKERNEL\tmine", "mine1\tSAYS\tWhat it is.", "mine1\tBOOT\tmine=1 also"]
    assert arms("words").stdout.split() == [
        "plain/KERNEL/plain", "plain/ORDER/0", "mine1/KERNEL/mine", "mine1/BOOT/mine=1|also"]
    assert arms("kernels").stdout.split() == ["plain", "mine"]
    assert (arms("get", "BOOT", "mine1").stdout, arms("get", "BOOT", "plain").stdout) == ("mine=1 also\n", "\n")


@pytest.mark.parametrize("name, text, said", [
    ("variants/mine/arms/plain", HEAD, "two arms of that name"),
    ("variants/mine/arms/mine2", "# SPDX\n", "say in its second line"),
    ("variants/mine/arms/mine2", "", "say in its second line"),
    ("variants/mine/arms/mine2", "# SPDX\nBOOT=1\n", "say in a comment"),
    ("variants/mine/arms/mine2", HEAD + "BOO=1\n", "is no setting of an arm"),
    ("variants/mine/arms/mine2", HEAD + "BOOT=1\nBOOT=2\n", "BOOT is set twice"),
    ("variants/mine/arms/mine2", HEAD + "BOOT=a\tb\n", "a tab"),
    ("variants/mine/arms/mine2", HEAD + "ORDER=first\n", "not a number"),
    ("variants/mine/arms/mine2", HEAD + "KUNIT=rt.domain lazy.domian\n", '"lazy.domian" is not MODEL.ISOLATION'),
    ("variants/mine/arms/mine2", HEAD + "LIMITS=isolatd:0:0\n", '"isolatd:0:0" is not isolated'),
    ("variants/mine/arms/mine-2", HEAD, "names of arms and variants"),
    ("variants/mi-ne/arms/mine2", HEAD, "names of arms and variants")])
def test_bad_arms_are_refused_in_a_line(arms, name, text, said):
    path = arms.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    done = arms()
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: variants/") and said in done.stderr and done.stderr.count("\n") == 1
