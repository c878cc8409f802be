# SPDX-License-Identifier: GPL-2.0-only
"""JSON lines that end with {"end": true, "lines": N}, and from the guest with a checksum: is all of it there?

Guest and plugin write such files (guest/channel.c, plugin/pcd_count.c); whoever judges a boot and whoever reads its
figures look at them here.
"""

import json
import zlib


class Torn(Exception):
    """A channel's lines are not whole, or not all there; the text says which and why."""


def no_number(constant):
    """NaN and infinities, which Python reads as JSON, would pass every test of a verdict."""
    raise ValueError(f"{constant} is no number")


def parse(text, what):
    """JSON, strictly. what: names it in a Torn."""
    try:
        return json.loads(text, parse_constant=no_number)
    except ValueError as error:
        raise Torn(f"{what}: no JSON: {error}") from None


def objects(raw, name, checksum=False):
    """The objects of all lines but the end line.

    raw: bytes; name: of the file, for a Torn. checksum: there must be one; one that is there must fit in any case.
    """
    if not raw.endswith(b"\n"):
        raise Torn(f"{name}: cut off, its last line is no end line")
    lines = raw.splitlines(keepends=True)
    found = [parse(line, f"{name}:{number}") for number, line in enumerate(lines, 1)]
    if not all(isinstance(one, dict) for one in found):
        raise Torn(f"{name}: a line that is no object")
    if not found or found[-1].get("end") is not True:
        raise Torn(f"{name}: cut off, its last line is no end line")
    end = found.pop()
    if end.get("lines") != len(found):
        raise Torn(f"{name}: {len(found)} lines, its end line says {end.get('lines')}")
    crc = f"{zlib.crc32(b''.join(lines[:-1])):08x}"
    if end.get("crc32", None if checksum else crc) != crc:
        raise Torn(f"{name}: checksum is {crc}, its end line says {end.get('crc32')}")
    return found
