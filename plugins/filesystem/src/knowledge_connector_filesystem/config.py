"""The options of `type = "filesystem"`."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from knowledge_connector import ConnectorConfig
from knowledge_connector.kit.config import LocalPath
from knowledge_connector_filesystem.storage import Storage

MEGABYTE = 1024 * 1024
STORES = {
    "s3": "s3",
    "gs": "gs",
    "gcs": "gs",
    "az": "az",
    "abfs": "az",
    "abfss": "az",
    "sftp": "sftp",
    "ssh": "sftp",
    "memory": None,
}
"""URL schemes, and the `type` of the `storage` table that fits each."""


class FilesystemConfig(ConnectorConfig):
    """A folder, and what of it to take."""

    root: LocalPath = Field(
        min_length=1,
        description="Folder to read: a path, or the URL of a remote store (`s3://bucket/folder`, `gs://`, `az://`, `sftp://`).",
        examples=["docs", "s3://acme-handbook/published"],
    )
    include: tuple[str, ...] = Field(
        default=(),
        description="Gitignore-style patterns of the files to take; empty takes all. A pattern that fits a folder stands "
        "for all beneath it.",
        examples=[["**/*.md", "manuals/"]],
    )
    exclude: tuple[str, ...] = Field(
        default=(),
        description="Gitignore-style patterns of files and folders to leave out, whatever `include` says.",
        examples=[["drafts/", "*.bak"]],
    )
    builtin_excludes: bool = Field(
        default=True,
        description="Leave out what no one means: `.git/`, `.svn/`, `.hg/`, `node_modules/`, `__pycache__/`, `.DS_Store`, `Thumbs.db`, "
        "`desktop.ini`, and temporary files (`~$*`, `.~lock.*`, `*.tmp`, `*.part`, `*.crdownload`, `*.swp`).",
    )
    ignore_file: tuple[str, ...] = Field(
        default=(".knowledgeignore",),
        description="Names of files that hold further gitignore-style patterns for their folder and all beneath it; of several in one "
        "folder, later names outrank earlier ones.",
        examples=[[".knowledgeignore", ".gitignore"]],
    )
    include_hidden: bool = Field(
        default=False,
        description="Also take files and folders whose name begins with a dot (on Windows: that are hidden).",
    )
    follow_symlinks: bool = Field(
        default=False,
        description="Follow symbolic links whose target lies inside the root; otherwise links are left out.",
    )
    max_file_bytes: int = Field(
        default=50 * MEGABYTE,
        gt=0,
        description="Larger files are skipped, and counted as `too-large`. A file is read into memory whole.",
    )
    marker_file: str | None = Field(
        default=None,
        min_length=1,
        description="Path, relative to the root, of a file that proves that the right folder is there (mounted); without it the run "
        "fails and nothing is deleted.",
        examples=[".mounted"],
    )
    minimum_count: int = Field(
        default=0, ge=0, description="With fewer documents than this the run fails and nothing is deleted."
    )
    network_mount: bool = Field(
        default=False,
        description="The root is a network share (NFS, SMB): tell changes by size and modification time alone, because inode numbers "
        "and change times are not stable there.",
    )
    title: Literal["content", "name"] = Field(
        default="content",
        description="Where titles come from: `content` (the first heading, for types that have one, else the file name) or `name` "
        "(always the file name, without its ending).",
    )
    base_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Web address under which the root is published; links are made from it and the relative path. By default they are "
        "`file://` links, or the store's own addresses.",
        examples=["https://docs.example.com/handbook"],
    )
    storage: Storage | None = Field(
        default=None,
        description="How to reach a remote store; what is left out comes from the store's own environment (profiles, instance roles).",
    )

    @field_validator("root")
    @classmethod
    def _without_password(cls, root: str) -> str:
        if "://" in root and urlsplit(root).password is not None:
            raise ValueError("the URL holds a password; give it as `storage.password`, from the environment")
        return root

    @field_validator("include", "exclude")
    @classmethod
    def _patterns(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        if lines:
            # pathspec costs more to import than a small folder to read; without patterns it is never needed
            from knowledge_connector.kit.matching import Patterns

            Patterns(lines)
        return lines

    @field_validator("ignore_file")
    @classmethod
    def _plain_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not name or "/" in name:
                raise ValueError(
                    f"{name!r} is not a file name; ignore files are looked for in every folder, by name alone"
                )
        return names

    @model_validator(mode="after")
    def _storage_fits_root(self) -> Self:
        if self.scheme and self.scheme not in STORES:
            known = ", ".join(f"{scheme}://" for scheme in STORES)
            raise ValueError(
                f"root: {self.scheme}:// is not a store this connector knows; it knows paths, file://, {known}"
            )
        if self.storage and (not self.scheme or STORES[self.scheme] != self.storage.type):
            raise ValueError(f"storage.type: {self.storage.type!r} does not fit the root {self.root!r}")
        return self

    @property
    def scheme(self) -> str:
        """The remote store's URL scheme; empty for a local folder."""
        scheme, mark, _ = self.root.partition("://")
        return scheme.lower() if mark and scheme != "file" else ""
