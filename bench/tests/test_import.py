# SPDX-License-Identifier: GPL-2.0-only
"""Results from elsewhere: taken whole or not at all, with a line for each fault, and marked in the report."""

import json
import subprocess
import sys

import pytest

from bench import archive, boot, import_results
from bench.report import report
from bench.report.facts import read
from bench.report.tests import synthetic


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty testbed to import into."""
    monkeypatch.setattr(archive, "MINE", tmp_path / "mine")
    monkeypatch.setattr(archive, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(import_results, "STAGING", tmp_path / "staging")
    return tmp_path


def made(place, lab="virtual", counted=True, seeds=(1, 2)):
    """A lab's folder from elsewhere, without the parts that only the lab's own counting gives unless counted."""
    source = place / "elsewhere" / lab
    for seed in seeds:
        folder = synthetic.boot(source.parent, seed=seed, lab=lab)
        (folder / "console.txt").write_text("Linux\n")
        if not counted:
            (folder / "counts.jsonl").unlink()
            change(folder / "manifest.json", plugin_sha256=None)
    return source


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def take(source):
    """Import, and unpack what was taken; returns the faults."""
    faults = import_results.take(source, "host1")
    for lab in archive.labs():
        archive.unpack(lab, archive.KEPT.parent / "results")
    return faults


def taken(place):
    return place / "results/imported-host1"


def shown(place):
    """The pages of the report but the first, by name."""
    return {path.name: path.read_text() for path in (place / "results/report").glob("*.md")}


def test_taken_whole_and_marked(place):
    source = made(place)
    assert take(source) == []
    about = json.loads((taken(place) / "imported.json").read_text())
    assert (about["name"], about["lab"], about["from"]) == ("host1", "virtual", "virtual")
    assert "rt-unpatched/seed-001/guest.jsonl" in about["files"]
    assert [found.verdict for found in read.read_all(place / "results")] == ["ok", "ok"]
    assert not (place / "staging").exists()


@pytest.mark.parametrize("counted", [True, False])
def test_the_report_shows_it_apart_and_as_imported(place, counted):
    synthetic.boot(place / "results")
    assert take(made(place, "virtual" if counted else "kvm", counted)) == []
    report.write(place / "results", place, now=lambda boots: None)
    pages = shown(place)
    text = "".join(pages.values())
    assert text.count("**Imported**") == 1 and "What was compared (lab: imported-host1)" in text
    assert "cyclictest under drains (lab: imported-host1)" in text
    theirs = "".join(page for name, page in pages.items() if name.startswith("imported-host1-"))
    assert ("kernel instructions" in theirs.lower()) == counted


def test_a_file_that_was_changed_afterwards_is_not_read(place):
    take(made(place))
    console = taken(place) / "rt-unpatched/seed-001/console.txt"
    console.write_text("another\n")
    found = read.read_boot(console.parent)
    assert (found.verdict, found.why) == ("unreadable", "console.txt: changed since it was imported")


def test_without_imported_json_nothing_is_read(place):
    take(made(place))
    (taken(place) / "imported.json").unlink()
    assert {found.verdict for found in read.read_all(place / "results")} == {"unreadable"}


def noise(folder, hardware_s=0.002):
    vcpus = [{"vcpu": 1, "runtime_s": 4.0, "hardware_s": hardware_s, "longest_us": 12.0}]
    (folder / "host-noise.json").write_text(json.dumps({"schema": 1, "vcpus": vcpus}))


def test_what_its_host_took_is_shown(place):
    source = made(place, "kvm", counted=False)
    noise(source)
    assert take(source) == []
    report.write(place / "results", place, now=lambda boots: None)
    assert "0.050% of vCPU 1's time in gaps of up to 12 µs" in "".join(shown(place).values())
    noise(taken(place), 0)
    report.write(place / "results", place, now=lambda boots: None)
    assert "**Host noise**: host-noise.json: changed since it was imported" in "".join(shown(place).values())


def test_what_its_host_took_must_be_readable(place):
    source = made(place, "kvm", counted=False)
    noise(source, "much")
    assert take(source)[0].startswith("host-noise.json: a value is missing")
    assert not taken(place).exists()


def test_never_replaced(place):
    source = made(place)
    take(source)
    with pytest.raises(boot.UsageError, match="not replaced"):
        take(source)


def cut(folder):
    (folder / "guest.jsonl").write_text("{")


def no_manifest(folder):
    (folder / "manifest.json").unlink()


def no_json(folder):
    (folder / "manifest.json").write_text("[")


def other_seed(folder):
    change(folder / "manifest.json", seed=7)


def other_kernel(folder):
    change(folder / "manifest.json", kernel="none")


def other_lab(folder):
    change(folder / "manifest.json", lab="kvm")


def stranger(folder):
    (folder / "notes.txt").write_text("mine\n")


def link(folder):
    (folder / "host.json").symlink_to("/dev/null")


def odd_folder(folder):
    folder.rename(folder.parent / "Seed 1")


def unknown_arm(folder):
    folder.parent.rename(folder.parent.parent / "rt-magic")
    for path in (folder.parent.parent / "rt-magic").glob("*/manifest.json"):
        change(path, arm="magic")


@pytest.mark.parametrize(("spoil", "said"), [
    (cut, "rt-unpatched/seed-001: guest.jsonl"), (no_manifest, "seed-001/manifest.json: missing"),
    (no_json, "no JSON"), (other_seed, "it is of seed-007"), (other_kernel, "kernel is none"),
    (other_lab, "seed-00"), (stranger, "notes.txt: not a file of a boot"),
    (link, "host.json: not a file of a boot"), (odd_folder, "not a boot's folder"), (unknown_arm, "no cell")])
def test_faults_are_named_and_nothing_is_taken(place, spoil, said):
    source = made(place)
    spoil(source / "rt-unpatched/seed-001")
    faults = take(source)
    assert any(said in fault for fault in faults)
    assert not taken(place).exists() and not (place / "staging").exists()


def test_a_boot_that_failed_is_a_result(place):
    source = made(place)
    (source / "rt-unpatched/seed-001/verdict.json").write_text('{"verdict": "hang", "why": "silent"}')
    assert take(source) == []


def test_nothing_in_it(place):
    (place / "empty").mkdir()
    assert "no boots" in take(place / "empty")[0]


@pytest.mark.parametrize(("words", "said"), [
    (["/nowhere/at/all"], "no such folder"), ([".", "--name", "A B"], "no name"), ([], "DIR")])
def test_command_says_one_line(words, said):
    done = subprocess.run([sys.executable, "-m", "bench.import_results", *words], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and said in done.stderr
