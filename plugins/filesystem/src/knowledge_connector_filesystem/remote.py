"""A tree in a remote store, through fsspec: the same names, rules and order as on a disk."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from knowledge_connector import ConfigError, DocumentError, FatalError, Skip
from knowledge_connector_filesystem.names import id_of, link_of
from knowledge_connector_filesystem.tree import Describer, Folder, Names, code_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from knowledge_connector import Clock, Item
    from knowledge_connector_filesystem.config import FilesystemConfig

_RACY_SECONDS = 2.0
_VERSIONS = ("generation", "ETag", "etag")
"""What a store changes with every write, surest first. Not S3's VersionId: a listing does not tell it."""
_MOMENTS = ("LastModified", "last_modified", "updated", "mtime", "created")


class Files(Protocol):
    """The part of `fsspec.AbstractFileSystem` that is used here."""

    def ls(self, path: str, detail: bool = True) -> list[dict[str, Any]]:
        """List one folder."""
        ...

    def info(self, path: str) -> dict[str, Any]:
        """Tell of one entry what `ls` tells."""
        ...

    def cat_file(self, path: str) -> bytes:
        """Read one file."""
        ...

    def invalidate_cache(self) -> None:
        """Forget every listing."""
        ...


class Backend(NamedTuple):
    """Where a kind of store lives.

    Attributes:
        extra: What to install.
        module, name: Of its class.
        errors: What it raises besides `OSError`.
        caches: Whether it takes an option against keeping listings.
    """

    extra: str
    module: str
    name: str
    errors: tuple[str, ...] = ()
    caches: bool = True


_S3 = Backend("s3", "s3fs", "S3FileSystem", ("botocore.exceptions.BotoCoreError", "botocore.exceptions.ClientError"))
_GOOGLE = Backend("gs", "gcsfs", "GCSFileSystem", ("gcsfs.retry.HttpError", "google.auth.exceptions.GoogleAuthError"))
_AZURE = Backend("az", "adlfs", "AzureBlobFileSystem", ("azure.core.exceptions.AzureError",))
# sshfs, because fsspec's own SFTP accepts any host key
_SFTP = Backend("sftp", "sshfs", "SSHFileSystem", ("asyncssh.Error",), caches=False)
BACKENDS = {
    "s3": _S3,
    "gs": _GOOGLE,
    "gcs": _GOOGLE,
    "az": _AZURE,
    "abfs": _AZURE,
    "abfss": _AZURE,
    "sftp": _SFTP,
    "ssh": _SFTP,
    "memory": Backend("remote", "fsspec.implementations.memory", "MemoryFileSystem"),
}


class Entry(NamedTuple):
    """What a listing says of a file; `version` changes with its content as surely as the store can tell."""

    location: str
    size: int
    modified: float | None
    version: str | None
    exact: bool


class RemoteTree:
    """Reads through fsspec, without its caches: a second run in the same process has to see what is there now."""

    def __init__(self, config: FilesystemConfig, clock: Clock, files: Files | None = None) -> None:
        """Connects to nothing before `root`.

        Args:
            config: The options; `root` is a URL.
            clock: For telling what changed too shortly ago to be sure of.
            files: The file system to read, in place of a connection of our own.
        """
        self.config = config
        self.describe = Describer(config)
        self._backend = BACKENDS[config.scheme]
        self._class = _load(self._backend, config)
        self._files = files
        self._racy_from = clock.now().timestamp() - _RACY_SECONDS

    @property
    def files(self) -> Files:
        """The file system; connects when first asked for."""
        if self._files is None:
            storage = self.config.storage.options() if self.config.storage else {}
            # asyncssh takes a `known_hosts` of None for "trust any host": what is not set must not be passed on
            given = {name: value for name, value in storage.items() if value is not None}
            url = self._class._get_kwargs_from_urls(self.config.root)  # noqa: SLF001  # what fsspec itself calls to read a URL
            fresh = {"use_listings_cache": False} if self._backend.caches else {}
            self._files = cast("Files", self._class(**{**url, **given, **fresh, "skip_instance_cache": True}))
        return self._files

    def root(self) -> Folder:
        """Look whether there is anything at the root."""
        location: str = self._class._strip_protocol(self.config.root).rstrip("/")  # noqa: SLF001  # see `files`
        try:
            with self.translated():
                self.files.invalidate_cache()
                found = self.files.ls(location, detail=True)
        except OSError as error:
            raise FatalError(
                f"root: {self.config.root!r} cannot be reached ({words_of(error)})", where="origin"
            ) from error
        if [(entry["type"], entry["name"]) for entry in found] == [("file", location)]:
            raise FatalError(f"root: {self.config.root!r} is not a folder", where="origin")
        return Folder("", f"{location}/", "", self._link())

    def _link(self) -> str:
        if self.config.base_url:
            return self.config.base_url.rstrip("/") + "/"
        scheme, _, rest = self.config.root.rstrip("/").partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host if self._backend is not _SFTP else host.rpartition('@')[2]}{slash}{link_of(path)}/"

    @contextmanager
    def open(self, folder: Folder) -> Iterator[RemoteListing]:
        """List a folder."""
        with self.translated():
            found = self.files.ls(folder.location.rstrip("/"), detail=True)
        yield RemoteListing(self, folder, found)

    def holds(self, folder: Folder, path: str) -> bool:
        """Whether there is something at this path."""
        try:
            with self.translated():
                self.files.info(folder.location + path)
        except OSError:
            return False
        return True

    def verify(self) -> None:
        """Look at the root again."""
        self.root()

    def racy(self, entry: Entry) -> bool:
        """Whether a file is told apart by a time alone, and that lies too shortly before this run."""
        return not entry.exact and (entry.modified is None or entry.modified >= self._racy_from)

    def read(self, document_id: str, entry: Entry) -> bytes:
        """Fetch a listed file, and make sure that it is the version that was listed.

        Raises:
            DocumentError: It cannot be read, or is another one by now.
        """
        try:
            with self.translated():
                content = self.files.cat_file(entry.location)
                now = _entry(self.files.info(entry.location))
        except OSError as error:
            raise DocumentError(
                f"{document_id}: {words_of(error)}", code=code_of(error), where="origin", document_id=document_id
            ) from error
        if now.version != entry.version or len(content) != entry.size:
            raise DocumentError(
                f"{document_id}: it was changed after it had been listed",
                code="changed-while-read",
                where="origin",
                document_id=document_id,
            )
        return content

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the backend's own errors into `OSError`, by their kind alone: their texts may quote addresses and keys."""
        try:
            yield
        except OSError:
            raise
        except self._backend_errors() as error:
            raise OSError(type(error).__name__) from error

    def _backend_errors(self) -> tuple[type[Exception], ...]:
        return tuple(
            getattr(import_module(module), name)
            for module, _, name in (e.rpartition(".") for e in self._backend.errors)
        )


class RemoteListing:
    """A folder of a store, as it was listed."""

    separator = "/"

    def __init__(self, tree: RemoteTree, folder: Folder, found: list[dict[str, Any]]) -> None:
        self._tree = tree
        self._folder = folder
        self._entries: dict[str, Entry] = {}
        self.names = Names()
        for info in found:
            self._take(info)
        self.names.sort()

    def _take(self, info: Mapping[str, Any]) -> None:
        location: str = info["name"].rstrip("/")
        name = location.rpartition("/")[2]
        if f"{location}/".strip("/") == self._folder.location.strip("/"):
            return  # the key of size 0 that stands for the folder itself
        is_folder = info["type"] == "directory" or info["name"].endswith("/")
        if is_folder:
            if name not in self.names.folders:
                self.names.folders.append(name)
        elif info["type"] == "file":
            self.names.files.append(name)
            self._entries[name] = _entry(info)
        else:
            (self.names.links if info["type"] == "link" else self.names.others).append(name)

    def item(self, name: str) -> Item:
        """Describe one file."""
        entry = self._entries.pop(name)
        document_id = self._folder.id + id_of(name)
        if entry.size > self._tree.config.max_file_bytes:
            return Skip(document_id, "too-large")
        revision = None if self._tree.racy(entry) else entry.version
        body = partial(self._tree.read, document_id, entry)
        return self._tree.describe(self._folder, name, document_id, body, entry.size, entry.modified, revision)

    def content(self, name: str) -> bytes:
        """Read one small file."""
        with self._tree.translated():
            return self._tree.files.cat_file(self._folder.location + name)

    def follow(self, name: str) -> Folder | Item:
        """Leave links out: a store cannot say whether their targets lie inside the root."""
        return Skip(self._folder.id + id_of(name), "symlink", excluded=True)


def _entry(info: Mapping[str, Any]) -> Entry:
    size = int(info.get("size") or 0)
    modified = next((_seconds(info[key]) for key in _MOMENTS if info.get(key) is not None), None)
    token = next((str(info[key]).strip('"') for key in _VERSIONS if info.get(key)), None)
    version = f"{size:x}.{token}" if token else None if modified is None else f"{size:x}.{int(modified * 1e6):x}"
    return Entry(info["name"], size, modified, version, exact=token is not None)


def _seconds(moment: datetime | str | float) -> float:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return float(moment)


def _load(backend: Backend, config: FilesystemConfig) -> Any:
    try:
        return getattr(import_module(backend.module), backend.name)
    except ImportError as error:
        raise ConfigError(
            f"root: {config.root!r} needs the package {backend.module.partition('.')[0]!r}, which is not installed; "
            f"pip install 'knowledge-connector-filesystem[{backend.extra}]'"
        ) from error
