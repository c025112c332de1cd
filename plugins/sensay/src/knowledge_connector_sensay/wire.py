"""What Sensay answers. Fields that nobody here needs are passed over, new ones too."""

from __future__ import annotations

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

NEW = "NEW"
UNPROCESSABLE = "UNPROCESSABLE"
LINKS = frozenset({"website", "youtube"})
DONE = frozenset({"VECTOR_CREATED", "READY"})
"""The replica can use an entry from `VECTOR_CREATED` on."""


class Answer(BaseModel):
    """The base of what comes over the wire: camelCase there, snake_case here; what is absent has its default."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Entry(Answer):
    """An entry of a knowledge base; `type` is `text`, `file`, `website` or `youtube`."""

    id: int
    type: str
    status: str
    title: str = ""
    url: str | None = Field(
        default=None, validation_alias=AliasChoices("url", AliasPath("website", "url"), AliasPath("youtube", "url"))
    )
    playlist: str | None = Field(default=None, validation_alias=AliasPath("youtube", "playlistID"))
    error: str | None = Field(default=None, validation_alias=AliasPath("error", "message"))

    @field_validator("title", mode="before")
    @classmethod
    def _take_none(cls, title: str | None) -> str:
        return title or ""  # one odd entry of somebody else shall not stop a listing

    @property
    def is_done(self) -> bool:
        """Whether the replica knows it."""
        return self.status in DONE

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.is_done or self.status == UNPROCESSABLE

    @property
    def is_moving(self) -> bool:
        """Whether it has its content and is on its way to being known. A file that is `NEW` waits for bytes that nobody may send."""
        return not self.is_settled and (self.type, self.status) != ("file", NEW)


class Entries(Answer):
    """A page of the list; `total` counts all pages."""

    items: list[Entry]
    total: int


class Result(Answer):
    """What became of one input. `signed_url` (of files) is as good as a password while it lasts; refused inputs have no id."""

    type: str = ""
    enqueued: bool = False
    id: int | None = Field(default=None, alias="knowledgeBaseID")
    signed_url: str | None = Field(default=None, alias="signedURL")
    error: str = ""


class Results(Answer):
    """The results of one request, which answers 207 also if all were refused."""

    results: list[Result]


class Replica(Answer):
    """A replica."""

    name: str = ""


class FileType(Answer):
    """`support_level` is `production`, `preview` or `disabled`."""

    extensions: list[str] = []
    support_level: str = "production"


class MediaGroup(Answer):
    """Kinds of files that belong together."""

    file_types: list[FileType] = []


class FileTypes(Answer):
    """What may be uploaded."""

    media_groups: list[MediaGroup] = []
