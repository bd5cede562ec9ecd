"""Live quotes from a configurable API: the address has {symbol} in it, the reply is JSON with a price."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated
from urllib.parse import quote as percent

from pydantic import StringConstraints

from skills.auth import Signer
from skills.declare import skill
from skills.errors import SkillFailure, SkillRefusal
from skills.http import Http, HttpRequest
from skills.types import Person

Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.^=-]{1,15}$"), "ticker symbol, such as 'AAPL'"]
_PRICES = ("price", "last", "close", "value", "c", "regularMarketPrice")  # as common APIs call it
_TICKER = re.compile(r"(?<![\w.-])\^?[A-Z]{1,5}(?:[.-][A-Z]{1,2})?(?![\w-])|(?<!\w)[A-Z]{6}(?!\w)")
_CAPITALS = frozenset(
    ["A", "I", "CEO", "CFO", "USA", "US", "UK", "EU", "USD", "EUR", "GBP", "CHF", "JPY", "OK", "HR", "IT"]
)
_PRICE = re.compile(
    r"\b(?:stocks?|share price|shares? of|share of|quotes?\s+(?:of|for)|trad(?:e|es|ing) at|exchange rate|ticker)\b"
    r"|\bprice of (?:one |a |the )?\^?[A-Z]{1,5}\b(?! [a-z])|\b[A-Z]{1,5} trade"
    r"|[A-Z]{2,5} (?:stock|shares?|quote|share price)\b"
)
_COMPANY = re.compile(
    r"\b(?:stock|share) price of ([A-Z][a-z]{1,14})\b(?! [A-Z])|\b([A-Z][a-z]{1,14})(?:'s)? (?:stock|share) price\b"
)
_MAX_BYTES, _TIMEOUT_S = 100_000, 10.0


def quote_skills(url: str, http: Http, signer: Signer) -> list[Callable[..., object]]:
    """Return the skill that asks `url`, in which {symbol} stands for the symbol."""

    @skill(reads=_symbol_in)
    async def stock_price(symbol: Symbol, person: Person) -> dict[str, str | float]:
        """Look up the current price of a stock, fund, index or currency pair by its ticker symbol.

        Examples:
            What is the price of AAPL?
            What does one share of Microsoft cost right now?
            How is the NVDA stock doing today?
        What is the exchange rate of EUR to USD?
        What does GOOG trade at?
        What is the current quote of the index S&P 500?
        """
        address = url.replace("{symbol}", percent(symbol.upper(), safe=""))
        signature = await signer.sign(person)
        request = HttpRequest("GET", address, {"Accept": "application/json", **signature.headers})
        reply = await http(request, max_bytes=_MAX_BYTES, timeout_s=_TIMEOUT_S)
        if reply.status == 404:
            raise SkillRefusal(f"There is no quote for {symbol!r}. Ask with the ticker symbol, such as AAPL for Apple.")
        if reply.status != 200:
            raise SkillFailure(f"The quotes service answered with status {reply.status}.")
        return _quote(symbol.upper(), reply.json())

    return [stock_price]


def _symbol_in(question: str) -> Mapping[str, str] | None:
    """Return the one ticker symbol of a question about a price, or the company that has to be asked by its symbol."""
    found = [word for word in _TICKER.findall(question) if word not in _CAPITALS]
    if pair := re.search(r"\b([A-Z]{3})\s*(?:to|/|in|and)\s*([A-Z]{3})\b", question):
        found = [pair[1] + pair[2]]
    if company := _COMPANY.search(question):
        found = found or [company[1] or company[2]]
    return {"symbol": found[0]} if len(found) == 1 and _PRICE.search(question) else None


def _quote(symbol: str, answer: object) -> dict[str, str | float]:
    if not isinstance(answer, dict):
        raise SkillFailure("The quotes service did not answer with an object.")
    price = next((answer[name] for name in _PRICES if isinstance(answer.get(name), int | float)), None)
    if price is None:
        raise SkillFailure(f"The quotes service gave no price for {symbol}.")
    rest = {name: str(answer[name])[:60] for name in ("currency", "time", "exchange") if name in answer}
    return {"symbol": symbol, "price": price, **rest}
