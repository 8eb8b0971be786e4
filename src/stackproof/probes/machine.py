"""The engine and the machine that it runs on, as the engine describes them."""

import time

from stackproof.engine.answer import Answer
from stackproof.engine.connection import Connection
from stackproof.facts.machine import Limit, Machine
from stackproof.probes.declaration import ENVIRONMENT, Target, probe
from stackproof.probes.engine_session import connection

_ENFORCES: dict[str, Limit] = {
    "MemoryLimit": "memory",
    "CpuCfsPeriod": "CPU",
    "CpuCfsQuota": "CPU",
    "PidsLimit": "process",
}
"""By flag of `/info`: the limit that the engine can enforce only if it is true."""


@probe("machine", of=ENVIRONMENT, needs=[connection])
def machine(_: Target, connection: Connection) -> Machine:
    """The engine and its machine."""
    requested = time.time()
    info = connection.call(lambda engine: engine.get("/info"))
    answered = time.time()
    # Engines before 20.10 do not report it, and know only version 1.
    version = info.text("CgroupVersion", default="1")
    if version != "1" and version != "2":
        raise info.at("CgroupVersion").unexpected()
    engine_time = info.moment("SystemTime").timestamp()
    is_podman = info.at("BuildahVersion").value is not None
    return Machine(
        engine_version=info.text("ServerVersion"),
        cpus=info.count("NCPU"),
        memory=info.size("MemTotal"),
        cgroup_version=version,
        name=info.text("Name"),
        data_directory=info.text("DockerRootDir"),
        clock_ahead_s=round(engine_time - (requested + answered) / 2, 3),
        clock_uncertain_s=round((answered - requested) / 2, 3),
        log_driver=info.text("LoggingDriver", default=""),
        # Podman makes up another one for each request.
        id="" if is_podman else info.text("ID", default=""),
        product="Podman" if is_podman else "Docker",
        rootless=_is_rootless(info),
        not_enforced=tuple(
            dict.fromkeys(
                limit for name, limit in _ENFORCES.items() if not info.flag(name, default=True)
            )
        ),
    )


def _is_rootless(info: Answer) -> bool:
    options = [option.text() for option in info.each("SecurityOptions")]
    named = any("name=rootless" in option.split(",") for option in options)
    return named or info.flag("Rootless", default=False)
