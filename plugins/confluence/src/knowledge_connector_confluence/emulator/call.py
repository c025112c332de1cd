"""One request that was let in, and what all endpoints need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from starlette.responses import Response

from knowledge_connector.testing.emulation import Services
from knowledge_connector_confluence.emulator.access import Caller, Deployment
from knowledge_connector_confluence.emulator.model import CLOUD_ONLY, KINDS, Content, Kind, moment, refuse
from knowledge_connector_confluence.emulator.people import Mention
from knowledge_connector_confluence.emulator.rendering import Rendering
from knowledge_connector_confluence.emulator.world import VENDOR, World

CONTEXT = "/confluence"
"""Where Data Center lies below its host."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        path: Below the base of its deployment: `/api/v2/pages`.
        ids: What stands in the path.
        pairs: The query as it came.
        body: What was sent, if it was an object.
        operation: What log and faults call it.
    """

    deployment: Deployment
    caller: Caller
    path: str
    ids: Mapping[str, str]
    pairs: Sequence[tuple[str, str]]
    body: Mapping[str, Any]
    operation: str

    @property
    def query(self) -> dict[str, str]:
        """The last value of each name."""
        return dict(self.pairs)

    @property
    def cloud(self) -> bool:
        """Whether it is Cloud that is asked."""
        return self.deployment != "datacenter"

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a name: repeated, or joined by commas."""
        return tuple(part for key, value in self.pairs if key == name for part in value.split(",") if part)

    def with_cursor(self, cursor: str, more: Mapping[str, str] | None = None) -> str:
        """The query of the next page."""
        kept = [pair for pair in self.pairs if pair[0] not in ("cursor", "start")]
        return urlencode([*(more or {}).items(), *kept, ("cursor", cursor)])


Endpoint = Callable[[Call], Mapping[str, Any] | Response]

Operation = tuple[str, str, str, Endpoint]
"""Method, path, the scope that a token needs (empty: none), and who answers."""


class Desk:
    """What endpoints of both versions lean on.

    Args:
        world: The wiki.
        services: For addresses and faults.
    """

    def __init__(self, world: World, services: Services) -> None:
        self.world = world
        self.services = services

    def base(self, call: Call) -> str:
        """What an answer says is the address of the wiki; at the gateway that is the site, on another host."""
        match call.deployment:
            case "datacenter":
                return f"{self.services.base_url}{CONTEXT}"
            case "gateway":
                return f"{self.services.elsewhere_url}/wiki"
            case _:
                return f"{self.services.base_url}/wiki"

    def mention(self, call: Call) -> Mention:
        """How people are named here."""
        return Mention(call.cloud)

    def rendering(self, call: Call) -> Rendering:
        """What makes bodies."""
        return Rendering(self.world, self.mention(call), self.base(call))

    def kinds(self, call: Call) -> tuple[Kind, ...]:
        """The kinds that exist here."""
        return tuple(kind for kind in KINDS if call.cloud or kind not in CLOUD_ONLY)

    def may_see(self, call: Call, content: Content) -> bool:
        """Whether whoever asks may view it, and it exists in this deployment."""
        exists = call.cloud or content.kind not in CLOUD_ONLY
        return exists and self.world.visible(content, anonymous=call.caller.anonymous)

    def seen(self, call: Call, contents: Iterable[Content]) -> list[Content]:
        """Those that whoever asks may view: a page may have fewer results than it is long."""
        return [one for one in contents if self.may_see(call, one)]

    def known(self, call: Call, id_: str, kinds: Sequence[Kind] = KINDS, statuses: Sequence[str] = ()) -> Content:
        """Give a content.

        Raises:
            Refusal: There is none, or none for whoever asks; nobody can tell which.
        """
        found = self.world.find(id_)
        fits = found is not None and found.kind in kinds and (not statuses or found.status in statuses)
        if found is None or not fits or not self.may_see(call, found):
            refuse(404, f"No content found with id: {id_}")
        return found

    def ancestors(self, call: Call, content: Content) -> list[Content]:
        """What is above a content, as far as this deployment knows such."""
        return [one for one in self.world.ancestors(content) if call.cloud or one.kind not in CLOUD_ONLY]

    def check_bodies(self, contents: Sequence[Content], form: str, limit: int) -> None:
        """Fail where a page is too large, or one of its contents is ill.

        Raises:
            Refusal: 500 for too many bodies at once (`confluence.max_bodies`), or the fault `poison` for one of them.
        """
        most = int(self.services.options.get(f"{VENDOR}.max_bodies", limit))
        if limit > most:
            refuse(500, "The page could not be made.")
        if any(self.services.faults.take(VENDOR, "poison", f"{one.id} {form}") for one in contents):
            refuse(500, "A content could not be read.")


def webui(content: Content, space: str, *, cloud: bool) -> str:
    """The address of a content for people, below the base."""
    slug = quote_plus(content.title)
    if content.kind == "attachment":
        return f"/pages/viewpageattachments.action?pageId={content.parent}&preview={quote(f'/{content.parent}/{content.title}')}"
    if content.kind == "comment":
        return f"/pages/viewpage.action?pageId={content.parent}&focusedCommentId={content.id}"
    if not cloud:
        is_plain = content.title.isascii() and not set(content.title) & set("&?/+%\u201c;#:")
        return f"/display/{space}/{slug}" if is_plain else f"/pages/viewpage.action?pageId={content.id}"
    if content.kind == "blogpost":
        return f"/spaces/{space}/blog/{moment(content.created):%Y/%m/%d}/{content.id}/{slug}"
    place = "pages" if content.kind == "page" else content.kind
    return (
        f"/spaces/{space}/{place}/{content.id}/{slug}"
        if content.kind == "page"
        else f"/spaces/{space}/{place}/{content.id}"
    )


def download_path(content: Content) -> str:
    """The address of an attachment's bytes, below the base."""
    name = quote(content.title)
    stamp = int(content.modified * 1000)
    return f"/download/attachments/{content.parent}/{name}?version={content.version}&modificationDate={stamp}&api=v2"
