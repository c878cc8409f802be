# SPDX-License-Identifier: GPL-2.0-only
"""What `make instrument` and `make again` keep is the same wherever and however slowly they run."""

import json
import pathlib

import pytest

from bench import again, archive, boot, campaign, workloads
from bench.checks import __main__ as checks
from bench.checks import plugin, repeat
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
    monkeypatch.setattr(repeat, "kept_boots", lambda: groups)
    monkeypatch.setattr(repeat, "not_made", lambda boots, place: boots.keys() - made)
    monkeypatch.setattr(repeat, "make_again", lambda boots, place: [])
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
