"""How fast the Cognigy target writes, beside bare httpx: `python -m benchmarks.cognigy --out docs/benchmarks.md`.

Both write the same chunks to the emulator, which waits 20 ms before each answer and runs in a process of its own. Bare httpx has one
client per thread and does nothing but POST chunks into sources that are there. The target does its whole work: it creates, hides, fills,
counts, names and enables a source for every 50 chunks, which takes four requests more. They take turns, so that what else the machine
does hits both.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from benchmarks.report import machine, put_section, table
from knowledge_connector.model import Chunk
from knowledge_connector.testing.drafts import draft_of, write
from knowledge_connector.testing.emulation import Secret, running
from knowledge_connector_cognigy import CognigyConfig, CognigyTarget

LATENCY_SECONDS = 0.02
CHUNKS = 50
CONCURRENCY = (1, 8, 32)
DOCUMENTS_PER_WORKER = {1: 3, 8: 3, 32: 2}
REPEATS = 5
TEXT = "All work and no play makes for dull documentation. " * 30


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.cognigy", description=__doc__)
    parser.add_argument("--out", type=Path, help="a page whose section is replaced")
    parser.add_argument("--repeat", type=int, default=REPEATS)
    options = parser.parse_args()
    rows = [_row(workers, options.repeat) for workers in CONCURRENCY]
    head = ["at a time", "bare httpx, chunks/s", "target, chunks/s", "ratio", "target, requests/s", "ratio"]
    text = (
        f"### Cognigy target, {LATENCY_SECONDS * 1000:.0f} ms for each request\n\n"
        f"Medians of {options.repeat}, taken in turn; {CHUNKS} chunks of {len(TEXT)} characters to a document. {machine()}.\n\n"
        f"{table(head, rows)}\n"
    )
    print(text)
    if options.out:
        put_section(options.out, "cognigy", text)


def _row(workers: int, repeats: int) -> list[str]:
    documents = workers * DOCUMENTS_PER_WORKER[workers]
    bare, ours = [], []
    for _ in range(repeats):
        with _emulator() as config:
            bare.append(_seconds(lambda: _write_bare(config, workers, documents)))
        with _emulator() as config:
            ours.append(_seconds(lambda: _write_ours(config, workers, documents)))
    seconds, floor = statistics.median(ours), statistics.median(bare)
    chunks, requests = documents * CHUNKS, documents * (CHUNKS + 4)
    return [
        str(workers),
        f"{chunks / floor:.0f}",
        f"{chunks / seconds:.0f}",
        f"{floor / seconds:.2f}",
        f"{requests / seconds:.0f}",
        f"{requests / chunks * floor / seconds:.2f}",
    ]


def _seconds(work: Callable[[], Callable[[], None]]) -> float:
    """Time what `work` gives; what it does before is not counted."""
    run = work()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _write_bare(config: CognigyConfig, workers: int, documents: int) -> Callable[[], None]:
    root = f"{config.base_url}{config.api_path}/knowledgestores"
    headers = {"X-API-Key": config.api_key.get_secret_value()}
    with httpx.Client(headers=headers) as http:
        store = http.get(root).raise_for_status().json()["items"][0]["_id"]
        made = [http.post(f"{root}/{store}/sources", json={"name": str(number)}) for number in range(documents)]
    sources = [answer.raise_for_status().json()["knowledgeSource"]["_id"] for answer in made]
    mine = threading.local()

    def fill(source: str) -> None:
        client: httpx.Client = getattr(mine, "client", None) or httpx.Client(headers=headers, timeout=60)
        mine.client = client
        for order in range(CHUNKS):
            body = {"text": TEXT, "order": order, "data": {}}
            client.post(f"{root}/{store}/sources/{source}/chunks", json=body).raise_for_status()

    return lambda: _in_threads(fill, sources, workers)


def _write_ours(config: CognigyConfig, workers: int, documents: int) -> Callable[[], None]:
    chunks = [Chunk(ordinal, TEXT) for ordinal in range(CHUNKS)]

    def run() -> None:
        with CognigyTarget(config).open("benchmark", fence=1) as session:
            names = [f"{number}.md" for number in range(documents)]
            _in_threads(lambda name: write(session, draft_of(name, chunks), chunks), names, workers)

    return run


def _in_threads(work: Callable[[str], object], items: list[str], workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, items))


@contextmanager
def _emulator() -> Iterator[CognigyConfig]:
    """An emulator in a process of its own, empty."""
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(there,))
    process.start()
    try:
        yield CognigyConfig.model_validate(here.recv())
    finally:
        here.send(None)
        process.join()


def _serve(pipe: Connection) -> None:
    with running(["cognigy"], latency_seconds=LATENCY_SECONDS) as server:
        found = server.vendor("cognigy").target_table(server.url) or {}
        keys = {key: value.value if isinstance(value, Secret) else value for key, value in found.items()}
        pipe.send({**keys, "requests_per_5_minutes": 0})
        pipe.recv()


if __name__ == "__main__":
    main()
