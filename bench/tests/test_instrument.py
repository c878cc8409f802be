# SPDX-License-Identifier: GPL-2.0-only
"""What `make instrument` and `make again` keep is the same wherever and however slowly they run."""

import json
import pathlib
import types

import pytest

from bench import again, archive, boot, campaign, workloads
from bench.checks import __main__ as checks
from bench.checks import plugin, repeat
from bench.report.facts import instrument
from bench.report.tests import synthetic
from check import tapfile


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder of what is kept, in a testbed without boots."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checks, "KEPT", pathlib.Path("boots"))
    monkeypatch.setattr(tapfile, "RESULTS", tmp_path)
    return checks.INSTRUMENT


def test_no_machine_and_no_time_is_kept(kept):
    """But QEMU's guard is: it is not the machine's, and the report compares it."""
    folder = pathlib.Path("boots", checks.VOUCHES["plugin"])
    folder.mkdir(parents=True)
    about = synthetic.manifest("virtual", "rt", "none", 1) | dict.fromkeys(boot.VARYING, "of this machine")
    (folder / "manifest.json").write_text(json.dumps(about))
    pathlib.Path("plugin.tap").write_text("TAP version 14\n1..0\n")
    checks.keep("plugin")
    told = json.loads((kept / "plugin.json").read_text())
    assert set(told) & set(boot.VARYING) == {"main_loop_sha256"} and told["image_sha256"] == about["image_sha256"]


def test_a_ratio_of_times_is_said_and_not_kept(kept, monkeypatch, capsys):
    """Only whether it was at most so much."""
    kinds = {"quick": (1.0, 1.5), "slow": (1.0, 1.9), "too slow": (1.0, 2.1)}
    texts = {}
    for kind, (without, counted) in kinds.items():
        monkeypatch.setattr(plugin, "run_alone", lambda spec, plugin, took=(without, counted): (took[plugin], b"sent"))
        with tapfile.Writer(kind, kept) as tap:
            plugin.slow_down(tap, repeat.spec_of("rt-unpatched"), {"the plugin": (2, {})})
        texts[kind] = (kept / f"{kind}.tap").read_text()
        assert f"the plugin makes a boot {counted:.2f} times as long" in capsys.readouterr().out
    assert texts["quick"] == texts["slow"] and "ok 1 - the plugin makes a boot at most 2 times as long" in texts["slow"]
    assert "not ok 1 - the plugin makes a boot at most 2 times as long" in texts["too slow"]
    assert "# 2.1 s, 1.0 s without it" in texts["too slow"]


def test_what_is_made_already_is_never_skipped(kept, monkeypatch):
    """And a run that was stopped gives the same lines in the end as one that was not."""
    groups = {"drain": {"virtual/rt-none/seed-603": None, "virtual/rt-qpw1/seed-603": None},
              "aa": {"virtual/rt-unpatched/aa-615": None}}
    made = {"virtual/rt-none/seed-603", "virtual/rt-unpatched/aa-615"}
    monkeypatch.setattr(repeat, "kept_boots", lambda newer: groups)
    monkeypatch.setattr(repeat, "not_made", lambda boots, place: boots.keys() - made)
    monkeypatch.setattr(repeat, "make_again", lambda boots, place: None)
    monkeypatch.setattr(repeat, "same_again", lambda tap, point, kind, *_: tap.point(point, kind=kind))

    def again(minutes):
        with tapfile.Writer("again", kept) as tap:
            repeat.check_again(tap, None, minutes)
        return [line.partition(" - ")[2] for line in tap.path.read_text().splitlines() if line.startswith("ok")]

    names = ["boots: 1 of the workload, rt-none", "boots: 1 of the workload, rt-qpw1", "boots: 1 aa"]
    assert again(-1) == [names[0], f"{names[1]} # SKIP not begun within -1 minutes", names[2]]
    made.add("virtual/rt-qpw1/seed-603")
    assert again(-1) == names
    made.clear()
    assert again(1) == names


KERNEL = {"kernel_release": "7.3.4", "compiler": "gcc", "common_config_sha256": "c", "config_sha256": "1",
          "source_sha256": "1", "image_sha256": "1", "system_map_sha256": "1", "initramfs_sha256": "1"}
OTHER_SOURCES = {"config_sha256": "2", "source_sha256": "2", "image_sha256": "2", "system_map_sha256": "2"}


@pytest.mark.parametrize("now, newer", [
    ({}, False), (OTHER_SOURCES, True), ({"source_sha256": "2"}, True), (OTHER_SOURCES | {"compiler": "clang"}, False),
    (OTHER_SOURCES | {"common_config_sha256": "d"}, False), (OTHER_SOURCES | {"initramfs_sha256": "2"}, False),
    (dict.fromkeys(KERNEL), False),  # no image is built
    ({"image_sha256": "2"}, False)])  # of the same sources: what else was it made with?
def test_a_kernel_of_other_sources_is_told_from_any_other(now, newer):
    assert boot.other_sources(KERNEL, KERNEL | now) == newer
    assert not boot.other_input(KERNEL, KERNEL | {"source_sha256": "2"})


@pytest.fixture
def boots(tmp_path, monkeypatch):
    """Makes a boot of results and, if it is told what of its manifest is other now, the same made again; returns
    what kept_boots() is to give."""
    monkeypatch.setattr(archive, "BOOTS", tmp_path / "results")
    monkeypatch.setattr(repeat, "KEPT", tmp_path / "made")
    monkeypatch.setattr(boot, "manifest", lambda spec: spec.now)
    found = {}

    def make(arm, kind="drain", now=None, seed=1, verdict="ok", **made):
        setting = "16" if kind == "dose" else ""
        then = synthetic.boot(archive.BOOTS, arm=arm, kind=kind, seed=seed, setting=setting)
        about = json.loads((then / "manifest.json").read_text()) | (now or {})
        if now is not None:
            folder = synthetic.boot(repeat.KEPT / "again", arm=arm, kind=kind, seed=seed, setting=setting, **made)
            synthetic.alter(folder, **about)
            (folder / "verdict.json").write_text(json.dumps({"verdict": verdict, "why": "as planned"}))
        found.setdefault(kind, {})[str(then.relative_to(archive.BOOTS))] = types.SimpleNamespace(
            now=about, image=pathlib.Path(f"images/rt-{about['kernel']}"))
        return found

    return make


def test_a_boot_by_another_kernel_may_differ_and_no_other(boots, tmp_path):
    boots("none", now={})
    boots("qpw0", now=OTHER_SOURCES, per_drain=7)
    boots("qpw1", now={"source_sha256": "2"}, per_drain=7)  # the same image
    names = list(boots("unpatched", now=OTHER_SOURCES, verdict="hang")["drain"])
    with tapfile.Writer("again", tmp_path) as tap:
        for name in names:
            repeat.same_again(tap, name.split("/")[1], "", [name], "again")
    lines = [line for line in tap.path.read_text().splitlines() if "ok " in line]
    said = "# SKIP not the same, but by kernels of other sources: "
    assert lines == ["ok 1 - rt-none", f"ok 2 - rt-qpw0 {said}{names[1]}", "not ok 3 - rt-qpw1",
                     f"ok 4 - rt-unpatched {said}{names[3]}"]


def test_what_other_kernels_gave_is_kept_by_cell(boots):
    boots("none", now=OTHER_SOURCES)
    boots("none", now=OTHER_SOURCES, seed=2)
    boots("none", kind="aa", now=OTHER_SOURCES, per_drain=7)
    boots("qpw1", now={"source_sha256": "2"})
    boots("qpw1", now={"source_sha256": "2"}, seed=2, verdict="panic")
    boots("unpatched", now={})  # of the same sources
    kinds = boots("qpw0")  # not made again
    gone = next(iter(kinds["drain"].values()))
    rows = {(row["campaign"], row["cell"]): row for row in repeat.newer_kernels(kinds)}
    told = {cell: (row["kernel"], row["source_sha256"], row["boots"], row["same"]) for cell, row in rows.items()}
    assert told == {("virtual", "rt-none"): ("rt-none", "2", 3, 2), ("virtual", "rt-qpw1"): ("rt-qpw", "2", 2, 1)}
    gone.now |= {"image_sha256": "3"}  # the kernel that made one is no longer here
    assert {row["cell"]: row["boots"] for row in repeat.newer_kernels(kinds)} == {"rt-none": 2, "rt-qpw1": 2}


def test_what_is_kept_is_what_the_report_reads(boots, kept, monkeypatch):
    kinds = boots("none", now=OTHER_SOURCES)
    monkeypatch.setattr(repeat, "kept_boots", lambda newer: kinds)
    checks.keep_newer()
    assert instrument.made_again(kept.parent, archive.BOOTS) == {("virtual", "rt-none", "rt-none", "2"): 1}
    synthetic.boot(archive.BOOTS, arm="none", seed=2)  # another campaign
    assert instrument.made_again(kept.parent, archive.BOOTS) == {}
    kinds.clear()
    checks.keep_newer()
    assert not list(kept.iterdir())


def test_a_sample_has_boots_of_each_kind_of_each_cell_that_has_changed(boots):
    for seed in range(1, 10):
        boots("qpw1", seed=seed)
        kinds = boots("none", seed=seed)
    boots("none", kind="dose")
    boots("unpatched", kind="aa")
    for name, spec in [(name, spec) for of_kind in kinds.values() for name, spec in of_kind.items()]:
        if "/rt-none/" in name:
            spec.now["source_sha256"] = "2"
    assert {kind: list(of_kind) for kind, of_kind in repeat.sample_of(kinds, 2).items()} == {
        "drain": ["virtual/rt-none/seed-003", "virtual/rt-none/seed-007"], "dose": ["virtual/rt-none/dose-16-001"]}
    assert len(repeat.sample_of(kinds, 9)["drain"]) == 9
    assert repeat.evenly([1, 2, 3], 1) == [2]


@pytest.mark.parametrize("now, per_drain, said, status", [
    (OTHER_SOURCES, 500, "603, by a kernel of other sources than it was kept with: same: ", 0),
    (OTHER_SOURCES, 7, "603, by a kernel of other sources than it was kept with: parts at counts.jsonl line ", 1),
    ({}, 7, "603: parts at counts.jsonl line ", 1),
    ({"image_sha256": "2"}, 500, "603: other input: image_sha256; ", 2)])
def test_a_cell_is_made_again_by_a_kernel_of_other_sources(boots, monkeypatch, capsys, now, per_drain, said, status):
    spec, = boots("none", seed=603)["drain"].values()
    spec.now |= now
    monkeypatch.setattr(archive, "unpack_all", lambda: None)
    monkeypatch.setattr(again, "spec_of", lambda kept: spec)
    monkeypatch.setattr(again, "PLACE", synthetic.boot(repeat.KEPT, arm="none", per_drain=per_drain))
    monkeypatch.setattr(boot, "boot", lambda spec, place: ("ok", ""))
    assert again.again("rt-none/603") == status
    assert f"rt-none/{said}" in capsys.readouterr().out


def test_each_boot_of_results_can_be_made_again():
    """Those of a workload, too, and as what they were."""
    boots = {str(folder.relative_to(archive.MINE)): spec for folder, spec in campaign.every_boot().items()}
    labs = [archive.KEPT / "virtual", *(archive.KEPT / archive.WORKLOADS).iterdir()]
    kept = {f"{lab.relative_to(archive.KEPT)}/{line['boot']}": line for lab in labs if (lab / archive.INDEX).exists()
            for line in map(json.loads, (lab / archive.INDEX).read_text().splitlines())}
    assert kept and not kept.keys() - boots.keys()
    for name, line in kept.items():
        assert (line["kind"], line["setting"], line["seed"]) == (
            boots[name].kind, boots[name].setting, boots[name].seed)
    assert {spec.load for spec in boots.values()} == {"", *workloads.names()}
    assert again.spec_of(archive.BOOTS / next(iter(kept))) == boots[next(iter(kept))]
