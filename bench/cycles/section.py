# SPDX-License-Identifier: GPL-2.0-only
"""The cycles lab's part of RESULTS.md, from what results/cycles holds.

A figure is the median over processes (link orders x runs); the interval is from the
least to the largest median of a link order; ~N: so many processes lie far off. Never beside a figure of another lab,
but for instructions, which the counting plugin counts too.
"""

import json
import math
import statistics

from bench.cycles import program
from bench.report.facts import hotpaths, read, strategies
from bench.report.rendering import markdown

MODELS = {"lazy": "PREEMPT_LAZY", "rt": "PREEMPT_RT"}
AGAIN = "unpatched_again"
ARMS = tuple(arm for arm in program.ARMS if arm != AGAIN)
# Arms that execute the same, or link orders of an arm, that differ by more in an operation: where the code lies, or a
# machine that was not quiet, makes more than is to be seen.
NOISY_SHARE, NOISY_CYCLES = 0.05, 1.0
# A process is far off if it differs by more from the median of its link order: another level, not the clock's grain.
FAR_SHARE, FAR_CYCLES = 0.2, 1.0
# Adding takes as much longer while the other CPU adds: they shared a core, and so its caches, for part of the time at
# least. Most processes: 0.99 to 1.03.
ONE_CORE = 1.15

# Operation here and there, and the functions that both name. There the page table's lock is held.
SHARED = (("a spinlock held: folio_add_lru_vma", "page fault", ("folio_add_lru_vma", "__folio_batch_add_and_move")),
          ("a spinlock held: munlock_folio", "munlock", ("munlock_folio",)))
# Arm here, arm there, on which CPU: what has the same static keys on.
SAME = (("unpatched", "unpatched", "isolated"),
        *((one["arm"], *one["same"]) for _, one in strategies.cycles() if "same" in one))

# {model: {arm: cycles per kmalloc(64)}}: first a baseline, last the two arms whose step is compared.
PUBLISHED = strategies.published()


def load(folder):
    """{(model, arm): [what is known of a link order, in their order]}."""
    cells = {}
    for path in folder.glob("*/*/manifest.json"):
        about = read.load(path)
        counts = [json.loads(line) for line in path.with_name("counts.jsonl").read_text().splitlines()]
        runs, lines = ([line[kind] for line in counts if kind in line] for kind in ("run", "lines"))
        cells.setdefault((about["model"], about["arm"]), []).append(
            about | {"steps": counts[0]["steps"], "runs": runs, "lines": lines})
    return {cell: sorted(cells[cell], key=lambda one: one["order"]) for cell in sorted(cells)}


# ---- Figures ----


def long_loop(run, operation):
    """Cycles of one operation in a process's long loops."""
    return statistics.median(cycles for cycles, _ in run["ops"][operation]["long"])


def alone(run, operation):
    """Cycles of one operation in a loop of ten between two stamps, less a call of nothing."""
    return (run["ops"][operation]["short/10"][2] - run["ops"]["nothing"]["short/10"][2]) / 10


def grain(cells):
    """The cycles in which the clock goes, 1 if it has all."""
    return math.gcd(*(cycles for orders in cells.values() for order in orders for run in order.get("lines", ())
                      for deed in ("nothing", "peek") for cycles in run.get(deed, ())), 0) or 1


def estimate(orders, figure):
    """(median over processes, least and largest median of a link order)."""
    medians = [statistics.median(figure(run) for run in order["runs"]) for order in orders]
    return statistics.median(figure(run) for order in orders for run in order["runs"]), min(medians), max(medians)


def far(orders, figure):
    """How many processes lie far off the median of their link order."""
    count = 0
    for order in orders:
        values = [figure(run) for run in order["runs"]]
        middle = statistics.median(values)
        count += sum(abs(value - middle) > max(FAR_CYCLES, FAR_SHARE * abs(middle)) for value in values)
    return count


def text(orders, figure):
    """A cell of a table."""
    value, low, high = estimate(orders, figure)
    off = far(orders, figure)
    wide = high - low > max(NOISY_CYCLES, NOISY_SHARE * abs(value))
    return f"{value:.1f} ({low:.1f}–{high:.1f}){' ↕' if wide else ''}{f' ~{off}' if off else ''}"


def signed(value, digits=0):
    """A difference, with a minus as the rest of the page has it."""
    return markdown.minus(f"{value:+.{digits}f}")


def operations(orders):
    return [name for name in orders[0]["steps"] if name != "nothing"]


# ---- Parts of the section ----


def setting(cells):
    """Where it was measured, in a sentence, and what two equal arms differ by."""
    first = next(iter(cells.values()))[0]
    runs = [run for orders in cells.values() for order in orders for run in order["runs"]]
    kind = {run["clock"] for run in runs}
    tsc = sorted(run[chain][1] for run in runs for chain in ("chain", "chain_after"))
    tenth = len(tsc) // 10
    clock = ("Cycles are those of the core, read from its PMU in user mode" if kind == {"pmu"} else
             "The host gives no PMU: cycles are those of the time stamp counter")
    addition = statistics.median(run["chain"][0] for run in runs)
    ratio = f"; an addition that waits for the one before it takes {addition:.2f} of them"
    ratio += ("." if kind != {"pmu"} else
              f", and of the time stamp counter's, in which others publish, {statistics.median(tsc):.2f} (eight of ten "
              f"times {tsc[tenth]:.2f} to {tsc[-1 - tenth]:.2f}).")
    tick = grain(cells)
    steps = (f" It goes in steps of {tick}: finer than that, no single stretch is known, nor one of ten finer "
             f"than {tick / 10:.1f}." if tick > 1 else "")
    return (f"{first['host_cpu']}, {len(cells)} cells, {len(runs)} processes in random order, "
            f"{len(next(iter(cells.values())))} link orders, {first['loops']:,} times in a long loop. "
            f"{clock}{ratio}{steps} In the tables: median over processes (least to largest median of a link order); "
            f"~N: N of {sum(len(order['runs']) for order in next(iter(cells.values())))} processes lie more than "
            f"{100 * FAR_SHARE:g} % and a cycle off the median of their link order, which medians hide; ↕: the same "
            f"instructions take more than {100 * NOISY_SHARE:g} % and a cycle more in one link order than in another, "
            "as the code lies otherwise or as single processes do (~ names only those far off). No difference between "
            "two cells counts whose ranges come within a cycle of each other.")


def executes(orders, name):
    """What an operation executes, link order by link order: equal for arms between which no difference counts."""
    return tuple((step["instructions"], step["locked"], *sorted(step["functions"].items()))
                 for step in (order["steps"][name] for order in orders))


def alike(cells, model, name):
    """[arms] of those that execute the same instructions in an operation, two or more."""
    found = {}
    for arm in (*ARMS, AGAIN):
        orders = cells.get((model, arm), ())
        if orders and all(name in order["steps"] for order in orders):
            found.setdefault(executes(orders, name), []).append(arm)
    return [arms for arms in found.values() if len(arms) > 1]


def loud(by, least):
    """Is (cycles, share) more than the machine should make by itself, and than the least that the clock can tell?"""
    return by[0] > max(NOISY_CYCLES, least + 0.01) and by[1] > NOISY_SHARE


def finest(cells, figure):
    """The least difference that a figure can have, in cycles."""
    return grain(cells) / 10 if figure is alone else 0


def apart(cells, model, figure):
    """What arms that execute the same differ by, {operation: (cycles, share)}, the largest; without such arms {}."""
    found, least = {}, finest(cells, figure)
    for name in operations(cells[model, "unpatched"]):
        differences = []
        for arms in alike(cells, model, name):
            medians = [estimate(cells[model, arm], lambda run, name=name: figure(run, name))[0] for arm in arms]
            by = max(medians) - min(medians)
            differences.append((by, by / abs(min(medians)) if min(medians) else math.inf if by else 0))
        if differences:
            found[name] = max(differences, key=lambda by: (loud(by, least), by))
    return found


def noisy(cells, model, figure):
    """The operations of which no difference counts, as equal arms differ too much."""
    least = finest(cells, figure)
    return {name: by for name, by in apart(cells, model, figure).items() if loud(by, least)}


def noisy_in_one(cells, model, figure):
    """The operations of which equal arms differ too much in some link order, where their medians do not."""
    here, known = {cell: of for cell, of in cells.items() if cell[0] == model}, noisy(cells, model, figure)
    found = dict.fromkeys(name for at in range(min(map(len, here.values())))
                          for name in noisy({cell: of[at:at + 1] for cell, of in here.items()}, model, figure))
    return [name for name in found if name not in known]


def control(cells, model):
    """What arms that execute the same differ by, each operation judged by itself: a line."""
    if not apart(cells, model, long_loop):
        return f"- {MODELS[model]}: no control was run."
    said = []
    for title, figure in (("long loop", long_loop), ("ten between fences", alone)):
        shout = [f"`{name}` ({cycles:.1f} cycles, {100 * share:.0f} %)"
                 for name, (cycles, share) in noisy(cells, model, figure).items()]
        said.append(f"{title}: " + (f"**noisy: {', '.join(shout)}**" if shout else "none noisy")
                    + f" of {len(apart(cells, model, figure))}")
        if alone_loud := noisy_in_one(cells, model, figure):
            said[-1] += f", within one link order also {', '.join(f'`{name}`' for name in alone_loud)}"
    return (f"- {MODELS[model]}, arms that execute the same instructions (`unpatched` twice) against each other, the "
            f"largest difference, operation by operation: {'; '.join(said)}. No difference of a noisy one counts, nor "
            "one of a single link order.")


def spread(cells, model, arms, figure):
    """A row per operation, a column per arm."""
    rows = []
    shaky = noisy(cells, model, figure)
    for name in max((operations(cells[model, arm]) for arm in arms), key=len):
        row = [f"{name} (**noisy**)" if name in shaky else name]
        for arm in arms:
            orders = cells[model, arm]
            row.append(text(orders, lambda run, name=name: figure(run, name))
                       if name in orders[0]["steps"] else "–")
        rows.append(row)
    return rows


def instruction_rows(cells, model, arms):
    """Instructions (locked ones) of each operation, by single steps."""
    rows = []
    for name in max((operations(cells[model, arm]) for arm in arms), key=len):
        row = [name]
        for arm in arms:
            counts = {(order["steps"][name]["instructions"], order["steps"][name]["locked"])
                      for order in cells[model, arm] if name in order["steps"]}
            row.append(" or ".join(f"{count} ({locked})" for count, locked in sorted(counts)) or "–")
        rows.append(row)
    return rows


def tables(cells, model):
    """The three tables of a model."""
    arms = [arm for arm in ARMS if (model, arm) in cells]
    head = [">" + arm for arm in arms]
    yield from ("", f"### {MODELS[model]}: cycles in a long loop, and from one link order to another", "",
                markdown.table(["", *head], spread(cells, model, arms, long_loop)))
    yield from (f"{MODELS[model]}: cycles of one in ten between two fences, less a call of nothing", "",
                markdown.table(["", *head], spread(cells, model, arms, alone)))
    yield from (f"{MODELS[model]}: instructions (locked), the call's return included", "",
                markdown.table(["", *head], instruction_rows(cells, model, arms)))


def counters(cells):
    """Do single steps and the PMU count alike?: (largest difference, of how many)."""
    differences = []
    for orders in cells.values():
        for order in orders:
            for run in order["runs"]:
                if run["clock"] != "pmu":
                    continue
                empty = run["ops"]["nothing"]["long"][0][1] - order["steps"]["nothing"]["instructions"]
                # Those that make room now and then take more: what that takes is not stepped through.
                differences += [abs(run["ops"][name]["long"][0][1] - empty - order["steps"][name]["instructions"])
                                for name in ("preempt_disable, _enable", "cache's lock, unlock", "spin_lock, unlock",
                                             "kmalloc, kfree")]
    return (max(differences), len(differences)) if differences else None


def compare(cells, lab):
    """(functions that execute what the plugin has counted, [what differs], how many are in no boot)."""
    equal, unequal, absent = 0, [], 0
    for (model, arm), other, kind in (((model, arm), *there) for model in MODELS for arm, *there in SAME):
        if (model, arm) not in cells:
            continue
        paths, _ = hotpaths.read_cell(sorted((lab / f"{model}-{other}").glob("hotpath-*")))
        for operation, there, functions in SHARED:
            path = paths.get((kind, there))
            for function in functions:
                here = cells[model, arm][0]["steps"][operation]["functions"].get(function)
                if path is None or function not in path.functions:
                    absent += 1
                elif path.functions[function] == here:
                    equal += 1
                else:
                    unequal.append(f"{model}-{arm} `{function}` {here}, plugin {path.functions[function]}")
    return equal, unequal, absent


def agreement(cells, lab):
    """Are instructions those that others count?: lines."""
    equal, unequal, absent = compare(cells, lab)
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(name for *_, names in SHARED for name in names))
    lines = [f"- Of {equal + len(unequal)} functions ({names}; times arms and models) that the counting plugin has "
             f"counted in a boot too, {equal} execute the same number of instructions here; the other operations are "
             "held against no boot." +
             (f" Not: {'; '.join(unequal)}." if unequal else "") + (f" {absent} are in no boot." if absent else "")]
    found = counters(cells)
    if found:
        lines.append(f"- Single steps and the PMU's instructions in a long loop: at most {found[0]:.2f} apart, "
                     f"over {found[1]} pairs.")
    alternatives = sum(step["alternatives"] for orders in cells.values() for order in orders
                       for step in order["steps"].values())
    lines.append(f"- Executed instructions that boot might have replaced by others (alternatives): {alternatives}.")
    return lines


def difference(cells, model, arm, base, operation, figure):
    """(difference of two arms' medians as in the tables, least and largest of those by link order)."""
    one, other = (estimate(cells[model, which], lambda run: figure(run, operation))[0] for which in (arm, base))
    orders = [statistics.median(figure(run, operation) for run in here["runs"]) -
              statistics.median(figure(run, operation) for run in there["runs"])
              for here, there in zip(cells[model, arm], cells[model, base], strict=True)]
    return one - other, min(orders), max(orders)


def step(cells, model, name, base, arm):
    """What one arm takes beyond another: cycles, instructions and locked ones, as text."""
    here, there = (cells[model, which][0]["steps"][name] for which in (arm, base))
    by, least, most = difference(cells, model, arm, base, name, long_loop)
    return (f"{base} to {arm} {signed(by, 1)} ({signed(least, 1)} to {signed(most, 1)}) cycles for "
            f"{signed(here['instructions'] - there['instructions'])} instructions, "
            f"{signed(here['locked'] - there['locked'])} locked")


def beside_published(cells, model, name):
    """Is the published step from a facade that is off to the lock there, and what is left of it: a line."""
    if name in noisy(cells, model, long_loop):
        return "**Noisy: none of these counts, the published steps are neither reproduced nor refuted by it.**"
    off, on = list(PUBLISHED[model])[-2:]
    by, least, most = difference(cells, model, on, off, name, long_loop)
    there = PUBLISHED[model][on] - PUBLISHED[model][off]
    if most - least > abs(there):
        return (f"Published from {off} to {on}: {signed(there)}; **inconclusive**, as link orders span more than that "
                "step here.")
    within = least - 1 <= there <= most + 1
    return (f"Published from {off} to {on}: {signed(there)}, which is {'' if within else '**not** '}within a cycle of "
            "what link orders span here"
            + ("." if within else f"; {signed(there - by, 1)} cycles are left. What differed there is listed "
               "below; its share of these cycles was not measured."))


def published(cells, model):
    """Beside what was published: rows, and what explains the rest."""
    base, *_, off, on = PUBLISHED[model]
    arms = [arm for arm in PUBLISHED[model] if (model, arm) in cells]
    rows = [["published, kmalloc(64)", *(PUBLISHED[model][arm] for arm in arms)]]
    for name in ("kmalloc", "kmalloc, kfree"):
        for title, figure in (("long loop", long_loop), ("ten between fences", alone)):
            rows.append([f"here, {name}, {title}" + (" (**noisy**)" if name in noisy(cells, model, figure) else ""),
                         *(text(cells[model, arm], lambda run, name=name, figure=figure: figure(run, name))
                           for arm in arms)])
    rows.append(["here, kmalloc, instructions (locked)",
                 *(f"{step['instructions']} ({step['locked']})" for arm in arms
                   for step in [cells[model, arm][0]["steps"]["kmalloc"]])])
    yield from ("", markdown.table([MODELS[model], *(f">{arm}" for arm in arms)], rows))
    if not {base, off, on} <= set(arms):
        return
    for name in ("kmalloc", "kmalloc, kfree"):
        steps = "; ".join(step(cells, model, name, *pair) for pair in ((base, off), (off, on)))
        told = (beside_published(cells, model, name) if name == "kmalloc" else "Of both together nothing was published."
                + (" **Noisy: none of these counts.**" if name in noisy(cells, model, long_loop) else ""))
        yield f"- {MODELS[model]}, {name}: {steps}. {told}"


def beyond(runs, deed, than):
    """What the owner's operation takes after one deed beyond another, process by process, as text."""
    values = [run[deed][2] - run[than][2] for run in runs if deed in run and than in run]
    return (f"{signed(statistics.median(values))} ({signed(min(values))} to {signed(max(values))})"
            if values else "–")


# What is shown of another CPU's deeds: one, beyond another.
DEEDS = {"looked": ("peek", "nothing"), "written": ("write", "nothing"), "drained": ("drain", "nothing"),
         "drained less looked": ("drain", "peek"), "drained less written": ("drain", "write")}


def lines_table(cells, model):
    """What another CPU at its cache adds to the owner's next put and get: rows, and of how many processes in how many
    the two CPUs shared a core; these are left out."""
    rows, shared, of = [], 0, 0
    for arm in ARMS:
        runs = [run for order in cells.get((model, arm), []) for run in order["lines"]]
        parted = [run for run in runs if max(run["beside"]) < ONE_CORE]
        shared, of = shared + len(runs) - len(parted), of + len(runs)
        if runs:
            rows.append([arm, *(beyond(parted, *pair) for pair in DEEDS.values()), len(parted)])
    return rows, shared, of


def lines_part(cells):
    """Claim C14."""
    yield from ("", "### A line that another core wrote or read last", "",
                "The owner's next put and get on its demo cache, which is empty, after another, pinned CPU has looked "
                "how much is cached (as every requester does, upstream's too), has written what it read there (as "
                "nobody does), or has drained one item under its lock (only where a requester may): cycles more than "
                "after it has done nothing, in the same process; median (least to largest process).", "")
    shared = of = 0
    for model in MODELS:
        rows, *counted = lines_table(cells, model)
        shared, of = shared + counted[0], of + counted[1]
        if rows:
            yield markdown.table([MODELS[model], *(f">{name}" for name in DEEDS), ">processes"], rows)
    if of:
        yield ("For C14: *drained less looked* is what a remote drain takes from the owner by moved lines, beyond what "
               "any request takes that looks at its cache; *drained less written*, beyond what its first line takes "
               "that another core wrote last, whoever drains. A range that holds 0 decides nothing. The former is "
               "below 0 where a mere look costs this owner more than a write does (*looked*, *written*); that does not "
               "mean that draining saves anything. "
               "Upstream's own drain, by a kworker on the owner, was not measured here. "
               f"Left out: {shared} of {of} processes, in which the two CPUs shared a core (adding took {ONE_CORE} "
               "times as long or more while the other added), and with it its caches for a part of the time. "
               "Not explained: where a range is wide, processes show two levels, perhaps as the host has placed "
               "the two CPUs.")


LIMITS = (
    "",
    "- Published figures: kmalloc(64) 9,000,000 times in a virtual machine under PREEMPT_DYNAMIC, all pointers kept, "
    "in time stamp cycles, within one preempt_disable(). Here: a half-full sheaf filled by hand, so no refill; the "
    "objects' own memory is not touched; no outer preempt_disable(). Whether preemption is off already "
    "changes nothing here: the same instructions are executed, since no reschedule is wanted.",
    "- Sheaves are guarded by the facade's lock for this lab alone (`bench/cycles/patches-patched`).",
    "- A long loop hides what the core overlaps, a locked instruction's wait included; ten between fences hide less. "
    "The truth of a caller lies between.",
    "- Not run, for they disable interrupts, which user space cannot: pcd_lock_irqsave() and `lru_move_tail`, a batch "
    "that is full, the first item cached on an isolated CPU (arming), _raw_spin_lock_irq*(). Not linked: memcg.",
    "- Per-CPU data and code lie elsewhere than in a whole kernel; link orders show what that may do.",
)


def changed(cells, now=program.sources):
    """Whether this tree would still give the objects that were measured: a line; now: their hash, of an image."""
    images = {order["image"]: order.get("sources_sha256") for orders in cells.values() for order in orders}
    here = {image: now(image) for image in images}
    others = sorted(image for image, then in images.items() if here[image] and then != here[image])
    if others:
        return f"- **Sources have changed since, those of {', '.join(others)}**: run `make cycles` again."
    if not all(here.values()):
        return "- Whether sources have changed since was not checked."
    return "- Sources have not changed since, those of the kernels and of this lab's programs."


def section(folder, lab):
    """The section as lines of Markdown, without its heading; folder: of the lab, unpacked; lab: of boots of hot paths.

    It does not raise: of a folder that is not whole one line says what is wrong.
    """
    try:
        cells = load(folder)
        if not cells:
            return [f"{folder.name}: no results; `make cycles` makes them."]
        lines = [setting(cells), "", changed(cells),
                 *(control(cells, model) for model in MODELS if (model, "unpatched") in cells),
                 *agreement(cells, lab)]
        for model in MODELS:
            if any(of == model for of, _ in cells):
                lines += tables(cells, model)
        compared = [model for model in MODELS if model in PUBLISHED and any(of == model for of, _ in cells)]
        lines += ["", "### Beside the published figures (cycles per kmalloc)"] if compared else []
        for model in compared:
            lines += published(cells, model)
        return [*lines, *LIMITS, *lines_part(cells)]
    except (OSError, KeyError, IndexError, TypeError, ValueError, ZeroDivisionError, read.Unreadable) as error:
        return [f"{folder.name}: not whole: {type(error).__name__}: {error}; run `make cycles` again."]
