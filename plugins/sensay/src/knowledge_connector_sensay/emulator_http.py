"""How Sensay reads requests and puts answers, for the emulator alone."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from knowledge_connector_sensay.emulator_rules import Refusal, Row


async def body_of(request: Request) -> Row:
    """The JSON object of a request that has to have one; empty for others.

    Raises:
        Refusal: 415 or 400.
    """
    content = await request.body()
    if request.method not in ("POST", "PUT", "PATCH"):
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refusal(415, "The body has to be JSON")
    try:
        if request.headers.get("content-encoding") == "gzip":
            content = zlib.decompress(content, wbits=31)
        body = json.loads(content)
    except (ValueError, zlib.error):
        raise Refusal(400, "The body is no JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The body has to be an object")
    return body


def done(fields: Row, status: int = 200) -> Response:
    """An answer of success."""
    return JSONResponse({"success": True, **fields}, status)


def refused(kind: str, error: str) -> Row:
    """The result of an input that was not taken."""
    return {"type": kind, "enqueued": False, "error": error}


def problem(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    """The error envelope: no fingerprint with 404, a code with 429 only, the cause with 500 only."""
    body: Row = {"success": False, "error": refusal.message, "request_id": f"emu1::fra1:fra1::{os.urandom(8).hex()}"}
    if refusal.status != 404:
        body["fingerprint"] = os.urandom(16).hex()
    if refusal.code:
        body["error_code"] = refusal.code
    if refusal.status == 500:
        body["inner_exception"] = {"name": "Error", "message": "Something went wrong", "cause": "", "stack": ""}
    return JSONResponse(body, refusal.status, headers=dict(headers or {}))


def storage_problem(status: int, error: str, message: str) -> Response:
    """The error answer of the storage service, which is another product."""
    return JSONResponse({"statusCode": str(status), "error": error, "message": message}, status)
