"""`knownas serve`."""

import asyncio
from socket import socket
from typing import Annotated

import typer

from gateway import crew
from gateway.bootstrap import application, opened
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured_to_serve
from gateway.config import Config
from gateway.crew import Crew, worker_command
from gateway.server import Announce, address, listen, run
from gateway.server import serve as serve_app
from gateway.terminal import note

Host = Annotated[str | None, typer.Option(help="In place of server.host.")]
Port = Annotated[int | None, typer.Option(help="In place of server.port.")]
Workers = Annotated[
    int, typer.Option(min=1, max=64, help="Processes that serve; share caches through [redis].")
]
END_S = 10.0
"""What a worker may take to close what it opened, beyond the drain."""


def command(
    config: ConfigFile = DEFAULT_CONFIG, host: Host = None, port: Port = None, workers: Workers = 1
) -> None:
    """Serve the graph until SIGTERM or Ctrl+C. With several workers SIGHUP replaces them, one by
    one.
    """
    settings = configured_to_serve(config, {"server.host": host, "server.port": port})
    handed = crew.inherited()
    if handed is not None:
        with handed:
            run(_serve(settings, lambda _: crew.tell_ready(), handed))
    elif workers == 1:
        with listen(settings.server.host, settings.server.port) as listening:
            run(_serve(settings, lambda at: note(f"serving {at}/graphql"), listening))
    else:
        _supervise(settings, workers)


def _supervise(settings: Config, workers: int) -> None:
    with listen(settings.server.host, settings.server.port) as listening:
        at = address(settings.server.host, listening)
        hands = Crew(worker_command(), listening, workers, settings.server.drain_s + END_S)
        hands.run(lambda: note(f"serving {at}/graphql"))


async def _serve(config: Config, announce: Announce, listening: socket) -> None:
    async with opened(config) as program:
        await asyncio.to_thread(program.referee.warm)  # not in the first request
        app = application(program)
        await serve_app(app, listening, config.server, announce, app.drain, direct=app.direct)
