"""What nobody may read. Root may read everything, so these run in a child process without that right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.filesystem import trees

SCRIPT = """
import json, sys
from plugins.filesystem import trees
from knowledge_connector import ConnectorError
try:
    items = trees.read(sys.argv[1], **json.loads(sys.argv[2]))
    found = trees.outcome(items)
    for name, document in trees.documents(items).items():
        try:
            trees.body(document)
        except ConnectorError as error:
            found[name] = error.code
    print(json.dumps(found))
except ConnectorError as error:
    print(json.dumps({"": f"{type(error).__name__}: {error}"}))
"""


def read_without_privileges(root: Path, **options: object) -> dict[str, str]:
    command = [sys.executable, "-c", SCRIPT, str(root), json.dumps(options)]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("running as root, and there is no `setpriv` to drop the right to read everything")
        command = [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return trees.write(tmp_path / "docs", {"a.md": "a", "shut/b.md": "b", "open/c.md": "c"})


def test_an_unreadable_folder_is_unknown(root: Path) -> None:
    (root / "shut").chmod(0)
    assert read_without_privileges(root) == {"a.md": "listed", "shut/": "permission-denied/", "open/c.md": "listed"}
    (root / "shut").chmod(0o700)


def test_a_folder_that_may_be_listed_but_not_entered_fails_each_file(root: Path) -> None:
    (root / "shut").chmod(0o400)
    assert read_without_privileges(root)["shut/b.md"] == "permission-denied"
    (root / "shut").chmod(0o700)


def test_an_unreadable_file_is_listed_and_fails_when_it_is_fetched(root: Path) -> None:
    (root / "a.md").chmod(0)
    assert read_without_privileges(root)["a.md"] == "permission-denied"


def test_an_unreadable_ignore_file_makes_its_folder_unknown(root: Path) -> None:
    trees.write(root, {"open/.knowledgeignore": "c.md\n"})
    (root / "open/.knowledgeignore").chmod(0)
    found = read_without_privileges(root)
    assert found["open/"] == "permission-denied/"
    assert "open/c.md" not in found


def test_an_unreadable_root_fails_the_run(root: Path) -> None:
    root.chmod(0)
    (message,) = read_without_privileges(root).values()
    root.chmod(0o700)
    assert message.startswith("FatalError: ")
    assert "Permission denied" in message


def test_a_link_that_cannot_be_followed_makes_what_lies_beneath_unknown(root: Path) -> None:
    (root / "shut/inner").mkdir()
    (root / "way").symlink_to("shut/inner")
    (root / "shut").chmod(0)
    found = read_without_privileges(root, follow_symlinks=True)
    (root / "shut").chmod(0o700)
    assert found["way"] == "permission-denied/"
