"""Containers made by hand, from another file, of another image, or with other settings."""

from lab.faults.fault import Fault, checks

_MAKE = "compose --file out/override.yaml up --detach --no-deps"
_OLLAMA_ANSWERS = (
    "curl -s http://$(docker inspect -f "
    "'{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' vpn-ollama):11434/api/version "
    "| grep -q version"
)
_LABEL = "com.docker.compose.project=stackproof-lab"


def _override(settings: str) -> str:
    """Shell line: a second compose file, with other settings of one service."""
    return f"echo 'services: {{{settings}}}' > out/override.yaml\n"


def _remade(
    name: str, sentence: str, settings: str, *red: str, says: str, unknown: tuple[str, ...] = ()
) -> Fault:
    """Return a fault that recreates one service with a second compose file."""
    service = settings.partition(":")[0]
    return Fault(
        name,
        sentence,
        inject=f"{_override(settings)}{_MAKE} --wait {service}",
        heal="rm out/override.yaml",
        red=checks(f"identity.origin[{service}]", *red),
        unknown=unknown,
        says=says,
    )


FAULTS = (
    Fault(
        "health-check-never-ran",
        "a health check whose interval is so long that it has not run yet",
        inject=_override("ollama: {healthcheck: {interval: 1h}}") + f"{_MAKE} ollama",
        until=_OLLAMA_ANSWERS,
        heal="rm out/override.yaml",
        red=checks("containers.health_check[ollama]", "containers.healthy[ollama]",
                   "identity.origin[ollama]"),
        says="ollama health check: expected one that runs, observed one that never ran",
    ),
    Fault(
        "health-check-lost",
        "a compose file lost a health check",
        inject=_override("ollama: {healthcheck: {disable: true}}") + f"{_MAKE} ollama",
        until=_OLLAMA_ANSWERS,
        heal="rm out/override.yaml",
        red=checks("containers.health_check[ollama]", "containers.healthy[ollama]",
                   "identity.origin[ollama]"),
        says="ollama health check: expected one that runs, observed none",
    ),
    _remade(
        "health-check-cannot-fail",
        "a health check that failed was silenced: it can only succeed",
        'ollama: {healthcheck: {test: "curl -fsS http://127.0.0.1:11434/nothing || exit 0"}}',
        "containers.health_check[ollama]",
        says="ollama health check: expected one that can fail, "
        "observed one whose exit code is always 0: curl -fsS",
    ),
    Fault(
        "restart-policy-changed",
        "someone ran docker update by hand: the next crash is the last",
        inject="docker update --restart=no vpn-ollama",
        heal="docker update --restart=unless-stopped vpn-ollama",
        red=checks("containers.restart_policy[ollama]"),
        says="ollama restart policy: expected unless-stopped, observed no",
    ),
    Fault(
        "instance-left-over",
        "a deploy scaled a service up, and left the second instance behind",
        inject=f"docker run --detach --network=none --name=vpn-ollama-2 --label={_LABEL} "
        "--label=com.docker.compose.service=ollama stackproof-lab/ollama:1 sleep infinity",
        heal="docker rm --force vpn-ollama-2",
        red=checks("identity.instances[ollama]", "identity.undeclared[lab]"),
        says="ollama instances: expected vpn-ollama alone, observed also vpn-ollama-2",
    ),
    Fault(
        "instance-of-another-name",
        "a second instance that only its labels give away",
        inject=f"docker run --detach --network=none --name=stackproof-lab-ollama-1 "
        f"--label={_LABEL} --label=com.docker.compose.service=ollama "
        "stackproof-lab/ollama:1 sleep infinity",
        heal="docker rm --force stackproof-lab-ollama-1",
        red=checks("identity.instances[ollama]"),
        says="ollama instances: expected vpn-ollama alone, observed also stackproof-lab-ollama-1",
    ),
    Fault(
        "container-undeclared",
        "someone started a container of their own beside the stack",
        inject=f"docker run --detach --network=none --name=vpn-debug --label={_LABEL} "
        "stackproof-lab/base:1 sleep infinity",
        heal="docker rm --force vpn-debug",
        red=checks("identity.undeclared[lab]"),
        says="lab undeclared containers: expected none, observed vpn-debug",
    ),
    Fault(
        "stranger-in-network",
        "a container of someone else was started in the network of the stack",
        inject="docker run --detach --network=stackproof-lab_default --name=debug-box "
        "stackproof-lab/base:1 sleep infinity",
        heal="docker rm --force debug-box",
        red=checks("network.strangers[lab]"),
        says="lab containers in its networks: expected only those of declared services, "
        "observed debug-box in stackproof-lab_default",
    ),
    Fault(
        "stranger-at-an-address",
        "a container of someone else shares the network of one of the stack",
        inject="docker run --detach --network=container:vpn-web --name=debug-box "
        "stackproof-lab/base:1 sleep infinity",
        heal="docker rm --force debug-box",
        red=checks("network.strangers[lab]"),
        says="lab containers in its networks: expected only those of declared services, "
        "observed debug-box in stackproof-lab_default",
    ),
    Fault(
        "containers-swapped",
        "two containers were renamed, each to the name of the other",
        inject="docker rename vpn-n8n vpn-n8n-old; docker rename vpn-nexusai vpn-n8n; "
        "docker rename vpn-n8n-old vpn-nexusai",
        heal="docker rm --force vpn-n8n vpn-nexusai",
        red=checks("identity.service[n8n, nexusai]"),
        says="n8n container: expected vpn-n8n to be the one of n8n, "
        "observed vpn-n8n is the container of nexusai",
    ),
    _remade(
        "compose-file-other", "a container was made with a file that is not the declared one",
        "ollama: {labels: {made: otherwise}}",
        says="ollama origin: expected lab/compose.yaml of stackproof-lab, observed",
    ),
    Fault(
        "image-other",
        "a container runs another tag than the declared one",
        inject="docker tag stackproof-lab/ollama:1 stackproof-lab/ollama:2\n"
        + _override("ollama: {image: stackproof-lab/ollama:2}") + f"{_MAKE} --wait ollama",
        heal="rm out/override.yaml\ndocker rmi stackproof-lab/ollama:2",
        red=checks("identity.image[ollama]", "identity.origin[ollama]"),
        says="ollama image: expected stackproof-lab/ollama:1, observed stackproof-lab/ollama:2",
    ),
    Fault(
        "image-stale",
        "a tag moved on under a running container: pulled, and never recreated",
        inject="docker tag stackproof-lab/web:1 stackproof-lab/ollama:1",
        heal="docker tag $(docker inspect -f {{.Image}} vpn-ollama) stackproof-lab/ollama:1",
        red=checks("identity.stale[ollama]"),
        says="ollama image in use: expected sha256:",
    ),
    Fault(
        "container-privileged",
        "a container was given all rights on the host (made only: some engines refuse to start it)",
        inject=_override("ollama: {privileged: true}")
        + "compose --file out/override.yaml up --no-start --no-deps ollama",
        heal="rm out/override.yaml",
        red=checks("configuration.privileged[ollama]", "identity.origin[ollama]",
                   "containers.running[ollama]", "containers.healthy[ollama]",
                   "health.answers[ollama]"),
        unknown=("resources.*[ollama]", "network.*[ollama]", "health.*[ollama]"),
        says="ollama privileges: expected unprivileged, observed privileged",
    ),
    _remade(
        "engine-socket-mounted", "a container can command the engine",
        'ollama: {volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]}',
        "configuration.engine_socket[ollama]",
        says="ollama engine socket: expected not mounted, "
        "observed /var/run/docker.sock:/var/run/docker.sock",
    ),
    _remade(
        "host-processes", "a container sees the processes and the settings of the host",
        'ollama: {pid: host, volumes: ["/etc:/run/host/etc:ro"]}',
        "configuration.root_access[ollama]",
        says="ollama root access to the host: expected none, observed pid: host, volumes: /etc",
    ),
    _remade(
        "capability-added", "a container was given a capability that is as good as root",
        "ollama: {cap_add: [SYS_PTRACE]}", "configuration.root_access[ollama]",
        says="ollama root access to the host: expected none, observed cap_add: SYS_PTRACE",
    ),
    _remade(
        "host-network", "a container left the stack's network for the host's",
        "ollama: {network_mode: host}", "configuration.host_network[ollama]",
        "network.attached[ollama]", "network.closed[11434]",
        unknown=("health.*[ollama]",),
        says="ollama network mode: expected a network of its own, observed host",
    ),
    Fault(
        "network-second",
        "a container was joined to a second network, from which the stack is reached",
        inject=f"docker network create --subnet=172.29.77.0/24 --label={_LABEL} "
        "stackproof-lab-other\n"
        "docker network connect stackproof-lab-other vpn-ollama",
        heal="docker network disconnect --force stackproof-lab-other vpn-ollama\n"
        "docker network rm stackproof-lab-other",
        red=checks("network.subnet[lab]"),
        says="lab subnet: expected 172.20.0.0/16 alone, observed 172.",
    ),
    Fault(
        "network-left",
        "a container runs, and is in no network",
        inject="docker network disconnect stackproof-lab_default vpn-ollama",
        heal="docker rm --force vpn-ollama",
        red=checks("network.attached[ollama]"),
        unknown=("health.*[ollama]",),
        says="ollama address: expected one in 172.20.0.0/16, observed none",
    ),
    _remade(
        "database-published", "the database was published by accident",
        # Not at every address: a PostgreSQL of this machine itself may have the port of 127.0.0.1.
        'postgres: {ports: ["127.0.0.2:5432:5432"]}', "network.published[postgres]",
        "network.closed[5432]",
        says="5432 port of 127.0.0.2: expected closed, observed open",
    ),
    _remade(
        "log-driver-changed", "logs go to another driver",
        "ollama: {logging: {driver: local, options: {max-size: 10m}}}",
        "configuration.log_driver[ollama]",
        says="ollama log driver: expected json-file, observed local",
    ),
    _remade(
        "log-rotation-lost", "a log may grow until the disk is full",
        "ollama: {logging: {driver: json-file, options: {max-size: 1g}}}",
        "configuration.log_rotation[ollama]",
        says="ollama log max-size: expected 10 MiB, observed 1 GiB",
    ),
    _remade(
        "secret-file-lost", "a compose file lost a secret; the service still runs with what it has",
        "postgres: {secrets: !reset []}", "configuration.secret_files[postgres]",
        says="postgres secret files: expected /run/secrets/postgres_password, observed no",
    ),
    Fault(
        "secret-empty",
        "a deploy wrote an empty secret",
        inject="cp -p out/secrets/n8n_encryption_key out/secret.saved\n"
        ": > out/secrets/n8n_encryption_key",
        heal="cat out/secret.saved > out/secrets/n8n_encryption_key; rm out/secret.saved",
        red=checks("configuration.secret_files[n8n]"),
        says="n8n secret files: expected /run/secrets/n8n_encryption_key, "
        "observed /run/secrets/n8n_encryption_key is empty",
    ),
    Fault(
        "secret-replaced",
        "a new secret was written as a new file: the service keeps the old one",
        inject="cp -p out/secrets/n8n_encryption_key out/secret.saved\n"
        "mv out/secret.saved out/secrets/n8n_encryption_key",
        heal="docker rm --force vpn-n8n",
        red=checks("mounts.current[n8n]"),
        says="n8n mounts: expected what is on the host now, "
        "observed at /run/secrets/n8n_encryption_key one that was deleted",
    ),
    Fault(
        "secret-readable",
        "someone copied a secret by hand, and every account of the server can read it",
        inject="chmod 644 out/secrets/n8n_encryption_key",
        heal="chmod 600 out/secrets/n8n_encryption_key",
        red=checks("configuration.secret_permissions[n8n]"),
        says="n8n secret files on the host: expected not readable by everyone, "
        "observed n8n_encryption_key has mode 644",
    ),
    _remade(
        "secret-in-variable", "a secret was passed in an environment variable",
        "ollama: {environment: {OLLAMA_API_KEY: 6f0e1b7c2a}}",
        "configuration.secret_variables[ollama]",
        says="ollama secrets in its environment: expected none, observed OLLAMA_API_KEY",
    ),
    _remade(
        "secret-in-url", "a password hides in a variable of a harmless name",
        'ollama: {environment: {STORE: "postgres://app:6f0e1b7c2a@postgres/app"}}',
        "configuration.secret_variables[ollama]",
        says="ollama secrets in its environment: expected none, observed STORE",
    ),
    _remade(
        "code-mounted", "a container runs code that lies on the host",
        'ollama: {volumes: ["./services/standin:/srv:ro"]}', "configuration.live_code[ollama]",
        says="ollama mounts of the host: expected none, observed",
    ),
)  # fmt: skip
