"""memcached that hangs, has no connections left, or is too small."""

from lab.faults.fault import Fault, checks

_RESET = "flush_all noreply\\r\\nstats reset\\r\\nquit\\r\\n"
_TO_MEMCACHED = "/dev/tcp/127.0.0.1/11211"


def _bash(script: str, *options: str) -> str:
    return f"docker exec {' '.join(options)} kinds-memcached bash -c '{script}'"


FAULTS = (
    Fault(
        "memcached-hung",
        "memcached hangs: its port is open, and nothing is answered",
        inject="docker kill --signal=STOP kinds-memcached",
        heal="docker kill --signal=CONT kinds-memcached",
        red=checks("memcached.stats[memcached]",
                   "containers.processes[memcached]"),
        unknown=("memcached.*[memcached]",),
        says="memcached stats: expected its statistics, observed no answer in time",
        shape="kinds",
    ),
    Fault(
        "memcached-connections-leak",
        "a service opens a connection for each request and does not close it",
        inject=_bash(f"for each in {{1..85}}; do exec {{kept}}<>{_TO_MEMCACHED}; done; "
                     "exec -a leak sleep 600", "--detach"),
        until=_bash("pgrep -f ^leak"),
        heal=_bash("pkill -f ^leak"),
        red=checks("memcached.connections_free[memcached]"),
        says="memcached connections in use: expected under 80% of 100, observed",
        shape="kinds",
    ),
    Fault(
        "memcached-too-small",
        "more is cached than fits: items are evicted before anyone reads them",
        inject=_bash('for each in {1..60}; do printf "set $each 0 0 900000 noreply\\r\\n"; '
                     f'head -c 900000 /dev/zero; printf "\\r\\n"; done > {_TO_MEMCACHED}'),
        heal=_bash(f'printf "{_RESET}" > {_TO_MEMCACHED}'),
        red=checks("memcached.evicted[memcached]"),
        says="memcached evicted items: expected at most 50% of all 60, observed",
        shape="kinds",
    ),
)  # fmt: skip
