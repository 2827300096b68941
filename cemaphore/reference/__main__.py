"""`python -m cemaphore.reference [DOCS]`: write the generated reference into a checkout's docs folder."""

from argparse import ArgumentParser
from pathlib import Path

from cemaphore.reference import write

parser = ArgumentParser(prog="python -m cemaphore.reference", description="Write the generated reference.")
parser.add_argument("docs", nargs="?", type=Path, default=Path("docs"), help="the docs folder of a checkout")
write(parser.parse_args().docs)
