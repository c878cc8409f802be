# SPDX-License-Identifier: GPL-2.0-only
"""check-w1 and check-sparse: our C under the compilers' and sparse's eyes.

w1: kernel files that are ours or that our patches change, with W=1 by gcc and
by clang; kernel-doc of our headers; guest and plugin C with -Wall -Wextra
-Werror. sparse: the same kernel files with C=2. Every warning counts but those
that upstream's file gives as well.

Objects are built apart from the images' trees: sources in build/linux/*-lint,
which holds no object, output in build/check/lint-*, one folder per compiler and
tree that is configured in place: its tools and headers take longer than our files.
"""

import argparse
import collections
import fcntl
import itertools
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

from check import tapfile

ROOT = tapfile.ROOT
# As images are configured and built, less what follows.
SHELL = ("bash", "-c")
SETTINGS = ". setup/lib.sh; . kernel/lib.sh; kbuild_settings; kbuild+=("
COMPILERS = {"gcc": "", "clang": "LLVM=-19 'CC=ccache clang-19'"}


def builds():
    """(tree, variant, fragments): each file of ours is in one, those of the facade in both preemption models."""
    variants = subprocess.check_output(["kernel/variants.sh"], cwd=ROOT, text=True).split()
    for variant, model in zip(variants, itertools.cycle(("lazy", "rt")), strict=False):
        # What patched files need to be compiled, once.
        lint = ["lint"] if variant == variants[0] else []
        if (ROOT / f"variants/{variant}/lint.config").exists():
            lint.append(f"{variant}/lint")
        yield "patched", variant, ("base", model, variant, "kunit", *lint)
    yield "unpatched", None, ("base", "rt", "unpatched", "rebuilt")


def fragment(name):
    """The file of a fragment: a variant's own, NAME/lint of its folder, or one of kernel/."""
    places = f"variants/{name}/kernel.config", f"variants/{name}.config"
    return next((own for own in places if (ROOT / own).exists()), f"kernel/{name}.config")


# What the code goes into that patches add to the entry code's headers.
ENTRY = "kernel/entry/common.c"

# 7.3 asks for a sparse that knows __typeof_unqual__; Debian 12 has none. What
# gcc 12 uses instead does for sparse too. Nor does it take __builtin_strlen()
# of a string for a constant, as MODULE_INFO() wants.
SPARSE = "sparse -D__typeof_unqual__=__typeof__ '-D__builtin_strlen(string)=(sizeof(string)-1)'"

STRICT = ("-Wall", "-Wextra", "-Werror")

COMPLAINT = re.compile(r"(warning|error):|\*\*\*|^error", re.IGNORECASE)


def run(*command):
    """Exit status and output lines of a command at the top of the repository."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    return done.returncode, done.stdout.splitlines()


def inputs(tree):
    """What we add to a kernel tree: lists of (file, place, or "" if it is part of another), and of patches."""
    found = {"link": [], "made": [], "part": [], "patch": []}
    for line in subprocess.check_output(["kernel/inputs.sh", tree], cwd=ROOT, text=True).splitlines():
        kind, file, place = f"{line} ".split(" ")[:3]
        found[kind].append((file, place))
    return [*found["link"], *found["made"], *found["part"]], [file for file, _ in found["patch"]]


def objects(tree, variant):
    """Objects of a kernel tree that hold code of ours; what is another variant's may be among them."""
    links, patches = inputs(tree)
    places = {ENTRY} | {place for _, place in links}
    for patch in patches:
        if not patch.startswith("variants/") or patch.startswith(f"variants/{variant}/"):
            places |= set(re.findall(r"^\+\+\+ b/(\S+)", (ROOT / patch).read_text(), re.MULTILINE))
    return {re.sub(r"\.c$", ".o", place) for place in places if place.endswith(".c")}


def is_switched_on(place, folder, options):
    """Does a configuration build an object, or what is in a folder, as the Makefile beside it has it?"""
    what = place.name if place.suffix else f"{place.name}/"
    found = re.findall(rf"^obj-\$\((\w+)\)\s*[+:]?=(?:.*\s)?{re.escape(what)}(?!\S)",
                       (folder / place.parent / "Makefile").read_text(), re.MULTILINE)
    return not found or any(f"{option}=y" in options for option in found)


def built(names, folder, out):
    """Those of objects that a configuration builds, as are the folders that they are in; folder: of the sources."""
    options = (out / ".config").read_text().splitlines()
    for name in names:
        path = pathlib.PurePosixPath(name)
        if all(is_switched_on(place, folder, options) for place in (path, *path.parents) if len(place.parts) > 1
               and (folder / place.parent / "Makefile").exists()):
            yield name


def configure(tree, compiler, fragments):
    """The output folder of a tree and a compiler, configured; returns (make command, folder, complaints)."""
    code, said = run("kernel/assemble.sh", tree, "lint")
    sources, out = f"build/linux/{tree}-lint", f"build/check/lint-{compiler}-{tree}"
    settings = f"{SETTINGS}{COMPILERS[compiler]}); "
    make = [*SHELL, settings + 'exec "${kbuild[@]}" "$@"', "make", "-k", "-C", sources, f"O={ROOT / out}"]
    if not code:
        code, said = run(*SHELL, f'set -e; {settings}kbuild_output={out}; configure "$@"', "configure",
                         f"{compiler} {'-'.join(fragments[1:])}", sources, *map(fragment, fragments))
    return make, ROOT / out, said if code else []


def complaints(code, lines):
    """The lines that complain, with paths as in the kernel tree; at least one if the command failed."""
    found = [re.sub(r"^\S*/build/linux/[^/]*-lint/", "", line) for line in lines if COMPLAINT.search(line)]
    return found or ([f"make ended with status {code}: {(lines or [''])[-1]}"] if code else [])


def by_compiler(make, out, names):
    """Complaints of a compiler with W=1 about objects."""
    for name in names:
        (out / name).unlink(missing_ok=True)
    return complaints(*run(*make, "W=1", *names))


def by_sparse(make, _, names):
    """Complaints of sparse about objects' sources; one if it did not look at every file."""
    code, lines = run(*make, "W=1", "C=2", f"CHECK={SPARSE}", *names)
    seen = {line.split()[-1] for line in lines if line.split()[:1] == ["CHECK"]}
    missed = [name for name in names if not any(file.endswith(re.sub(r"\.o$", ".c", name)) for file in seen)]
    return complaints(code, lines) + [f"sparse did not look at {name}" for name in missed]


def beyond(found, usual):
    """What is found beyond what is usual, wherever in a file that stands."""
    def text(line):
        return re.sub(r":\d+", "", line)

    rest, new = collections.Counter(map(text, usual)), []
    for line in found:
        rest[text(line)] -= 1
        if rest[text(line)] < 0:
            new.append(line)
    return new


SEEN = set()  # objects that were looked at


def judge(look, tree, variant, fragments, compiler="gcc"):
    """Complaints about all code of ours in a build, as look (by_...) sees it, but for those that upstream gives."""
    make, out, found = configure(tree, compiler, fragments)
    if found:
        return found
    names = sorted(built(objects(tree, variant), ROOT / f"build/linux/{tree}-lint", out))
    SEEN.update(names)
    found = look(make, out, names)
    upstream = [name for name in names if (ROOT / "build/source" / name).with_suffix(".c").exists()]
    if found and tree == "patched" and upstream:
        make, out, failed = configure("unpatched", compiler, (*fragments[:2], "unpatched", *fragments[4:]))
        found = failed or beyond(found, look(make, out, upstream))
    return found


def user_c():
    """C files that run outside of the kernel."""
    ours = {file for tree in ("patched", "unpatched") for file, _ in inputs(tree)[0]}
    tracked = subprocess.check_output(["git", "ls-files", "-z", "*.c"], cwd=ROOT, text=True).split("\0")
    # What is not in a tree that is linted.
    kernel = ("variants/", "bench/cycles/kernel/", "check/strategy/sample/", "check/client/sample/")
    # Further programs of a workload need headers of its guest's Debian; make guest builds them with these flags.
    further = re.compile(r"bench/workloads/\w+/\w+/")
    return [name for name in tracked if name and name not in ours and not name.startswith(kernel)
            and not further.match(name)]


def user_warnings(compiler, flags):
    """Complaints about guest and plugin C, with the flags that they are built with."""
    found, names = [], user_c()
    for name in names:
        found += complaints(*run(compiler, *flags, "-c", "-o", "/dev/null", name))
    return found if names else ["found no guest and plugin C"]


def kernel_doc(tree):
    """Complaints about kernel-doc in our headers."""
    headers = [file for file, _ in inputs(tree)[0] if file.endswith(".h")]
    tool = f"build/linux/{tree}-lint/scripts/kernel-doc"
    return complaints(*run(tool, "-none", *headers)) if headers else []


def check_w1(tap):
    for compiler in COMPILERS:
        for tree, variant, fragments in builds():
            tap.point(f"W=1 {compiler} {'-'.join(fragments[1:])}",
                      judge(by_compiler, tree, variant, fragments, compiler))
    ours = set().union(*(objects(tree, variant) for tree, variant, _ in builds()))
    tap.point("every file of ours is in one of these builds", sorted(ours - SEEN))
    tap.point("kernel-doc of our headers", kernel_doc("patched"))
    flags = shlex.split(os.environ["USER_CFLAGS"])
    for compiler in ("gcc", "clang-19"):
        lacking = [f"USER_CFLAGS lacks {flag}" for flag in STRICT if flag not in flags]
        tap.point(f"guest and plugin C, {compiler} {' '.join(STRICT)}", lacking or user_warnings(compiler, flags))


def check_sparse(tap):
    for tree, variant, fragments in builds():
        tap.point(f"sparse {'-'.join(fragments[1:])}", judge(by_sparse, tree, variant, fragments))


def main():
    checks = {"w1": check_w1, "sparse": check_sparse}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=checks)
    args = parser.parse_args()
    if args.check == "w1" and "USER_CFLAGS" not in os.environ:
        sys.exit("error: USER_CFLAGS says how guest and plugin C are built; run make check-w1")
    for tool in ("gcc", "clang-19", "sparse"):
        if not shutil.which(tool):
            sys.exit(f"error: {tool} not found; make deps installs it")
    lock = ROOT / "build/linux/.lock-build-lint"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held, tapfile.Writer(args.check) as tap:
        fcntl.flock(held, fcntl.LOCK_EX)
        checks[args.check](tap)
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
