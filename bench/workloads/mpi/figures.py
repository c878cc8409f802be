# SPDX-License-Identifier: GPL-2.0-only
"""Figures of boots with two ranks of MPI.

All take windows.Tables of this workload. "Instructions" are kernel instructions of a rank's CPU while it computes one
quantum. A step is as slow as its slowest rank, so that a step's kernel instructions are the larger of its two ranks'.

Rows are told apart by KIND: `work` is "bare" (not one system call in the quantum, pages touched before it) or "calls"
(sets of system calls in it), `drains` is "quiet" or "drained". A set is an mmap, a page touch, an munmap and a write.
"""

import numpy
import pandas

from bench import workloads
from bench.report.facts import windows

NAME = "mpi"
RANKS = 2
BOOT = windows.INDEX
KIND = ["work", "drains"]
LABEL = r"^(?P<work>bare|calls) (?P<drains>quiet|drained) (?P<what>quantum|block) (?P<rank>\d)$"
PER = 10**9  # rates are per so many user instructions of a rank's CPU
MARGIN = 1.0  # % of a quantum: so much less is a loss that a user would see
MOST_HIT = 0.95  # steps hit; with more nodes there is little left to lose


def labelled(frame):
    """A frame with `label` taken apart: work, drains, what and rank. ValueError if it is none of this workload's."""
    parts = frame["label"].str.extract(LABEL)
    if (unknown := parts["work"].isna()).any():
        raise ValueError(f"{NAME}: unknown label {frame['label'][unknown].iloc[0]!r}")
    return frame.assign(**parts)


def counted(tables, what):
    """A row per rank and "quantum" or "block": BOOT, KIND, rank, round, kernel, user, syscalls, interruptions.

    ValueError if there is none of any boot.
    """
    if tables.windows.empty:
        raise ValueError(f"{NAME}: no window of any boot")
    rows = labelled(tables.windows)
    rows = rows[rows["what"] == what]
    calls = rows.reindex(columns=["from_user/syscall"], fill_value=0)["from_user/syscall"]
    return rows[[*BOOT, *KIND, "rank", "round", "kernel", "user", "interruptions"]].assign(syscalls=calls)


def steps(tables):
    """A row per step: BOOT, KIND, round, and kernel (the larger of its ranks'), grain (user instructions of its
    quantum), syscalls and interruptions (the larger). ValueError if a step lacks a rank.
    """
    by = counted(tables, "quantum").groupby([*BOOT, *KIND, "round"])
    if (torn := by["rank"].nunique() != RANKS).any():
        raise ValueError(f"{NAME}: step {torn.idxmax()} is not of {RANKS} ranks")
    found = pandas.DataFrame({"kernel": by["kernel"].max(), "grain": by["user"].mean(),
                              "syscalls": by["syscalls"].max(), "interruptions": by["interruptions"].max()})
    return found.reset_index()


def requested(tables):
    """Requests for drains, a number per boot and KIND."""
    if tables.values.empty:
        return pandas.Series(dtype=float)
    values = labelled(tables.values[tables.values["name"] == "requests"])
    return values.groupby([*BOOT, *KIND])["value"].sum()


def loss(tables):
    """A boot's loss: index BOOT and KIND.

    kernel: instructions of a step (mean), longest: of its longest; grain: user instructions of a quantum (mean);
    percent: kernel over grain; own_calls: system calls that a rank makes in a quantum, which must be 0 if it is bare;
    interruptions: of user mode, of the rank that has more, per step; requests: for drains, per step.
    """
    by = steps(tables).groupby([*BOOT, *KIND])
    found = pandas.DataFrame({"steps": by.size(), "kernel": by["kernel"].mean(), "longest": by["kernel"].max(),
                              "grain": by["grain"].mean(), "own_calls": by["syscalls"].max(),
                              "interruptions": by["interruptions"].mean()})
    requests = requested(tables).reindex(found.index, fill_value=0)
    return found.assign(percent=100 * found["kernel"] / found["grain"], requests=requests / found["steps"])


def outside(tables):
    """What a rank's CPU does per step outside of the quantum, mean over both ranks: index BOOT and KIND.

    kernel: instructions; syscalls: in MPI_Allreduce, its waiting included. If work is "bare", the page touches before
    the quantum are in `kernel` too.
    """
    whole, inside = (counted(tables, what).groupby([*BOOT, *KIND])[["kernel", "syscalls"]].sum()
                     for what in ("block", "quantum"))
    number = counted(tables, "quantum").groupby([*BOOT, *KIND]).size()
    return (whole - inside).div(number, axis=0)


def sets_of(frame):
    """Sets of system calls in a quantum with calls, of a frame with `setting` in its index: a Series."""
    settings = frame.index.get_level_values("setting")
    sets = [workloads.parameters(NAME, name)["sets"] for name in settings]
    return pandas.Series(sets, index=frame.index, dtype=float)


def prices(tables):
    """What sets and drains cost a step, in instructions: index BOOT.

    per_set: of one set of calls, nothing drained; per_request: what one request for a drain adds where the quantum has
    calls, and bare_per_request where it has none, in whatever steps. All are of the slower rank. NaN where a boot has
    not both labels, or no request was made.
    """
    wide = loss(tables)[["kernel", "requests"]].unstack(KIND)
    wide = wide.reindex(columns=pandas.MultiIndex.from_product(
        [["kernel", "requests"], ["bare", "calls"], ["quiet", "drained"]]))

    def per_request(work):
        requests = wide["requests", work, "drained"]
        return (wide["kernel", work, "drained"] - wide["kernel", work, "quiet"]) / requests.where(requests > 0)

    return pandas.DataFrame({"per_set": wide["kernel", "calls", "quiet"] / sets_of(wide),
                             "per_request": per_request("calls"), "bare_per_request": per_request("bare")})


def dearer(tables, reference):
    """prices() of each boot less those of the reference arm's boot of the same model, setting and seed: index BOOT."""
    found = prices(tables)
    of_all = found.reset_index().drop(columns="workload")
    pair = [name for name in BOOT if name not in ("workload", "arm")]
    if not (of_all["arm"] == reference).any():
        raise ValueError(f"{NAME}: no boot of {reference} to compare with")
    base = of_all[of_all["arm"] == reference].set_index(pair).drop(columns="arm")
    rows = found.drop(index=reference, level="arm")
    where = pandas.MultiIndex.from_frame(rows.reset_index()[pair])
    return rows - base.reindex(where).to_numpy()


def crossover(tables, reference, requests=0.0, margin=MARGIN):
    """From where on an arm loses `margin` % of a quantum to the reference: index BOOT.

    sets: at so many sets of system calls per PER user instructions, if so many `requests` for drains come per PER. inf:
    at no rate; 0: the drains alone take that much more; NaN: a price is missing. grain: where a quantum has one set,
    one of so many instructions or fewer loses that much; 0: none does.
    """
    more = dearer(tables, reference)
    drained = requests * more["per_request"] if requests else 0 * more["per_set"]
    left = margin / 100 * PER - drained
    sets = (left / more["per_set"]).where(more["per_set"] > 0, numpy.inf).where(left > 0, 0.0)
    sets = sets.where(more["per_set"].notna() & left.notna())
    return pandas.DataFrame({"sets": sets, "grain": PER / sets.where(sets > 0)})


def arithmetic(tables, base="usual"):
    """Is the loss of other grains and sets what arithmetic makes of those of base? index BOOT, not of base.

    reckoned: % of a quantum with calls, nothing drained, from base's price of a set; measured; missed: their
    difference, in % of a quantum.
    """
    price = prices(tables)["per_set"]
    quiet = loss(tables).xs(("calls", "quiet"), level=tuple(KIND))
    other = quiet[quiet.index.get_level_values("setting") != base]
    of_base = [price.get((*boot[:3], base, boot[4]), numpy.nan) for boot in other.index]
    reckoned = 100 * numpy.array(of_base) * sets_of(other) / other["grain"]
    return pandas.DataFrame({"reckoned": reckoned, "measured": other["percent"],
                             "missed": other["percent"] - reckoned})


# ---- More nodes ----


def numbers(first, last):
    """1, 2, 5, 10, 20, 50, ... from first to last."""
    return [n for power in range(12) for n in (10**power, 2 * 10**power, 5 * 10**power) if first <= n <= last]


def excess(rows, drains):
    """A row per boot, its quiet or drained steps one after the other: instructions over the mean of quiet ones.

    ValueError if a boot has no such steps, or no quiet ones.
    """
    series = []
    for seed, boot in rows.groupby("seed"):
        quiet, wanted = (boot[boot["drains"] == name].sort_values("round")["kernel"] for name in ("quiet", drains))
        if quiet.empty or wanted.empty:
            raise ValueError(f"{NAME}: boot {seed} has not both quiet and drained steps")
        series.append(wanted.to_numpy() - quiet.mean())
    shortest = min(map(len, series))
    return numpy.array([one[:shortest] for one in series])


def resampled(of_boots, nodes, random, times=100):
    """Mean over steps of the largest excess of so many nodes, `times` times.

    A node is a whole boot, drawn with replacement, with both ranks and its steps in their order, from a random one on.
    """
    boots, length = of_boots.shape
    means = []
    for _ in range(times):
        chosen, first = random.integers(boots, size=nodes), random.integers(length, size=nodes)
        steps_of = (first[:, None] + numpy.arange(length)) % length
        means.append(of_boots[chosen[:, None], steps_of].max(axis=0).mean())
    return numpy.array(means)


def measured(rows, grain, share):
    """The rows of more_nodes() of some boots that are measured. share: of steps in which a node has a drain."""
    random, found = numpy.random.default_rng(1), []
    for drains, name in (("quiet", "none"), ("drained", "independent")):
        of_boots = excess(rows, drains)
        for nodes in numbers(1, of_boots.size // 10):
            percent = 100 * resampled(of_boots, nodes, random) / grain
            low, high = numpy.quantile(percent, [0.025, 0.975])
            found.append({"nodes": nodes, "drains": name, "how": "measured", "percent": percent.mean(), "low": low,
                          "high": high, "hit": 0.0 if name == "none" else 1 - (1 - share) ** nodes})
    return found


def reckoned(share, cost, grain, last):
    """The rows of more_nodes() that are not measured, from what one node has."""
    found = []
    for nodes in numbers(1, last):
        hit = 1 - (1 - share) ** nodes
        found += [{"nodes": nodes, "drains": drains, "how": "reckoned", "percent": 100 * part * cost / grain,
                   "hit": part} for drains, part in (("independent", hit), ("synchronous", share))]
        if hit >= MOST_HIT:
            break
    return found


def more_nodes(tables, rarer=1, last=10**6):
    """What drains cost a step that waits for the slowest of many nodes: a frame over boots, not of boots.

    Columns: model, arm, setting, work; nodes; drains: each node has its "independent" ones, all have theirs in the same
    step ("synchronous"), or "none"; how: "measured" or "reckoned"; percent of a quantum, over the mean quiet step; low,
    high: 95 % of what resampling gave; hit: the share of steps with a drain in some node.

    Measured is up to a tenth as many nodes as there are steps: boots are resampled as nodes. Without drains it shows
    what the longest quiet step of many nodes takes by itself. Reckoned is (1 - (1 - p)^nodes) * cost / grain, until
    95 % of steps are hit (`last` nodes at most). p is the chance that a node's drain is requested in a step, cost what
    a request adds (prices(), 0 if it saves something), both mean over boots. The formula falls short of the measured
    line, since it leaves out that the dearest of many drains counts; where both are there, one sees by how much. If
    drains are synchronous it is p * cost / grain for any number. rarer: drains come so much more rarely than here,
    which is arithmetic alone.
    """
    if rarer < 1:
        raise ValueError(f"{NAME}: drains {rarer} times rarer is no number from 1 on")
    of_loss, of_prices, found = loss(tables), prices(tables), []
    for key, rows in steps(tables).groupby(["model", "arm", "setting", "work"]):
        names = dict(zip(("model", "arm", "setting", "work"), key, strict=True))
        mean = of_loss.xs((*key, "drained"), level=(*names, "drains")).mean()
        price = of_prices.xs(key[:3], level=list(names)[:3]).mean()
        cost = max(price["per_request" if names["work"] == "calls" else "bare_per_request"], 0.0)
        share = 1 - numpy.exp(-mean["requests"] / rarer)
        of_key = measured(rows, mean["grain"], share) if rarer == 1 else []
        found += [names | row for row in of_key + reckoned(share, cost, mean["grain"], last)]
    return pandas.DataFrame(found)


# ---- For pages ----

WORK = {"bare": "no calls", "calls": "with calls"}
SHOWN = {"loss": "kernel instructions of a step, % of its quantum", "kernel": "kernel instructions of a step, mean",
         "longest": "longest", "interruptions": "interruptions of a rank's user mode per step",
         "own_calls": "system calls of a rank in a quantum, at most",
         "requests": "requests per step", "steps": "steps", "outside": "kernel instructions outside of the quantum",
         "outside_calls": "system calls outside of it"}


def of(tables):
    """loss() and outside(), a row per boot and label: "no calls, quiet" and so on; `loss` is loss()'s percent."""
    besides = outside(tables).rename(columns={"kernel": "outside", "syscalls": "outside_calls"})
    found = loss(tables).rename(columns={"percent": "loss"}).join(besides).reset_index()
    found["label"] = found["work"].map(WORK) + ", " + found["drains"]
    return found.set_index([*BOOT, "label"])[list(SHOWN)].astype(float)
