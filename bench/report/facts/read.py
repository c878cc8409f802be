# SPDX-License-Identifier: GPL-2.0-only
"""Read raw results strictly: LAB/CELL/BOOT, a folder for each boot; its manifest says what it is.

What does not read as it should makes a boot "unreadable". It is then counted
beside the failed ones, never dropped and never half used.
"""

import contextlib
import dataclasses
import hashlib
import itertools
import pathlib

from bench import channel
from bench.report import plan

SCHEMA = 1
IMPORTED = "imported.json"  # in a lab's folder: made elsewhere, see bench/import_results.py
HOST_NOISE = "host-noise.json"  # in a lab's folder: see bench/host_noise.py
VERDICTS = ("ok", "build-failure", "boot-failure", "hang", "guest-failure", "panic", "lab-failure", "unreadable")
MANIFEST = ("schema", "lab", "model", "arm", "kernel", "kind", "setting", "seed",
            "kernel_release", "config_sha256", "source_sha256",
            "image_sha256", "initramfs_sha256", "plugin_sha256", "cmdline", "compiler", "qemu_version", "workload",
            "host_cpu")
QUIET_BEGIN, QUIET_END, STORM_BEGIN, STORM_END = PHASE_MARKS = (1, 2, 3, 4)
WORKLOAD = "faults"  # of a boot whose manifest names none, as workload_name
KINDS = ("drain", "aa", "dose", "sensitivity")  # boots of the workload, and its controls
ORDERS = (PHASE_MARKS, (STORM_BEGIN, STORM_END, QUIET_BEGIN, QUIET_END))


class Unreadable(Exception):
    """A raw file does not read as it should; the text says which and why."""


@dataclasses.dataclass
class Boot:
    """One boot: what it was, how it ended, and, if that was well, what it gave.

    kind: one of plan.KINDS; setting: of a control's boot, its dose or what is other
    than usual. Of a boot without a readable manifest they and the seed are unknown:
    it counts as one of the workload.
    """

    path: pathlib.Path
    lab: str
    model: str
    arm: str
    seed: int = -1
    kind: str = "drain"
    setting: str = ""
    workload: str = WORKLOAD
    verdict: str = "ok"
    why: str = ""
    manifest: dict = dataclasses.field(default_factory=dict)
    guest: dict = dataclasses.field(default_factory=dict)
    counts: "Counts" = None
    figures: dict = dataclasses.field(default_factory=dict)  # from metrics.boots()


@dataclasses.dataclass
class Counts:
    """The counting plugin's file.

    marks: {mark: {cpu: {column: count since boot}}}, the phases' four marks.
    requests: {cpu: [{column: count in that request}]}, in order of requests.
    turns: {mark: {n: turns of 2**n to 2**(n+1) instructions since boot}}.
    irqs_off: {mark: {cpu: [(instructions, function)]}}, the longest stretches
    with interrupts off since the mark before, one per function, longest first;
    {} in results of a plugin that did not tell.
    """

    marks: dict
    requests: dict
    turns: dict
    irqs_off: dict = dataclasses.field(default_factory=dict)


def parsed(path, parse):
    """What one of channel's functions makes of a file."""
    try:
        return parse(path.read_bytes(), path.name)
    except OSError as error:
        raise Unreadable(f"{path.name}: {error.strerror}") from None
    except channel.Torn as torn:
        raise Unreadable(str(torn)) from None


def load(path):
    """The object in a JSON file."""
    content = parsed(path, channel.parse)
    if not isinstance(content, dict):
        raise Unreadable(f"{path.name}: no JSON object")
    return content


def check_good(folder):
    """A boot's folder says that it ended well."""
    verdict = load(folder / "verdict.json")
    if verdict.get("verdict") != "ok":
        raise Unreadable(f"{verdict.get('verdict')}: {verdict.get('why')}")


def json_lines(path):
    """The objects in a JSON lines file that ends with {"end":true,"lines":N,...}."""
    return parsed(path, channel.objects)


def row(columns, values, what):
    """A row of counts as a dict by column."""
    if len(values) != len(columns):
        raise Unreadable(f"{what}: {len(values)} values for {len(columns)} columns")
    if not all(type(value) is int and value >= 0 for value in values):
        raise Unreadable(f"{what}: a value that is no count")
    return dict(zip(columns, values, strict=True))


def read_counts(path):
    """Counts from counts.jsonl."""
    header, *lines = json_lines(path) or [{}]
    if header.get("schema") != SCHEMA:
        raise Unreadable(f"{path.name}: schema {header.get('schema')!r}, not {SCHEMA}")
    counts = Counts({}, {}, {})
    for number, line in enumerate(lines, 2):
        what = f"{path.name}:{number}"
        if len(line) != 1:
            raise Unreadable(f"{what}: {len(line)} keys, not one")
        ((kind, values),) = line.items()
        if kind == "irqs_off":
            *numbers, function = values
            found = row(header[kind][:-1], numbers, what)
            stretches = counts.irqs_off.setdefault(found["mark"], {}).setdefault(found["cpu"], [])
            stretches.append((found["instructions"], function))
            continue
        if kind not in ("mark", "request", "turns"):
            raise Unreadable(f"{what}: unknown kind of line {kind!r}")
        found = row(header[kind], values, what)
        if kind == "mark":
            cpus = counts.marks.setdefault(found.pop("mark"), {})
            if found["cpu"] in cpus:
                raise Unreadable(f"{what}: a mark came twice")
            cpus[found.pop("cpu")] = found
        elif kind == "request":
            counts.requests.setdefault(found.pop("cpu"), []).append(found)
        else:
            counts.turns.setdefault(found["mark"], {})[found["log2"]] = found["count"]
    check_marks(counts, path.name)
    return counts


def check_marks(counts, name):
    """The four marks are there for the same CPUs, and no count runs backwards."""
    if not set(PHASE_MARKS) <= counts.marks.keys():
        raise Unreadable(f"{name}: marks {sorted(counts.marks)}, not {list(PHASE_MARKS)}")
    if len({tuple(sorted(counts.marks[mark])) for mark in PHASE_MARKS}) != 1:
        raise Unreadable(f"{name}: marks of different CPUs")
    order = tuple(mark for mark in counts.marks if mark in PHASE_MARKS)
    if order not in ORDERS:
        raise Unreadable(f"{name}: marks in the order {list(order)}")
    for earlier, later in itertools.pairwise(order):
        for cpu, then in counts.marks[earlier].items():
            now = counts.marks[later][cpu]
            if any(now[column] < then[column] for column in then if column != "arg"):
                raise Unreadable(f"{name}: a count of CPU {cpu} falls between marks {earlier} and {later}")


def read_guest(path):
    """What the guest sent, as {"isolated", "cpus", "proofs", "phases", "cyclictest", "requests", ...}.

    phases and cyclictest: {"quiet": ..., "storm": ...}; requests: a list in
    order. stats, hist: lines of the facade's files, absent without a facade.
    """
    guest = {"proofs": [], "phases": {}, "cyclictest": {}, "requests": []}
    for line in json_lines(path):
        first = next(iter(line), None)
        if first == "failed":
            raise Unreadable(f"{path.name}: the guest failed: {line['failed']}")
        if first == "proof":
            guest["proofs"].append(line["proof"])
        elif first == "phase":
            guest["phases"][line["phase"]] = line
        elif first == "request":
            guest["requests"].append(line)
        elif first in ("cyclictest_quiet", "cyclictest_storm"):
            guest["cyclictest"][first.removeprefix("cyclictest_")] = cyclictest(line[first], f"{path.name}: {first}")
        else:
            guest.update(line)
    for part in ("phases", "cyclictest"):
        if guest[part].keys() != {"quiet", "storm"}:
            raise Unreadable(f"{path.name}: {part} of {sorted(guest[part])}, not of quiet and storm")
    asked = guest["phases"]["storm"]["requests"]
    if [request["request"] for request in guest["requests"]] != list(range(asked)):
        raise Unreadable(f"{path.name}: {len(guest['requests'])} requests sent, {asked} made")
    return guest


def cyclictest(result, what):
    """cyclictest's only thread: min, max, avg in us, histogram, and the overflow that its JSON leaves out."""
    thread = result["thread"]["0"]
    histogram = {int(latency): count for latency, count in thread["histogram"].items()}
    overflow = thread["cycles"] - sum(histogram.values())
    if overflow < 0 or not thread["cycles"]:
        raise Unreadable(f"{what}: {sum(histogram.values())} samples in the histogram, {thread['cycles']} cycles")
    return {"min": thread["min"], "max": thread["max"], "avg": thread["avg"], "cycles": thread["cycles"],
            "histogram": histogram, "overflow": overflow}


def check_together(boot):
    """The guest's and the plugin's file speak of the same run."""
    isolated, asked = boot.guest["isolated"], len(boot.guest["requests"])
    if isolated not in boot.counts.marks[STORM_END]:
        raise Unreadable(f"counts.jsonl: no counts of the isolated CPU {isolated}")
    for cpu, requests in boot.counts.requests.items():
        if [request["request"] for request in requests] != list(range(asked)):
            raise Unreadable(f"counts.jsonl: {len(requests)} requests on CPU {cpu}, the guest made {asked}")
    if isolated not in boot.counts.requests and asked:
        raise Unreadable("counts.jsonl: no requests, but the guest made some")


def imported(boot):
    """What IMPORTED says where a boot was made elsewhere, else {}; its files are those that were imported."""
    if not boot.lab.startswith("imported-"):
        return {}
    about = load(boot.path.parent.parent / IMPORTED)
    for path in sorted(boot.path.iterdir()):
        check_unchanged(about, boot.path.parent.parent, path)
    return about


def check_unchanged(about, folder, path):
    """A file below an imported lab's folder is the one that was imported."""
    if about["files"].get(str(path.relative_to(folder))) != hashlib.sha256(path.read_bytes()).hexdigest():
        raise Unreadable(f"{path.name}: changed since it was imported")


def host_noise(folder):
    """What a lab saw of its host before its last campaign, as {vCPU: (share of its time taken, longest gap in us)}.

    Empty where a lab has not looked.
    """
    path = folder / HOST_NOISE
    if not path.exists():
        return {}
    if (folder / IMPORTED).exists():
        check_unchanged(load(folder / IMPORTED), folder, path)
    try:
        return {vcpu["vcpu"]: (vcpu["hardware_s"] / vcpu["runtime_s"], vcpu["longest_us"])
                for vcpu in load(path)["vcpus"]}
    except (KeyError, TypeError, ZeroDivisionError) as error:
        raise Unreadable(f"{path.name}: a value is missing or of the wrong type: {error!r}") from None


def read_manifest(boot):
    """The manifest, if it is whole and of the cell and the folder where it lies; tells the boot what it is."""
    about = imported(boot)
    manifest = load(boot.path / "manifest.json")
    if missing := [key for key in MANIFEST if key not in manifest]:
        raise Unreadable(f"manifest.json: no {', '.join(missing)}")
    if manifest["schema"] != SCHEMA:
        raise Unreadable(f"manifest.json: schema {manifest['schema']!r}, not {SCHEMA}")
    kind, setting, seed = (manifest[key] for key in ("kind", "setting", "seed"))
    if kind not in plan.KINDS:
        raise Unreadable(f"manifest.json: unknown kind {kind!r}")
    boot.kind, boot.setting, boot.seed = kind, setting, seed
    boot.workload = manifest.get("workload_name", WORKLOAD)
    for key, said in (("lab", about["lab"] if about else boot.lab), ("model", boot.model), ("arm", boot.arm)):
        if manifest[key] != said:
            raise Unreadable(f"manifest.json: {key} is {manifest[key]!r}, the folder says {said!r}")
    if (name := plan.place(kind, setting, seed)) != boot.path.name:
        raise Unreadable(f"manifest.json: it is of {name}, the folder says {boot.path.name}")
    if kind == "dose" and str(manifest["workload"]["dose"]) != setting:
        raise Unreadable(f"manifest.json: dose is {manifest['workload']['dose']}, its setting is {setting}")
    if kind == "sensitivity":
        check_setting(setting, manifest)
    return manifest


def check_setting(setting, manifest):
    """A boot was made under the setting that it names."""
    if setting not in plan.SETS:
        raise Unreadable(f"manifest.json: setting {setting!r}, which is none")
    workload, machine = plan.SETS[setting]
    told = [(name, manifest["workload"].get(name), value) for name, value in workload]
    for name, found, value in [*told, *((name, manifest.get(name), value) for name, value in machine.items())]:
        if str(found) != str(value):
            raise Unreadable(f"manifest.json: {name} is {found}, setting {setting} has {value}")


@contextlib.contextmanager
def unreadable_if_wrong(boot):
    """What does not read as it should, within this, is the boot's verdict."""
    try:
        yield
    except Unreadable as error:
        boot.verdict, boot.why = "unreadable", str(error)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        boot.verdict, boot.why = "unreadable", f"a value is missing or of the wrong type: {error!r}"


def read_boot(path):
    """Read one boot's folder; its verdict is "unreadable" if a file is not as it should be."""
    boot = read_outcome(path)
    if boot.verdict != "ok" or boot.kind not in KINDS:
        return boot
    with unreadable_if_wrong(boot):
        boot.guest = read_guest(path / "guest.jsonl")
        # A lab without a plugin gives what the guest sees, no counts.
        if boot.manifest["plugin_sha256"] or (path / "counts.jsonl").exists():
            boot.counts = read_counts(path / "counts.jsonl")
            check_together(boot)
    return boot


def read_outcome(path):
    """A boot with its verdict and manifest alone."""
    model, _, arm = path.parent.name.partition("-")
    boot = Boot(path, path.parent.parent.name, model, arm)
    with unreadable_if_wrong(boot):
        boot.manifest = read_manifest(boot)
        verdict = load(path / "verdict.json")
        if verdict.get("verdict") not in VERDICTS:
            raise Unreadable(f"verdict.json: unknown verdict {verdict.get('verdict')!r}")
        boot.verdict, boot.why = verdict["verdict"], verdict.get("why", "")
    return boot


def folders(results):
    """The folders of all boots, in order."""
    return sorted(path for path in pathlib.Path(results).glob("*/*-*/*") if path.is_dir() and path.name[0] != ".")


def read_others(results, kinds):
    """The boots of kinds other than the workload and its controls, with verdict and manifest alone."""
    found = [read_outcome(path) for path in folders(results)]
    return [boot for boot in found if boot.kind in kinds]


def read_all(results):
    """All boots of the workload and of controls under a folder of labs, in a fixed order."""
    found = [read_boot(path) for path in folders(results)]
    return sorted((boot for boot in found if boot.kind in KINDS), key=lambda boot: KINDS.index(boot.kind))
