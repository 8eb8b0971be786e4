"""`python -m stackproof`."""

import sys

from stackproof.cli.command_line import main

sys.exit(main())
