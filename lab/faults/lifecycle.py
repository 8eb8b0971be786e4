"""Containers that are gone, down, ill, or dying over and over."""

from lab.faults.fault import Fault, checks, health_is

FAULTS = (
    Fault(
        "container-removed",
        "someone removed a container",
        inject="docker rm --force vpn-redis",
        red=checks("containers.exists[redis]", "containers.running[redis]",
                   "containers.healthy[redis]", "datastores.ping[redis]"),
        unknown=("*[redis]",),
        says="redis exists: expected a container vpn-redis, observed none",
    ),
    Fault(
        "container-stopped",
        "someone stopped a container and forgot it",
        inject="docker stop vpn-ollama",
        heal="docker start vpn-ollama",
        red=checks("containers.running[ollama]", "containers.healthy[ollama]",
                   "health.answers[ollama]"),
        unknown=("resources.*[ollama]", "network.*[ollama]", "health.*[ollama]"),
        says="ollama running: expected running, observed exited with code",
    ),
    Fault(
        "container-paused",
        "a container was frozen, as a backup does, and not thawed",
        inject="docker pause vpn-ollama",
        heal="docker unpause vpn-ollama",
        red=checks("containers.running[ollama]", "containers.healthy[ollama]",
                   "health.answers[ollama]"),
        unknown=("health.*[ollama]",),
        says="ollama running: expected running, observed paused",
    ),
    Fault(
        "container-unhealthy",
        "a container runs, and its health check fails",
        inject="docker exec vpn-ollama mv /usr/bin/curl /usr/bin/curl.away",
        until=health_is("vpn-ollama", "unhealthy"),
        heal="docker exec vpn-ollama mv /usr/bin/curl.away /usr/bin/curl",
        red=checks("containers.healthy[ollama]"),
        says="ollama health: expected healthy, observed unhealthy",
    ),
    Fault(
        "container-restarted",
        "a container crashed once, and is healthy again",
        inject="docker exec vpn-ollama kill -TERM 1",
        until="[ $(docker inspect -f {{.RestartCount}} vpn-ollama) = 1 ] && "
        + health_is("vpn-ollama", "healthy"),
        red=checks("containers.restarts[ollama]"),
        says="ollama restarts: expected at most 0, observed 1",
    ),
    Fault(
        "container-crash-looping",
        "a container dies at every start",
        inject="docker exec vpn-ollama mv /srv/server.py /srv/server.py.away\n"
        "docker exec vpn-ollama kill -TERM 1",
        # The engine doubles its pause between restarts: after six, it lasts long enough to look.
        until="[ $(docker inspect -f {{.RestartCount}} vpn-ollama) -ge 6 ] && "
        "[ $(docker inspect -f {{.State.Status}} vpn-ollama) = restarting ]",
        red=checks("containers.running[ollama]", "containers.healthy[ollama]",
                   "containers.restarts[ollama]", "health.answers[ollama]"),
        unknown=("resources.*[ollama]", "network.*[ollama]", "health.*[ollama]"),
        says="ollama running: expected running, observed restarting",
    ),
    Fault(
        "container-oom-killed",
        "the kernel killed a container for want of memory, and nothing restarted it",
        inject="docker update --restart=no vpn-redis\n"
        "docker exec vpn-redis redis-cli eval "
        "\"for i=1,3000 do redis.call('set', i, string.rep('x', 1024*1024)) end\" 0 || true",
        until="[ $(docker inspect -f {{.State.OOMKilled}} vpn-redis) = true ]",
        red=checks("containers.oom_killed[redis]", "containers.running[redis]",
                   "containers.healthy[redis]", "datastores.ping[redis]",
                   "containers.restart_policy[redis]"),
        unknown=("resources.*[redis]", "network.*[redis]", "datastores.*[redis]"),
        says="redis out of memory: expected no kill, "
        "observed the kernel killed a process in it",
    ),
)  # fmt: skip
