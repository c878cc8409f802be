#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""check-w1 and check-sparse: our C under the compilers' and sparse's eyes.

w1: kernel files that are ours or that our patches change, with W=1 by gcc and
by clang; kernel-doc of our headers; guest and plugin C with -Wall -Wextra
-Werror. sparse: the same kernel files with C=2. Upstream's files give no such
warnings as configured here, so that every warning counts.

Objects are built apart from the images' trees: sources in build/linux/*-lint,
which holds no object, output in build/check/lint-*.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys

import tapfile

ROOT = tapfile.ROOT
COMPILERS = {"gcc": [], "clang": ["LLVM=-19"]}

# (tree, variant, fragments): every file of ours is in one of them, in both
# preemption models if it is in the patched tree.
BUILDS = (
    ("patched", "qpw", ("base", "rt", "qpw", "kunit")),
    ("patched", "none", ("base", "lazy", "none", "kunit")),
    ("unpatched", None, ("base", "rt", "unpatched")),
)

# 7.3 asks for a sparse that knows __typeof_unqual__; Debian 12 has none. What
# gcc 12 uses instead does for sparse too. Nor does it take __builtin_strlen()
# of a string for a constant, as MODULE_INFO() wants.
SPARSE = "sparse -D__typeof_unqual__=__typeof__ '-D__builtin_strlen(string)=(sizeof(string)-1)'"

STRICT = ("-Wall", "-Wextra", "-Werror")

COMPLAINT = re.compile(r"(warning|error):|\*\*\*|^error", re.IGNORECASE)


def run(*command, env=None):
    """Exit status and output lines of a command at the top of the repository."""
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    return done.returncode, done.stdout.splitlines()


def inputs(tree):
    """What this repository adds to a kernel tree: lists of (file, place) and of patches."""
    links, patches = [], []
    for line in subprocess.check_output(["kernel/inputs.sh", tree], cwd=ROOT, text=True).splitlines():
        kind, file, *place = line.split()
        (links.append((file, *place)) if kind == "link" else patches.append(file))
    return links, patches


def objects(tree, variant):
    """Objects of a kernel tree that hold code of ours, in a build of one variant."""
    links, patches = inputs(tree)
    places = {place for file, place in links
              if not file.startswith("variants/") or file.startswith(f"variants/{variant}/")}
    for patch in patches:
        places |= set(re.findall(r"^\+\+\+ b/(\S+)", (ROOT / patch).read_text(), re.MULTILINE))
    return sorted(re.sub(r"\.c$", ".o", place) for place in places if place.endswith(".c"))


def configure(tree, compiler, fragments):
    """An output folder, configured; returns (make command, folder, complaints)."""
    code, said = run("kernel/assemble.sh", tree, "lint")
    out = ROOT / "build/check" / f"lint-{compiler}-{'-'.join(fragments[1:])}"
    make = ["make", f"-j{os.cpu_count()}", "-k", "-C", f"build/linux/{tree}-lint", f"O={out}", *COMPILERS[compiler]]
    if code:
        return make, out, said
    out.mkdir(parents=True, exist_ok=True)
    wanted = "".join((ROOT / f"kernel/{fragment}.config").read_text() for fragment in fragments)
    if (out / "wanted").exists() and (out / "wanted").read_text() == wanted and (out / ".config").exists():
        return make, out, []
    (out / "fragments").write_text(wanted)
    code, said = run(*make, "-s", "allnoconfig", env=os.environ | {"KCONFIG_ALLCONFIG": str(out / "fragments")})
    if not code:
        (out / "fragments").rename(out / "wanted")
    return make, out, said if code else []


def complaints(code, lines):
    """The lines that complain, with paths as in the kernel tree; at least one if the command failed."""
    found = [re.sub(r"^\S*/build/linux/[^/]*-lint/", "", line) for line in lines if COMPLAINT.search(line)]
    return found or ([f"make ended with status {code}: {(lines or [''])[-1]}"] if code else [])


def warnings(tree, variant, fragments, compiler):
    """Complaints of a compiler with W=1."""
    make, out, found = configure(tree, compiler, fragments)
    wanted = objects(tree, variant)
    if found:
        return found
    for name in wanted:
        (out / name).unlink(missing_ok=True)
    return complaints(*run(*make, "W=1", *wanted))


def sparse(tree, variant, fragments):
    """Complaints of sparse; one if it did not look at every file."""
    make, _, found = configure(tree, "gcc", fragments)
    wanted = objects(tree, variant)
    if found:
        return found
    code, lines = run(*make, "W=1", "C=2", f"CHECK={SPARSE}", *wanted)
    found = complaints(code, lines)
    seen = {line.split()[-1] for line in lines if line.split()[:1] == ["CHECK"]}
    missed = [name for name in wanted if not any(file.endswith(re.sub(r"\.o$", ".c", name)) for file in seen)]
    return found + [f"sparse did not look at {name}" for name in missed]


def user_c():
    """C files that run outside of the kernel."""
    ours = {file for tree in ("patched", "unpatched") for file, _ in inputs(tree)[0]}
    tracked = subprocess.check_output(["git", "ls-files", "-z", "*.c"], cwd=ROOT, text=True).split("\0")
    kernel = ("common/", "variants/", "kunit/")
    return [name for name in tracked if name and name not in ours and not name.startswith(kernel)]


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
        for tree, variant, fragments in BUILDS:
            tap.point(f"W=1 {compiler} {'-'.join(fragments[1:])}", warnings(tree, variant, fragments, compiler))
    tap.point("kernel-doc of our headers", kernel_doc("patched"))
    flags = shlex.split(os.environ["USER_CFLAGS"])
    for compiler in ("gcc", "clang-19"):
        lacking = [f"USER_CFLAGS lacks {flag}" for flag in STRICT if flag not in flags]
        tap.point(f"guest and plugin C, {compiler} {' '.join(STRICT)}", lacking or user_warnings(compiler, flags))


def check_sparse(tap):
    for tree, variant, fragments in BUILDS:
        tap.point(f"sparse {'-'.join(fragments[1:])}", sparse(tree, variant, fragments))


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
    with tapfile.Writer(args.check) as tap:
        checks[args.check](tap)
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
