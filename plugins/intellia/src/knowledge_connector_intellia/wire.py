"""What Intellia answers. Fields that nobody here needs are passed over, new ones too."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

WAITING_UPLOAD = "WAITING-UPLOAD"
ENQUEUED = "ENQUEUED"
PROCESSING = "PROCESSING"
READY = "READY"
ERROR = "ERROR"


class Answer(BaseModel):
    """The base of what comes over the wire: camelCase there, snake_case here."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class KnowledgeBase(Answer):
    """A knowledge base; `type` is `ORGANIZATION` or `PERSONAL`."""

    knowledge_base_id: str
    title: str
    llm_description: str | None = None
    type: str | None = None


class File(Answer):
    """A file; `status_message` is the reason for `ERROR`."""

    file_id: str
    file_name: str
    status: str
    status_message: str | None = None

    @property
    def in_motion(self) -> bool:
        """Whether it has its bytes and is on its way to being searchable."""
        return self.status in {ENQUEUED, PROCESSING}


class Upload(File):
    """A new file that waits for its bytes; `upload_url` is as good as a password while it lasts."""

    upload_url: str
    download_link: str | None = None


class Found(Answer):
    """One answer of a search; `pages` is such as `5-7`, `similarity` lies between 0 and 1."""

    file_id: str
    file_name: str = ""
    text: str = ""
    similarity: float = 0
    pages: str | None = None


class Results(Answer):
    """The answers of a search."""

    results: list[Found]


class DownloadLink(Answer):
    """Where the bytes of a file can be fetched; as good as a password while it lasts."""

    download_link: str


class Etl(Answer):
    """What Intellia does by itself with files that are added: runs an agent, or a chain of actions."""

    etl_id: str
    etl_type: str
    agent_id: str | None = None
    prompt: str | None = None
    conditions: list[dict[str, Any]] = []


ItemT = TypeVar("ItemT", bound=Answer)


class Page(Answer, Generic[ItemT]):
    """A part of a list; `total_rows` counts all of it."""

    items: list[ItemT]
    total_rows: int
