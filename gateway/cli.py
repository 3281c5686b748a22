"""`knownas`: the console script.

Exit codes: 0 done, 1 refused or failed with one line on standard error, 2 wrong use.
"""

import sys
from importlib import import_module

from gateway import tree


def main() -> None:
    """Makes sure whose packages these are, then imports the commands from them."""
    found = tree.intruders()
    if found:
        sys.exit(f"knownas: {found[0]}")
    import_module("gateway.commands").run()
