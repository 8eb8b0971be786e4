"""An engine that is not fit to run the stack: a relay alters what the real one says of itself."""

from lab.faults.fault import Fault, checks

_SOCKET = '"$PWD/out/engine.sock"'
_ANSWERS = f"docker --host unix://{_SOCKET} version"
_HEAL = "kill $(cat out/engine.pid); sed -i /^DOCKER_HOST=/d out/lab.env"


def _engine(alteration: str) -> str:
    return (
        f"nohup python3 altered_engine.py {_SOCKET} {alteration} "
        "< /dev/null > out/engine.log 2>&1 & echo $! > out/engine.pid\n"
        f"echo DOCKER_HOST=unix://{_SOCKET} >> out/lab.env"
    )


FAULTS = (
    Fault(
        "clock-skewed",
        "the server's clock is not synchronised, and has drifted",
        inject=_engine("clock 90"),
        until=_ANSWERS,
        heal=_HEAL,
        red=checks("host.clock[host]"),
        says="host clock: expected within 2 s of the one here, observed",
    ),
    Fault(
        "engine-too-old",
        "the server still runs an engine of an old distribution",
        inject=_engine("version 19.03.8"),
        until=_ANSWERS,
        heal=_HEAL,
        red=checks("host.engine_version[host]"),
        says="host engine version: expected at least 20.10, observed 19.03.8",
    ),
)
