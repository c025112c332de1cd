"""Real documents from Debian's documentation packages, and synthetic ones by the hundred thousand.

    packages/  *.deb          fetched by `apt-get download`
    corpora/   markdown/ html/ small-N/, and beside each its manifest

The selection is deterministic: per package the files are sorted by the digest of their path, so that a cap takes a fair
sample; files that are empty, not UTF-8, or have the same bytes as an earlier one are left out.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import random
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PACKAGES: dict[str, dict[str, int]] = {
    "markdown": {
        "python3.11-doc": 600,
        "git-doc": 300,
        "nodejs-doc": 100,
        "python-sqlalchemy-doc": 200,
        "debian-policy": 50,
        "developers-reference": 50,
        "nova-doc": 200,
        "cmake-doc": 250,
        "linux-doc-6.1": 2500,
    },
    "html": {
        "python3.11-doc": 600,
        "postgresql-doc-15": 1200,
        "git-doc": 250,
        "nodejs-doc": 100,
        "python-django-doc": 700,
        "python-sqlalchemy-doc": 250,
        "debian-policy": 50,
        "developers-reference": 50,
        "nova-doc": 200,
        "cmake-doc": 200,
    },
}
"""Corpus → package → at most so many of its files."""

SUFFIXES = {"markdown": (".md", ".rst", ".txt", ".md.gz", ".rst.gz", ".txt.gz"), "html": (".html", ".html.gz")}

SMALL_WORDS = tuple(map("".join, itertools.product("bcdfglmnprst", "aeiou", "lnrst", ("", "er", "ing", "o"))))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a corpus is made of; two machines with the same `sha256` measure the same documents."""

    name: str
    files: int
    bytes: int
    sha256: str
    packages: dict[str, str]


def build(name: str, cache: Path) -> Manifest:
    """Make the corpus anew: `markdown`, `html`, or `small-N` for N synthetic files.

    Raises:
        SystemExit: A package cannot be fetched, because there is no apt or its lists are empty.
    """
    root = cache / "corpora" / name
    shutil.rmtree(root, ignore_errors=True)
    if name.startswith("small-"):
        documents, packages = _synthetic(int(name.removeprefix("small-"))), {}
    else:
        archives = {package: _fetch(package, cache / "packages") for package in PACKAGES[name]}
        packages = {package: archive.name.split("_")[1] for package, archive in archives.items()}
        documents = _distinct(_documents(name, archives))
    manifest = _write(name, root, documents, packages)
    root.with_suffix(".json").write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    return manifest


def load(name: str, cache: Path) -> tuple[Path, Manifest]:
    """The corpus and its manifest; built if it is not there yet."""
    root = cache / "corpora" / name
    manifest = root.with_suffix(".json")
    if not manifest.exists():
        build(name, cache)
    return root, Manifest(**json.loads(manifest.read_text()))


def _fetch(package: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob(f"{package}_*.deb")):
        result = subprocess.run(
            ["apt-get", "download", package], cwd=folder, capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise SystemExit(f"{package} cannot be fetched; `apt-get update` may help.\n{result.stderr.strip()}")
    return min(folder.glob(f"{package}_*.deb"))


def _documents(name: str, archives: dict[str, Path]) -> Iterator[tuple[str, bytes]]:
    for package, archive in archives.items():
        with tempfile.TemporaryDirectory(dir=archive.parent) as unpacked:
            subprocess.run(["dpkg-deb", "-x", str(archive), unpacked], check=True)
            top = Path(unpacked, "usr/share")
            paths = [each for each in top.rglob("*") if each.name.endswith(SUFFIXES[name]) and _plain(each)]
            paths.sort(key=lambda each: _digest(each.relative_to(top).as_posix().encode()))
            for path in paths[: PACKAGES[name][package]]:
                content = path.read_bytes()
                if path.suffix == ".gz":
                    path, content = path.with_suffix(""), gzip.decompress(content)
                yield f"{package}/{path.relative_to(top).as_posix()}", content


def _plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _distinct(documents: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    seen = set()
    for path, content in documents:
        key = _digest(content)
        if key not in seen and _readable(content):
            seen.add(key)
            yield path, content


def _readable(content: bytes) -> bool:
    try:
        return bool(content.decode("utf-8").strip())
    except UnicodeDecodeError:
        return False


def _synthetic(count: int) -> Iterator[tuple[str, bytes]]:
    """Small pages of a made-up handbook, about 700 bytes each, 500 in a folder."""
    chance = random.Random(20_000)  # noqa: S311  # the same pages everywhere, not secrets
    for number in range(count):
        title = " ".join(chance.choices(SMALL_WORDS, k=4)).capitalize()
        paragraphs = [" ".join(chance.choices(SMALL_WORDS, k=40)).capitalize() + "." for _ in range(2)]
        page = f"# {title} {number}\n\n{paragraphs[0]}\n\n## Details\n\n{paragraphs[1]}\n"
        yield f"{number // 500:04}/page-{number:06}.md", page.encode()


def _write(name: str, root: Path, documents: Iterable[tuple[str, bytes]], packages: dict[str, str]) -> Manifest:
    count = size = 0
    total = hashlib.sha256()
    for path, content in documents:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        count, size = count + 1, size + len(content)
        total.update(f"{path}\0{_digest(content)}\n".encode())
    return Manifest(name, count, size, total.hexdigest(), packages)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
