"""A shell line that has nginx load what lies on disk, and waits until it has."""

import shlex
import sys

RELOAD = (
    f"(cd .. && {shlex.quote(sys.executable)} "
    "-c 'from lab import nginx_config; nginx_config.reload()')"
)
