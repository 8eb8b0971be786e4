"""A development that is not as declared: its ports, its code, its programs, its surroundings."""

from lab.faults.fault import Fault, checks, health_is

_FILE = "out/checkout/infrastructure/docker/docker-compose.dev.yml"
_CODE = "out/checkout/services"
_LABEL = "com.docker.compose.project=stackproof-lab-dev"


def _edited(
    name: str,
    sentence: str,
    services: str,
    *scripts: str,
    red: frozenset[str],
    says: str,
    unknown: tuple[str, ...] = (),
) -> Fault:
    """A fault of services whose lines in the compose file of the checkout were edited."""
    edits = " ".join(f"-e '{script}'" for script in scripts)
    return Fault(
        name,
        sentence,
        inject=f"sed -i {edits} {_FILE}\ncompose up --detach --wait --no-deps {services}",
        red=red,
        says=says,
        unknown=unknown,
        shape="dev",
    )


FAULTS = (
    Fault(
        "dev-container-removed",
        "someone removed a container of development",
        inject="docker rm --force vpn-ollama-dev",
        red=checks("containers.exists[ollama-dev]", "containers.running[ollama-dev]",
                   "containers.healthy[ollama-dev]", "health.answers[ollama-dev]",
                   "routes.status[ollama, ollama-version]"),
        unknown=("*[ollama-dev]", "routes.*[ollama]"),
        says="ollama-dev exists: expected a container vpn-ollama-dev, observed none",
        shape="dev",
    ),
    Fault(
        "dev-container-stopped",
        "a developer stopped a container to run the program by hand, and forgot it",
        inject="docker stop vpn-api-dev",
        heal="docker start vpn-api-dev",
        red=checks("containers.running[api-dev]", "containers.healthy[api-dev]",
                   "health.answers[api-dev]", "routes.status[api]"),
        unknown=("network.*[api-dev]", "health.*[api-dev]"),
        says="api-dev running: expected running, observed exited with code",
        shape="dev",
    ),
    Fault(
        "dev-crash-looping",
        "a file was saved that does not parse, and is live at once",
        inject=f"echo '(' >> {_CODE}/api/server.js\ndocker exec vpn-api-dev kill -TERM 1",
        # The engine doubles its pause between restarts: after six, it lasts long enough to look.
        until="[ $(docker inspect -f {{.RestartCount}} vpn-api-dev) -ge 6 ] && "
        "[ $(docker inspect -f {{.State.Status}} vpn-api-dev) = restarting ]",
        red=checks("containers.running[api-dev]", "containers.healthy[api-dev]",
                   "containers.restarts[api-dev]", "health.answers[api-dev]",
                   "routes.status[api]"),
        unknown=("network.*[api-dev]", "health.*[api-dev]"),
        says="api-dev running: expected running, observed restarting",
        shape="dev",
    ),
    _edited(
        "dev-port-other", "a port was changed because another program had taken it", "api-dev",
        "s/5000:5000/5010:5000/",
        red=checks("network.published[api-dev]", "routes.status[api]"),
        says="api-dev published ports: expected 5000, observed 5010",
    ),
    _edited(
        "dev-port-on-loopback", "a port is open on the server itself alone", "api-dev",
        "s/5000:5000/127.0.0.1:5000:5000/",
        red=checks("network.published[api-dev]"),
        says="api-dev published ports: expected 5000, observed 127.0.0.1:5000",
    ),
    _edited(
        "dev-port-leads-nowhere", "a published port leads to one that nothing listens on",
        "redis-dev", "s/6379:6379/6379:6380/",
        red=checks("network.forwarded[redis-dev]"),
        says="redis-dev published ports: expected to lead to 6379, observed 6379 to 6380",
    ),
    _edited(
        "dev-port-left-open", "a port was opened to look for an error, and left open", "redis-dev",
        's/"6379:6379"/"6379:6379", "16379:6379"/',
        red=checks("network.published[redis-dev]"),
        says="redis-dev published ports: expected 6379, observed 16379, 6379",
    ),
    Fault(
        "dev-ports-swapped",
        "two services publish each other's port, and both answer 200",
        inject=f"sed -i -e 's/3000:3000/8080:3000/' -e 's/8080:8080/3000:8080/' {_FILE}\n"
        # Each port must be free before the other service can take it.
        "docker rm --force vpn-web-dev vpn-nexusai-dev\n"
        "compose up --detach --wait --no-deps web-dev nexusai-dev",
        red=checks("network.published[web-dev, nexusai-dev]"),
        says="web-dev published ports: expected 3000, observed 8080",
        shape="dev",
    ),
    _edited(
        "dev-program-other", "a copied line: n8n's container runs another program on n8n's port",
        "n8n-dev",
        "/n8n-dev:/,/image:/ s#image: .*#image: stackproof-lab/nexusai:1\\n"
        '    command: [nexusai, "5678"]#',
        "s#5678/healthz#5678/health#",
        red=checks("routes.identity[n8n]", "routes.status[n8n-health]", "health.answers[n8n-dev]",
                   "health.says[n8n-dev]"),
        unknown=("routes.*[n8n-health]",),
        says="n8n answered by n8n-dev: expected n8n, observed <!doctype html>",
    ),
    _edited(
        "dev-code-mount-lost", "a container runs the code of its image, which is never edited",
        "web-dev", "/standin:/d",
        red=checks("configuration.code_mounted[web-dev]"),
        says="web-dev code: expected mounted from the host, observed from its image",
    ),
    Fault(
        "dev-listens-on-loopback",
        "an edit has a program listen inside its container alone; its health check passes",
        inject=f"sed -i s/0[.]0[.]0[.]0/127.0.0.1/ {_CODE}/api/server.js\n"
        "docker restart vpn-api-dev",
        until=health_is("vpn-api-dev", "healthy"),
        red=checks("health.answers[api-dev]", "routes.status[api]"),
        unknown=("health.*[api-dev]",),
        says="api-dev /health status: expected 200, observed connection refused",
        shape="dev",
    ),
    Fault(
        "dev-service-ill",
        "a service answers 200, and that it is degraded",
        inject=f"sed -i s/ok/degraded/ {_CODE}/python-api/main.py\n"
        "docker restart vpn-python-api-dev",
        until=health_is("vpn-python-api-dev", "healthy"),
        red=checks("health.says[python-api-dev]"),
        says="python-api-dev /health says: expected status: ok, observed status: degraded",
        shape="dev",
    ),
    Fault(
        "dev-redis-hung",
        "Redis hangs: its port is open, and no command is answered",
        inject="docker exec vpn-redis-dev redis-cli client pause 600000",
        until=health_is("vpn-redis-dev", "unhealthy"),
        heal="docker restart vpn-redis-dev",
        red=checks("datastores.ping[redis-dev]", "containers.healthy[redis-dev]"),
        unknown=("datastores.*[redis-dev]",),
        says="redis-dev PING: expected PONG, observed no answer in time",
        shape="dev",
    ),
    _edited(
        "dev-secret-in-variable", "a developer's own key was left in the compose file",
        "nexusai-dev", "s/command: .nexusai/environment: {OPENAI_API_KEY: 6f0e1b7c2a}\\n    &/",
        red=checks("configuration.secret_variables[nexusai-dev]"),
        says="nexusai-dev secrets in its environment: expected none, observed OPENAI_API_KEY",
    ),
    Fault(
        "dev-made-otherwise",
        "a container was made with a second compose file of a developer's own",
        inject="echo 'services: {ollama-dev: {labels: {made: otherwise}}}' > out/own.yaml\n"
        "compose --file out/own.yaml up --detach --wait --no-deps ollama-dev\nrm out/own.yaml",
        red=checks("identity.origin[ollama-dev]"),
        says="ollama-dev origin: expected infrastructure/docker/docker-compose.dev.yml, observed",
        shape="dev",
    ),
    Fault(
        "dev-image-stale",
        "an image was rebuilt, but its container was not recreated",
        inject="docker tag stackproof-lab/web:1 stackproof-lab/ollama:1",
        heal="docker tag $(docker inspect -f {{.Image}} vpn-ollama-dev) stackproof-lab/ollama:1",
        red=checks("identity.stale[ollama-dev]"),
        says="ollama-dev image in use: expected sha256:",
        shape="dev",
    ),
    Fault(
        "dev-production-beside",
        "a container of production was started beside development",
        inject=f"docker run --detach --network=none --name=vpn-postgres --label={_LABEL} "
        "stackproof-lab/base:1 sleep infinity",
        heal="docker rm --force vpn-postgres",
        red=checks("identity.undeclared[dev]"),
        says="dev undeclared containers: expected none, observed vpn-postgres",
        shape="dev",
    ),
)  # fmt: skip
