# SPDX-License-Identifier: GPL-2.0-only
"""How often what costs something happens, if drains and fills come at random times (two Poisson processes).

All rates are per second. A *visit* is a kworker that runs on the isolated CPU and drains there.

  at each request    a drain is a visit if the owner has filled since the last one: D·F / (D + F)
  in the next fill   a drain is posted, and done while the owner is in the kernel for its next fill, together with that.
                     From one visit to the next there come a fill, a drain, a fill: 1 / (1/F + 1/D + 1/F)
  in each fill       whoever fills has its own fill drained at once: F
  never              nobody visits: the owner drains by itself, or another CPU does it from there

A visit starts the tick of the CPU again, for two periods; visits that come in the meantime share it. And whoever
takes what is cached from another CPU spares the owner the moving of it: so many items per second.
"""

import numpy

BATCH = 31  # items of a full batch, which its owner moves (PAGEVEC_SIZE)
LOCKED = 1 / 8  # of all fills, are mlocked pages, which have a batch of their own: LOCKED_EVERY in map.c
HZ = 1000  # CONFIG_HZ of the kernels (kernel/base.config)
PERIODS = 2  # of a tick that was started again and has nothing to do


def at_each_request(drains, fills):
    return drains * fills / (drains + fills)


def in_the_next_fill(drains, fills):
    return drains * fills / (2 * drains + fills)


def in_each_fill(drains, fills):
    return fills + 0 * drains


def never(drains, fills):
    return 0 * (drains + fills)


VISITS = {"at each request": at_each_request, "in the next fill": in_the_next_fill, "in each fill": in_each_fill,
          "never": never}


def restarts(visits):
    """How often the tick is started again, if visits come at random: 1 - exp(-x) of the time it would run anyway."""
    most = HZ / PERIODS
    return most * (1 - numpy.exp(-visits / most))


def in_a_batch(drains, fills):
    """Items that a drain finds in one batch, on average. Fills since the last drain: geometric; a full batch is empty.
    """
    items = numpy.arange(BATCH)
    share = numpy.power.outer(fills / (drains + fills), items)
    return (share * items).sum(axis=-1) / share.sum(axis=-1)


def taken(drains, fills):
    """Items that drains find."""
    return drains * (in_a_batch(drains, (1 - LOCKED) * fills) + in_a_batch(drains, LOCKED * fills))
