"""Sums as people say them: "What is 4,800 divided by 12?" is 4800 / 12. One word too many, and nothing is read."""

from __future__ import annotations

import re

_N = r"-?\d+(?:\.\d+)?"  # thousands separators are taken out before
_PERCENT = rf"({_N})\s*(?:%|percent|per cent)"
_LIST = rf"({_N}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*\+\s*|\s+){_N})+)"
_ASKING = re.compile(
    r"""^(?:(?:please|hey|ok|okay|so|now|and|can\ you|could\ you|would\ you|tell\ me|give\ me|i\ need)[\s,]+)*
    (?:what(?:'s|\ is|\ are|\ does|\ do|\ would)|how\ (?:much|many)\ (?:is|are|does|do|makes?)|calculate|compute
    |work\ out|solve|evaluate|find|figure\ out|do\ the\ math:?)?
    \s*(?:the\ (?:result|value|answer)\ (?:of|to)\s+)?(?:the\s+)?""",
    re.VERBOSE,
)
_ENDING = re.compile(
    r"(?:[\s,]+(?:please|equal|equals|make|makes|give|gives|come\ to|thanks|in\ total|together|exactly))*[\s?!.=]*$"
)
_DATE = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}\b|^\S*\d[-/]\d\S*$")  # "10-20" alone is a range, "24/7" a saying
_NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_DIGITS = {word: str(n) for n, word in enumerate(_NAMES)}
_MONEY = {"€": "eur", "euro": "eur", "euros": "eur", "eur": "eur", "$": "usd", "dollar": "usd", "dollars": "usd"}
_MONEY |= {"usd": "usd", "£": "gbp", "pounds": "gbp", "gbp": "gbp"}
_CURRENCY = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(map(re.escape, _MONEY))})(?![^\W\d_])")
_FUNCTIONS = "sqrt|cbrt|abs|round|floor|ceil|min|max|sum|mean|ln|log10|log|exp|factorial|gcd|lcm|sin|cos|tan"
# What stands for a whole sum, in the order in which it is tried.
_WHOLE = (
    (rf"(?:add(?: up)?|sum(?: up)?|total)\s+(?:(?:the|these|2|3)\s+)?(?:numbers?:?\s+)?{_LIST}", "sum({list})"),
    (rf"add\s+({_N})\s+to\s+({_N})", r"{1} + {0}"),
    (rf"(?:sum|total)\s+of\s+(?:the\s+numbers\s+)?{_LIST}", "sum({list})"),
    (rf"(?:average|mean)\s+(?:of|between)\s+(?:the\s+numbers\s+)?{_LIST}", "mean({list})"),
    (rf"(highest|largest|biggest|maximum|lowest|smallest|minimum)\s+of\s+{_LIST}", "{extreme}({list})"),
    (rf"product\s+of\s+{_LIST}", "{product}"),
    (rf"multiply\s+({_N})\s+(?:by|with|and|times)\s+({_N})", "{0} * {1}"),
    (rf"divide\s+({_N})\s+(?:by|through)\s+({_N})", "{0} / {1}"),
    (rf"subtract\s+({_N})\s+from\s+({_N})", "{1} - {0}"),
    (rf"(?:take|deduct)\s+({_N})\s+(?:away\s+)?from\s+({_N})", "{1} - {0}"),
    (rf"difference\s+(?:between|of)\s+({_N})\s+and\s+({_N})", "{0} - {1}"),
    (rf"(?:increase|raise)\s+({_N})\s+by\s+{_PERCENT}", "{0} * (100 + {1}) / 100"),
    (rf"(?:decrease|reduce|lower)\s+({_N})\s+by\s+{_PERCENT}", "{0} * (100 - {1}) / 100"),
    (rf"({_N})\s*(?:plus|with|\+)\s*{_PERCENT}(?:\s+(?:tax|vat|tip))?", "{0} * (100 + {1}) / 100"),
    (rf"({_N})\s*(?:minus|less|-)\s*{_PERCENT}(?:\s+(?:discount|off))?", "{0} * (100 - {1}) / 100"),
    (rf"{_PERCENT}\s+off\s+(?:of\s+)?({_N})", "{1} * (100 - {0}) / 100"),
    (rf"(?:what\s+)?(?:percent|percentage|share)\s+of\s+({_N})\s+is\s+({_N})", "100 * {1} / {0}"),
    (rf"(?:what\s+)?(?:percent|percentage|share)\s+is\s+({_N})\s+(?:out\s+)?of\s+({_N})", "100 * {0} / {1}"),
)
# Words inside a sum, and the sign that each is.
_SIGNS = (
    (r"multiplied by|times|x(?= -?\d)", "*"),
    (r"divided by|over(?= \d)", "/"),
    (r"plus|added to", "+"),
    (r"minus|less", "-"),
    (r"modulo|mod", "%"),  # the calculator tells it from a percentage by what follows
    (r"(?:raised )?to the power of|raised to", "^"),
    (r"squared", "^2"),
    (r"cubed", "^3"),
    (r"percent|per cent", "%"),
    (r"half of", "0.5 *"),
    (r"twice", "2 *"),
)


def expression_in(question: str) -> str | None:
    """Return the sum that the whole question seems to be, in the calculator's signs; None where it is anything else."""
    text = " ".join(question.lower().replace("’", "'").split())
    if len({_MONEY[sign] for sign in _CURRENCY.findall(text)}) > 1:
        return None  # of two currencies there is no sum
    if re.search(r"\d,\d{1,2}(?!\d)", text):
        return None  # a decimal comma, or a list without blanks: both are written so
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = _ENDING.sub("", _ASKING.sub("", text, count=1), count=1)
    text = re.sub(rf"\b({'|'.join(_DIGITS)})\b", lambda found: _DIGITS[found[1]], text)
    text = re.sub(r"(?<=\d)\s*(?:euros?|dollars?|pounds|usd|eur|[€$£])(?!\w)|[€$£](?=\d)", "", text)
    text = re.sub(r"(?<=\d)x(?=\d)", " x ", text)
    if not re.search(r"\d", text) or _DATE.search(text):
        return None
    for form, sum_of in _WHOLE:
        if found := re.fullmatch(form, text):
            return _made(sum_of, found)
    return _signs(text)


def _made(sum_of: str, found: re.Match[str]) -> str:
    groups = [group for group in found.groups() if group is not None]
    numbers = re.findall(_N, groups[-1])
    extreme = "max" if groups[0].startswith(("high", "larg", "big", "max")) else "min"
    return sum_of.format(*groups, list=", ".join(numbers), product=" * ".join(numbers), extreme=extreme)


def _signs(text: str) -> str | None:
    text = re.sub(rf"(?:square )root of ({_N})", r"sqrt(\1)", text)
    text = re.sub(rf"cube root of ({_N})", r"(\1)^(1/3)", text)
    text = re.sub(rf"factorial of ({_N})|({_N}) factorial", lambda found: f"factorial({found[1] or found[2]})", text)
    for words, sign in _SIGNS:
        text = re.sub(rf"\b(?:{words})(?!\w)", f" {sign} ", text)
    text = " ".join(text.split())
    known = re.sub(rf"\b(?:{_FUNCTIONS}|of|pi|e)\b", " ", text)
    if re.search(r"[^\W\d_]|[^\w\s.,+\-*/%^()!√π×÷·−]", known.replace("π", " ")) or not re.search(
        r"[-+*/%^!√×÷·−(]", text
    ):
        return None
    return text
