# SPDX-License-Identifier: GPL-2.0-only
"""The door's lab: fit machines, the section from made-up rows, and a program that loses nothing."""

import json
import os
import pathlib
import subprocess
import types

import pytest

from bench import boot
from bench.door import lab, section

HERE = pathlib.Path(__file__).resolve().parents[1]
HZ = 2e9
two_cpus = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")


def cpu(number, siblings):
    return {"cpu": number, "package": 0, "core": min(siblings), "siblings": siblings}


# ---- The machine ----


def test_topology_is_what_sys_says(tmp_path):
    for number, siblings in ((0, "0,2"), (2, "0,2"), (5, "4-5")):
        folder = tmp_path / f"cpu{number}/topology"
        folder.mkdir(parents=True)
        for name, text in (("physical_package_id", 1), ("core_id", 7), ("thread_siblings_list", siblings)):
            (folder / name).write_text(f"{text}\n")
    assert lab.topology({5, 0}, tmp_path) == [{"cpu": 0, "package": 1, "core": 7, "siblings": [0, 2]},
                                              {"cpu": 5, "package": 1, "core": 7, "siblings": [4, 5]}]


def test_the_first_two_cores_are_taken():
    cpus = [cpu(0, [0, 1]), cpu(1, [0, 1]), cpu(2, [2, 3])]
    assert [one["cpu"] for one in lab.two_cores(cpus)] == [0, 2]


@pytest.mark.parametrize("cpus, said", [
    ([cpu(0, [0])], "need a CPU each, and there is 1"),
    ([cpu(0, [0, 1]), cpu(1, [0, 1])], "CPUs 0, 1 are hyperthreads of one core")])
def test_a_machine_without_two_cores_is_refused(cpus, said):
    with pytest.raises(lab.Failed, match=said):
        lab.two_cores(cpus)


def test_ticks_are_those_of_the_cpus_alone(tmp_path):
    (tmp_path / "stat").write_text("cpu 9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 40 5 6 7 8 0 0\ncpu1 10 0 0 0 0 0 0 0 0 0\n"
                                   "cpu10 99 0 0 0 0 0 0 0 0 0\nintr 7\n")
    assert lab.ticks([0, 1], tmp_path / "stat") == (1 + 2 + 3 + 6 + 7 + 10, 8, 72 + 10)


@pytest.mark.parametrize("busy, stolen, fails", [(4, 0, False), (3, 3, True), (6, 0, True)])
def test_a_busy_machine_is_refused(monkeypatch, busy, stolen, fails):
    read = iter([(0, 0, 0), (busy, stolen, 100)])
    monkeypatch.setattr(lab, "ticks", lambda cpus: next(read))
    monkeypatch.setattr(lab.Watch, "own", staticmethod(lambda: 0))
    monkeypatch.setattr(lab.time, "sleep", lambda seconds: None)
    if not fails:
        lab.quiet_or_fail([0, 1])
        return
    with pytest.raises(lab.Failed, match="others have 6% of CPUs 0 and 1"):
        lab.quiet_or_fail([0, 1])


def test_what_runs_here_is_not_others(monkeypatch):
    read, own = iter([(10, 0, 0), (110, 0, 200)]), iter([5, 95])
    monkeypatch.setattr(lab, "ticks", lambda cpus: next(read))
    monkeypatch.setattr(lab.Watch, "own", staticmethod(lambda: next(own)))
    assert lab.Watch([0, 1]).shares() == (0.05, 0)


@pytest.mark.parametrize("options, kept", [
    ((), True), (("--busy",), False), (("--runs", "14"), False), (("--ms", "100"), False),
    (("--out", "o.json"), False)])
def test_only_a_whole_measurement_is_kept(tmp_path, monkeypatch, options, kept):
    monkeypatch.setattr(boot, "ROOT", tmp_path)
    monkeypatch.setattr(lab, "topology", lambda allowed: [cpu(0, [0]), cpu(1, [1])])
    monkeypatch.setattr(lab, "quiet_or_fail", lambda cpus: None)
    monkeypatch.setattr(lab, "measure", lambda cpus, args: [{"run": 1, "part": "host"}])
    monkeypatch.setattr(lab.sys, "argv", ["door", *options])
    monkeypatch.chdir(tmp_path)
    assert lab.main() == 0
    assert (tmp_path / lab.KEPT).exists() == kept
    if kept:
        assert json.loads((tmp_path / lab.KEPT).read_text())["rows"] == [{"run": 1, "part": "host"}]


# ---- The section ----


def wait(run, technique, holder, cycles=(300, 900, 0, 2000), **other):
    row = {"run": run, "part": "wait", "technique": technique, "holder": holder, "entries": 5000, "away": 0,
           "attempts": 900, "refused": 100, "owner_switched": 0, "holder_switched": 0, "waits": 500, "waits_long": [],
           "waits_cycles": list(cycles), "holds": 800, "holds_long": [], "holds_cycles": [80, 90, 90, 95]}
    return row | other


def one_run(run, beside=1.0, others=0.0):
    """Made-up rows: the door's test takes a cycle in odd runs; a line that was held takes 100, one taken 150."""
    rows = [{"run": run, "part": "beside", "times": times, "tsc_hz": HZ} for times in (1.0, beside)]
    rows += [{"run": run, "part": "pair", "pair": pair, "cycles": cycles + 10 * run}
             for pair, cycles in (("entry", 20), ("entry again", 20), ("door", 20 + run % 2), ("lock", 8))]
    rows += [{"run": run, "part": "line", "technique": technique, "puts": puts, "deed": deed, "owner": 90 + cycles,
              "holder": 80 + 2 * cycles}
             for technique in section.TECHNIQUES for puts in section.PUTS
             for deed, cycles in (("nothing", 0), ("look", 50), ("hold", 100), ("take", 150))]
    rows += [wait(run, technique, holder) for technique in section.TECHNIQUES for holder in section.HOLDERS]
    return [*rows, {"run": run, "part": "host", "owner": 0, "holder": 1, "others": others, "steal": 0.0}]


def kept(rows, **other):
    return {"schema": 1, "host_cpu": "A CPU", "hypervisor": True, "cpus": [cpu(0, [0]), cpu(1, [1])], "kernel": "6",
            "rt_runtime_us": 950000, "compiler": "gcc", "sources_sha256": lab.sources(), "runs": 7, "ms": 800,
            "started_utc": "2026-01-01T00:00:00+00:00", "rows": rows} | other


@pytest.fixture
def said(tmp_path):
    def write(rows, **other):
        path = tmp_path / "door.json"
        path.write_text(lab.text({key: value for key, value in kept(rows, **other).items() if key != "rows"}, rows))
        return "\n".join(section.section(path))
    return write


def runs(*numbers):
    return [row for number in numbers for row in one_run(number)]


def test_figures_are_medians_over_runs_and_differences_are_of_one_run(said):
    text = said(runs(*range(1, 8)))
    assert "median over 7 runs (its interval, 98%)" in text
    assert "| entry and exit, no test | 60 (30 to 90) | – |" in text
    assert "| entry and exit, with the test | 60 (31 to 91) | +1 (0 to +1) |" in text
    assert "| lock and unlock | 48 (18 to 78) | −12 (−12 to −12) |" in text
    assert ("| door | one item | +50 (+50 to +50) | +100 (+100 to +100) | +150 (+150 to +150) | 2.5 (1.67 to 5) | "
            "+200 (+200 to +200) | +300 (+300 to +300) |") in text


def test_a_rank_wants_enough_waits(said):
    few = runs(*range(1, 8))
    for row in few:
        if (row.get("technique"), row.get("holder")) == ("door", "alone"):
            row["waits"] = 99
    found = [line for line in said(few).splitlines() if "alone on its CPU" in line]
    assert found[0].endswith("| 99 (99 to 99) | 300 (300 to 300) | – | – | 2,000 (2,000 to 2,000) |")
    assert found[1].endswith("| 300 (300 to 300) | 900 (900 to 900) | – | 2,000 (2,000 to 2,000) |")


def test_long_waits_of_all_runs_are_shown_together(said):
    rows = runs(*range(1, 8))
    for row in rows:
        if row["part"] == "wait" and (row["technique"], row["holder"]) == ("door", "beside") and row["run"] < 4:
            row |= {"waits_long": [2000000 * row["run"]], "waits_cycles": [300, 900, 0, 2000000 * row["run"]],
                    "holds_long": [1, 2], "holder_switched": 40, "away": 1}
    assert ("| door | beside a thread that spins | 120 | 6 | 3 of 3,500 | 2 | 3 | 6.67 (6.67 to 20,000) | 3 |"
            in said(rows))


def test_runs_that_shared_a_core_are_left_out(said):
    text = said([*runs(1, 2, 3, 4, 5, 6), *one_run(100, beside=1.15)])
    assert "1 of 7 runs took 1.15 times as long" in text and "median over 6 runs" in text
    assert "| entry and exit, no test | 55 (30 to 80) |" in text
    assert "**No run is left.**" in said(one_run(1, beside=2))


def test_disturbed_runs_are_named(said):
    assert "No run was disturbed by more than 5%." in said(runs(*range(1, 8)))
    assert "**1 of 7 runs were disturbed: more than 5%.**" in said([*runs(1, 2, 3, 4, 5, 6), *one_run(7, others=0.06)])


def test_another_program_is_said(said):
    assert "The program has changed since" in said(runs(*range(1, 8)), sources_sha256="0")
    assert "The program has changed since" not in said(runs(*range(1, 8)))


def test_a_virtual_machine_s_topology_is_its_hypervisor_s(said):
    assert "what its hypervisor says" in said(runs(*range(1, 8)))
    assert "what its hypervisor says" not in said(runs(*range(1, 8)), hypervisor=False)


def test_what_is_not_there_or_not_whole_is_one_line(tmp_path):
    assert section.section(tmp_path / "door.json")[2:] == ["It was not run (`make door`)."]
    (tmp_path / "door.json").write_text('{"rows": [')
    assert len(section.section(tmp_path / "door.json")) == 3
    (tmp_path / "door.json").write_text("{}")
    assert section.section(tmp_path / "door.json")[2].startswith("door.json: not whole: KeyError: 'rows'")


# ---- The program ----


def program(*options, path=lab.PROGRAM):
    one, other = sorted(os.sched_getaffinity(0))[:2]
    return subprocess.run([path, "--owner", str(one), "--holder", str(other), *map(str, options)], capture_output=True,
                          text=True, timeout=120)


@two_cpus
@pytest.mark.skipif(os.geteuid() != 0, reason="SCHED_FIFO wants root")
def test_a_short_run_gives_all_parts():
    done = program("--seed", 3, "--ms", 200)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [{"run": 1, **json.loads(line)} for line in done.stdout.splitlines()]
    expected = {tuple(row.get(key) for key in ("part", "pair", "technique", "puts", "deed", "holder"))
                for row in one_run(1) if row["part"] != "host"}
    assert {tuple(row.get(key) if key != "holder" or row["part"] == "wait" else None
                  for key in ("part", "pair", "technique", "puts", "deed", "holder")) for row in rows} == {
        (*row[:5], row[5] if row[0] == "wait" else None) for row in expected}
    assert all(row["holds"] and row["entries"] for row in rows if row["part"] == "wait")


@two_cpus
def test_a_door_that_keeps_nobody_out_loses_items(tmp_path):
    flags = ["-std=gnu11", "-O2", "-D_GNU_SOURCE", "-D__aligned(n)=__attribute__((aligned(n)))", "-pthread"]
    subprocess.run(["gcc", *flags, "-DCARELESS", "-o", tmp_path / "careless", *HERE.glob("*.c")], check=True)
    for seed in range(1, 6):
        done = program("--seed", seed, "--ms", 300, path=tmp_path / "careless")
        if "lost: of" in done.stderr:
            assert done.returncode == 1 and "door, holder" in done.stderr
            return
    pytest.fail("five runs lost nothing")


@pytest.mark.parametrize("options", [("--owner", "0", "--holder", "0"), ("--ms", "0"), ("--seed", "x"), ("--seed", "0"),
                                     ("more",), ("--what",)])
def test_bad_options_are_refused(options):
    done = subprocess.run([lab.PROGRAM, *options], capture_output=True, text=True, timeout=10)
    assert done.returncode == 1 and done.stderr and not done.stdout


def test_a_run_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(lab, "ticks", lambda cpus: (0, 0, 0))
    monkeypatch.setattr(lab.subprocess, "run", lambda *args, **options: types.SimpleNamespace(
        returncode=1, stdout="", stderr="error: SCHED_FIFO, for which one has to be root: no\n"))
    with pytest.raises(lab.Failed, match="run 3: error: SCHED_FIFO, for which one has to be root"):
        lab.run(3, 0, 1, 800)
