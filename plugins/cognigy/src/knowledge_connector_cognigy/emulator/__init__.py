"""Cognigy.AI's knowledge as a server that one can run: stores, sources, chunks, connectors and tasks, with its limits and refusals.

server     routes and endpoints of the REST API 2.0, below `/new/v2.0` and `/v2.0`
access     keys, tokens, projects, rate limit          rules    what bodies may hold; the envelope of refusals
holdings   tables and what joins them; search          paging   cursor and skip
tasks      ingestion of files and web pages            inprocess   the API that connectors inside Cognigy are lent

Switches: `cognigy.duplicate_names` (`refuse`, `allow`, `suffix`), `cognigy.chunk_quota`, `cognigy.rate_limit` (numbers).
Faults of its own: `quota` (402 on `POST chunks`), `failed_ingestion` (`operation`: a pattern for the source's name).
"""

from knowledge_connector_cognigy.emulator.holdings import OTHER_PROJECT, PROJECT
from knowledge_connector_cognigy.emulator.inprocess import ConnectorRun, EarlierSource, Handle, InProcessApi
from knowledge_connector_cognigy.emulator.rules import Refusal
from knowledge_connector_cognigy.emulator.server import CognigyEmulator

__all__ = [
    "OTHER_PROJECT",
    "PROJECT",
    "CognigyEmulator",
    "ConnectorRun",
    "EarlierSource",
    "Handle",
    "InProcessApi",
    "Refusal",
]
