"""What open streams may cost a worker."""

from dataclasses import dataclass

from domain.errors import GatewayError
from gateway.refusals import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`most` streams are open at once in a worker, `per_socket` on one WebSocket. Who has opened a
    socket has `init_s` to say who they are; who is listening is judged again every `rejudge_s`;
    what is sent must be taken within `send_s`; an idle event stream says so every `heartbeat_s`.
    """

    most: int = 2_000
    per_socket: int = 100
    init_s: float = 10.0
    rejudge_s: float = 30.0
    send_s: float = 10.0
    heartbeat_s: float = 12.0


class TooManyStreams(Refusal):
    """As many are open here as there may be; another worker, or another moment, has room."""

    code = "RATE_LIMITED"
    status = 429


class GoingAway(GatewayError):
    """This worker stops: the stream goes on at another one, after its cursor."""

    code = "GOING_AWAY"
