"""`python -m reference_gateway`."""

from __future__ import annotations

import sys

from reference_gateway.edge.commands import main

sys.exit(main())
