"""A page that holds every element of the storage format that a reader may meet."""

from __future__ import annotations

from knowledge_connector_confluence.emulator.people import Mention

_MACRO = '<ac:structured-macro ac:name="{name}" ac:schema-version="1" ac:macro-id="{id}">{inside}</ac:structured-macro>'


def macro(name: str, /, *inside: str, **parameters: str) -> str:
    """Give a macro with parameters (an underscore in a name stands for a hyphen) and what is inside."""
    given = "".join(
        f'<ac:parameter ac:name="{key.replace("_", "-")}">{value}</ac:parameter>' for key, value in parameters.items()
    )
    return _MACRO.format(name=name, id=f"macro-{name}", inside=given + "".join(inside))


def rich(text: str) -> str:
    """The body of a macro that is text with markup."""
    return f"<ac:rich-text-body>{text}</ac:rich-text-body>"


def plain(text: str) -> str:
    """The body of a macro that is verbatim; what ends a CDATA section is split over two, as the vendor does."""
    escaped = text.replace("]]>", "]]]]><![CDATA[>")
    return f"<ac:plain-text-body><![CDATA[{escaped}]]></ac:plain-text-body>"


def link(target: str, label: str = "", anchor: str = "") -> str:
    """A link to what is named by an `ri:` element."""
    at = f' ac:anchor="{anchor}"' if anchor else ""
    shown = f"<ac:plain-text-link-body><![CDATA[{label}]]></ac:plain-text-link-body>" if label else ""
    return f"<ac:link{at}>{target}{shown}</ac:link>"


def page_ref(title: str, space: str = "") -> str:
    """Name a page by its title."""
    key = f' ri:space-key="{space}"' if space else ""
    return f'<ri:page{key} ri:content-title="{title}" />'


def file_ref(name: str) -> str:
    """Name an attachment."""
    return f'<ri:attachment ri:filename="{name}" />'


CODE = 'if (a[b[0]]>1 && c < "d") {\n    print("]]> stays");\n}'
"""Holds what ends a CDATA section, twice."""


def text() -> str:
    """Characters: named entities, right-to-left, emoji, dates, emoticons, placeholders, comment markers."""
    return (
        "<h1>Text</h1><p>Named entities: &uuml;&nbsp;&euro;&nbsp;&ndash; &hellip; &lt;tag&gt; &amp;amp; &copy;.</p>"
        '<p dir="rtl">\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd</p>'
        "<p>Emoji: \U0001f680 and \U0001f468\u200d\U0001f469\u200d\U0001f467.</p>"
        '<p>Due on <time datetime="2026-03-01" /> <ac:emoticon ac:name="tick" ac:emoji-shortname=":check_mark:" '
        'ac:emoji-id="atlassian-check_mark" ac:emoji-fallback="\u2705" /><ac:emoticon ac:name="smile" /></p>'
        "<p><ac:placeholder>Type something here</ac:placeholder>"
        'A <ac:inline-comment-marker ac:ref="c0ffee">commented passage</ac:inline-comment-marker> of the text.</p>'
        "<p>Struck <del>out</del>, <u>under</u>, H<sub>2</sub>O, <code>inline code</code>, line<br />break.</p>"
        "<blockquote><p>Quoted.</p></blockquote><hr /><pre>  kept   as is</pre>"
    )


def macros() -> str:
    """Macros with and without a body."""
    notes = "".join(
        macro(name, rich(f"<p>Body of {name}.</p>"), title=f"Title of {name}")
        for name in ("info", "note", "tip", "warning", "panel")
    )
    empty = "".join(macro(name) for name in ("toc", "children", "pagetree", "recently-updated", "contentbylabel"))
    foreign = "".join(macro(name) for name in ("iframe", "drawio", "gliffy", "lucidchart", "html-include"))
    return (
        f"<h1>Macros</h1>{empty}{notes}"
        + macro("code", plain(CODE), language="python", title="sample.py", collapse="true")
        + macro("noformat", plain("as   it\n  stands"))
        + macro("expand", rich("<p>Behind the fold.</p>"), title="Show more")
        + "<p>State: " + macro("status", title="IN PROGRESS", colour="Yellow") + "</p>"
        + macro("details", rich("<table><tbody><tr><th>Owner</th><td>Ada</td></tr></tbody></table>"), id="facts")
        + macro("detailssummary", label="facts")
        + macro("jira", key="KC-7") + macro("jira", jqlQuery="project = KC AND status = Open")
        + macro("html", plain("<script>alert('never')</script><b>raw html</b>"))
        + macro("widget", url='<ri:url ri:value="https://video.example.com/v/1" />') + foreign
        + macro("homegrown", rich("<p>Rich body of an unknown macro.</p>"), internal_option="not for readers")
    )  # fmt: skip


def transclusions() -> str:
    """Text from other pages, and an excerpt for them."""
    named = '<ac:parameter ac:name="">{}</ac:parameter>'
    return (
        "<h1>Elsewhere</h1>"
        + macro("excerpt", rich("<p>The excerpt of this page.</p>"), atlassian_macro_output_type="INLINE")
        + macro("include", named.format(link(page_ref("Plain page", "SHOW"))))
        + macro("excerpt-include", named.format(link(page_ref("Page with an excerpt"))))
    )


def links(mention: Mention) -> str:
    """Links of every kind, with and without a label."""
    kinds = (
        link(page_ref("Plain page"), "a labelled link"), link(page_ref("Plain page")),
        link(page_ref("Plain page", "SHOW"), anchor="part"),
        link('<ri:blog-post ri:content-title="News of the spring" ri:space-key="SHOW" ri:posting-day="2024/04/02" />'),
        link(file_ref("notes.txt"), "the notes"), link(file_ref("notes.txt")), link(mention.of("author-1")),
        link('<ri:space ri:space-key="ENG" />'), link('<ri:shortcut ri:key="jira" ri:parameter="KC-9" />'),
        link('<ri:content-entity ri:content-id="100002" />'), link('<ri:url ri:value="https://example.com/a?b=1&amp;c=2" />', "outside"),
        '<ac:link><ri:page ri:content-title="Plain page" /><ac:link-body>with <em>markup</em></ac:link-body></ac:link>',
        '<a href="https://example.com/">plain link</a>', link("", "here", "Text"),
    )  # fmt: skip
    return f"<h1>Links</h1><ul>{''.join(f'<li><p>{one}</p></li>' for one in kinds)}</ul>"


def media() -> str:
    """Images and macros that show attachments."""
    shown = "".join(
        macro(name, name=file_ref("report.pdf"))
        for name in ("view-file", "viewpdf", "viewdoc", "viewxls", "multimedia")
    )
    return (
        f'<h1>Files</h1><ac:image ac:alt="A diagram of the flow" ac:width="600">{file_ref("diagram.png")}'
        "<ac:caption><p>Figure 1: the flow</p></ac:caption></ac:image>"
        '<ac:image ac:alt="Logo"><ri:url ri:value="https://example.com/logo.png" /></ac:image>'
        f"<ac:image>{file_ref('diagram.png')}</ac:image>{macro('attachments')}{shown}"
    )


def tasks(mention: Mention) -> str:
    """A list of tasks, one done, one nested."""
    inner = "<ac:task-list><ac:task><ac:task-id>3</ac:task-id><ac:task-status>incomplete</ac:task-status>"
    return (
        "<h1>Tasks</h1><ac:task-list>"
        "<ac:task><ac:task-id>1</ac:task-id><ac:task-uuid>0a0a</ac:task-uuid><ac:task-status>complete</ac:task-status>"
        '<ac:task-body><span class="placeholder-inline-tasks">Write it down</span></ac:task-body></ac:task>'
        f"<ac:task><ac:task-id>2</ac:task-id><ac:task-status>incomplete</ac:task-status><ac:task-body>{link(mention.of('author-2'))} "
        f'reads it until <time datetime="2026-04-01" />{inner}<ac:task-body>and says so</ac:task-body></ac:task></ac:task-list>'
        "</ac:task-body></ac:task></ac:task-list>"
    )


def layouts() -> str:
    """Columns, and both forms of what the new editor cannot say in the old format."""
    panel = (
        '<ac:adf-node type="panel"><ac:adf-attribute key="panel-type">custom</ac:adf-attribute>'
        "<ac:adf-content><p>Once only: from the node.</p></ac:adf-content></ac:adf-node>"
        '<ac:adf-fallback><div class="panel"><p>Once only: from the node.</p></div></ac:adf-fallback>'
    )
    cells = "".join(f"<ac:layout-cell><p>{side} column</p></ac:layout-cell>" for side in ("Left", "Right"))
    return (
        f'<h1>Layout</h1><ac:layout><ac:layout-section ac:type="two_equal">{cells}</ac:layout-section>'
        '<ac:layout-section ac:type="single"><ac:layout-cell><p>Below both</p></ac:layout-cell></ac:layout-section></ac:layout>'
        f"<ac:adf-extension>{panel}</ac:adf-extension>"
    )


def tables() -> str:
    """Merged cells in both directions, a head at the side, a table in a table."""
    inner = "<table><tbody><tr><td>inner 1</td><td>inner 2</td></tr></tbody></table>"
    return (
        '<h1>Tables</h1><table data-layout="wide"><colgroup><col style="width: 120px;" /><col /><col /></colgroup><tbody>'
        '<tr><th><p>Region</p></th><th colspan="2"><p>Offices</p></th></tr>'
        '<tr><th rowspan="2"><p>North</p></th><td><p>Oslo</p></td><td><p>Bergen | Voss</p></td></tr>'
        f"<tr><td><ul><li>one</li><li>two</li></ul></td><td>{inner}</td></tr>"
        "<tr><th><p>South</p></th><td><p>Rome</p></td><td><p>first<br />second</p></td></tr></tbody></table>"
    )


def every_element(mention: Mention) -> str:
    """All of it."""
    return "".join([text(), macros(), transclusions(), links(mention), media(), tasks(mention), layouts(), tables()])
