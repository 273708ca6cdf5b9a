"""``python -m bourn`` is ``bourn``."""

import sys

from bourn.cli.main import main

sys.exit(main())
