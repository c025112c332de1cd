"""Archives: every file within as an attachment of it. Off unless a setting turns it on."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.convert.pipeline import MAX_ATTACHMENTS, UNREAD
from knowledge_connector.errors import DocumentError, Unreadable
from knowledge_connector.model import Attachment, Converted
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    import tarfile

    from knowledge_connector.model import Raw

_MAX_BYTES = 128 * 1024 * 1024
_HARMLESS_BYTES = 16 * 1024 * 1024
_MAX_RATIO = 100
_MODULES = {"application/gzip": "gzip", "application/x-bzip2": "bz2", "application/x-xz": "lzma"}
_LITTER = ("__MACOSX/", ".git/", ".svn/", "node_modules/", "__pycache__/", ".DS_Store", "Thumbs.db", "desktop.ini")
_TAR_MAGIC_AT = 257


class ArchiveConverter(Converter):
    """Opens zip and tar archives, also compressed ones, if the setting `enabled` is true; `max_bytes` bounds what they unpack to."""

    name = "archive"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"application/zip", "application/x-tar", *_MODULES})
    extensions: ClassVar[Mapping[str, str]] = {
        ".zip": "application/zip",
        ".tar": "application/x-tar",
        ".gz": "application/gzip",
        ".tgz": "application/gzip",
        ".bz2": "application/x-bzip2",
        ".xz": "application/x-xz",
    }

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the files within, by path; folders, links and what systems leave behind are passed over.

        Raises:
            Unreadable: Archives are not to be opened (code `archive-off`).
            DocumentError: It is damaged (code `malformed`) or unpacks too far (`bomb`).
        """
        if not settings.get("enabled", False):
            raise Unreadable(
                "archives are not opened; [converters.archive] enabled = true has them read", code="archive-off"
            )
        members = _Members(int(settings.get("max_bytes", _MAX_BYTES)))
        if raw.media_type == "application/zip":
            members.take_zip(raw.content)
        elif raw.media_type == "application/x-tar":
            members.take_tar(raw.content)
        else:
            members.take_packed(raw.content, _MODULES[raw.media_type], raw.uri)
        metadata = {UNREAD: "; ".join(members.unread)} if members.unread else {}
        return Converted("", metadata=metadata, attachments=tuple(members.found))


class _Members:
    """What has been taken out so far, within bounds."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self.found: list[Attachment] = []
        self.unread: list[str] = []

    def take_zip(self, content: bytes) -> None:
        from knowledge_connector.kit.packages import Package  # only who opens archives pays

        with Package(content, max_bytes=self._left) as package:
            for name in filter(_wanted, package):
                if not self._has_room():
                    return
                try:
                    self.found.append(Attachment(name, package.read(name)))
                except Unreadable as error:
                    self.unread.append(f"{name} ({error.code})")

    def take_tar(self, content: bytes) -> None:
        import tarfile  # only who opens archives pays

        try:
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
                for member in filter(_is_wanted_file, archive):
                    if not self._has_room():
                        return
                    self._take_member(archive, member)
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise DocumentError("it is damaged: this is no whole tar file", code="malformed") from error

    def _take_member(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        if member.size > self._left:
            raise _bomb()
        file = archive.extractfile(member)
        if file is not None:
            content = file.read()
            self._left -= len(content)
            self.found.append(Attachment(member.name, content))

    def take_packed(self, content: bytes, module: str, uri: str | None) -> None:
        """A tar file that was compressed as a whole, or any one file that was."""
        import lzma  # only who opens archives pays
        import zlib  # the same

        allowed = min(self._left, max(_HARMLESS_BYTES, _MAX_RATIO * len(content)))
        try:
            with import_module(module).open(io.BytesIO(content)) as stream:
                unpacked: bytes = stream.read(allowed + 1)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise DocumentError("it is damaged: it cannot be unpacked to its end", code="malformed") from error
        if len(unpacked) > allowed:
            raise _bomb()
        if unpacked.startswith(b"ustar", _TAR_MAGIC_AT):
            self.take_tar(unpacked)
        else:
            name = (uri or "").rpartition("/")[2].rpartition(".")[0]
            self.found.append(Attachment(name or "content", unpacked))

    def _has_room(self) -> bool:
        """Whether one more may be taken; if not, says so once."""
        if len(self.found) < MAX_ATTACHMENTS:
            return True
        self.unread.append(f"all beyond {MAX_ATTACHMENTS} files (too-many)")
        return False


def _wanted(name: str) -> bool:
    return not any(name.startswith(part) or f"/{part}" in name for part in _LITTER)


def _is_wanted_file(member: tarfile.TarInfo) -> bool:
    return member.isreg() and _wanted(member.name)


def _bomb() -> DocumentError:
    return DocumentError("it unpacks to far more than an archive of documents has", code="bomb")
