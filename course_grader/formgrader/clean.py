"""What students wrote, on the pages that nbgrader makes of a notebook: nothing of it runs, asks for anything, or leads
back to this server.

These are nbconvert's filters of the same names, each with a wall behind it, and with a limit: what cannot be shown in
seconds is shown as plain text. In nbgrader_config.py, as strings, so that without course_grader no page is made:

    c.HTMLExporter.filters = {"markdown2html": "course_grader.formgrader.clean.markdown2html", ...}

The text itself is not touched, the notebook keeps it: what is cleaned is the HTML that was made of it.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping
from functools import partial
from urllib.parse import unquote

import nh3
from jinja2 import pass_context
from markupsafe import escape
from mistune.renderers.html import HTMLRenderer
from nbconvert.filters import ansi2html as colours
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.token import STANDARD_TYPES

from ..feedback.highlight import highlight
from ..feedback.text import plain

LONGEST, LONGEST_HTML = 20_000, 100_000  # characters that are read as Markdown or a terminal's, and as HTML or code
MOST_HTML, MOST_TEXT = 400_000, 1_000_000  # characters of HTML that come of a cell, and of all cells of a page
MOST_SECONDS = 5.0  # of processor time that a page's Markdown and HTML may take

# -- the wall ----------------------------------------------------------------------------------------------------------

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del",
    "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "img", "input", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong",
    "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr",
}  # fmt: skip
ALIGNED = ("col", "div", "h1", "h2", "h3", "h4", "h5", "h6", "p", "table", "td", "th", "tr")
ATTRIBUTES = {
    "*": {"dir", "id", "lang", "style", "title"},
    **{tag: {"align"} for tag in ALIGNED},
    "a": {"href"},
    "details": {"open"},
    "img": {"alt", "height", "src", "width"},
    "input": {"checked"},
    "ol": {"reversed", "start", "type"},
    "table": {"align", "border"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
CLASSES = {  # of Pygments, of headings' links, of pandas' tables, and of JupyterLab's boxes
    "a": {"anchor-link"},
    "div": {"alert", "alert-block", "alert-danger", "alert-info", "alert-success", "alert-warning", "highlight"},
    "span": {name for name in STANDARD_TYPES.values() if name},
    "table": {"dataframe"},
}
STYLES = {"background-color", "color", "font-style", "font-weight", "text-align", "text-decoration"}
OURS = "text:"  # begins each id, so that none is one of the page's own; grade_ids hold no colon

_ELSEWHERE = re.compile(
    r"(?:https?://(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?(?:[/?#][^\s\\]*)?|mailto:[^\s\\?]+)", re.IGNORECASE
)
_THIS_MACHINE = re.compile(
    r"https?://(?:[^/?#]*\.)?(?:localhost|localdomain|local|internal)(?=[:/?#]|$)", re.IGNORECASE
)
_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
_FILE = re.compile(r"(?:[\w .()+,-]+/)*[\w .()+,-]+\.(?:png|jpe?g|gif|svg|webp)", re.IGNORECASE)
_SIZE = re.compile(r"\d{1,4}%?")
# MathJax's commands that make links, load, or give an element a style, a class or an id; not inside tags and code.
_COMMANDS = r"href|url|require|style|class|cssId|unicode|data|html\w*|bbox|toggle|mmlToken|texttip"
_TEX = re.compile(rf"<pre\b.*?</pre>|<code\b.*?</code>|<[^>]*>|\\({_COMMANDS})(?![A-Za-z])", re.DOTALL)


def link(address: str) -> str | None:
    """The address if a link may lead there: to a heading of the page, or to a named place elsewhere.

    Never to this server: a mere GET of formgrader's own address with a path runs the settings file in that folder.
    """
    if address.startswith("#"):
        return f"#{OURS}{address[1:]}"
    outside = _ELSEWHERE.fullmatch(address) and not _THIS_MACHINE.match(address)
    return address if outside and "formgrader" not in unquote(address).lower() else None


def picture(address: str, attachments: Mapping) -> str | None:
    """The address under which a picture is shown: its own bytes, or a file below the notebook's folder; else None."""
    if address.startswith("attachment:"):
        return _attached(address.partition(":")[2], attachments)
    name = unquote(address)
    below = _FILE.fullmatch(name) and ".." not in name
    return address if below or _DATA.fullmatch(address) else None


def _attached(name: str, attachments: Mapping) -> str | None:
    """A pasted picture as an address that holds it."""
    types = attachments.get(name, attachments.get(unquote(name)))
    for kind, data in types.items() if isinstance(types, Mapping) else ():
        address = f"data:{kind};base64,{data}"
        if _DATA.fullmatch(address):
            return address
    return None


def _attribute(tag: str, name: str, value: str, attachments: Mapping) -> str | None:
    """What becomes of an attribute that the lists above let through."""
    if name == "src":
        return picture(value, attachments)
    if name == "href":
        return link(value)
    if name == "id":
        return OURS + value
    if name in ("height", "width"):
        return value if _SIZE.fullmatch(value) else None
    if name == "style":
        return None if re.search(r"[(\\]", value) else value
    return value


def wall(html: str, attachments: Mapping | None = None) -> str:
    """HTML of which nothing runs, nothing is asked for elsewhere, and nothing is taken for a part of the page."""
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags={"noscript", "option", "script", "style", "textarea"},
        attributes=ATTRIBUTES,
        attribute_filter=partial(_attribute, attachments=attachments or {}),
        allowed_classes=CLASSES,
        filter_style_properties=STYLES,
        set_tag_attribute_values={"input": {"type": "checkbox", "disabled": ""}},  # a task's box: nothing to fill in
        url_schemes={"attachment", "data", "http", "https", "mailto"},
    )
    return _formulas(cleaned)


def _formulas(html: str) -> str:
    """HTML with the commands above as words."""
    return _TEX.sub(lambda found: rf"\mathrm{{{found[1]}}}" if found[1] else found[0], html)


# -- what a page can hold ----------------------------------------------------------------------------------------------


class _Left:
    """What is left of a page's limits."""

    def __init__(self):
        self.characters, self.seconds = MOST_TEXT, MOST_SECONDS

    @contextlib.contextmanager
    def timed(self):
        started = time.thread_time()
        try:
            yield
        finally:
            self.seconds -= time.thread_time() - started


TOO_MUCH = "<p><em>Shown as it was typed: it is too long, or takes too long, to be set.</em></p>"


def _shown(context, text, make, rest="{}") -> str:
    """`make` of the text, as far as the page has room for it, and a sentence on what is not shown.

    make: (text, what is left) -> HTML; rest: the HTML that this sentence stands in
    """
    left = (context.get("resources") or {}).setdefault("course_grader_left", _Left())
    text = text.decode() if isinstance(text, bytes) else "".join(text) if isinstance(text, list) else str(text)
    kept = text[: max(0, left.characters)]
    made, missing = make(kept, left), len(text) - len(kept)
    left.characters -= len(made)
    if missing:
        made += rest.format(f"… {missing:,} characters are left out here, this page is too long: open the notebook …")
    return made


def _cleaned(context, text, make, longest=LONGEST) -> str:
    """`make` of the text and its cell's pictures, behind the wall; the text as typed if that is too much, or fails."""
    attachments = (context.get("cell") or {}).get("attachments")
    attachments = attachments if isinstance(attachments, Mapping) else {}
    most = MOST_HTML + sum(len(str(types)) for types in attachments.values())

    def tried(text: str, left: _Left) -> str:
        if len(text) <= longest and left.seconds > 0:
            with left.timed(), contextlib.suppress(Exception):  # whatever stands in one cell, the page is made
                made = wall(make(text, attachments), attachments)
                if len(made) <= most:  # a thousand open elements are opened again in each of a thousand paragraphs
                    return made
        return f"{TOO_MUCH}<pre>{escape(text)}</pre>"

    return _shown(context, text, tried, "<p><em>{}</em></p>")


# -- the filters -------------------------------------------------------------------------------------------------------


class _Renderer(IPythonRenderer):
    """nbconvert's, with code set in time that grows with its length only, and with words where a picture is missing."""

    def block_code(self, code: str, info: str | None = None) -> str:
        language = info.split(maxsplit=1)[0].lower() if info and info.strip() else ""
        if language in ("python", "python3", "py", "py3", "ipython", "ipython3"):
            return f'<div class="highlight"><pre>{highlight(code)}</pre></div>'
        return HTMLRenderer.block_code(self, code, info)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if picture(url, self.attachments):
            return HTMLRenderer.image(self, text, url, title)
        said = escape(f"[Picture not shown: {text or unquote(url)[:80]}]")
        return HTMLRenderer.link(self, str(said), url) if link(url) else f"<em>{said}</em>"


def _markdown(text: str, attachments: Mapping) -> str:
    return MarkdownWithMath(renderer=_Renderer(escape=False, attachments=attachments)).render(text)


@pass_context
def markdown2html(context, source) -> str:
    """Markdown cells, and outputs in Markdown."""
    return _cleaned(context, source, _markdown)


@pass_context
def clean_html(context, element) -> str:
    """Outputs in HTML, and raw cells."""
    return _cleaned(context, element, lambda html, _: html, LONGEST_HTML)


@pass_context
def highlight_code(context, source, metadata=None) -> str:
    """Code cells. Pygments takes a minute for 20,000 hostile characters, so it is our own that sets them."""
    made = _shown(context, source, lambda text, _: str(highlight(text) if len(text) <= LONGEST_HTML else escape(text)))
    return f'<div class="highlight hl-ipython3"><pre>{made}</pre></div>'


@pass_context
def ansi2html(context, text) -> str:
    """What programs print. The time of nbconvert's colours grows faster than the text."""
    return _shown(context, text, lambda text, _: str(colours(text) if len(text) <= LONGEST else escape(plain(text))))


@pass_context
def e(context, text) -> str:
    """Outputs in LaTeX, all that nbconvert's templates use `e` for."""
    return _shown(context, text, lambda text, _: _formulas(str(escape(text))))
