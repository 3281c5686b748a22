"""`knownas` where pyreqwest is not installed: sources are called through httpx."""

import sys
from typing import cast

from gateway.cli import main

if __name__ == "__main__":
    cast("dict[str, object]", sys.modules)["pyreqwest"] = None  # how `find_spec` sees it absent
    main()
