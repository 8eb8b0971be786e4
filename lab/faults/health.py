"""Services whose health check is content, and which do not serve."""

from lab.faults.fault import Fault, checks, health_is

_HEALTHY = health_is("vpn-ollama", "healthy")
_AFRESH = "docker rm --force vpn-ollama"


def _ollama(edit: str) -> str:
    """Shell lines that edit the program of ollama and start it again."""
    return f"docker exec vpn-ollama sed -i '{edit}' /srv/server.py\ndocker restart vpn-ollama"


FAULTS = (
    Fault(
        "health-flapping",
        "every other run of a health check fails, too few in a row for the engine to mind",
        inject="docker exec vpn-ollama mv /usr/bin/curl /usr/bin/curl.away\n"
        "printf '%s\\n' '#!/bin/sh' 'rm /tmp/odd 2>/dev/null && exec curl.away \"$@\"' "
        "'touch /tmp/odd' 'echo \"curl: (7) Failed to connect\"' 'exit 7' "
        "| docker exec -i vpn-ollama sh -c 'cat > /tmp/curl; chmod +x /tmp/curl; "
        "mv /tmp/curl /usr/bin/curl'",
        until="docker inspect -f '{{range .State.Health.Log}}{{.ExitCode}}{{end}}' vpn-ollama "
        "| grep -q '0.*7.*7'",
        heal=_AFRESH,
        red=checks("containers.flapping[ollama]"),
        says="ollama recent health: expected at most 1 failure, observed ",
    ),
    Fault(
        "service-listens-on-loopback",
        "a service lost the setting that has it listen to others; its own health check passes",
        inject=_ollama("s/0[.]0[.]0[.]0/127.0.0.1/"),
        until=_HEALTHY,
        heal=_AFRESH,
        red=checks("health.answers[ollama]"),
        unknown=("health.*[ollama]",),
        says="ollama /api/version status: expected 200, observed connection refused",
    ),
    Fault(
        "service-not-ready",
        "n8n runs and has no database: its health check passes, and no workflow does",
        inject="docker exec vpn-n8n touch /tmp/without-database",
        heal="docker exec vpn-n8n rm -f /tmp/without-database",
        red=checks("health.answers[n8n]", "health.says[n8n]"),
        says="n8n /healthz/readiness status: expected 200, observed 503",
    ),
    Fault(
        "service-says-it-is-ill",
        "a service answers 200, and that something is wrong",
        inject=_ollama('s/data(version="[0-9.]*")/data(error="no runner")/'),
        until=_HEALTHY,
        heal=_AFRESH,
        red=checks("health.says[ollama]"),
        says='ollama /api/version says: expected version, observed {"error": "no runner"}',
    ),
    Fault(
        "model-missing",
        "a volume was replaced: ollama runs without the model that the stack asks",
        inject=_ollama("s/llama3[.]2:latest/llama3.2:1b/"),
        until=_HEALTHY,
        heal=_AFRESH,
        red=checks("health.models[ollama]"),
        says="nomic-embed-text:latest, observed no llama3.2:latest",
    ),
)
