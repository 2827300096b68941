"""`python -m cemaphore.reference [DOCS]`: write the generated reference into a checkout's docs folder."""

import sys
from pathlib import Path

from cemaphore.reference import write

write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
