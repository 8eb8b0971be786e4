"""Limits that someone changed on a running container, and limits that are nearly reached."""

from lab.faults.fault import Fault, checks, health_is

FAULTS = (
    Fault(
        "memory-limit-changed",
        "someone ran docker update by hand",
        inject="docker update --memory 256m --memory-swap 256m vpn-redis",
        heal="docker update --memory 512m --memory-swap 512m vpn-redis",
        red=checks("resources.memory_limit[redis]", "resources.effective_memory[redis]"),
        says="redis memory limit: expected 512 MiB, observed 256 MiB",
    ),
    Fault(
        "memory-limit-removed",
        "a compose file lost the limit: a container may take all of the machine's memory",
        inject="echo 'services: {redis: {mem_limit: 0, memswap_limit: 0}}' > out/override.yaml\n"
        "compose --file out/override.yaml up --detach --no-deps --wait redis",
        heal="rm out/override.yaml",
        red=checks(
            "resources.memory_limit[redis]",
            "resources.effective_memory[redis]",
            "identity.origin[redis]",
        ),
        says="redis memory limit: expected 512 MiB, observed none",
    ),
    Fault(
        "memory-limit-changed-in-kernel",
        "the limit in force is not the one that the engine has on record",
        inject="id=$(docker inspect -f {{.Id}} vpn-redis)\n"
        'file=$(find /sys/fs/cgroup -path "*$id*" '
        r"\( -name memory.limit_in_bytes -o -name memory.max \) | head -n 1)"
        '\necho 268435456 > "$file"',
        heal="docker update --memory 512m --memory-swap 512m vpn-redis",
        red=checks("resources.effective_memory[redis]"),
        says="redis effective memory limit: expected 512 MiB, observed 256 MiB",
    ),
    Fault(
        "cpu-limit-changed",
        "someone ran docker update by hand",
        inject="docker update --cpus 0.5 vpn-redis",
        heal="docker update --cpus 1 vpn-redis",
        red=checks("resources.cpu_limit[redis]"),
        says="redis CPU limit: expected 1, observed 0.5",
    ),
    Fault(
        "cpu-limit-removed",
        "a container may take all of the machine's CPUs",
        inject="docker update --cpu-quota -1 vpn-python-api",
        heal="docker update --cpu-quota 400000 vpn-python-api",
        red=checks("resources.cpu_limit[python-api]"),
        says="python-api CPU limit: expected 4, observed none",
    ),
    Fault(
        "memory-nearly-used-up",
        "a leak has taken nearly all that a container may use",
        inject="docker exec --detach vpn-redis python3 -c "
        "\"import time; held = b'x' * (475 << 20); time.sleep(600)\"",
        until="docker exec vpn-redis ps -C python3 -o rss= | awk '$1 > 475 * 1024 {full = 1} "
        "END {exit !full}'",
        heal="docker exec vpn-redis pkill python3",
        red=checks("resources.memory_free[redis]"),
        says="redis memory in use: expected under 90% of 512 MiB, observed",
    ),
    Fault(
        "processes-nearly-used-up",
        "a service starts threads without end, and has nearly as many as it may",
        inject="docker update --pids-limit 300 vpn-redis\n"
        "docker exec --detach vpn-redis python3 -c 'import threading, time\n"
        "for _ in range(275): threading.Thread(target=time.sleep, args=(600,)).start()'",
        until="docker exec vpn-redis ps -C python3 -o nlwp= | grep -q 276",
        heal="docker exec vpn-redis pkill python3\ndocker update --pids-limit -1 vpn-redis",
        red=checks("resources.pids_limit[redis]", "resources.pids_free[redis]"),
        says="redis processes and threads: expected under 90% of 300, observed ",
    ),
    Fault(
        "files-nearly-used-up",
        "a process leaks files, and has nearly as many open as it may",
        inject='docker exec --detach vpn-redis sh -c "ulimit -n 256; exec python3 -c '
        '\'import time; held = [open(\\"/dev/null\\") for _ in range(240)]; time.sleep(600)\'"',
        until="docker exec vpn-redis sh -c 'ls /proc/[0-9]*/fd/242'",
        heal="docker exec vpn-redis pkill python3",
        red=checks("resources.files_free[redis]"),
        says="redis open files: expected under 90% of 256, observed 243 (95%) of python3",
    ),
    Fault(
        "cpu-throttled",
        "a container was held back by its CPU limit again and again",
        # Held back far below its limit, so that it shows on a busy machine too; the counts stay
        # when the limit is back, and start again when the container does.
        inject="docker restart vpn-redis\n"
        "docker update --cpus 0.1 vpn-redis\n"
        "docker exec vpn-redis timeout 6 sh -c 'while :; do :; done' || true\n"
        "docker update --cpus 1 vpn-redis",
        # Its health check may have been held back as well: until the engine has forgotten that.
        until=health_is("vpn-redis", "healthy") + " && docker inspect -f "
        "'{{range .State.Health.Log}}{{.ExitCode}}{{end}}' vpn-redis | grep -qx '0*'",
        heal="docker restart vpn-redis",
        red=checks("resources.cpu_throttled[redis]"),
        says="redis CPU throttled: expected in under 25% of its busy periods, observed",
    ),
)
