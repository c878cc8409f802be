# SPDX-License-Identifier: GPL-2.0-only
"""The cycles lab's control: each operation is judged by itself."""

import shutil
import subprocess

import pytest

from bench.cycles import section

OPERATIONS = ("nothing", "lock", "fault")


def cell(functions=(("f", 9),), **cycles):
    """One order with one process; cycles: of operations in a long loop, and of one in ten between fences."""
    step = {"instructions": 9, "locked": 1, "functions": dict(functions)}
    taken = {name: cycles.get(name, 100) for name in OPERATIONS}
    ops = {name: {"long": [(taken[name], 0)], "short/10": (0, 0, 10 * taken[name] if name != "nothing" else 0)}
           for name in OPERATIONS}
    return [{"steps": dict.fromkeys(OPERATIONS, step), "runs": [{"ops": ops}]}]


@pytest.mark.parametrize("again, loud", [
    ({}, ()), ({"lock": 104}, ()), ({"lock": 106}, ("lock",)), ({"lock": 106, "fault": 50}, ("lock", "fault"))])
def test_each_operation_is_judged_by_its_own_control(again, loud):
    cells = {("rt", "unpatched"): cell(), ("rt", section.AGAIN): cell(**again)}
    assert tuple(section.noisy(cells, "rt", section.long_loop)) == loud
    rows = section.spread(cells, "rt", ["unpatched"], section.long_loop)
    assert [row[0] for row in rows] == [f"{name} (**noisy**)" if name in loud else name for name in OPERATIONS[1:]]
    line = section.control(cells, "rt")
    assert all((f"`{name}` (" in line) == (name in loud) for name in OPERATIONS[1:])


@pytest.mark.parametrize("functions, loud", [((("f", 9),), True), ((("g", 9),), False)])
def test_all_arms_that_execute_the_same_are_its_control(functions, loud):
    """Not only unpatched twice, which may be near each other by chance; what executes other things may differ."""
    cells = {("rt", "unpatched"): cell(), ("rt", section.AGAIN): cell(lock=101),
             ("rt", "none"): cell(functions, lock=120), ("rt", "qpw0"): cell((("h", 9),), lock=500)}
    assert section.noisy(cells, "rt", section.long_loop) == ({"lock": (20, 0.2)} if loud else {})


def test_a_difference_below_a_cycle_is_no_noise():
    cells = {("rt", "unpatched"): cell(lock=4), ("rt", section.AGAIN): cell(lock=4.9)}
    assert not section.noisy(cells, "rt", section.long_loop)


def order(*cycles):
    """A link order with a process for each figure of one operation."""
    return {"runs": [{"ops": {"lock": {"long": [(one, 0)]}}} for one in cycles]}


@pytest.mark.parametrize("cycles, off", [
    ((10, 10, 11.9), 0), ((10, 10, 12.1), 1), ((2, 2, 2.9), 0), ((9, 1, 10, 10), 1)])
def test_processes_that_lie_far_off_are_counted(cycles, off):
    """By a fifth and a cycle, each from its own link order's median: orders differ, and that is shown already."""
    orders = [order(*cycles), order(50, 50, 50)]
    assert section.far(orders, lambda run: section.long_loop(run, "lock")) == off
    assert section.text(orders, lambda run: section.long_loop(run, "lock")).endswith(f"~{off}" if off else "↕")


@pytest.mark.parametrize("orders, wide", [
    ((100, 104), False), ((100, 106), True), ((4, 4.9), False), ((40, 59, 59), True), ((100,), False)])
def test_what_the_layout_makes_is_marked(orders, wide):
    """The same instructions; 5 % and a cycle, as between arms."""
    assert ("↕" in section.text([order(one) for one in orders], lambda run: section.long_loop(run, "lock"))) == wide


def test_sources_that_have_changed_are_named():
    cells = {("rt", arm): [{"image": image, "sources_sha256": then}]
             for arm, image, then in (("none", "rt-none", "a"), ("qpw1", "rt-qpw", "b"))}
    assert "have not changed" in section.changed(cells, {"rt-none": "a", "rt-qpw": "b"}.get)
    assert "changed since, those of rt-qpw**" in section.changed(cells, {"rt-none": "a", "rt-qpw": "c"}.get)
    assert "was not checked" in section.changed(cells, {"rt-none": "a", "rt-qpw": ""}.get)


def test_the_hash_of_sources_is_told():
    """Of this tree, by the script that compiles; another kernel has another."""
    found = {section.program.sources(image) for image in ("rt-none", "rt-qpw", "lazy-none")}
    assert len(found) == 3 and {len(one) for one in found} == {64}


def test_the_hash_is_of_all_sources(tmp_path, monkeypatch):
    """Of the programs around the kernel's objects too; and none of the rest where the kernel's source is missing."""
    folders = ("bench/arms", "bench/arms.sh", "bench/cycles", "kernel", "setup", "common", "variants")
    tree = subprocess.run(["git", "ls-files", "-z", *folders],
                          cwd=section.program.ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, tree):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(section.program.ROOT / name, tmp_path / name)
    known, here = section.program.ROOT / "build/source/.pcd-sha256", tmp_path / "build/source/.pcd-sha256"
    sources = section.program.sources.__wrapped__
    monkeypatch.setattr(section.program, "ROOT", tmp_path)
    assert sources("rt-none") == ""
    here.parent.mkdir(parents=True)
    shutil.copy(known, here)
    found = [sources("rt-none")]
    for name in ("measure.c", "link.ld", "program.py", "kernel/ops.c"):
        with (tmp_path / "bench/cycles" / name).open("a") as stream:
            stream.write("\n")
        found.append(sources("rt-none"))
    assert "" not in found and len(set(found)) == len(found)


def test_link_orders_that_are_noisy_alone_are_named():
    """Their medians over all orders are equal."""
    def cells(*again):
        return {("rt", "unpatched"): [*cell(lock=100), *cell(lock=200), *cell(lock=300)],
                ("rt", section.AGAIN): [step for cycles in again for step in cell(lock=cycles)]}

    found = cells(120, 200, 280)
    assert section.noisy_in_one(found, "rt", section.long_loop) == ["lock"]
    assert "long loop: none noisy of 2, within one link order also `lock`" in section.control(found, "rt")
    assert section.noisy_in_one(cells(100, 200, 300), "rt", section.long_loop) == []
    both = cells(120, 220, 320)  # by their medians as well: said already
    assert section.noisy(both, "rt", section.long_loop) and section.noisy_in_one(both, "rt", section.long_loop) == []


def test_without_a_control_it_says_so():
    assert section.control({("rt", "unpatched"): cell()}, "rt").endswith("no control was run.")


def test_lines_are_told_beyond_nothing_within_a_process():
    """The stamps' own cycles, which may be more than the operation's, have no part in it."""
    def run(nothing, peek, drain=None, beside=(1.0, 1.02)):
        deeds = {"nothing": nothing, "peek": peek, "write": peek + 2, "drain": drain}
        return {"beside": beside, "stamps": [0, 0, 700],
                **{deed: [0, 0, cycles] for deed, cycles in deeds.items() if cycles is not None}}

    runs = [run(600, 700, 690), run(900, 2000, 1950), run(600, 1650, 1655), run(600, 600, 600, (1.0, 1.9))]
    cells = {("rt", "qpw1"): [{"lines": runs}],
             ("rt", "none"): [{"lines": [run(600, 500)]}]}
    assert section.lines_table(cells, "rt")[0] == [
        ["none", "−100 (−100 to −100)", "−98 (−98 to −98)", "–", "–", "–", 1],
        ["qpw1", "+1050 (+100 to +1100)", "+1052 (+102 to +1102)", "+1050 (+90 to +1055)", "−10 (−50 to +5)",
         "−12 (−52 to +3)", 3]]
    assert "1 of 5 processes, in which the two CPUs shared a core" in "".join(section.lines_part(cells))


def test_a_clock_s_step_is_no_noise():
    """Where the clock goes in steps of 26, one of ten between two stamps differs by 2.6 or by nothing."""
    def ticks(cycles):
        return [order | {"lines": [{"nothing": [26, 52], "peek": [78, 130]}]} for order in cell(lock=cycles)]

    cells = {("rt", "unpatched"): ticks(7.8), ("rt", section.AGAIN): ticks(5.2)}
    assert section.grain(cells) == 26
    assert not section.noisy(cells, "rt", section.alone)
    cells["rt", section.AGAIN] = ticks(0)
    assert section.noisy(cells, "rt", section.alone) == {"lock": (7.8, float("inf"))}


def test_a_published_step_is_compared_with_what_link_orders_span():
    """Medians of all processes, as in the table: one process that was disturbed changes nothing."""
    def arm(*orders, instructions=74):
        return [{"runs": [{"ops": {"kmalloc": {"long": [[cycles, 0]]}}} for cycles in order],
                 "steps": {"kmalloc": {"instructions": instructions, "locked": 0, "functions": {}}}}
                for order in orders]

    cells = {("lazy", "unpatched"): arm((50, 96, 50), (50, 50, 50)),
             ("lazy", "qpw0"): arm((50, 50, 50), (50, 90, 50)),
             ("lazy", "qpw1"): arm((63, 63, 63), (64, 64, 64), instructions=88)}
    assert section.difference(cells, "lazy", "qpw0", "unpatched", "kmalloc", section.long_loop) == (0, 0, 0)
    assert "+13, which is within a cycle" in section.beside_published(cells, "lazy", "kmalloc")
    cells["lazy", "qpw1"] = arm((68, 68, 68), (68, 68, 68), instructions=88)
    assert "is **not** within" in section.beside_published(cells, "lazy", "kmalloc")
    cells["lazy", "qpw1"] = arm((54, 54, 54), (70, 70, 70), instructions=88)
    assert "inconclusive" in section.beside_published(cells, "lazy", "kmalloc")
    cells["lazy", "none"] = arm((70, 70, 70), (70, 70, 70))
    assert "Noisy" in section.beside_published(cells, "lazy", "kmalloc")
