"""What a web page shows besides its content: navigation, banners, hidden parts. It is taken out of the tree."""

from __future__ import annotations

import re

from lxml import etree

from ingest.loaders.xmltree import local_name

_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:\D|$)", re.IGNORECASE)
_NAVIGATION = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|navbox|menu|breadcrumbs?|sidebar|cookies?|share|social|pagination|pager|"
    r"skip-?link|advert|ads|toc|mw-editsection|noprint|masthead)(?:$|[\s_-])",
    re.IGNORECASE,
)
_DROPPED_NAMES = (
    "script style noscript template iframe object embed canvas svg button select option input textarea head nav "
    "audio video map dialog"
)
_DROPPED = frozenset(_DROPPED_NAMES.split())
_PAGE_FURNITURE = frozenset({"header", "footer", "aside"})  # dropped unless inside the main part
_MAIN = frozenset({"main", "article"})
_HEADINGS = frozenset(f"h{n}" for n in range(1, 7))
_LINK_SHARE = 0.5  # of its text: above, something that is named like navigation is navigation
_SMALL_SHARE = 0.2  # of the page's text: a bigger part is content, whatever its name


def prune(root: etree._Element) -> None:
    """Take out what readers of the page do not see, and its navigation."""
    for element in list(root.iter()):
        name = local_name(element)
        if name in _DROPPED or (name and element is not root and _is_hidden(element)):
            _drop(element)
    total = max(1, _size(root))
    named = [e for e in root.iter() if _NAVIGATION.search(f"{e.get('class') or ''} {e.get('id') or ''}")]
    for element in named:
        if local_name(element) not in {"body", "html", *_HEADINGS} and _is_navigation(element, total):
            _drop(element)


def _is_hidden(element: etree._Element) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return bool(_HIDDEN_STYLE.search(element.get("style") or "")) or element.get("role") == "navigation"


def _is_navigation(element: etree._Element, total: int) -> bool:
    size = _size(element)
    links = sum(_size(link) for link in element.iter("a"))
    return size < total * _SMALL_SHARE and (links > size * _LINK_SHARE or size < 40)


def _drop(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    tail = element.tail or ""
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def _size(element: etree._Element) -> int:
    return sum(len(piece.strip()) for piece in element.itertext())


def main_part(root: etree._Element) -> etree._Element:
    """Return the part of the page that says it is the main one, when it holds most of the text."""
    total = _size(root)
    marked = [e for e in root.iter() if local_name(e) in _MAIN or e.get("role") == "main"]
    best = max(marked, key=_size, default=None)
    if best is not None and _size(best) * 2 > total:
        return best
    for element in [e for e in root.iter() if local_name(e) in _PAGE_FURNITURE]:
        if not any(local_name(above) in _MAIN for above in element.iterancestors()) and _size(element) * 2 < total:
            _drop(element)
    return root
