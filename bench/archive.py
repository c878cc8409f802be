# SPDX-License-Identifier: GPL-2.0-only
"""Keep a lab's boots small: what is committed of a campaign.

A campaign's boots lie in build/boots/LAB/CELL/BOOT, as bench.boot leaves them; those of a workload of
bench/workloads, which all are of the virtual lab, in build/boots/workloads/WORKLOAD, which is meant by LAB as well.
results/LAB has of them:

  campaign.json  what all boots share (SHARED), a fingerprint of that, and of each cell the SHA-256 of its tar file
  index.jsonl    a line per boot: its name, kind, setting and seed, its verdict, its identity (a hash of all that it
                 depends on), and a hash of what it said: what guest and plugin sent
  CELL.tar.xz    the boots' files, without the consoles of those that ended well. Of a workload: MODEL.tar.xz
  other files    of the whole lab, as they are: imported.json, host-noise.json

Whoever reads results reads build/results, which is results/ unpacked and nothing else.

  pack LAB...    write results/LAB; a tar file that would hold the same bytes is left as it is
  unpack         bring build/results to what results/ holds
  show BOOT      unpack, and say where a boot of the virtual lab is, how it ended and what it is: rt-unpatched/603

Exit status: 0, or 2 with one line on an error.
"""

import argparse
import hashlib
import io
import json
import lzma
import pathlib
import shutil
import tarfile

from bench import boot
from bench.report import plan

MINE = pathlib.Path("build/boots")  # a campaign's boots, as they are made
BOOTS, KEPT = pathlib.Path("build/results"), pathlib.Path("results")  # what is committed, unpacked and packed
ASIDE = pathlib.Path("build/campaign/before")  # boots of campaigns before: LAB-FINGERPRINT
CAMPAIGN, INDEX = "campaign.json", "index.jsonl"
# What a campaign's boots have in common, so that whoever compares two of them compares kernels, seeds and kinds;
# method_sha256 is of METHOD.md, and in no boot's manifest.
SHARED = ("schema", "lab", "kernel_release", "compiler", "binutils", "qemu_version", "qemu_sha256", "firmware_sha256",
          "plugin_sha256", "main_loop_sha256", "initramfs_sha256", "guest_packages_sha256", "method_sha256")
TIMED = ("host_cpu", "loops")  # and where figures are times, which the virtual lab's are not
SAID = ("guest.jsonl", "counts.jsonl")


WORKLOADS = "workloads/"


def place_in_results(lab, load=""):
    """What stands for LAB above, for boots of a workload of bench/workloads."""
    return WORKLOADS + load if load else lab


class ArchiveError(Exception):
    """An archive that is not whole, or cannot be made; the text is one line: what, where, what next."""


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


def load(path):
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{path}: cannot be read: {error}") from None


# ---- One boot ----


def said(folder):
    """One hash of what guest and plugin sent in a boot."""
    return sha256(b"".join(f"{name} {sha256(boot.read_bytes(folder / name))}\n".encode() for name in SAID))


def identity(manifest):
    """One hash of all that a boot depends on."""
    return sha256(json.dumps(boot.depends(manifest), sort_keys=True).encode())


def line_of(folder):
    """A boot's line of the index, as a dict."""
    manifest, verdict = load(folder / "manifest.json"), load(folder / "verdict.json")
    line = {"boot": name_of(folder),
            **{key: manifest[key] for key in ("kind", "setting", "seed") if key in manifest},
            "verdict": verdict.get("verdict"), "identity": identity(manifest), "said": said(folder)}
    return line | ({"why": verdict["why"]} if verdict.get("why") else {})


def boots_in(lab):
    """The folders of a campaign's boots, in order."""
    return sorted(path.parent for path in (MINE / lab).glob("*/*/manifest.json")
                  if not path.parent.name.startswith("."))


def name_of(folder):
    """CELL/BOOT"""
    return f"{folder.parent.name}/{folder.name}"


def facts_of(manifest):
    """What a manifest says of SHARED, and of TIMED."""
    keys = SHARED if manifest.get("lab") == plan.JUDGED_LAB else SHARED + TIMED
    return {key: manifest[key] for key in keys if manifest.get(key) is not None}


def common(folders):
    """What the manifests of boots say alike of SHARED."""
    every = [facts_of(load(folder / "manifest.json")) for folder in folders]
    return {key: value for key, value in every[0].items() if all(facts.get(key) == value for facts in every)}


def stranger(manifest, facts):
    """The first of a campaign's facts that a boot says otherwise, or None."""
    return next((key for key, value in facts_of(manifest).items() if facts.get(key, value) != value), None)


def fingerprint(facts):
    """One hash of what all boots of a campaign share."""
    return sha256(json.dumps(facts, sort_keys=True).encode())


# ---- Files ----


def group_of(lab, boot_name):
    """The name of the tar file that has a boot, and of the boot in it."""
    cell, _, name = boot_name.partition("/")
    return (cell.partition("-")[0], boot_name) if lab.startswith(WORKLOADS) else (cell, name)


def tar_of(folders):
    """The bytes of a tar file with the files of boots, {name in it: folder}; nothing in it depends on when and where.
    """
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, folder in folders.items():
            ended_well = load(folder / "verdict.json").get("verdict") == "ok"
            for path in sorted(folder.iterdir()):
                if path.name == "console.txt" and ended_well:
                    continue
                about = tarfile.TarInfo(f"{name}/{path.name}")
                about.size = path.stat().st_size
                with path.open("rb") as stream:
                    tar.addfile(about, stream)
    return raw.getvalue()


def replace(path, raw):
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(raw)
    new.rename(path)


def lines(dicts):
    return "".join(json.dumps(one) + "\n" for one in dicts).encode()


def index_of(folder):
    """{boot: line} of a folder's index; {} if there is none."""
    path = folder / INDEX
    if not path.exists():
        return {}
    try:
        return {line["boot"]: line for line in map(json.loads, path.read_text().splitlines())}
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{path}: not an index: {error}; restore it: git checkout {path}") from None


def cells_of(folder):
    """{cell: SHA-256 of its tar file} that a folder's campaign.json names; {} if there is none."""
    return load(folder / CAMPAIGN).get("cells", {}) if (folder / CAMPAIGN).exists() else {}


def begin(lab, manifest):
    """Begin a campaign, or go on with it: boots that were made with anything else of SHARED are set aside.

    What is committed of the same campaign belongs to it, and is copied. manifest: of any of its boots, with what else
    is to be as it is now.
    """
    here, facts = MINE / lab / CAMPAIGN, facts_of(manifest)
    known = load(here)["shared"] if here.exists() else {}
    if known != facts:
        if boots_in(lab):
            set_aside(lab, known, facts)
        write_campaign(here, facts)
    for name in committed(lab, facts):
        if not (MINE / lab / name).exists():
            shutil.copytree(BOOTS / lab / name, MINE / lab / name)


def committed(lab, facts):
    """{boot: line} of the index that is committed, its boots unpacked; {} if it is of another campaign than this."""
    if not (KEPT / lab / INDEX).exists() or load(KEPT / lab / CAMPAIGN)["shared"] != facts:
        return {}
    unpack(lab)
    return index_of(KEPT / lab)


def set_aside(lab, known, facts):
    """Move a campaign's boots away, and say why."""
    place = ASIDE / f"{lab}-{fingerprint(known)[:12]}"
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    (MINE / lab).rename(place)
    others = [key for key in SHARED + TIMED if known.get(key) != facts.get(key)]
    print(f"note: a new campaign begins, as {', '.join(others)} is not what the boots in {MINE / lab} were made with; "
          f"they are in {place} now", flush=True)


def write_campaign(path, facts, **more):
    about = {"schema": 1, "fingerprint": fingerprint(facts), "shared": facts, **more}
    replace(path, json.dumps(about, indent=1).encode() + b"\n")


def pack(lab):
    """Write results/LAB from build/boots/LAB; returns how many boots and how many bytes of archive there are.

    A boot that was made again and is the same keeps its first record: when, where and by which commit it was made.
    """
    folders = boots_in(lab)
    if not folders:
        raise ArchiveError(f"{MINE / lab}: no boots; make campaign runs them")
    here = MINE / lab / CAMPAIGN
    if not here.exists():  # boots from elsewhere
        write_campaign(here, common(folders))
    facts = load(here)["shared"]
    for folder in folders:
        if key := stranger(load(folder / "manifest.json"), facts):
            raise ArchiveError(f"{folder}: its {key} is not the campaign's, in {CAMPAIGN}; remove it, or make it again")
    index, then = {name_of(folder): line_of(folder) for folder in folders}, {}
    try:
        then = committed(lab, facts)
    except ArchiveError as error:
        print(f"note: {error}; what is packed now replaces it", flush=True)
    groups = {}
    for name, line in index.items():
        group, inside = group_of(lab, name)
        groups.setdefault(group, {})[inside] = (BOOTS if then.get(name) == line else MINE) / lab / name
    target, cells = KEPT / lab, {}
    for cell in sorted(groups):
        raw = tar_of(groups[cell])
        cells[cell] = sha256(raw)
        place = target / f"{cell}.tar.xz"
        if tar_sha256(place) != cells[cell]:
            replace(place, lzma.compress(raw, preset=6 | lzma.PRESET_EXTREME))
    for path in target.glob("*.tar.xz"):
        if path.name.removesuffix(".tar.xz") not in cells:
            path.unlink()
    for path in (MINE / lab).glob("*.json"):
        replace(target / path.name, path.read_bytes())
    write_campaign(target / CAMPAIGN, facts, boots=len(folders), cells=cells)
    replace(target / INDEX, lines(index.values()))
    return len(folders), sum(path.stat().st_size for path in target.glob("*.tar.xz"))


def keep(lab):
    """Pack a campaign, unless what is committed has boots that this one has not."""
    known = index_of(KEPT / lab)
    if missing := known.keys() - map(name_of, boots_in(lab)):
        print(f"note: {KEPT / lab} stays as it is, since this campaign lacks {len(missing)} of its {len(known)} "
              f"boots; `python3 -m bench.archive pack {lab}` packs it all the same, "
              f"`python3 -m bench.report.report --boots {MINE}` reports it", flush=True)
    else:
        pack(lab)


def tar_sha256(path):
    """SHA-256 of what a compressed file holds; "" if it cannot be read."""
    try:
        return sha256(lzma.decompress(path.read_bytes()))
    except (OSError, lzma.LZMAError):
        return ""


def members(lab, cell):
    """{boot: {file: bytes}} of a cell's archive, which is to be the one that campaign.json names."""
    path = KEPT / lab / f"{cell}.tar.xz"
    try:
        raw = lzma.decompress(path.read_bytes())
    except (OSError, lzma.LZMAError) as error:
        raise ArchiveError(f"{path}: cannot be unpacked: {error}; restore it: git checkout {KEPT / lab}") from None
    if sha256(raw) != cells_of(KEPT / lab).get(cell):
        raise ArchiveError(f"{path}: not what {CAMPAIGN} beside it names; restore both: git checkout {KEPT / lab}")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for about in tar:
            name, _, file = about.name.rpartition("/")
            found.setdefault(name, {})[file] = tar.extractfile(about).read()
    return found


def unpack(lab, boots=BOOTS):
    """Bring the folder of a lab's unpacked boots to what results/LAB holds.

    The campaign.json and index that were unpacked last lie beside the boots. boots: a folder in the place of
    build/results.
    """
    source, target = KEPT / lab, boots / lab
    new, old = cells_of(source), cells_of(target)
    for cell in sorted(name for name in new if new[name] != old.get(name)):
        for name, files in members(lab, cell).items():
            write_boot(target / name if lab.startswith(WORKLOADS) else target / cell / name, files)
    for name in index_of(target).keys() - index_of(source).keys():
        shutil.rmtree(target / name, ignore_errors=True)
    for path in [*source.glob("*.json"), *source.glob(INDEX)]:
        if not (target / path.name).exists() or (target / path.name).read_bytes() != path.read_bytes():
            replace(target / path.name, path.read_bytes())


def write_boot(folder, files):
    """Put a boot's folder in its place, whole or not at all."""
    made = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for name, raw in files.items():
        (made / name).write_bytes(raw)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)


def labs():
    """The labs, and workloads, that have something committed."""
    return sorted(str(path.parent.relative_to(KEPT)) for pattern in ("*", f"{WORKLOADS}*")
                  for path in KEPT.glob(f"{pattern}/{INDEX}"))


def unpack_all():
    """Unpack every lab, and remove what is of none; returns the folder of all labs."""
    committed = labs()
    for path in [*BOOTS.glob("*"), *BOOTS.glob(f"{WORKLOADS}*")]:
        if not any(f"{lab}/".startswith(f"{path.relative_to(BOOTS)}/") for lab in committed):
            shutil.rmtree(path, ignore_errors=True)
    for lab in committed:
        unpack(lab)
    return BOOTS


def unpacked():
    """unpack_all() for a command: what is wrong with an archive ends it with a line."""
    try:
        return unpack_all()
    except ArchiveError as error:
        boot.fail(error)


# ---- Command line ----


def place_of(name):
    """A boot's folder by CELL/BOOT, in the virtual lab unless LAB/ or workloads/NAME/ stands first; a bare number is a
    seed of the first workload."""
    *lab, cell, last = name.split("/") if name.count("/") in (1, 2, 3) else ("", "")
    place = BOOTS / ("/".join(lab) or "virtual") / cell / (
        plan.place("drain", "", int(last)) if last.isdecimal() else last)
    if not cell or not (place / "manifest.json").exists():
        near = sorted(path.name for path in place.parent.glob("*") if path.is_dir()) if cell else []
        known = f"boots of {cell}: {', '.join(near[:6])} ..." if near else "such as rt-unpatched/603, or a name of " \
            f"{KEPT}/virtual/{INDEX}"
        raise boot.UsageError(f"no boot {name!r}; {known}")
    return place


def show(name):
    """Say where a boot is, how it ended, and what it is."""
    unpack_all()
    folder = place_of(name)
    line, manifest = line_of(folder), load(folder / "manifest.json")
    print(f"{folder}: {line['verdict']}{': ' + line['why'] if 'why' in line else ''}")
    print(f"hash of all that it depends on: {line['identity']}")
    print(f"hash of what guest and plugin sent: {line['said']}")
    for path in sorted(folder.iterdir()):
        print(f"  {path.name}, {path.stat().st_size} bytes")
    for key in ("kernel", "image_sha256", "source_sha256", "sources_sha256", "cmdline"):
        if key in manifest:
            print(f"{key}: {manifest[key]}")


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pack", "unpack", "show"))
    parser.add_argument("names", nargs="*", help="labs to pack; show: one boot")
    parser.error = boot.fail
    args = parser.parse_args()
    if (args.what == "unpack") == bool(args.names):
        parser.error({"show": "show: which boot? CELL/SEED, such as rt-unpatched/603", "pack": "pack: which lab?",
                      "unpack": "unpack: all labs are, none is to be named"}[args.what])
    try:
        if args.what == "unpack":
            print(f"{unpack_all()}: {', '.join(labs()) or 'nothing is committed'}")
        for name in args.names:
            if args.what == "show":
                show(name)
            else:
                print("{}: {} boots in {} bytes".format(KEPT / name, *pack(name)))
    except (ArchiveError, boot.UsageError) as error:
        boot.fail(error)
    except OSError as error:
        boot.fail(boot.explain(error))


if __name__ == "__main__":
    main()
