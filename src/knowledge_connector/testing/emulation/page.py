"""The start page: one document without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from knowledge_connector.testing.emulation.faults import HTTP_KINDS, ActiveFault
from knowledge_connector.testing.emulation.log import Entry
from knowledge_connector.testing.emulation.vendor import Services, Table, VendorEmulator

SHOWN_REQUESTS = 30

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --dim: #667085; --paper: #f6f7f9; --card: #fff; --line: #e3e6eb;
  --accent: #3559c7; --good: #1a7f4b; --bad: #c0362c; --warn: #a15c07; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #98a2b3; --paper: #12151b; --card: #1a1f28;
  --line: #2b3240; --accent: #8fa8ff; --good: #5fcf97; --bad: #ff8a80; --warn: #f0b35b; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px }
header { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: baseline; justify-content: space-between }
h1 { font-size: 26px; margin: 0 } h2 { font-size: 18px; margin: 0 } h3 { font-size: 13px; color: var(--dim); margin: 18px 0 4px;
  font-weight: 600 }
p { margin: 4px 0 } .dim { color: var(--dim) }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; margin-top: 18px }
code { font: 13px/1.5 ui-monospace, monospace }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: 14px }
th { text-align: left; font-weight: 600; color: var(--dim); font-size: 12px } th, td { padding: 5px 14px 5px 0;
  border-bottom: 1px solid var(--line); vertical-align: top } tr:last-child td { border-bottom: 0 }
td:not(:last-child) { white-space: nowrap } td:last-child { overflow-wrap: anywhere }
.good { color: var(--good) } .bad { color: var(--bad) } .warn { color: var(--warn) }
button { font: inherit; font-size: 13px; color: var(--accent); background: none; border: 1px solid var(--line); border-radius: 6px;
  padding: 3px 10px; cursor: pointer } button:hover, button:focus-visible { border-color: var(--accent) }
dl { display: flex; flex-wrap: wrap; gap: 6px 28px; margin: 12px 0 0 } dt { font-size: 12px; color: var(--dim) } dd { margin: 0 }
details > summary { cursor: pointer; color: var(--accent); font-size: 14px; margin-top: 12px }
"""

_SCRIPT = """
for (const button of document.querySelectorAll("button[data-call]")) button.addEventListener("click", async () => {
  const [method, path, body] = button.dataset.call.split("|");
  const answer = await fetch("/__emulator__/" + path, { method, body });
  if (answer.ok) location.reload(); else alert(await answer.text());
});
"""


def start_page(vendors: Iterable[VendorEmulator], services: Services) -> str:
    """Give the page: vendors with what they hold, faults, and the last requests."""
    vendors = list(vendors)
    own_kinds = {kind: f"{vendor.name}: {told}" for vendor in vendors for kind, told in vendor.fault_kinds.items()}
    parts = [
        _head(services),
        *(_vendor(vendor, services) for vendor in vendors),
        _faults(services.faults.all(), {**HTTP_KINDS, **own_kinds}),
        _requests(services.log.entries()),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Emulators</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><style>{_STYLE}</style>'
        f"</head><body><main>{''.join(parts)}</main><script>{_SCRIPT}</script></body></html>\n"
    )


def _head(services: Services) -> str:
    ahead = services.clock.advanced_seconds
    facts = {
        "Virtual time": f"{services.clock.now():%Y-%m-%d %H:%M:%S} UTC" + (f", {ahead:g} s ahead" if ahead else ""),
        "Latency": f"{services.latency_seconds * 1000:g} ms",
        "Requests": f"{len(services.log)}",
        "Switches": ", ".join(f"{name}={value}" for name, value in services.options.items()) or "none",
    }
    told = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    return (
        f"<header><div><h1>Emulators</h1><p class=dim>at <code>{escape(services.base_url)}</code>, to test against</p></div><div>"
        + _button("Advance a minute", 'POST|clock|{"advance_seconds": 60}')
        + _button("Begin anew", "POST|reset")
        + f"</div></header><dl>{told}</dl>"
    )


def _vendor(vendor: VendorEmulator, services: Services) -> str:
    base = f"{services.base_url}/{vendor.name}/"
    tables = "".join(_titled(table) for table in vendor.overview()) or "<p class=dim>Holds nothing.</p>"
    return (
        f"<section><h2>{escape(vendor.name.title())}</h2><p class=dim>at the root, and below <code>{escape(base)}</code></p>"
        f"<p>{escape(vendor.credentials())}</p>{_changes(vendor)}{tables}</section>"
    )


def _changes(vendor: VendorEmulator) -> str:
    buttons = [
        _button(kind.replace("_", " "), f"POST|change/{vendor.name}/{kind}", told)
        for kind, told in vendor.change_kinds.items()
    ]
    return f"<h3>Let something happen</h3><p>{''.join(buttons)}</p>" if buttons else ""


def _titled(table: Table) -> str:
    rows = [["" if cell is None else escape(str(cell)) for cell in row] for row in table.rows]
    return f"<h3>{escape(table.title)}</h3>{_grid(table.head, rows)}"


def _faults(faults: Sequence[ActiveFault], known: Mapping[str, str]) -> str:
    rows = [
        [
            escape(one.fault.kind),
            escape(one.fault.vendor or "everybody"),
            escape(one.fault.operation or ("writes" if one.fault.writes else "everything")),
            f"{one.hits} of {one.fault.times or 'any number'}, after {one.fault.after}",
            "<span class=dim>spent</span>" if one.spent else "<span class=warn>active</span>",
            _button("Remove", f"DELETE|faults?number={one.number}"),
        ]
        for one in faults
    ]
    kinds = _grid(
        ("kind", "what goes wrong"), [[f"<code>{escape(kind)}</code>", escape(told)] for kind, told in known.items()]
    )
    held = (
        _grid(("kind", "vendor", "operation", "hits", "", ""), rows) if rows else "<p class=dim>Nothing goes wrong.</p>"
    )
    return (
        f"<section><h2>Faults</h2>{held}<details><summary>Let something go wrong</summary>"
        "<p>POST to <code>/__emulator__/faults</code>, such as "
        '<code>{"kind": "rate_limit", "operation": "POST *", "after": 3, "seconds": 5, "retry_after": "date"}</code></p>'
        f"{kinds}</details></section>"
    )


def _requests(entries: Sequence[Entry]) -> str:
    rows = [
        [
            str(one.number),
            f"{one.at:%H:%M:%S}",
            escape(one.vendor),
            escape(one.operation),
            _status(one),
            escape(" ".join(filter(None, (one.fault, one.note.replace("_", " "))))),
            f"<code>{escape(one.path + ('?' + one.query if one.query else ''))}</code>",
        ]
        for one in reversed(entries[-SHOWN_REQUESTS:])
    ]
    head = ("", "at", "vendor", "operation", "answer", "fault", "path")
    held = _grid(head, rows) + _button("Forget them", "DELETE|log") if rows else "<p class=dim>None yet.</p>"
    return f"<section><h2>Last requests</h2>{held}</section>"


def _status(entry: Entry) -> str:
    if entry.status is None:
        return "<span class=bad>none</span>"
    return (
        f"<span class={'good' if entry.status < 400 else 'warn' if entry.status < 500 else 'bad'}>{entry.status}</span>"
    )


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table; cells are HTML already."""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<div class=scroll><table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table></div>"


def _button(label: str, call: str, told: str = "") -> str:
    return f'<button data-call="{escape(call)}" title="{escape(told)}">{escape(label)}</button> '
