# SPDX-License-Identifier: GPL-2.0-only
"""read.py: what is whole is read, what is not is called unreadable, and says why."""

import pytest

from bench.report.facts import read
from bench.report.tests import synthetic


def test_a_whole_boot(tmp_path):
    boot = read.read_boot(synthetic.boot(tmp_path, "lazy", "qpw1", 7))
    assert (boot.verdict, boot.why) == ("ok", "")
    assert (boot.lab, boot.model, boot.arm, boot.seed) == ("virtual", "lazy", "qpw1", 7)
    assert len(boot.guest["requests"]) == len(boot.counts.requests[1]) == synthetic.DRAINS
    assert boot.counts.turns[4] == {10: 400, 13: 4}


@pytest.mark.parametrize("verdict", [v for v in read.VERDICTS if v not in ("ok", "unreadable")])
def test_a_failed_boot_keeps_its_verdict(tmp_path, verdict):
    boot = read.read_boot(synthetic.boot(tmp_path, verdict=verdict))
    assert (boot.verdict, boot.why) == (verdict, "as planned")


def test_overflow_is_what_the_histogram_lacks(tmp_path):
    storm = synthetic.cyclictest({3: 90, 5: 7}, overflow=3)
    boot = read.read_boot(synthetic.boot(tmp_path, guest=synthetic.guest(storm=storm)))
    assert boot.guest["cyclictest"]["storm"]["overflow"] == 3


def change(name, old, new):
    """A change of one raw file."""
    def apply(path):
        text = (path / name).read_text()
        assert old in text
        (path / name).write_text(text.replace(old, new, 1))
    return apply


def rewrite(name, alter):
    """Change the guest's or the plugin's lines and put a right end line under them."""
    def apply(path):
        objects = synthetic.guest() if name == "guest" else synthetic.counts(500)
        alter(objects)
        (path / f"{name}.jsonl").write_text(synthetic.lines(objects, crc=name == "guest"))
    return apply


def rewrite_guest(alter):
    return rewrite("guest", alter)


def rewrite_counts(alter):
    return rewrite("counts", alter)


def cut(name):
    def apply(path):
        text = (path / name).read_text()
        (path / name).write_text(text[:len(text) // 2])
    return apply


def without(name):
    return lambda path: (path / name).unlink()


def garbage(name):
    return lambda path: (path / name).write_bytes(b"\x00\xff{garbage\n")


def index(objects, key, nth=0):
    return [i for i, line in enumerate(objects) if key in line][nth]


DAMAGE = {
    "not a number": (change("manifest.json", '"seed": 1,', '"seed": NaN,'), "NaN is no number"),
    "no manifest": (without("manifest.json"), "manifest.json"),
    "no verdict": (without("verdict.json"), "verdict.json"),
    "no guest file": (without("guest.jsonl"), "guest.jsonl"),
    "no counts": (without("counts.jsonl"), "counts.jsonl"),
    "garbage manifest": (garbage("manifest.json"), "manifest.json"),
    "garbage verdict": (garbage("verdict.json"), "verdict.json"),
    "garbage guest file": (garbage("guest.jsonl"), "guest.jsonl"),
    "garbage counts": (garbage("counts.jsonl"), "counts.jsonl"),
    "empty counts": (lambda path: (path / "counts.jsonl").write_text(""), "cut off"),
    "cut guest file": (cut("guest.jsonl"), "guest.jsonl"),
    "cut counts": (cut("counts.jsonl"), "counts.jsonl"),
    "no end line": (lambda path: (path / "counts.jsonl").write_text(
        (path / "counts.jsonl").read_text().rsplit("\n", 2)[0] + "\n"), "cut off"),
    "unknown verdict": (change("verdict.json", "ok", "fine"), "unknown verdict"),
    "other schema": (change("manifest.json", '"schema": 1', '"schema": 2'), "schema"),
    "other schema of counts": (change("counts.jsonl", '"schema":1', '"schema":9'), "schema"),
    "manifest without a key": (change("manifest.json", '"compiler"', '"kompiler"'), "no compiler"),
    "manifest of another seed": (change("manifest.json", '"seed": 1', '"seed": 2'), "it is of seed-002"),
    "manifest of another arm": (change("manifest.json", '"arm": "unpatched"', '"arm": "none"'), "arm is 'none'"),
    "a digit changed": (change("guest.jsonl", '"cpus":2', '"cpus":3'), "checksum"),
    "a line lost": (lambda path: (path / "guest.jsonl").write_text(
        (path / "guest.jsonl").read_text().split("\n", 1)[1]), "lines"),
    "a request lost": (rewrite_guest(lambda lines: lines.pop(index(lines, "due_ns", 4))), "9 requests sent"),
    "a phase lost": (rewrite_guest(lambda lines: lines.pop(index(lines, "phase"))), "phases"),
    "cyclictest lost": (rewrite_guest(lambda lines: lines.pop(index(lines, "cyclictest_storm"))), "cyclictest"),
    "more samples than cycles": (rewrite_guest(lambda lines: lines[index(lines, "cyclictest_storm")][
        "cyclictest_storm"]["thread"]["0"].update(cycles=7)), "samples in the histogram"),
    "the guest failed": (rewrite_guest(lambda lines: lines.append({"failed": "not proved: clock"})), "not proved"),
    "another isolated CPU": (rewrite_guest(lambda lines: lines[1].update(isolated=5)), "isolated CPU 5"),
    "a mark lost": (rewrite_counts(lambda lines: [lines.pop(index(lines, "mark", 3)) for _ in range(2)]), "not [1, 2"),
    "a CPU lost from a mark": (rewrite_counts(lambda lines: lines.pop(index(lines, "mark", 1))), "different CPUs"),
    "a mark twice": (rewrite_counts(lambda lines: lines.append(lines[-4])), "twice"),
    "a short row": (rewrite_counts(lambda lines: lines[-4]["mark"].pop()), "columns"),
    "a negative count": (rewrite_counts(lambda lines: lines[-4]["mark"].__setitem__(3, -1)), "no count"),
    "a fraction": (rewrite_counts(lambda lines: lines[-4]["mark"].__setitem__(3, 1.5)), "no count"),
    "a count that falls": (rewrite_counts(lambda lines: lines[-3]["mark"].__setitem__(3, 4)), "falls"),
    "a request's count lost": (rewrite_counts(lambda lines: lines.pop(index(lines, "request", 3))), "the guest made"),
    "an unknown line": (rewrite_counts(lambda lines: lines.append({"what": [1]})), "unknown kind"),
    "a list for an object": (rewrite_counts(lambda lines: lines.append([1])), "no object"),
    "an empty object": (rewrite_counts(lambda lines: lines.append({})), "0 keys"),
    "thread of the wrong type": (rewrite_guest(lambda lines: lines[index(lines, "cyclictest_storm")].update(
        cyclictest_storm=[])), "wrong type"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_seen(tmp_path, what):
    path = synthetic.boot(tmp_path)
    damage, said = DAMAGE[what]
    damage(path)
    boot = read.read_boot(path)
    assert boot.verdict == "unreadable"
    assert said in boot.why
    assert "\n" not in boot.why


def test_longest_stretches_with_interrupts_off_are_read(tmp_path):
    def add(lines):
        lines += [{"irqs_off": [4, 0, 1, 3000, "__schedule"]}, {"irqs_off": [4, 0, 1, 200, "do_syscall_64"]}]

    def drop(lines):
        lines[:] = [line for line in lines if "irqs_off" not in line or "mark" in line]

    path = synthetic.boot(tmp_path)
    rewrite_counts(drop)(path)
    assert read.read_boot(path).counts.irqs_off == {}
    rewrite_counts(lambda lines: (drop(lines), add(lines)))(path)
    assert read.read_boot(path).counts.irqs_off == {4: {1: [(3000, "__schedule"), (200, "do_syscall_64")]}}


def test_an_oddly_named_folder_is_not_dropped(tmp_path):
    synthetic.boot(tmp_path).rename(tmp_path / "virtual/rt-unpatched/seed-x")
    assert [boot.verdict for boot in read.read_all(tmp_path)] == ["unreadable"]


def test_all_boots_in_order_and_no_figures(tmp_path):
    (tmp_path / "figures").mkdir()
    synthetic.campaign(tmp_path, (2, 1))
    boots = read.read_all(tmp_path)
    assert len(boots) == 16
    assert [(b.model, b.arm, b.seed) for b in boots] == sorted((b.model, b.arm, b.seed) for b in boots)
