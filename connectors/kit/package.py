"""A package with everything a connector has, that speaks to an imaginary system and is green."""

import importlib.resources
import re
from collections.abc import Collection
from datetime import date
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from domain.errors import InputError

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ENDING = ".tmpl"


def write_package(name: str, folder: Path, taken: Collection[str], today: date) -> list[Path]:
    """The files of connector `name` below `folder`, which must not be there yet. Raises
    InputError.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name}: small letters, digits and single _, a letter first")
    if name in taken:
        raise InputError(f"{name}: there is a connector of that name")
    if folder.exists():
        raise InputError(f"{folder}: is already there")
    words = {
        "name": name,
        "package": f"{name}_knownas",
        "dashed": name.replace("_", "-"),
        "upper": name.upper(),
        "title": name.replace("_", " ").title(),
        "today": today.isoformat(),
    }
    written: list[Path] = []
    root = importlib.resources.files(__package__) / "files"
    _write(root, folder, words, written)
    return written


def _write(source: Traversable, target: Path, words: dict[str, str], written: list[Path]) -> None:
    target.mkdir(parents=True)
    for each in sorted(source.iterdir(), key=lambda one: one.name):
        if each.is_dir():
            name = words["package"] if each.name == "package" else each.name
            _write(each, target / name, words, written)
        elif each.name.endswith(_ENDING):
            path = target / each.name.removesuffix(_ENDING)
            text = each.read_text(encoding="utf-8")
            path.write_text(Template(text).substitute(words), encoding="utf-8")
            written.append(path)
