from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from knowledge_connector_filesystem import FilesystemConfig
from knowledge_connector_filesystem.config import STORES
from knowledge_connector_filesystem.media import MEDIA_TYPES
from knowledge_connector_filesystem.remote import BACKENDS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"root": ""}, "root"),
        ({"root": "ftp://x"}, "ftp:// is not a store"),
        ({"root": "sftp://me:planted@host/x"}, "the URL holds a password"),
        ({"include": ["docs/", "bad["]}, r"'bad\[' matches nothing"),
        ({"exclude": ["!"]}, "'!' is not a gitignore pattern"),
        ({"exclude": [""]}, "it is blank"),
        ({"ignore_file": ["sub/.gitignore"]}, "'sub/.gitignore' is not a file name"),
        ({"base_url": "docs.example.com"}, "base_url"),
        ({"max_file_bytes": 0}, "max_file_bytes"),
        ({"colour": "red"}, "colour"),
        ({"storage": {"type": "s3"}}, "'s3' does not fit the root 'docs'"),
        ({"root": "s3://b", "storage": {"type": "sftp"}}, "'sftp' does not fit the root 's3://b'"),
        ({"root": "s3://b", "storage": {"type": "ftp"}}, "storage"),
        ({"root": "s3://b", "storage": {"type": "s3", "acess_key": "x"}}, "acess_key"),
    ],
)
def test_what_is_wrong_is_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        FilesystemConfig.model_validate({"root": "docs", **options})
    assert "planted" not in str(caught.value)


def test_every_store_has_a_backend() -> None:
    assert {scheme: backend.extra for scheme, backend in BACKENDS.items()} == {
        scheme: kind or "remote" for scheme, kind in STORES.items()
    }


def test_endings_are_written_in_lower_case_without_a_dot() -> None:
    assert all(ending == ending.lower().strip(".") for ending in MEDIA_TYPES)


@pytest.mark.parametrize("heavy", ["pathspec", "fsspec", "mimetypes"])
def test_a_plain_folder_loads_nothing_it_does_not_need(heavy: str) -> None:
    script = (
        "import sys; from knowledge_connector_filesystem import *; from knowledge_connector.testing.context import FakeContext\n"
        "next(FilesystemConnector(FilesystemConfig(root='/', minimum_count=1)).read(FakeContext()))\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
