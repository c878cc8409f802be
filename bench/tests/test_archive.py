# SPDX-License-Identifier: GPL-2.0-only
"""The archive: what is packed comes back as it was, what is not whole is said, and boots made here stay."""

import hashlib
import json
import lzma
import shutil

import pytest

from bench import again, archive, boot
from bench.report.tests import synthetic
from check import results, tapfile

NOW = synthetic.manifest("virtual", "rt", "none", 1) | {"method_sha256": "m"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A testbed with a packed campaign."""
    monkeypatch.chdir(tmp_path)
    made = archive.BOOTS
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
    before = tree(archive.BOOTS)
    shutil.rmtree(archive.BOOTS)
    assert archive.unpack_all() == archive.BOOTS
    after = tree(archive.BOOTS)
    assert before.keys() - after.keys() == {"virtual/rt-none/seed-001/console.txt"}  # that boot ended well
    assert all(after[name] == before[name] for name in after)


def test_packing_again_changes_nothing(place):
    """Not even where another version of the library would compress better."""
    path = archive.KEPT / "virtual/rt-none.tar.xz"
    path.write_bytes(lzma.compress(lzma.decompress(path.read_bytes()), preset=0))
    before = tree(archive.KEPT)
    archive.pack("virtual")
    shutil.rmtree(archive.BOOTS)
    archive.unpack_all()
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
    shutil.rmtree(archive.BOOTS)
    with pytest.raises(archive.ArchiveError, match=said):
        archive.unpack("virtual")


def test_boots_that_were_made_here_stay(place):
    """Until they are packed; what is only an older committed boot does not."""
    archived, mine = archive.BOOTS / "virtual/rt-none/seed-001", archive.BOOTS / "virtual/rt-none/seed-002"
    shutil.copytree(archive.KEPT, place / "newer")
    synthetic_line = tree(archived)["guest.jsonl"]
    damage(mine / "guest.jsonl", lambda raw: raw + b"mine\n")
    assert archive.unpack("virtual") == 0 and (mine / "guest.jsonl").read_bytes().endswith(b"mine\n")
    # Somebody else commits another boot of seed 1, and none of seed 2.
    damage(archived / "guest.jsonl", lambda raw: raw + b"theirs\n")
    shutil.move(mine, place / "mine")
    archive.pack("virtual")
    shutil.move(archive.KEPT, place / "theirs")
    shutil.move(place / "newer", archive.KEPT)
    archive.unpack("virtual")
    shutil.rmtree(mine)
    shutil.move(place / "mine", mine)
    assert tree(archived)["guest.jsonl"] == synthetic_line
    shutil.rmtree(archive.KEPT)
    shutil.move(place / "theirs", archive.KEPT)
    archive.unpack("virtual")
    assert tree(archived)["guest.jsonl"].endswith(b"theirs\n")
    assert (mine / "guest.jsonl").read_bytes().endswith(b"mine\n")


def test_boots_of_another_campaign_are_set_aside(place, capsys):
    archive.begin("virtual", NOW)
    assert not archive.ASIDE.exists() and not capsys.readouterr().out
    archive.begin("virtual", NOW | {"qemu_sha256": "q"})
    assert "a new campaign begins, as qemu_sha256 differs" in capsys.readouterr().out
    assert not archive.boots_in("virtual") and (archive.ASIDE / "rt-none/seed-001").is_dir()
    assert archive.unpack("virtual") == 0 and not archive.boots_in("virtual")


def test_a_smaller_campaign_replaces_none(place, capsys):
    before = tree(archive.KEPT)
    archive.begin("virtual", NOW | {"qemu_sha256": "q"})
    synthetic.campaign(archive.BOOTS, (1, 2))
    archive.keep("virtual")
    assert "this one lacks 1 of its 17 boots" in capsys.readouterr().out and tree(archive.KEPT) == before
    synthetic.boot(archive.BOOTS, "rt", "none", 3)
    archive.keep("virtual")
    assert archive.index_of(archive.KEPT / "virtual")["rt-none/seed-003"]["verdict"] == "ok"


def test_what_is_committed_can_be_unpacked_elsewhere(place):
    before = tree(archive.BOOTS)
    assert archive.unpack_all(place / "elsewhere") == place / "elsewhere" and tree(archive.BOOTS) == before
    assert len(list((place / "elsewhere").glob("*/*/*/manifest.json"))) == 17


def test_boots_of_two_campaigns_are_not_packed(place):
    path = archive.BOOTS / "virtual/rt-none/seed-001/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"plugin_sha256": "other"}))
    with pytest.raises(archive.ArchiveError, match="seed-001: its plugin_sha256 is not the campaign's"):
        archive.pack("virtual")


@pytest.mark.parametrize("name, folder", [
    ("rt-none/1", "virtual/rt-none/seed-001"), ("rt-none/seed-003", "virtual/rt-none/seed-003"),
    ("virtual/lazy-qpw1/2", "virtual/lazy-qpw1/seed-002")])
def test_a_boot_is_found_by_name(place, name, folder):
    assert archive.place_of(name) == archive.BOOTS / folder


@pytest.mark.parametrize("name", ["", "rt-none", "rt-none/9", "rt-magic/1", "a/b/c/d"])
def test_a_boot_that_is_not_there(place, name):
    with pytest.raises(boot.UsageError, match="no boot"):
        archive.place_of(name)


def test_where_two_boots_part(place):
    one, other = (archive.BOOTS / f"virtual/rt-none/seed-00{seed}" for seed in (1, 2))
    shutil.rmtree(other)
    shutil.copytree(one, other)
    assert again.parting(one, other) is None
    damage(other / "counts.jsonl", lambda raw: raw + b"more\n")
    assert again.parting(one, other).endswith("(nothing) was kept, more is there now")
    damage(other / "guest.jsonl", lambda raw: raw.replace(b"7.3.4", b"7.3.5"))
    assert again.parting(one, other).startswith("guest.jsonl line 1: ")


def test_another_input_is_named():
    kept = synthetic.manifest("virtual", "rt", "none", 1)
    assert again.other_input(kept, kept | {"qemu_sha256": "new to the manifest", "host_cpu": "another",
                                            "source_sha256": "of the same image"}) == []
    assert again.other_input(kept, kept | {"image_sha256": "i"}) == ["image_sha256"]


def test_method_must_be_the_one_that_was_followed(place):
    method = place / results.METHOD
    method.parent.mkdir()
    method.write_text("first decide\n")
    for then, failed in (("another", 1), (hashlib.sha256(b"first decide\n").hexdigest(), 0)):
        archive.write_campaign(archive.KEPT / "virtual/campaign.json", {"method_sha256": then})
        with tapfile.Writer("method", place) as tap:
            results.followed(place, tap)
        assert tap.failed == failed
