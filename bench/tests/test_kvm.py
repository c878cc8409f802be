# SPDX-License-Identifier: GPL-2.0-only
"""The KVM lab, as far as a machine without KVM can tell: its probe, its pinning (of an emulator), its judgement."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import pytest

from bench import boot, campaign, host_noise, kvm, probe, qemu_lab

CELL = ("rt", "unpatched")
NATIVE = "Linux version 7.3\n"


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(boot.ROOT)


@pytest.fixture
def emulated(monkeypatch):
    """The lab with an emulator in KVM's place, in a time of its own: the host may be as busy as it likes."""
    monkeypatch.setattr(kvm, "ACCELERATOR", ("-accel", "tcg", "-cpu", "max", "-icount", "shift=0,sleep=off"))
    monkeypatch.setattr(kvm, "obstacle", lambda: None)


def fake_qemu(folder, script):
    path = folder / "qemu"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def command_of(path):
    """In the place of kvm.command: another program for QEMU."""
    return lambda image, cmdline, seed, out, **_: [str(path), str(out)]


# ---- The probe ----


def test_probe_here_says_which_within_20_s():
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "bench.probe"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert time.monotonic() - begin < 20
    assert done.stdout.count("\n") == 1 and not done.stderr
    assert done.stdout.startswith(("lab kvm cannot run here: ", "lab kvm runs here: ")[1 - done.returncode])


def test_no_device(tmp_path):
    assert "there is no" in kvm.obstacle(tmp_path / "kvm")


def test_no_permission():
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        pathlib.Path(name).chmod(0o755)
        device = pathlib.Path(name, "kvm")
        device.touch()
        assert kvm.obstacle(device) is None
        waits = pathlib.Path(name, "schedstat")
        waits.write_text("0 0 0\n")
        assert "CONFIG_SCHED_INFO" in kvm.obstacle(device, waits)
        device.chmod(0)
        if os.geteuid() == 0:  # root may open anything
            os.seteuid(65534)
            stack.callback(os.seteuid, 0)
        assert "no permission" in kvm.obstacle(device)


def cpu_folder(folder, siblings, isolated=""):
    """A folder as /sys/devices/system/cpu; siblings: the CPUs of each CPU's core, as lists."""
    (folder / "isolated").write_text(isolated + "\n")
    for cpu, threads in enumerate(siblings):
        (folder / f"cpu{cpu}/topology").mkdir(parents=True)
        (folder / f"cpu{cpu}/topology/thread_siblings_list").write_text(threads + "\n")
    return folder


def test_one_cpu_of_each_core_isolated_ones_first(tmp_path):
    folder = cpu_folder(tmp_path, ["0,2", "1,3", "0,2", "1,3"], isolated="3")
    assert kvm.cores(folder, usable={0, 1, 2}) == [3, 0]


def test_too_few_cores(tmp_path):
    folder = cpu_folder(tmp_path, ["0-1"] * (max(os.sched_getaffinity(0)) + 1))
    assert kvm.shortage(folder).startswith("1 cores")


def test_qemu_that_fails(tmp_path, emulated, monkeypatch):
    said = "echo 'qemu-system-x86_64: error: failed to set MSR'; echo 'qemu: Assertion failed'; exit 3"
    monkeypatch.setattr(kvm, "command", command_of(fake_qemu(tmp_path, said)))
    assert probe.why_not("kvm") == "QEMU ended with status 3: failed to set MSR"


def test_qemu_without_monitor(tmp_path, emulated, monkeypatch):
    monkeypatch.setattr(kvm, "ANSWER", 0.2)
    monkeypatch.setattr(kvm, "command", command_of(fake_qemu(tmp_path, "exec sleep 60")))
    assert "monitor did not come up" in probe.why_not("kvm")


def test_qemu_that_fails_once_its_monitor_is_there(tmp_path, emulated, monkeypatch):
    program = "import socket,sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1] + '/qmp.sock'); s.listen(); " \
              "s.accept(); sys.exit('error: no such luck')"
    monkeypatch.setattr(kvm, "command", command_of(fake_qemu(tmp_path, f'exec python3 -c "{program}" "$@"')))
    assert probe.why_not("kvm") == "QEMU ended with status 1: error: no such luck"


def test_guest_that_never_reaches_its_first_line(emulated, monkeypatch):
    monkeypatch.setattr(kvm, "parameters", lambda *_: ["console=ttyS3", "rdinit=/none", "panic=0"])
    assert "never reached its first line" in probe.why_not("kvm", limit=2)


def test_guest_without_init(tmp_path):
    (tmp_path / "console.txt").write_text("[ 0.0] Linux version\n[ 0.1] Run /init\n")
    with subprocess.Popen(["sleep", "60"]) as process:
        why = probe.wait_for_hello(process, tmp_path, 0.2)
        process.kill()
    assert "its init said nothing" in why and why.endswith("last line: [ 0.1] Run /init")


def test_guest_that_says_hello(emulated):
    assert probe.why_not("kvm", limit=300) == kvm.shortage()


def test_campaign_asks_the_probe_first(emulated, monkeypatch):
    monkeypatch.setattr(kvm, "obstacle", lambda: "no such device")
    with pytest.raises(boot.UsageError, match="no such device"):
        campaign.check_lab("kvm")


# ---- Pinning, and a whole boot ----


def spec(**other):
    return boot.Spec(lab="kvm", model=CELL[0], arm=CELL[1], seed=1, image=boot.image_of(*CELL), **other)


def affinity(pid):
    """{name of a thread, without its number: the CPUs it may run on}."""
    return {pathlib.Path(f"/proc/{pid}/task/{thread}/comm").read_text().strip(): os.sched_getaffinity(int(thread))
            for thread in os.listdir(f"/proc/{pid}/task")}


@pytest.mark.skipif(len(kvm.cores()) < kvm.VCPUS, reason="fewer cores than vCPUs")
def test_each_vcpu_has_a_core(monkeypatch, tmp_path):
    monkeypatch.setattr(kvm, "ACCELERATOR", ("-accel", "tcg,thread=multi", "-cpu", "max"))  # a thread for each vCPU
    command = kvm.command(boot.image_of(*CELL), "panic=-1 rdinit=/none", 1, tmp_path)
    (tmp_path / "console.txt").touch()
    process = subprocess.Popen([*command, "-name", "guest,debug-threads=on"], preexec_fn=boot.die_with_parent)
    try:
        with kvm.attend(process, tmp_path):
            found = affinity(process.pid)
            process.wait(60)
    finally:
        process.kill()
        process.wait()
    places = kvm.cores()
    assert found["CPU 1/TCG"] == {places[0]}
    assert found["CPU 0/TCG"] == {places[1]}
    host = json.loads((tmp_path / "host.json").read_text())
    assert [vcpu["host_cpu"] for vcpu in host["vcpus"]] == [places[1], places[0]]
    assert not (tmp_path / "qmp.sock").exists()


@pytest.mark.skipif(len(kvm.cores()) < kvm.VCPUS, reason="fewer cores than vCPUs")
def test_a_whole_boot_and_the_same_on_a_noisy_host(emulated, monkeypatch, tmp_path):
    folder = boot.ROOT / "build/check/kvm"
    short = (("phase_ms", "200"), ("requests", "10"), ("fills", "100"), ("tail_ms", "100"))
    monkeypatch.setattr(kvm, "QUIET", 1)
    assert boot.boot(spec(workload=short), folder) == ("ok", "")
    assert sorted(path.name for path in folder.iterdir()) == [
        "console.txt", "guest.jsonl", "host.json", "manifest.json", "qemu.cmd", "verdict.json"]
    assert json.loads((folder / "manifest.json").read_text())["plugin_sha256"] is None
    monkeypatch.setattr(kvm, "QUIET", -1)
    assert kvm.fault(folder).startswith("the host is not quiet: vCPU 0 waited")


def test_more_vcpus_than_cores(emulated, monkeypatch, tmp_path):
    monkeypatch.setattr(kvm, "cores", lambda cpus=None: [0])
    assert "vCPUs cannot be pinned: 1 cores" in probe.why_not("kvm")


# ---- Is the host quiet? ----


def seen(**changed):
    quiet = {"vcpu": 0, "runtime_s": 4.0, "nmi": 0, "lost": 0, "hardware_s": 0.0001, "gaps": 1, "longest_us": 100.0}
    return [quiet, quiet | {"vcpu": 1} | changed]


def test_share_of_the_host():
    assert host_noise.excess(seen(hardware_s=0.0039)) is None
    assert "took 0.10% of 4.0 s from vCPU 1, in 2 gaps of up to 9 us, more than 0.1%" in host_noise.excess(
        seen(hardware_s=0.0041, gaps=2, longest_us=9.0))


def test_more_gaps_than_were_kept():
    assert "more gaps on vCPU 1" in host_noise.excess(seen(lost=1))


def test_each_vcpu_must_have_looked(monkeypatch, tmp_path):
    lines = b'{"osnoise":0,"runtime_us":1,"nmi":0,"lost":0}\n{"hardware":0,"gaps":0,"ns":0,"max_ns":0}\n'
    monkeypatch.setattr(host_noise, "run", lambda length, cpus: lines)
    with pytest.raises(boot.UsageError, match="1 of 2 vCPUs"):
        host_noise.why_not(tmp_path)
    assert host_noise.why_not(tmp_path, cpus=1) is None


def test_no_image_to_look_with(monkeypatch, tmp_path):
    monkeypatch.setattr(host_noise, "IMAGE", pathlib.Path("build/images/lazy-nothing"))
    with pytest.raises(boot.UsageError) as error:
        host_noise.why_not(tmp_path)
    assert str(error.value).endswith("build it: make lazy-nothing") and "\n" not in str(error.value)


def test_campaign_asks_for_a_quiet_host(monkeypatch):
    monkeypatch.setattr(probe, "why_not", lambda name: None)
    monkeypatch.setattr(host_noise, "why_not", lambda results: f"noise, {results}")
    with pytest.raises(boot.UsageError, match=r"^noise, build/boots/kvm$"):
        campaign.check_lab("kvm")
    campaign.check_lab("virtual")


looks = pytest.mark.skipif(not boot.built(boot.ROOT / host_noise.IMAGE) or len(kvm.cores()) < kvm.VCPUS,
                           reason=f"no image, or fewer cores than vCPUs: make {host_noise.IMAGE.name}")


@pytest.fixture
def own_time(emulated, monkeypatch):
    """The emulator waits for cores as long as it likes: that is no time of its guest's."""
    monkeypatch.setattr(kvm, "fault", lambda folder: None)


@looks
def test_host_that_takes_nothing(own_time, tmp_path):
    # Alone in its machine, and an instruction is a ns: a vCPU misses nothing.
    assert host_noise.why_not(tmp_path / "kvm", length=200, cpus=1) is None
    (vcpu,) = json.loads((tmp_path / "kvm/host-noise.json").read_text())["vcpus"]
    assert vcpu["runtime_s"] == pytest.approx(0.15, rel=0.01)
    assert (vcpu["hardware_s"], vcpu["gaps"], vcpu["nmi"], vcpu["lost"]) == (0, 0, 0, 0)


@looks
def test_host_that_takes_turns(own_time, tmp_path):
    # To each of two that take turns the other's is the host's, also if a timer was due meanwhile.
    why = host_noise.why_not(tmp_path / "kvm", length=200)
    assert why.startswith("the host is not quiet: it took ")
    assert not (tmp_path / "kvm").exists()
    taken = host_noise.vcpus((host_noise.FOLDER / "guest.jsonl").read_bytes())
    assert [vcpu["vcpu"] for vcpu in taken] == [0, 1]
    assert sum(vcpu["hardware_s"] for vcpu in taken) > 0.1


@looks
def test_noisy_host_has_not_been_looked_at(emulated, monkeypatch, tmp_path):
    monkeypatch.setattr(kvm, "QUIET", -1)
    with pytest.raises(boot.UsageError, match="was not seen: lab-failure: the host is not quiet: vCPU 0 waited"):
        host_noise.why_not(tmp_path, length=200, cpus=1)


# ---- Judgement ----


def host(folder, **changed):
    vcpu = {"vcpu": 0, "host_cpu": 2, "waited_s": 0.0, "steal_s": 0.0}
    content = {"schema": 1, "wall_s": 4.0, "vcpus": [vcpu | changed], "locks": kvm.locks(NATIVE)}
    (folder / "host.json").write_text(json.dumps(content))


def test_boot_on_a_quiet_host(tmp_path):
    host(tmp_path, waited_s=0.003)
    assert kvm.fault(tmp_path) is None


@pytest.mark.parametrize(("key", "said"), [("waited_s", "waited for its core 2"), ("steal_s", "lost its core")])
def test_boot_on_a_noisy_host(tmp_path, key, said):
    host(tmp_path, **{key: 0.01})
    assert said in kvm.fault(tmp_path)


def test_nothing_known_of_the_host(tmp_path):
    assert "no host.json" in kvm.fault(tmp_path)


def test_steal():
    text = "cpu  1 2 3 4 5 6 7 80 9 10\ncpu0 1 2 3 4 5 6 7 30 9 10\ncpu1 1 2 3 4 5 6 7 50 9 10\nintr 1\n"
    assert kvm.steal(text, [1]) == {1: 50}


def test_waited():
    assert kvm.waited("123456 789 12\n") == 789


@pytest.mark.parametrize(("said", "flavour"), [
    ("", "native"),
    ("Hypervisor detected: KVM\nkvm-guest: PV spinlocks disabled with KVM_HINTS_REALTIME hints\n", "native"),
    ('Hypervisor detected: KVM\nkvm-guest: PV spinlocks disabled, forced by "nopvspin" parameter\n', "native"),
    ("Hypervisor detected: KVM\nkvm-guest: PV spinlocks disabled, no host support\n", "test-and-set"),
    ("Hypervisor detected: KVM\nkvm-guest: PV spinlocks enabled\n", "paravirtual"),
    ("Hypervisor detected: Microsoft Hyper-V\n", "test-and-set"),
])
def test_locks(said, flavour, tmp_path):
    found = kvm.locks(NATIVE + said)
    assert found.startswith(f"{flavour}: ")
    (tmp_path / "host.json").write_text(json.dumps({"wall_s": 1, "vcpus": [], "locks": found}))
    assert (kvm.fault(tmp_path) is None) == (flavour == "native")


def test_command_is_dedicated_native_and_uncounted():
    command = kvm.command(pathlib.Path("image"), "x=1", 7, "$OUT")
    assert command[command.index("-cpu") + 1] == "host,kvm-hint-dedicated=on"
    assert command[command.index("-accel") + 1] == "kvm"
    assert "-plugin" not in command and "-icount" not in command
    assert not any("metronome" in word for word in kvm.parameters(True))


def test_labs_have_the_same_interface():
    interface = [name for name in vars(boot.LABS["virtual"]) if not name.startswith("_")]
    shared = {"NAME", "QEMU", "PLUGIN", "MAIN_LOOP", "INITRAMFS", "WORKLOAD", "GOOD", "FAILED", "RESET", "OUTPUTS",
              "KINDS", "NEEDS_PROBE", "unfit", "obstacle", "shortage", "jobs", "parameters", "command", "attend",
              "fault"}
    assert shared <= set(interface)
    assert shared <= set(vars(kvm))
    assert issubclass(qemu_lab.LabError, Exception)
