"""The vendor's own SDK agrees with the emulator, and finds there what the adapter wrote."""

from __future__ import annotations

import base64
import hashlib
from types import ModuleType
from typing import Any

import httpx
import pytest

from knowledge_connector.model import Chunk
from knowledge_connector.testing.drafts import OWNER, draft_of, write
from knowledge_connector.testing.emulation import RunningServer
from plugins.genesys.wire import source_of, target_at

NAME = "PureCloudPlatformClientV2"


@pytest.fixture(scope="module")
def sdk() -> ModuleType:
    module: ModuleType = pytest.importorskip(NAME, reason=f"the SDK is not installed: pip install {NAME}")
    return module


@pytest.fixture
def knowledge(sdk: ModuleType, server: RunningServer) -> Any:
    sdk.configuration.host = server.url
    client = sdk.api_client.ApiClient().get_client_credentials_token("emu-client", "emu-secret")
    return sdk.KnowledgeApi(client)


def test_a_whole_round(sdk: ModuleType, knowledge: Any, server: RunningServer) -> None:
    create = sdk.V3SourceCreateRequest()
    create.name, create.type = "By the SDK", "FileUpload"
    source = knowledge.post_knowledge_sources(create)
    round_ = knowledge.post_knowledge_source_synchronizations(source.id)
    assert (round_.type, round_.status) == ("Incremental", "InProgress")

    content = b"# Holidays\n\nThirty days a year.\n"
    request = sdk.V3SynchronizationUploadUrlRequest()
    request.file_name = "handbook/holidays.md"
    request.content_md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    request.content_type, request.content_length = "text/markdown", len(content)
    request.metadata = sdk.V3SynchronizationUploadMetadata()
    request.metadata.origin_uri = "https://example.com/holidays"
    ticket = knowledge.post_knowledge_source_synchronization_uploads(source.id, round_.id, request)
    assert httpx.put(ticket.url, content=content, headers=ticket.headers).status_code == 200
    (upload,) = knowledge.get_knowledge_source_synchronization_uploads(source.id, round_.id).entities
    assert (upload.file_id, upload.metadata.origin_uri) == (ticket.file_id, "https://example.com/holidays")

    update = sdk.V3SynchronizationUpdateRequest()
    update.status = "Completed"
    knowledge.patch_knowledge_source_synchronization(source.id, round_.id, update)
    server.services.clock.advance(60)
    done = knowledge.get_knowledge_source_synchronization(source.id, round_.id)
    assert (done.status, done.ingestion_status) == ("Completed", "Complete")
    assert (done.statistics.synchronized_item_count, done.statistics.failed_item_count) == (1, 0)
    assert done.date_start < done.date_end

    second = knowledge.post_knowledge_source_synchronizations(source.id)
    deletion = sdk.V3SynchronizationFileDeletionRequest()
    deletion.file_name = "handbook/holidays.md"
    marked = knowledge.post_knowledge_source_synchronization_deletions(source.id, second.id, deletion)
    assert marked.file_id == ticket.file_id
    update.status = "Cancelled"
    assert knowledge.patch_knowledge_source_synchronization(source.id, second.id, update).status == "Cancelled"
    listed = {one.name: one for one in knowledge.get_knowledge_sources(expand=["lastSync"]).entities}
    assert listed["By the SDK"].last_sync.id == second.id
    assert knowledge.delete_knowledge_source(source.id) is None
    with pytest.raises(sdk.rest.ApiException) as gone:
        knowledge.get_knowledge_source(source.id)
    assert gone.value.status == 404


def test_what_the_adapter_wrote(knowledge: Any, server: RunningServer) -> None:
    chunks = [Chunk(0, "Thirty days a year.")]
    with target_at(server).open(OWNER, fence=1) as session:
        write(session, draft_of("holidays", chunks, uri="https://example.com/h"), chunks)
        session.flush()
    source = source_of(server, OWNER)
    (round_,) = knowledge.get_knowledge_source_synchronizations(source).entities
    assert (round_.type, round_.status, round_.ingestion_status) == ("Full", "Completed", "Complete")
    (upload,) = knowledge.get_knowledge_source_synchronization_uploads(source, round_.id).entities
    assert (upload.file_name, upload.metadata.origin_uri) == (f"{OWNER}/holidays.md", "https://example.com/h")
    assert "handbook" in {tag.name for tag in upload.metadata.tags}
