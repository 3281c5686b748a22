"""The sandbox's own routes on every emulator: `/__faults` and `/__calls`."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.calls import CallLog
from sandbox.faults import Fault, FaultBoard

_FAULTS: TypeAdapter[list[Fault] | Fault] = TypeAdapter(list[Fault] | Fault)


def admin_app(faults: FaultBoard, calls: CallLog) -> Starlette:
    """GET shows, POST /__faults adds one fault or a list, DELETE clears."""

    async def show_faults(_: Request) -> Response:
        return JSONResponse([fault.model_dump(mode="json") for fault in faults.armed()])

    async def add_faults(request: Request) -> Response:
        try:
            asked = _FAULTS.validate_json(await request.body())
        except ValidationError as problem:
            return JSONResponse({"error": str(problem)}, status_code=400)
        for fault in asked if isinstance(asked, list) else [asked]:
            faults.add(fault)
        return await show_faults(request)

    async def clear_faults(_: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    async def show_calls(_: Request) -> Response:
        return JSONResponse(_described(calls))

    async def clear_calls(_: Request) -> Response:
        calls.clear()
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/__faults", show_faults, methods=["GET"]),
            Route("/__faults", add_faults, methods=["POST"]),
            Route("/__faults", clear_faults, methods=["DELETE"]),
            Route("/__calls", show_calls, methods=["GET"]),
            Route("/__calls", clear_calls, methods=["DELETE"]),
        ]
    )


def _described(calls: CallLog) -> dict[str, object]:
    return {
        "total": calls.counts.total(),
        "counts": [
            {"method": method, "path": path, "count": number}
            for (method, path), number in calls.counts.items()
        ],
        "recent": [
            {
                "method": call.method,
                "path": call.path,
                "query": call.query,
                "body": call.body.decode("utf-8", "replace"),
            }
            for call in calls.recent
        ],
    }
