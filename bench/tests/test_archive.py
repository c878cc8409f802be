# SPDX-License-Identifier: GPL-2.0-only
"""The archive: what is packed comes back as it was, what is not whole is said, and boots made here stay."""

import hashlib
import json
import lzma
import shutil
import subprocess

import pytest

from bench import again, archive, boot
from bench.cycles import lab, program, section
from bench.report.tests import synthetic
from check import results, tapfile

NOW = synthetic.manifest("virtual", "rt", "none", 1) | {"method_sha256": "m"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A testbed with a packed campaign."""
    monkeypatch.chdir(tmp_path)
    made = archive.MINE
    archive.begin("virtual", NOW)
    synthetic.campaign(made, (1, 2))
    failed = synthetic.boot(made, "rt", "none", 3, verdict="hang")
    for folder in (failed, failed.with_name("seed-001")):
        (folder / "console.txt").write_text("Linux\n")
    archive.pack("virtual")
    return tmp_path


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_packed_comes_back(place):
    before = tree(archive.MINE)
    assert archive.unpack_all() == archive.BOOTS
    after = tree(archive.BOOTS)
    assert before.keys() - after.keys() == {"virtual/rt-none/seed-001/console.txt"}  # that boot ended well
    assert all(after[name] == before[name] for name in after.keys() & before.keys() if name.count("/") > 1)


def test_packing_again_changes_nothing(place):
    """Not even where another version of the library would compress better, nor from what was unpacked."""
    path = archive.KEPT / "virtual/rt-none.tar.xz"
    path.write_bytes(lzma.compress(lzma.decompress(path.read_bytes()), preset=0))
    before = tree(archive.KEPT)
    archive.pack("virtual")
    shutil.rmtree(archive.MINE)
    archive.begin("virtual", NOW)
    archive.pack("virtual")
    assert tree(archive.KEPT) == before


def test_the_index_has_a_line_per_boot(place):
    index = archive.index_of(archive.KEPT / "virtual")
    assert len(index) == json.loads((archive.KEPT / "virtual/campaign.json").read_text())["boots"] == 17
    line = index["rt-none/seed-003"]
    assert (line["kind"], line["seed"], line["verdict"], line["why"]) == ("drain", 3, "hang", "as planned")
    assert len({one["identity"] for one in index.values()}) == 17


def damage(path, change):
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("change, said", [
    (lambda raw: raw[:-20], "cannot be unpacked"), (lambda raw: b"", "cannot be unpacked"),
    (lambda raw: lzma.compress(lzma.decompress(raw) + b"\0" * 512), "not what campaign.json beside it names")])
def test_an_archive_that_is_not_whole_is_said(place, change, said):
    damage(archive.KEPT / "virtual/rt-qpw1.tar.xz", change)
    with pytest.raises(archive.ArchiveError, match=said):
        archive.unpack("virtual")


def test_what_is_unpacked_is_what_is_committed(place):
    """Boots that another commit has changed, added or dropped; labs that it has dropped; and nothing else."""
    archive.unpack_all()
    newer, dropped = archive.MINE / "virtual/rt-none/seed-001", archive.MINE / "virtual/rt-none/seed-002"
    damage(newer / "guest.jsonl", lambda raw: raw + b"newer\n")
    shutil.rmtree(dropped)
    synthetic.boot(archive.MINE, "rt", "none", 4)
    (archive.BOOTS / "imported-gone/rt-none/seed-001").mkdir(parents=True)
    archive.pack("virtual")
    archive.unpack_all()
    assert tree(archive.BOOTS)["virtual/rt-none/seed-001/guest.jsonl"].endswith(b"newer\n")
    assert sorted(path.name for path in archive.BOOTS.glob("virtual/rt-none/*")) == ["seed-001", "seed-003", "seed-004"]
    assert [path.name for path in archive.BOOTS.iterdir()] == ["virtual"]


def test_link_orders_are_packed_as_boots_are(place, monkeypatch):
    """Of the cycles lab: what the report reads is what was measured, each order as it was, in their order."""
    monkeypatch.setattr(lab, "manifest", lambda cell, order, _: {"model": cell.model, "arm": cell.arm, "order": order})
    found = {(program.Cell("rt", "none"), order): {"run": [{"seed": order}, {"seed": 7}], "lines": [{}] * order}
             for order in (2, 10, 1)}
    lab.write(found, {key: {"lock": number} for number, key in enumerate(found)}, None)
    archive.pack(lab.LAB)
    assert sorted(path.name for path in (archive.KEPT / lab.LAB).iterdir()) == [
        "campaign.json", "index.jsonl", "rt.tar.xz"]
    orders = section.load(archive.unpack_all() / lab.LAB)["rt", "none"]
    assert [(one["order"], one["steps"], one["runs"][0], len(one["lines"])) for one in orders] == [
        (1, {"lock": 2}, {"seed": 1}, 1), (2, {"lock": 0}, {"seed": 2}, 2), (10, {"lock": 1}, {"seed": 10}, 10)]


def test_nothing_that_is_committed_touches_a_campaign(place):
    before = tree(archive.MINE)
    shutil.rmtree(archive.KEPT)
    archive.unpack_all()
    assert tree(archive.MINE) == before and not list(archive.BOOTS.glob("*"))


def test_boots_of_another_campaign_are_set_aside(place, capsys):
    archive.begin("virtual", NOW)
    assert not archive.ASIDE.exists() and not capsys.readouterr().out
    before = tree(archive.KEPT)
    archive.begin("virtual", NOW | {"qemu_sha256": "q"})
    assert "a new campaign begins, as qemu_sha256 is not what" in capsys.readouterr().out
    aside, = archive.ASIDE.parent.glob("before/*")
    assert not archive.boots_in("virtual") and (aside / "rt-none/seed-001").is_dir()
    archive.unpack_all()
    assert tree(archive.KEPT) == before and (archive.BOOTS / "virtual/rt-none/seed-001").is_dir()


@pytest.mark.parametrize("lab, shared", [("virtual", False), ("cycles", True), ("kvm", True)])
def test_figures_that_are_times_are_of_one_processor(lab, shared):
    """Those of two are not to stand side by side; the virtual lab's are the same on any."""
    assert ("host_cpu" in archive.facts_of({"lab": lab, "host_cpu": "of this machine"})) == shared


def test_a_campaign_goes_on_with_what_is_committed(place):
    """And is whole where somebody has removed a cell, to have it made anew."""
    shutil.rmtree(archive.MINE / "virtual/rt-none")
    archive.begin("virtual", NOW)
    assert len(archive.boots_in("virtual")) == 17


def test_a_smaller_campaign_replaces_none(place, capsys):
    before = tree(archive.KEPT)
    for facts in (NOW, NOW | {"qemu_sha256": "q"}):
        archive.begin("virtual", facts)
        shutil.rmtree(archive.MINE / "virtual/rt-none/seed-003", ignore_errors=True)
        archive.keep("virtual")
        assert "boots; `python3 -m bench.archive pack virtual` packs it" in capsys.readouterr().out
        assert tree(archive.KEPT) == before
    synthetic.campaign(archive.MINE, (1, 2))
    synthetic.boot(archive.MINE, "rt", "none", 3)
    archive.keep("virtual")
    assert archive.index_of(archive.KEPT / "virtual")["rt-none/seed-003"]["verdict"] == "ok"


def status(folder):
    """What git says has changed in a folder since it was asked last."""
    git = ("git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t")
    if not (folder / ".git").exists():
        subprocess.run([*git, "init", "-q"], check=True)
    said = subprocess.run([*git, "status", "--porcelain", "-uall"], check=True, capture_output=True, text=True).stdout
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "t"], check=True)
    return said


def test_another_machine_leaves_a_clean_tree(place):
    """All boots, made again by another commit, some at the second try: the first record stands."""
    elsewhere = {"host_cpu": "another maker's", "started_utc": "2031-01-01T00:00:00+00:00", "wall_seconds": 99.9,
                 "commit": "0123456789ab-dirty", "tries": 2}
    status(archive.KEPT)
    for path in archive.MINE.glob("*/*/*/manifest.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | elsewhere, indent=1))
    archive.keep("virtual")
    assert status(archive.KEPT) == ""
    damage(archive.MINE / "virtual/rt-none/seed-001/guest.jsonl", lambda raw: raw + b"another\n")
    archive.keep("virtual")
    assert status(archive.KEPT).split() == ["M", "virtual/campaign.json", "M", "virtual/index.jsonl",
                                            "M", "virtual/rt-none.tar.xz"]
    archive.unpack_all()
    assert [archive.load(archive.BOOTS / f"virtual/rt-none/{name}/manifest.json").get("host_cpu") == "another maker's"
            for name in ("seed-001", "seed-002")] == [True, False]


def test_a_record_that_another_commit_has_changed_is_unpacked(place):
    """Its line in the index is the same."""
    archive.unpack_all()
    path = archive.MINE / "virtual/rt-none/seed-001/manifest.json"
    path.write_text(json.dumps(archive.load(path) | {"tries": 7}))
    shutil.move(archive.KEPT, "before")
    archive.pack("virtual")
    archive.unpack_all()
    assert archive.load(archive.BOOTS / "virtual/rt-none/seed-001/manifest.json")["tries"] == 7


def test_a_damaged_archive_is_replaced(place, capsys):
    """And not what a finished campaign fails for."""
    before = tree(archive.KEPT)
    (archive.KEPT / "virtual/rt-none.tar.xz").write_bytes(b"torn")
    archive.pack("virtual")
    assert tree(archive.KEPT) == before and "replaces it" in capsys.readouterr().out


def test_boots_of_two_campaigns_are_not_packed(place):
    path = archive.MINE / "virtual/rt-none/seed-001/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"plugin_sha256": "other"}))
    with pytest.raises(archive.ArchiveError, match="seed-001: its plugin_sha256 is not the campaign's"):
        archive.pack("virtual")


def test_what_a_killed_run_left_is_no_boot(place):
    (archive.MINE / "virtual/rt-none/.seed-009.new").mkdir()
    (archive.MINE / "virtual/rt-none/.seed-009.new/manifest.json").write_text("{")
    assert len(archive.boots_in("virtual")) == 17


@pytest.mark.parametrize("name, folder", [
    ("rt-none/1", "virtual/rt-none/seed-001"), ("rt-none/seed-003", "virtual/rt-none/seed-003"),
    ("virtual/lazy-qpw1/2", "virtual/lazy-qpw1/seed-002")])
def test_a_boot_is_found_by_name(place, name, folder):
    archive.unpack_all()
    assert archive.place_of(name) == archive.BOOTS / folder


@pytest.mark.parametrize("name", ["", "rt-none", "rt-none/9", "rt-magic/1", "a/b/c/d"])
def test_a_boot_that_is_not_there(place, name):
    with pytest.raises(boot.UsageError, match="no boot"):
        archive.place_of(name)


def test_where_two_boots_part(place):
    one, other = (archive.MINE / f"virtual/rt-none/seed-00{seed}" for seed in (1, 2))
    shutil.rmtree(other)
    shutil.copytree(one, other)
    assert again.parting(one, other) is None
    damage(other / "counts.jsonl", lambda raw: raw + b"more\n")
    assert again.parting(one, other).endswith("(nothing) was kept, more is there now")
    damage(other / "guest.jsonl", lambda raw: raw.replace(b"7.3.4", b"7.3.5"))
    assert again.parting(one, other).startswith("guest.jsonl line 1: ")


def test_another_input_is_named():
    kept = synthetic.manifest("virtual", "rt", "none", 1)
    assert boot.other_input(kept, kept | {"qemu_sha256": "new to the manifest", "host_cpu": "another",
                                            "source_sha256": "of the same image"}) == []
    assert boot.other_input(kept, kept | {"image_sha256": "i"}) == ["image_sha256"]


def test_method_must_be_the_one_that_was_followed(place):
    method = place / results.METHOD
    method.parent.mkdir()
    method.write_text("first decide\n")
    for then, failed in (("another", 1), (hashlib.sha256(b"first decide\n").hexdigest(), 0)):
        archive.write_campaign(archive.KEPT / "virtual/campaign.json", {"method_sha256": then})
        with tapfile.Writer("method", place) as tap:
            results.followed(place, tap)
        assert tap.failed == failed
