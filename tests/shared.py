"""Where inputs from outside the project lie, on a machine that has them: `$TILLPOST_SHARED`."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("TILLPOST_SHARED") or Path(__file__).parents[2] / "shared")
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="inputs from outside are not here")
"""For tests over others' corpora and vectors, which are too large or not ours to keep here."""
