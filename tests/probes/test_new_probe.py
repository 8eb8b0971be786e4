"""A new probe is one file: the snapshot gets its field, and its facts are written and read."""

import subprocess
import sys
from pathlib import Path

PROBE = '''
"""How long services have been up."""

from stackproof.probes.declaration import SERVICE, Target, probe


@probe("uptimes", of=SERVICE)
def uptime(target: Target) -> float:
    """The uptime of a service, in seconds."""
    if target.name == "web":
        raise RuntimeError("planted")
    return 7.5
'''
RUN = """
import sys
from pathlib import Path
from stackproof import probes
from stackproof.files import model_file
probes.__path__.append(sys.argv[1])
from stackproof.environment.model import Environment
from stackproof.probes.declaration import PROBES, Need
from stackproof.probes.gather import gather
from stackproof.probes.snapshot import read
from stackproof.unobserved import Unobserved

uptime = PROBES["uptime"]
shop = Environment.model_validate({"name": "shop", "services": {"api": {}, "web": {}}})
gathered = gather(shop, [Need(uptime, "api"), Need(uptime, "web")], "a run")
path = Path(sys.argv[1], "facts.json")
model_file.write(gathered, path)
facts = read(path)
assert facts == gathered
assert uptime.observed(facts, "api") == 7.5
assert facts.uptimes["web"] == Unobserved(reason="RuntimeError: planted"), facts.uptimes
"""


def test_new_probe(tmp_path: Path) -> None:
    (tmp_path / "uptime.py").write_text(PROBE)
    ran = subprocess.run(
        [sys.executable, "-c", RUN, tmp_path],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_run_without_need_of_them_loads_no_large_library() -> None:
    loaded = "import sys\nfrom stackproof.probes import gather, snapshot\nprint(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert "stackproof.probes.http.tls" in modules
    assert not {"httpx", "httpcore", "docker", "cryptography"} & set(modules)
