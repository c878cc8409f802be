# SPDX-License-Identifier: GPL-2.0-only
"""Keeping what a real machine sent: only of the boot in question, and as a campaign would."""

import json
import stat
import subprocess
import sys

import pytest

from bench import archive, boot, import_results, metal
from bench.report.tests import synthetic

RELEASE = "7.3.4-pcd-rt-qpw"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A package's folder and the files of a boot of it, as (spec, console, channel)."""
    monkeypatch.chdir(boot.ROOT)
    monkeypatch.setitem(boot.LABS, "metal", metal)
    image = tmp_path / "rt-qpw"
    image.mkdir()
    for name in ("bzImage", "System.map", "config"):
        (image / name).write_text(f"{name}\n")
    (image / "image.json").write_text(json.dumps({"kernel_release": RELEASE, "config_sha256": "c",
                                                  "source_sha256": "s", "compiler": "gcc"}))
    spec = boot.Spec(lab="metal", model="rt", arm="qpw1", seed=3, image=image)
    (tmp_path / "console").write_text(f"[    0.0] Linux version {RELEASE} (gcc)\r\n"
                                      f"[    0.0] Kernel command line: BOOT_IMAGE=/x {boot.cmdline(spec)} quiet\r\n")
    (tmp_path / "channel").write_text(synthetic.lines(synthetic.guest(), crc=True))
    return spec, tmp_path / "console", tmp_path / "channel"


def keep(made, folder, **changed):
    spec, console, channel = made
    return metal.keep(spec, folder / "lab/rt-qpw1/seed-003", console, channel, "some CPU")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_kept_and_fit_for_import(made, tmp_path, monkeypatch):
    assert keep(made, tmp_path) == ("ok", "")
    manifest = json.loads((tmp_path / "lab/rt-qpw1/seed-003/manifest.json").read_text())
    assert (manifest["lab"], manifest["host_cpu"], manifest["plugin_sha256"]) == ("metal", "some CPU", None)
    assert manifest["qemu_version"] is None
    monkeypatch.setattr(archive, "MINE", tmp_path / "mine")
    monkeypatch.setattr(archive, "KEPT", tmp_path / "kept")
    assert import_results.take(tmp_path / "lab", "box") == []


@pytest.mark.parametrize(("old", "new", "said"), [
    ("bench.seed=3", "bench.seed=30", "booted without bench.seed=3"),
    ("qpw=1 ", "", "booted without qpw=1"),
    (RELEASE, "6.1.0", "ran Linux 6.1.0"),
    ("Kernel command line", "nothing", "does not say"),
])
def test_files_of_another_boot_are_refused(made, tmp_path, old, new, said):
    edit(made[1], old, new)
    with pytest.raises(boot.UsageError, match=said):
        keep(made, tmp_path)
    assert not (tmp_path / "lab").exists()


def test_a_torn_line_is_a_verdict(made, tmp_path):
    made[2].write_text(made[2].read_text()[:-20])
    assert keep(made, tmp_path) == ("guest-failure", "result channel: cut off, its last line is no end line")


def test_never_replaced(made, tmp_path):
    keep(made, tmp_path)
    with pytest.raises(boot.UsageError, match="not replaced"):
        keep(made, tmp_path)


def test_no_package(made, tmp_path):
    (made[0].image / "bzImage").unlink()
    with pytest.raises(boot.UsageError, match="make debs ARM=qpw1 MODEL=rt"):
        keep(made, tmp_path)


def test_parameters_are_those_of_a_real_machine():
    done = subprocess.run([sys.executable, "-m", "bench.metal", "parameters", "--model", "rt", "--arm", "qpw1",
                           "--seed", "3"], cwd=boot.ROOT, capture_output=True, text=True, check=True)
    assert {"qpw=1", "bench.seed=3", "nohz_full=1"} <= set(done.stdout.split())
    assert not any(word in done.stdout for word in ("lapic_timer", "exit_port", "metronome", "tsc="))


# What a user gives to walk: it notes what it was called with, and "records" files that the test has put there.
PROGRAM = """#!/bin/sh
echo "$1 $2 $3" >>{0}/called
for word in $3; do case $word in bench.seed=*) seed=${{word#*=}} ;; esac; done
sed "s|PARAMETERS|$3|" {0}/console-of-any >"$4"
cp {0}/channel "$5"
[ "$seed" != {1} ] || {{ {2}; exit 124; }}
"""
NEVER_UP, HANGS = ': >"$4"', 'head -n 1 {0}/channel >"$5"'


@pytest.fixture
def walked(made, tmp_path, monkeypatch):
    """walk(arms, seeds, stop=seed of the boot at which the program fails, how=shell): what it yields, as a list."""
    monkeypatch.setattr(metal, "RECORDED", tmp_path / "recorded")
    (tmp_path / "console-of-any").write_text(f"Linux version {RELEASE} (gcc)\nKernel command line: PARAMETERS\n")
    (tmp_path / "initramfs").touch()
    monkeypatch.setattr(metal, "INITRAMFS", tmp_path / "initramfs")

    def walk(arms, seeds, stop="none", how=NEVER_UP):
        program = tmp_path / "program"
        program.write_text(PROGRAM.format(tmp_path, stop, how.format(tmp_path)))
        program.chmod(stat.S_IRWXU)
        specs = list(metal.order("rt", arms, seeds, tmp_path))
        return list(metal.walk(specs, tmp_path / "metal", program, "some CPU"))
    return walk


def test_order_is_random_and_the_same_again(tmp_path):
    specs = list(metal.order("rt", ["unpatched", "qpw1", "task_work"], range(603, 615), tmp_path))
    by_seed = [tuple(spec.arm for spec in specs[at:at + 3]) for at in range(0, 36, 3)]
    assert [spec.seed for spec in specs[::3]] == list(range(603, 615))
    assert {frozenset(arms) for arms in by_seed} == {frozenset(("unpatched", "qpw1", "task_work"))}
    assert len(set(by_seed)) > 3
    assert specs == list(metal.order("rt", ["unpatched", "qpw1", "task_work"], range(603, 615), tmp_path))


def test_walk_keeps_each_boot_and_goes_on_from_there(walked, tmp_path):
    with pytest.raises(boot.UsageError, match=r"seed 4: .*program ended with status 124, and .* give the same command"):
        walked(["qpw0", "qpw1"], [3, 4], stop=4)
    assert sorted(path.name for path in (tmp_path / "metal").glob("*/*")) == ["seed-003", "seed-003"]
    again = walked(["qpw0", "qpw1"], [3, 4])
    assert {(spec.arm, spec.seed, verdict) for spec, verdict, _ in again} == {("qpw0", 4, "ok"), ("qpw1", 4, "ok")}
    called = (tmp_path / "called").read_text().splitlines()
    assert len(called) == 5
    assert all(f"{tmp_path}/rt-qpw/bzImage {tmp_path}/initramfs console=ttyS0" in line for line in called)


def test_a_machine_that_hangs_is_a_result(walked):
    """It is not tried again until it suits, and every run says it."""
    found = walked(["qpw1"], [3, 4], stop=4, how=HANGS)
    assert [verdict for _, verdict, _ in found] == ["ok", "hang"] and "ended with status 124" in found[1][2]
    (spec, verdict, why), = walked(["qpw1"], [3, 4])
    assert (spec.seed, verdict) == (4, "hang") and why.endswith("(kept before)")


def test_walk_mixes_no_kernels(walked, tmp_path):
    walked(["qpw1"], [3])
    (tmp_path / "rt-qpw/bzImage").write_text("another\n")
    with pytest.raises(boot.UsageError, match="seed-003 is a boot of another image_sha256; give another --out"):
        walked(["qpw1"], [3])


def test_walk_boots_nothing_where_a_kernel_is_missing(walked, tmp_path):
    with pytest.raises(boot.UsageError, match="rt-unpatched; build it: make debs ARM=unpatched MODEL=rt"):
        walked(["qpw1", "unpatched"], [3])
    assert not (tmp_path / "called").exists()
