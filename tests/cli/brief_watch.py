"""`python -m stackproof`, where a watch observes only briefly before and after its command."""

import sys

from stackproof.cli import watch
from stackproof.cli.command_line import main

watch.BEFORE_SECONDS = watch.AFTER_SECONDS = 0.3

if __name__ == "__main__":
    sys.exit(main())
