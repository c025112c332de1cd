"""The command line: see `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import benchmarks
from benchmarks import corpus, libraries, report, runs
from benchmarks.tools import HERE, Tool, all_tools

DEFAULT_CACHE = HERE / ".cache"


def main() -> None:
    options = _parser().parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    options.action(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=benchmarks.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--cache", type=lambda path: Path(path).resolve(), default=DEFAULT_CACHE)
    shared.add_argument(
        "--what", type=_names, help="markdown, html, small (100,000 files) or small-N, joined by commas"
    )
    shared.add_argument(
        "--out", type=Path, help="a page whose section is replaced; `run` also leaves a .json in the cache"
    )
    commands = parser.add_subparsers(required=True)
    for name, action in {
        "corpus": _corpus,
        "peers": _peers,
        "run": _run,
        "startup": _startup,
        "chunk-quality": _quality,
        "crawl": _crawl,
        "kills": _kills,
        "soak": _soak,
        "convert": _convert,
        "fuzz": _fuzz,
    }.items():
        command = commands.add_parser(name, parents=[shared])
        command.set_defaults(action=action)
        if name == "fuzz":
            command.add_argument("--examples", type=int, default=500, help="damaged files for each type")
        if name == "run":
            command.add_argument(
                "--tools", type=_names, default=["connector", "floor", "cocoindex", "dlt", "langchain"]
            )
            command.add_argument("--repeat", type=int, default=3)
        if name == "soak":
            command.add_argument("--minutes", type=float, default=30)
        if name in ("crawl", "kills"):
            command.add_argument("--documents", type=int, default=10_000)
    return parser


def _names(text: str) -> list[str]:
    return ["small-100000" if name == "small" else name for name in text.split(",")]


def _corpus(options: argparse.Namespace) -> None:
    for name in options.what or ["markdown", "html", "small-100000"]:
        manifest = corpus.build(name, options.cache)
        print(f"{name}: {manifest.files:,} files, {manifest.bytes:,} bytes, sha256 {manifest.sha256}")


def _peers(options: argparse.Namespace) -> None:
    """Install each peer, and the libraries of the shared steps in our versions, compiled."""
    shared = [f"{name}=={version(name)}" for name in libraries.DISTRIBUTIONS]
    for requirements in sorted((HERE / "peers").glob("*.txt")):
        home = options.cache / "peers" / requirements.stem
        print(f"{requirements.stem} → {home}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        install = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", str(requirements), *shared], check=True)


def _run(options: argparse.Namespace) -> None:
    tools = _usable(options.tools, options.cache)
    results = []
    for name in options.what or ["markdown", "html"]:
        manifest, outcomes = runs.run_corpus(name, tools, options.repeat, options.cache)
        results.append(report.results_data(manifest, outcomes))
        _show(options.out, name, report.results_markdown(manifest, outcomes, options.repeat))
        if options.out:
            (options.cache / f"{options.out.stem}.json").write_text(
                json.dumps(results, indent=2) + "\n", encoding="utf-8"
            )


def _usable(names: list[str], cache: Path) -> list[Tool]:
    known = all_tools(cache)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    usable = []
    for name in names:
        reason = known[name].missing()
        if reason:
            print(f"{name} is left out: {reason}")
        else:
            usable.append(known[name])
    return usable


def _startup(options: argparse.Namespace) -> None:
    from benchmarks.startup import startup_markdown

    _show(options.out, "startup", startup_markdown())


def _quality(options: argparse.Namespace) -> None:
    from benchmarks.quality import quality_markdown

    _show(options.out, "chunk-quality", quality_markdown(options.what or ["markdown", "html"], options.cache))


def _crawl(options: argparse.Namespace) -> None:
    from benchmarks import crawl

    for origin in crawl.chosen(options.what):  # each takes minutes, so each is shown when it is done
        _show(options.out, f"crawl-{origin.name}", crawl.crawl_markdown(origin, options.documents))


def _kills(options: argparse.Namespace) -> None:
    from benchmarks import crawl

    text, well = crawl.kills_markdown(crawl.chosen(options.what), options.documents)
    _show(options.out, "kills", text)
    raise SystemExit(not well)


def _convert(options: argparse.Namespace) -> None:
    from benchmarks.conversion import conversion_markdown

    _show(options.out, "convert", conversion_markdown(options.cache))


def _fuzz(options: argparse.Namespace) -> None:
    from benchmarks.fuzz import fuzz_markdown

    _show(options.out, "fuzz", fuzz_markdown(options.what or [], options.examples, options.cache))


def _soak(options: argparse.Namespace) -> None:
    from benchmarks.soak import soak_markdown

    text, well = soak_markdown(options.minutes)
    _show(options.out, "soak", text)
    raise SystemExit(not well)


def _show(out: Path | None, name: str, text: str) -> None:
    print(f"\n{text}", flush=True)
    if out:
        report.put_section(out, name, text)


if __name__ == "__main__":
    main()
