# SPDX-License-Identifier: GPL-2.0-only
"""read.py: what is whole is read, what is not is called unreadable, and says why."""

import functools

import pytest

from bench.report import plan
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


rewrite_guest, rewrite_counts = (functools.partial(rewrite, name) for name in ("guest", "counts"))


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
    **{f"{damage.__name__} {name}": (damage(name), name) for damage in (without, garbage)
       for name in ("manifest.json", "verdict.json", "guest.jsonl", "counts.jsonl")},
    "empty counts": (lambda path: (path / "counts.jsonl").write_text(""), "cut off"),
    **{f"cut {name}": (cut(name), name) for name in ("guest.jsonl", "counts.jsonl")},
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


@pytest.mark.parametrize("kind, setting, told, said", [
    ("sensitivity", "cpus-4", {"setting": "shift-2"}, "settle_ms is None, setting shift-2 has 120"),
    ("sensitivity", "cpus-4", {"setting": "cpus-8"}, "setting 'cpus-8', which is none"),
    ("sensitivity", "cpus-4", {"cpus": 2}, "cpus is 2, setting cpus-4 has 4"),
    ("dose", "1000", {"setting": "1500"}, "dose is 1000, its setting is 1500")])
def test_a_boot_of_another_setting_than_it_names_is_unreadable(tmp_path, kind, setting, told, said):
    path = synthetic.alter(synthetic.boot(tmp_path, kind=kind, setting=setting), **told)
    path = path.rename(path.with_name(plan.place(kind, told.get("setting", setting), 1)))
    assert read.read_boot(path).why == f"manifest.json: {said}"


def test_longest_stretches_with_interrupts_off_are_read(tmp_path):
    rest = [line for line in synthetic.counts(500) if "irqs_off" not in line or "mark" in line]
    told = [{"irqs_off": [4, 0, 1, 3000, "__schedule"]}, {"irqs_off": [4, 0, 1, 200, "do_syscall_64"]}]
    for lines, found in ((rest, {}), (rest + told, {4: {1: [(3000, "__schedule"), (200, "do_syscall_64")]}})):
        assert read.read_boot(synthetic.boot(tmp_path, counts=lines)).counts.irqs_off == found


@pytest.mark.parametrize("order, why", [
    ((3, 4, 1, 2), ""), ((3, 1, 2, 4), "counts.jsonl: marks in the order [3, 1, 2, 4]")])
def test_the_storm_may_come_first(tmp_path, order, why):
    made = synthetic.counts(501)
    rows = [line for line in made if "mark" in line and "unit" not in line]
    for row in (line["mark"] for line in rows if line["mark"][0] in (1, 2)):
        row[3:] = [count + 10**6 for count in row[3:]]
    others = [line for line in made if line not in rows]
    rows.sort(key=lambda line: order.index(line["mark"][0]))
    assert read.read_boot(synthetic.boot(tmp_path, counts=[*others, *rows])).why == why


def test_an_oddly_named_folder_is_not_dropped(tmp_path):
    synthetic.boot(tmp_path).rename(tmp_path / "virtual/rt-unpatched/seed-x")
    assert [boot.verdict for boot in read.read_all(tmp_path)] == ["unreadable"]


def test_all_boots_in_order_and_no_figures(tmp_path):
    (tmp_path / "figures").mkdir()
    synthetic.campaign(tmp_path, (2, 1))
    boots = read.read_all(tmp_path)
    assert len(boots) == 16
    assert [(b.model, b.arm, b.seed) for b in boots] == sorted((b.model, b.arm, b.seed) for b in boots)
