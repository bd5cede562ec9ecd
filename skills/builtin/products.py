"""Product search over a catalogue: a CSV file, ranked by BM25 over all of its text."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from skills.declare import skill
from skills.errors import BadSkill

_MAX_BYTES, _MAX_ROWS = 50_000_000, 200_000
_K1, _B = 1.2, 0.75  # BM25's usual constants (Robertson and Zaragoza 2009)
_WORD = re.compile(r"\w+")
_ASKED = re.compile(
    r"^(?:please |can you |could you )*(?:do (?:you|we) (?:have|sell|stock|carry)|have you got|find|search|show|list"
    r"|which|what|is there|are there|i (?:need|want|am looking)|looking for|how much (?:is|are|does|do)"
    r"|price of|cost of|got any)\b"
)
_CHEAPER = re.compile(
    r"(?:for |that (?:is|are|costs?) )?(?:under|below|less than|cheaper than|up to|at most|no more than|max(?:imum)?)"
    r"\s*[€$£]?\s*"
    r"(\d[\d,]*(?:\.\d+)?)\s*(?:euros?|eur|dollars?|usd|pounds|[€$£])?"
)
_ASKING = frozenset(
    [
        "a",
        "an",
        "the",
        "any",
        "some",
        "all",
        "me",
        "i",
        "you",
        "we",
        "do",
        "does",
        "have",
        "has",
        "got",
        "sell",
        "stock",
        "in",
    ]
    + [
        "carry",
        "find",
        "search",
        "show",
        "list",
        "which",
        "what",
        "is",
        "are",
        "there",
        "for",
        "of",
        "to",
        "please",
        "can",
    ]
    + [
        "could",
        "need",
        "want",
        "am",
        "looking",
        "how",
        "much",
        "price",
        "prices",
        "cost",
        "costs",
        "our",
        "your",
        "catalogue",
    ]
    + [
        "catalog",
        "shop",
        "store",
        "product",
        "products",
        "item",
        "items",
        "article",
        "articles",
        "with",
        "that",
        "and",
        "s",
    ]
)
_NAMED = ("name", "title", "product", "product_name", "category", "brand", "type", "model")
_PRICE_NAMES = ("price", "unit_price", "amount", "cost")


@dataclass(frozen=True, slots=True)
class _Product:
    row: Mapping[str, str]
    words: Counter[str]
    price: float | None


class Catalogue:
    """The rows of a CSV file with a header line."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises BadSkill when it is none, too large, or has no header line."""
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise BadSkill(f"The catalogue {path.name} is over the limit of {_MAX_BYTES} bytes.")
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                self._products = [_product(row) for _, row in zip(range(_MAX_ROWS), csv.DictReader(file), strict=False)]
        except (OSError, csv.Error) as exc:
            raise BadSkill(f"The catalogue {path} cannot be read: {exc}") from exc
        if not self._products:
            raise BadSkill(f"The catalogue {path.name} holds no products under a header line.")
        self._length = sum(product.words.total() for product in self._products) / len(self._products)
        self._names = frozenset(word for product in self._products for word in _names(product.row))
        self._holding = Counter(word for product in self._products for word in product.words)

    def holds(self, word: str) -> bool:
        """Return whether a product is called by the word; descriptions have words of any kind."""
        return _stem(word.lower()) in self._names

    def search(self, query: str, limit: int, max_price: float | None) -> list[Mapping[str, str]]:
        """Return the products that match a word of `query`, best first; without one, any up to the price."""
        cheap = not query and max_price is not None
        words = list(dict.fromkeys(_stem(word) for word in _WORD.findall(query.lower())))
        scored = [
            (self._score(product, words), index)
            for index, product in enumerate(self._products)
            if max_price is None or (product.price is not None and product.price <= max_price)
        ]
        best = sorted((pair for pair in scored if pair[0] > 0 or cheap), key=lambda pair: (-pair[0], pair[1]))[:limit]
        return [self._products[index].row for _, index in best]

    def _score(self, product: _Product, words: list[str]) -> float:
        score = 0.0
        long = _K1 * (1 - _B + _B * product.words.total() / max(self._length, 1.0))
        for word in words:
            if count := product.words[word]:
                holding = self._holding[word]
                rarity = math.log(1 + (len(self._products) - holding + 0.5) / (holding + 0.5))
                score += rarity * count * (_K1 + 1) / (count + long)
        return score


def product_skills(catalogue: Catalogue) -> list[Callable[..., object]]:
    """Return the skill over `catalogue`."""

    def read(question: str) -> Mapping[str, str | float] | None:
        """Return what is looked for, where all that a question says besides its form stands in the catalogue."""
        text = " ".join(question.lower().split()).strip(" ?.!")
        cheaper = _CHEAPER.search(text)
        wanted = [word for word in _WORD.findall(_CHEAPER.sub(" ", text)) if word not in _ASKING]
        if not _ASKED.search(text) or not all(catalogue.holds(word) for word in wanted) or not (wanted or cheaper):
            return None
        most = {"max_price": float(cheaper[1].replace(",", ""))} if cheaper else {}
        return {"query": " ".join(wanted), **most}

    @skill(reads=read)
    def search_products(
        query: Annotated[str, "what the product is or does, in a few words"],
        max_price: Annotated[float | None, "only products up to this price"] = None,
        limit: Annotated[int, Field(ge=1, le=20)] = 5,
    ) -> list[dict[str, str]]:
        """Search the product catalogue and list the products that fit best, with price and stock as far as known.

        Examples:
            Which laptops do we sell for less than 900 euro?
            Do we have wireless headphones in stock?
        """
        return [dict(row) for row in catalogue.search(query, limit, max_price)]

    return [search_products]


def _product(row: Mapping[str | None, object]) -> _Product:
    plain = {str(key)[:60]: str(value or "")[:2_000] for key, value in row.items() if key is not None}
    words = Counter(_stem(word) for value in plain.values() for word in _WORD.findall(value.lower()))
    lower = {key.strip().lower(): value for key, value in plain.items()}
    given = next((lower[name] for name in _PRICE_NAMES if name in lower), "")
    number = re.search(r"\d+(?:[.,]\d+)?", given.replace(",", "") if "." in given else given)
    return _Product(plain, words, float(number[0].replace(",", ".")) if number else None)


def _names(row: Mapping[str, str]) -> set[str]:
    """Return what a product is called: the words of its name, category and brand, without numbers."""
    called = [value for key, value in row.items() if key.strip().lower() in _NAMED] or list(row.values())[:1]
    return {_stem(word) for value in called for word in _WORD.findall(value.lower()) if not word.isdigit()}


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
