"""The commands of `knownas`, one module for each subject.

Only the module of the command that was called is imported: what all of them need together takes
seconds to load.
"""

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import typer

from domain.errors import GatewayError
from gateway.terminal import note

COMMANDS: Final = {
    "serve": "Serve the graph until SIGTERM or Ctrl+C.",
    "demo": "Start emulated platforms with seeded people, sync, resolve, and serve.",
    "check": "Read the configuration, reach each source, print what each can do.",
    "sync": "Read the people of every source into the state store.",
    "worker": "Apply what vendors told, until SIGTERM or Ctrl+C.",
    "inbox": "What vendors told by themselves.",
    "documents": "What may be run by its hash.",
    "identity": "Which records are one person.",
    "db": "The state store.",
    "token": "Tokens of callers.",
    "schema": "The public graph.",
    "connectors": "Systems that can be read.",
    "version": "Print the version.",
}
"""What there is, in the order of the help; each is a module beside this one."""


def application(called: Sequence[str]) -> typer.Typer:
    """The command line, with the command that `called` (arguments) names; the others are shown."""
    app = typer.Typer(
        name="knownas",
        help="One customer over the systems a company already has.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    wanted = next(iter(called), "")
    for name, summary in COMMANDS.items():
        if name == wanted:
            _add(app, name)
        else:
            app.command(name, help=summary)(_not_called)
    return app


def run() -> None:
    """Run the command the process was called with, and end the process."""
    try:
        # Nothing that is imported is garbage, and looking for some is a tenth of a start.
        gc.disable()
        command_line = application(sys.argv[1:])
        gc.enable()
        command_line(prog_name="knownas")
    except GatewayError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("stopped")
    except Exception as error:  # noqa: BLE001  # one line, and what a report needs to be of use
        import_module("gateway.logs").make_sure()
        known = import_module("gateway.answers").logged(error)
        _fail(f"internal error {known}; please report it with the line above")


def _add(app: typer.Typer, name: str) -> None:
    module = import_module(f"{__name__}.{name}")
    if hasattr(module, "group"):
        app.add_typer(module.group, name=name)
    else:
        app.command(name)(module.command)


def _not_called() -> None:
    raise typer.Exit(2)


def _fail(message: str) -> None:
    note(f"knownas: {' '.join(message.splitlines())}")
    sys.exit(1)
