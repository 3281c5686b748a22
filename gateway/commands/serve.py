"""`knownas serve`."""

from typing import Annotated

import typer

from gateway.bootstrap import application, opened
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured_to_serve
from gateway.config import Config
from gateway.server import listen, run
from gateway.server import serve as serve_app
from gateway.terminal import note

Host = Annotated[str | None, typer.Option(help="In place of server.host.")]
Port = Annotated[int | None, typer.Option(help="In place of server.port.")]


def command(config: ConfigFile = DEFAULT_CONFIG, host: Host = None, port: Port = None) -> None:
    """Serve the graph until SIGTERM or Ctrl+C."""
    run(_serve(configured_to_serve(config, {"server.host": host, "server.port": port})))


async def _serve(config: Config) -> None:
    with listen(config.server.host, config.server.port) as listening:
        async with opened(config) as program:
            app = application(program)
            await serve_app(app, listening, config.server, lambda at: note(f"serving {at}/graphql"))
