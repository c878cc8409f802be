# SPDX-License-Identifier: GPL-2.0-only
"""Keeping what a real machine sent: only of the boot in question, and as a campaign would."""

import json
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
    monkeypatch.setattr(archive, "BOOTS", tmp_path / "results")
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
    assert keep(made, tmp_path) == ("guest-failure", "result channel is cut off")


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
