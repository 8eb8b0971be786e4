"""Runs deploys through `scripts/gated-deploy` while something impairs the gates.

    python -m tests.ci.gated_deploys --deploys=200 --seed=1

Each deploy has its own fake engine, web server and DNS server. Its number seeds a random choice of
the release and the impairment. The output is one line per deploy, the totals, and what must never
happen: a good release that is rolled back, exit code 0 for a bad one, exit code 1 without a verdict
of no-go, a deploy that hangs.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.ci.gated_deploys.deploy import figures
from tests.ci.gated_deploys.run import run_all


def main() -> int:
    """Run the deploys. Return 1 if anything happened that must never happen."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deploys", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="the number of the first deploy")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep everything that was written here")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="gated-deploys-"))
    done = run_all(range(given.seed, given.seed + given.deploys), given.at_once, folder)
    for line in figures(done):
        print(line)
    violated = any(list(deploy.violations) for deploy in done)
    if not (violated or given.folder):
        shutil.rmtree(folder)
    return int(violated)


if __name__ == "__main__":
    sys.exit(main())
