"""HTML → Markdown, one function, for web pages, wikis and whatever else speaks HTML.

    html ─▶ bound (hostile_html) ─▶ clean (DOM: noise, links, images) ─▶ engine ─▶ all there? ─▶ Markdown
                 ▲                                                                     │ no
                 └──────────────────────────────── repair ◀────────────────────────────┘

An unclosed comment, attribute or script swallows the rest of a page, so a sentinel is laid behind the last character: if it does not
arrive, neither did the text before it.

Engine and figures: `docs/` has the table. mdka was the most faithful of the fast ones; markdownify is there for those who need rules.
"""

from __future__ import annotations

import html as entities
import os
import re
from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urljoin

from knowledge_connector.errors import DocumentError
from knowledge_connector.kit.hostile_html import FEW_TAGS, bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from markdownify import MarkdownConverter

Engine = Literal["auto", "markdownify"]

_SENTINEL = f"KCEND{os.urandom(12).hex().upper()}"
"""No page can know it. ASCII, so that a plain page stays one byte a character; capitals are found three times faster."""

_HIDDEN = "script,style,noscript,template,svg"
_NAVIGATION = "nav,[role=navigation],a.headerlink"
_NO_LINK = ("javascript:", "data:", "vbscript:")
_MAX_SPANS = (("colspan", 9), ("rowspan", 99))


class _Node(Protocol):
    """What the elements of lexbor and of BeautifulSoup have in common; enough for `_clean`."""

    @property
    def attrs(self) -> Any: ...
    def decompose(self) -> Any: ...
    def replace_with(self, value: str, /) -> Any: ...
    def unwrap(self) -> Any: ...


def to_markdown(
    html: str,
    *,
    base_url: str | None = None,
    rules: type[MarkdownConverter] | None = None,
    engine: Engine = "auto",
) -> str:
    """Give the readable part of a page as CommonMark with GFM tables.

    Scripts, styles and navigation go; images become their alternative text; links become absolute.

    Args:
        html: A page or a fragment, however broken.
        base_url: Where it came from; relative links stay relative without it (and without a `<base>`).
        rules: A subclass of markdownify's converter, for dialects. Slower by a factor of ten.
        engine: `markdownify` asks for that library without rules of one's own.

    Returns:
        Markdown that ends in a newline; empty if there is nothing to read. Elements nested deeper than `hostile_html.MAX_DEPTH` lose their
        structure, never their text.

    Raises:
        DocumentError: The engine gave up (code `html`).
    """
    page = _without_cdata(html)
    render = _fast if rules is None and engine == "auto" else _ruled(rules)
    return (
        _whole(page, lambda html: render(html, f"{_HIDDEN},{_NAVIGATION}", base_url))
        or _whole(_repaired(page), lambda html: render(html, _HIDDEN, base_url))
        or _bare(page)
    )


def _whole(page: str, render: Callable[[str], str]) -> str:
    """The Markdown of a page; empty if its end did not arrive, or if there is nothing to see."""
    *before, last = render(f"{page}\n{_SENTINEL}").split(_SENTINEL)
    if not before:
        return ""
    glued = (part[:-1] if part.endswith(("\n", " ")) else part for part in before)
    text = "".join([*glued, last]).strip("\n")
    return text + "\n" if text.strip() else ""


# ------------------------------------------------------------------------------------------------------------- engines


def _fast(html: str, noise: str, base_url: str | None) -> str:
    from mdka import html_to_markdown_with  # only who meets HTML pays for the engine

    markdown = html_to_markdown_with(_cleaned(bounded(html), noise, base_url), preserve_ids=False)
    has_escaped = "&" in markdown and r"\&" in markdown
    return _ESCAPED_IN_LINK.sub(lambda link: link[0].replace(r"\&", "&"), markdown) if has_escaped else markdown


def _cleaned(html: str, noise: str, base_url: str | None) -> str:
    """The page without noise, as the parser writes it. Its tree goes before the engine builds another: both at a time cost a tenth more."""
    from selectolax.lexbor import LexborHTMLParser  # only who meets HTML pays

    tree = LexborHTMLParser(html)
    _clean(tree.css, attrgetter("tag"), noise, base_url)
    if tree.css_first(_ODD) is None:
        return tree.html or ""
    _bound_spans(tree.css)
    return _regular(tree.html or "")


# Right in Markdown, and wrong for everybody who takes the address as it stands. No `&` without `;` is an entity (CommonMark 0.31, 2.5).
_ESCAPED_IN_LINK = re.compile(r"\]\([^()<>\s;]*\\&[^()<>\s;]*(?=\))")


def _ruled(rules: type[MarkdownConverter] | None) -> Callable[[str, str, str | None], str]:
    def render(html: str, noise: str, base_url: str | None) -> str:
        from bs4 import BeautifulSoup  # only who asks for rules pays for them
        from markdownify import ATX, MarkdownConverter  # the same

        tree = BeautifulSoup(bounded(html.replace("\0", "")), "lxml")
        _clean(tree.select, attrgetter("name"), noise, base_url)
        _bound_spans(tree.select)
        for text in tree.find_all(string=re.compile(r"\|")):
            if text.find_parent(("td", "th")):
                text.replace_with(text.replace("|", r"\|"))
        converter = (rules or MarkdownConverter)(heading_style=ATX, code_language_callback=_language)
        try:
            return str(converter.convert_soup(tree))
        except RecursionError as error:
            raise DocumentError("the page is nested too deeply for its rules", code="html") from error

    return render


def _language(pre: Any) -> str | None:
    """The language of a code block by its class, as HTML 5 recommends (section 4.5.15)."""
    for element in (pre, *pre.find_all("code", limit=1)):
        for name in element.get("class") or ():
            if name.startswith(("language-", "lang-", "brush:")):
                return str(name).replace(":", "-").split("-", 1)[1]
    return None


# ------------------------------------------------------------------------------------------------------------ cleaning


def _clean(
    select: Callable[[str], Iterable[_Node]], name_of: Callable[[_Node], str], noise: str, base_url: str | None
) -> None:
    for node in select(noise):
        node.decompose()
    found: defaultdict[str, list[_Node]] = defaultdict(list)
    for node in select("object,img,base[href],a[href]"):  # at once, for each look takes as long as the page is
        found[name_of(node)].append(node)
    for node in found["object"]:
        node.unwrap()
    for node in found["img"]:
        node.replace_with(node.attrs.get("alt") or "")
    base = base_url or ""
    for node in found["base"][:1]:
        base = _join(base, node.attrs["href"] or "")
    _resolve_links(found["a"], base)


def _bound_spans(select: Callable[[str], Iterable[_Node]]) -> None:
    """Engines repeat a cell for each column and row it spans; an absurd number would fill the memory."""
    for name, limit in _MAX_SPANS:
        for node in select(f"td[{name}],th[{name}]"):
            value = node.attrs[name] or ""
            if not (value.isdigit() and len(value) < 5 and int(value) <= limit):
                node.attrs[name] = "1"


def _resolve_links(links: Iterable[_Node], base: str) -> None:
    folder, page = _join(base, "."), base.partition("#")[0]
    for node in links:
        attributes = node.attrs
        href = (attributes["href"] or "").strip()
        if href[:11].lower().startswith(_NO_LINK):
            node.unwrap()
        elif base and not href.startswith(("http://", "https://", "mailto:")):
            plain = folder[-1:] == "/" and href[:1].isalnum() and ":" not in href and "/." not in href
            within = href[:1] == "#" and len(href) > 1
            # Joining costs 10 µs, and pages have thousands of links.
            attributes["href"] = folder + href if plain else page + href if within else _join(base, href)


def _join(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:  # such as `http://[`: no link for anyone, and no reason to lose the page
        return href


_ODD = "td[colspan],th[colspan],td[rowspan],th[rowspan],tr:has(> th):has(> td),li + ul,li + ol,code > a"
"""What engines stumble over. A tree finds it in less time than its text is looked through."""

# What follows works on HTML that a parser has written: every element closed, every name in lower case.
_LIST_BESIDE_ITEM = re.compile(r"</li>(\s*<[uo]l\b)")
_LINK_IN_CODE = re.compile(r"<code\b[^<>]*>(<a\b[^<>]*>)([^<>]*)</a></code>")


def _regular(html: str) -> str:
    """Say it in the plainest way: row headings, lists beside their item, links within code."""
    html = "<tr".join(map(_without_row_heading, html.split("<tr")))
    html = _LIST_BESIDE_ITEM.sub(r"\1", html)
    return _LINK_IN_CODE.sub(r"\1<code>\2</code></a>", html) if "</a></code>" in html else html


def _without_row_heading(part: str) -> str:
    """A table whose first row mixes headings and cells is taken for layout, and its rows for paragraphs.

    Args:
        part: From the beginning of one row to that of the next; a row around a table has its end elsewhere, and stays as it is.
    """
    row, end, rest = part.partition("</tr>")
    is_mixed = end and "</th>" in row and "</td>" in row
    return re.sub(r"<(/?)th\b", r"<\1td", row) + end + rest if is_mixed else part


# ------------------------------------------------------------------------------------------------------------- repairs


def _without_cdata(html: str) -> str:
    """HTML 5 takes a CDATA section for a comment; its author meant text."""
    if "[" not in html or "<![CDATA[" not in html:
        return html
    first, *rest = html.split("<![CDATA[")
    sections = (part.partition("]]>") for part in rest)
    return first + "".join(entities.escape(text, quote=False) + after for text, _, after in sections)


_SWALLOWING = ("script", "style", "title", "textarea", "template", "noscript", "svg", "nav", "xmp", "iframe")


def _repaired(html: str) -> str:
    """Take away the opening of what is never closed: a comment, a script, a tag."""
    opened = html.find("<!--", html.rfind("-->") + 1)
    if opened >= 0:
        html = html[:opened] + html[opened:].replace("<!--", "")
    for name in _SWALLOWING:
        html = _without_unclosed(html, name)
    last = html.rfind(">") + 1
    return html[:last] + html[last:].replace("<", "&lt;")


def _without_unclosed(html: str, name: str) -> str:
    closed = 0
    for match in re.finditer(rf"</{name}\b", html, re.IGNORECASE):
        closed = match.end()
    return html[:closed] + re.sub(rf"<{name}\b[^<>]*>", "", html[closed:], flags=re.IGNORECASE)


def _bare(html: str) -> str:
    """The last resort: whatever is not a tag. Only for pages that no parser gets to the end of, or without any visible text."""
    visible = re.sub(r"(?is)<(script|style)\b[^<>]*>.*?</\1\s*>", " ", html) if html.count("<") < FEW_TAGS else html
    text = entities.unescape(re.sub(r"<[!/a-zA-Z][^<>]*>?", " ", visible)).strip()
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", text) + "\n" if text else ""
