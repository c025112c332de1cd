"""The storage service that upload and download URLs lead to. It knows signatures and no API keys, and speaks XML."""

from __future__ import annotations

from base64 import b64encode

from starlette.requests import Request
from starlette.responses import Response

from knowledge_connector_intellia.emulator.records import VENDOR, Records
from knowledge_connector_intellia.emulator.rules import Row


async def take_bytes(records: Records, request: Request) -> Response:
    """Take what is uploaded, as often as it comes until the file is on its way."""
    row = _signed_for(records, request)
    if isinstance(row, Response):
        return row
    content = await request.body()
    if records.shown(row)["status"] != "WAITING-UPLOAD":
        return _xml(403, "AccessDenied", "The upload has ended")
    if request.headers.get("content-type") != row["contentType"]:
        return _xml(403, "SignatureDoesNotMatch", "The Content-Type is not the one that was declared")
    if len(content) > int(records.option("max_file_bytes")):
        return _xml(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    records.contents[row["fileId"]] = {"base64": b64encode(content).decode()}
    records.take_in(row, content, lag_seconds=float(records.option("lag_seconds")))
    return Response(status_code=200)


async def give_bytes(records: Records, request: Request) -> Response:
    """Give what was uploaded."""
    row = _signed_for(records, request)
    if isinstance(row, Response):
        return row
    if row["fileId"] not in records.contents:
        return _xml(404, "NoSuchKey", "The specified key does not exist")
    return Response(records.content(row["fileId"]), media_type=row["contentType"])


def _signed_for(records: Records, request: Request) -> Row | Response:
    """The file that a URL gives access to, or why it does not."""
    key, params = request.path_params["key"], request.query_params
    base, _, file = key.removesuffix("/").rpartition("/files/")
    row = records.files(base.rpartition("/")[2]).get(file)
    if row is None:
        return _xml(404, "NoSuchKey", "The specified key does not exist")
    if params.get("X-Amz-Signature") != row["signature"]:
        return _xml(403, "SignatureDoesNotMatch", "The request signature does not match")
    expired = records.services.clock.now().timestamp() > float(params.get("X-Amz-Expires-At", 0))
    is_put = request.method == "PUT"
    if expired or (is_put and records.services.faults.take(VENDOR, "expired_upload_url", row["fileName"])):
        return _xml(403, "AccessDenied", "Request has expired")
    return row


def _xml(status: int, code: str, message: str) -> Response:
    """An error as storage services give it."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(text, status, media_type="application/xml")
