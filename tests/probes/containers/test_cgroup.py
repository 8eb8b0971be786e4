"""Containers' memory and CPU, read from the files of their cgroups."""

from pathlib import Path

import pytest

from stackproof.engine.machine_commands import run_here
from stackproof.facts.container import CgroupVersion, Usage
from stackproof.probes.containers import cgroup
from stackproof.shell import Line, container_id
from stackproof.sizes import Bytes

MIB = 2**20
MACHINE = Bytes(1024 * MIB)
API, WEB = "a1" * 32, "b2" * 32
MEMORY_STAT = {
    "1": f"cache 9\ninactive_file 7\ntotal_cache 9\ntotal_inactive_file {2 * MIB}\n",
    "2": f"anon 9\nfile 9\ninactive_file {2 * MIB}\nactive_file 9\n",
}
CPU_STAT = {
    "1": "nr_periods 688\nnr_throttled 12\nthrottled_time 5\n",
    "2": "usage_usec 4\nnr_periods 688\nnr_throttled 12\nthrottled_usec 5\n",
}
OOM = {
    "1": ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
    "2": ("memory.events", "low 0\nhigh 0\nmax 7\noom 4\noom_kill 3\noom_group_kill 0\n"),
}
CONTROLLERS = {"1": ("memory", "cpu", "pids"), "2": ("", "", "")}
LIMIT_AND_USAGE = {
    "1": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    "2": ("memory.max", "memory.current"),
}
LIMITED = Usage(
    memory_limit=Bytes(512 * MIB),
    memory_used=Bytes(38 * MIB),
    cpu_periods=688,
    cpu_throttled_periods=12,
    oom_kills=3,
    pids=7,
    pids_limit=100,
    stopped=(),
)


def _write(root: Path, version: CgroupVersion, directory: str, limit: str, below: str = "") -> None:
    """Write the cgroup of a container, and a process that is in it, or below it."""
    memory, cpu, pids = (root / each / directory for each in CONTROLLERS[version])
    listed = {
        "1": f"9:name=systemd:/{directory}{below}\n4:memory:/{directory}{below}\n"
        f"3:pids:/{directory}{below}\n"
        f"2:cpu,cpuacct:/{directory}{below}\n0::/{directory}{below}\n",
        "2": f"0::/{directory}{below}\n",
    }[version]
    _process(root, listed)
    for folder in (memory, cpu, pids):
        folder.mkdir(parents=True, exist_ok=True)
    for name, figure in zip(LIMIT_AND_USAGE[version], (limit, 40 * MIB), strict=True):
        (memory / name).write_text(f"{figure}\n")
    (memory / "memory.stat").write_text(MEMORY_STAT[version])
    name, counts = OOM[version]
    (memory / name).write_text(counts)
    (cpu / "cpu.stat").write_text(CPU_STAT[version])
    (pids / "pids.current").write_text("7\n")
    (pids / "pids.max").write_text("100\n")


def _process(root: Path, cgroups: str) -> None:
    process = root / "proc" / str(1 + len(list(root.glob("proc/*"))))
    process.mkdir(parents=True)
    (process / "cgroup").write_text(cgroups)


def _look(root: Path, version: CgroupVersion) -> dict[str, Usage]:
    return cgroup.parse(version, _printed(root, version, API, WEB), MACHINE)


def _printed(root: Path, version: CgroupVersion, *containers: str) -> str:
    line = cgroup.command(version, map(container_id, containers))
    # Each test has a file tree of its own.
    line = Line(line.replace("/proc/[", f"{root}/proc/[").replace("/sys/fs/cgroup", str(root)))
    return run_here(line)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    "directory",
    [
        "docker/{}",
        "system.slice/docker-{}.scope",
        "libpod_parent/libpod-{}",
        "machine.slice/libpod-{}.scope",
        "user.slice/user-1000.slice/user@1000.service/user.slice/docker-{}.scope",
        "user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{}.scope",
        "shop.slice/shop-prod.slice/docker-{}.scope",
        r"a\\x2db.slice/it's/{}",
        "docker/" + "cd" * 32 + "/docker/{}",  # an engine in a container
    ],
)
def test_both_versions_with_every_layout(
    version: CgroupVersion, directory: str, tmp_path: Path
) -> None:
    unlimited = {"1": "9223372036854771712", "2": "max"}[version]
    _write(tmp_path, version, directory.format(API), str(512 * MIB))
    _write(tmp_path, version, directory.format(WEB), unlimited)
    assert _look(tmp_path, version) == {
        API: LIMITED,
        WEB: LIMITED.model_copy(update={"memory_limit": MACHINE}),
    }


@pytest.mark.parametrize("version", ["1", "2"])
def test_processes_below_the_cgroup_of_the_container(
    version: CgroupVersion, tmp_path: Path
) -> None:
    """crun, and systemd in a container, make further cgroups there."""
    _write(tmp_path, version, f"machine.slice/libpod-{API}.scope", str(512 * MIB), "/container")
    _write(tmp_path, version, f"docker/{WEB}", str(512 * MIB), "/init.scope")
    assert _look(tmp_path, version) == {API: LIMITED, WEB: LIMITED}


def test_the_monitor_of_a_container_is_not_the_container(tmp_path: Path) -> None:
    _write(tmp_path, "2", f"machine.slice/libpod-conmon-{API}.scope", "max")
    assert _look(tmp_path, "2") == {}


def test_a_container_without_a_cgroup_of_its_own(tmp_path: Path) -> None:
    """As of a rootless engine on version 1."""
    _process(tmp_path, "4:memory:/user.slice/user-1000.slice\n2:cpu:/user.slice\n")
    assert _look(tmp_path, "1") == {}


def test_only_the_requested_containers(tmp_path: Path) -> None:
    _write(tmp_path, "2", f"docker/{API}", str(512 * MIB))
    _write(tmp_path, "2", "docker/" + "cd" * 32, str(512 * MIB))
    assert _look(tmp_path, "2") == {API: LIMITED}


def test_without_the_cpu_controller_no_periods_are_counted(tmp_path: Path) -> None:
    _write(tmp_path, "1", f"docker/{API}", str(512 * MIB))
    (tmp_path / "cpu/docker" / API / "cpu.stat").unlink()
    assert _look(tmp_path, "1")[API].cpu_periods == 0


def _status(root: Path, number: int, state: str, parent: int, *numbers: int) -> None:
    """Write the status of a process: its number here, its parent, and its number in each level."""
    process = root / "proc" / str(number)
    process.mkdir(parents=True, exist_ok=True)
    text = (
        f"Name:\tserver\nUmask:\t0022\nState:\t{state} (of it)\nTgid:\t{number}\nPid:\t{number}\n"
    )
    (process / "status").write_text(
        f"{text}PPid:\t{parent}\nNSpid:\t{chr(9).join(map(str, (number, *numbers)))}\n"
    )


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    ("processes", "stopped"),
    [
        # By number: its state, its parent, and its number in the container.
        ({501: ("S", 40, 1)}, ()),
        ({501: ("T", 40, 1)}, ("server (PID 1) stopped by a signal",)),
        ({501: ("Z", 40, 1)}, ("server (PID 1) dead",)),
        ({501: ("t", 40, 1)}, ()),  # traced by a debugger
        ({501: ("S", 40, 1), 502: ("T", 501, 7)}, ("server (PID 7) stopped by a signal",)),
        ({501: ("S", 40, 1), 502: ("Z", 501, 7)}, ()),
        # Of `docker exec`: its parent is outside.
        ({501: ("S", 40, 1), 502: ("T", 40, 7)}, ()),
        ({501: ("S", 40, 1), 502: ("T", 503, 7), 503: ("S", 40, 8)}, ()),
    ],
)
def test_stopped_processes(
    version: CgroupVersion,
    processes: dict[int, tuple[str, int, int]],
    stopped: tuple[str, ...],
    tmp_path: Path,
) -> None:
    _write(tmp_path, version, f"docker/{API}", str(512 * MIB))
    _write(tmp_path, version, f"docker/{WEB}", str(512 * MIB))
    _status(tmp_path, 40, "S", 1)
    own = (tmp_path / "proc/1/cgroup").read_text()
    for number, (state, parent, inside) in processes.items():
        _status(tmp_path, number, state, parent, inside)
        (tmp_path / f"proc/{number}/cgroup").write_text(own)
    found = _look(tmp_path, version)
    assert found[WEB].stopped == ()
    assert tuple(map(str, found[API].stopped or ())) == stopped


def test_a_stopped_process_of_the_machine_is_nobodys(tmp_path: Path) -> None:
    _write(tmp_path, "2", f"docker/{API}", str(512 * MIB))
    _status(tmp_path, 601, "T", 40)
    (tmp_path / "proc/601/cgroup").write_text("0::/user.slice\n")
    assert _look(tmp_path, "2")[API].stopped == ()


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_kernel_that_does_not_count_kills(version: CgroupVersion, tmp_path: Path) -> None:
    _write(tmp_path, version, f"docker/{API}", str(512 * MIB))
    next(tmp_path.rglob(OOM[version][0])).unlink()
    assert _look(tmp_path, version)[API].oom_kills is None


@pytest.mark.parametrize("version", ["1", "2"])
def test_figures_that_were_cut_off_are_none(version: CgroupVersion, tmp_path: Path) -> None:
    _write(tmp_path, version, f"docker/{API}", str(512 * MIB))
    whole = _printed(tmp_path, version, API)
    parsed = [cgroup.parse(version, whole[:end], MACHINE).get(API) for end in range(len(whole) + 1)]
    without_pids = LIMITED.model_copy(update={"pids": None, "pids_limit": None})
    found = [each for each in parsed if each]
    assert [each for each in found if each.pids is not None] == [LIMITED]
    assert parsed[-1] == LIMITED
    assert {each.memory_limit for each in found} == {without_pids.memory_limit}


@pytest.mark.parametrize("version", ["1", "2"])
def test_no_limit_of_processes(version: CgroupVersion, tmp_path: Path) -> None:
    _write(tmp_path, version, f"docker/{API}", str(512 * MIB))
    next(tmp_path.rglob("pids.max")).write_text("max\n")
    found = _look(tmp_path, version)[API]
    assert (found.pids, found.pids_limit) == (7, None)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("lost", ["pids.current", "pids.max"])
def test_without_the_controller_no_processes_are_counted(
    version: CgroupVersion, lost: str, tmp_path: Path
) -> None:
    _write(tmp_path, version, f"docker/{API}", str(512 * MIB))
    next(tmp_path.rglob(lost)).unlink()
    assert _look(tmp_path, version)[API].pids is None


def test_no_files(tmp_path: Path) -> None:
    assert _look(tmp_path / "none", "2") == {}
