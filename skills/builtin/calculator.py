"""Exact arithmetic: an evaluator of our own over Python's expression tree, in which nothing but arithmetic exists."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from fractions import Fraction
from typing import Annotated

from skills.builtin.sums_said import expression_in
from skills.declare import EXACT, skill
from skills.errors import SkillRefusal

Number = Fraction | Decimal  # exact, or to 50 digits once a root or a logarithm is in it

_MAX_CHARS, _MAX_NODES, _MAX_DEPTH = 500, 200, 40
_MAX_BITS = 20_000  # of a numerator or denominator: some 6,000 digits
_MAX_FACTORIAL = 1_000
_MAX_EXPONENT = 5_000
_DIGITS = Context(prec=50, traps=[Overflow, InvalidOperation, DivisionByZero], Emax=100_000, Emin=-100_000)
_CONSTANTS = {
    "pi": Decimal("3.14159265358979323846264338327950288419716939937510"),
    "e": Decimal("2.71828182845904523536028747135266249775724709369995"),
}
_THOUSANDS = re.compile(r"(?<![\d.])(\d{1,3}(?:,\d{3})+)(?![\d,])")
_WORDS = (("×", "*"), ("·", "*"), ("÷", "/"), ("−", "-"), ("–", "-"), ("^", "**"), ("√", "sqrt"), ("π", "pi"))
_PERCENT = re.compile(r"%\s*(?=$|[-+*/),]|of\b)")


def _read(question: str) -> Mapping[str, str] | None:
    said = expression_in(question)
    try:
        tree = ast.parse(_plain(said), mode="eval") if said else None
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return {"expression": said} if said and tree and not isinstance(tree.body, ast.Tuple) else None


@skill(reads=_read, tags=EXACT)
def calculate(
    expression: Annotated[str, "for example '(1250 - 199.90) * 19%' or 'sqrt(2) * 10^3'"],
) -> str:
    """Calculate an arithmetic expression exactly: sums, differences, products, quotients, powers, percentages, roots.

    Knows + - * / // % ^, brackets, pi, e, and sqrt, abs, round, floor, ceil, min, max, sum, mean, ln, log, exp,
    factorial, gcd, lcm, sin, cos, tan.

    Examples:
        What is 17% of 2340?
        How much is 12 * 7.5 + 3?
        Square root of 1764
        Add up 3, 4.5 and 10
        Divide 900 by 8
        How much is 3 to the power of 7?
    """
    # With what was calculated, so that who asked in words can see how they were read.
    return f"{expression.strip().rstrip('=? ')} = {show(evaluate(expression))}"


def evaluate(expression: str) -> Number:
    """Return the value; raises SkillRefusal with what is wrong in the expression."""
    if len(expression) > _MAX_CHARS:
        raise SkillRefusal(f"The expression has {len(expression)} characters, over the limit of {_MAX_CHARS}.")
    plain = _plain(expression)
    try:
        tree = ast.parse(plain, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as exc:
        raise SkillRefusal(f"{expression[:100]!r} is no arithmetic expression.") from exc
    if sum(1 for _ in ast.walk(tree)) > _MAX_NODES:
        raise SkillRefusal("The expression is too long. Calculate it in parts.")
    with localcontext(_DIGITS):
        try:
            value = _value(_exact_literals(tree, plain).body, 0)
        except ZeroDivisionError as exc:  # decimal's DivisionByZero is one too
            raise SkillRefusal("The expression divides by zero.") from exc
        except (ArithmeticError, ValueError) as exc:
            raise SkillRefusal("The result is too large, or not a number.") from exc
    if isinstance(value, Decimal) and not value.is_finite():
        raise SkillRefusal("The result is infinite, or not a number.")
    return value


def show(value: Number, fraction: bool = True) -> str:
    """Return the value as people write it: exact where it ends, else 15 digits, after the `fraction` where wanted."""
    if isinstance(value, Decimal):
        return f"about {_decimal(value, 15)}"
    if value.denominator == 1:
        return _short(_digits(value.numerator))
    with localcontext(_DIGITS):
        quotient = Decimal(value.numerator) / Decimal(value.denominator)
    if Fraction(quotient) == value:
        return _short(format(quotient.normalize(_DIGITS), "f"))
    about = f"about {_decimal(quotient, 15)}"
    exact = f"{_digits(value.numerator)}/{_digits(value.denominator)}"
    return f"{exact} ({about})" if fraction and len(exact) <= 40 else about


def _plain(expression: str) -> str:
    text = expression.strip().rstrip("=?").strip()
    for written, meant in _WORDS:
        text = text.replace(written, meant)
    text = _PERCENT.sub("/100 ", text)
    text = re.sub(r"/100\s+of\b", "/100 *", text)
    text = re.sub(r"(\d+)!(?!=)", r"factorial(\1)", text)
    if "(" not in text:  # between brackets a comma parts arguments
        text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    return text


def _exact_literals(tree: ast.Expression, text: str) -> ast.Expression:
    """Put what was written in the place of each float: 0.1 is a tenth, not the double next to it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            written = Decimal((ast.get_source_segment(text, node) or "").replace("_", ""))
            if not -_MAX_EXPONENT < written.adjusted() < _MAX_EXPONENT:
                raise SkillRefusal("A number in the expression has over 5,000 digits.")
            node.value = written  # type: ignore[assignment]  # for _value alone
    return tree


def _value(node: ast.expr, depth: int) -> Number:
    if depth > _MAX_DEPTH:
        raise SkillRefusal("The expression is nested too deeply.")
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() as whole):
            return _bounded(Fraction(whole))
        case ast.Constant(value=Decimal() as written):
            return _bounded(Fraction(written))
        case ast.Name(id=name) if name.lower() in _CONSTANTS:
            return _CONSTANTS[name.lower()]
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner, depth + 1)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, depth + 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _bounded(_OPERATORS[type(op)](_value(left, depth + 1), _value(right, depth + 1)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name.lower() in _FUNCTIONS and args:
            return _bounded(_FUNCTIONS[name.lower()]([_value(each, depth + 1) for each in _flat(args)]))
        case _:
            pass
    raise SkillRefusal(f"{ast.unparse(node)[:60]!r} is not arithmetic that I know.")


def _flat(args: list[ast.expr]) -> list[ast.expr]:
    """Return the arguments of f(1, 2) or f([1, 2])."""
    if len(args) == 1 and isinstance(args[0], ast.List | ast.Tuple):
        return args[0].elts
    return args


def _bounded(value: Number) -> Number:
    if isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        raise SkillRefusal("The result has over 6,000 digits.")
    return value


def _pair(left: Number, right: Number) -> tuple[Decimal, Decimal] | None:
    """Return both as decimals when one of them is no exact fraction."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return None
    return _as_decimal(left), _as_decimal(right)


def _as_decimal(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(value.numerator) / Decimal(value.denominator)


def _exact(value: Number) -> Fraction:
    return value if isinstance(value, Fraction) else Fraction(value)


def _both(
    fractions: Callable[[Fraction, Fraction], Fraction | int], decimals: Callable[[Decimal, Decimal], Decimal]
) -> Callable[[Number, Number], Number]:
    def apply(left: Number, right: Number) -> Number:
        pair = _pair(left, right)
        return decimals(*pair) if pair else Fraction(fractions(_exact(left), _exact(right)))

    return apply


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(exponent.numerator) * bits > _MAX_BITS:
            raise SkillRefusal("The power has over 6,000 digits.")
        return base**exponent.numerator
    if _as_decimal(base) < 0:
        raise SkillRefusal("A negative number has no real power of that kind.")
    return _as_decimal(base) ** _as_decimal(exponent)


_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: _both(lambda a, b: a + b, lambda a, b: a + b),
    ast.Sub: _both(lambda a, b: a - b, lambda a, b: a - b),
    ast.Mult: _both(lambda a, b: a * b, lambda a, b: a * b),
    ast.Div: _both(lambda a, b: a / b, lambda a, b: a / b),
    ast.FloorDiv: _both(lambda a, b: a // b, lambda a, b: Decimal(math.floor(a / b))),
    ast.Mod: _both(lambda a, b: a % b, lambda a, b: a - b * math.floor(a / b)),
    ast.Pow: _power,
}


def _one(values: list[Number]) -> Number:
    if len(values) != 1:
        raise SkillRefusal("That function takes one number.")
    return values[0]


def _sqrt(values: list[Number]) -> Number:
    value = _one(values)
    if value < 0:
        raise SkillRefusal("A negative number has no real root.")
    if isinstance(value, Fraction):
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
    return _as_decimal(value).sqrt()


def _whole(value: Number) -> int:
    exact = _exact(value)
    if exact.denominator != 1:
        raise SkillRefusal(f"{show(value)} is no whole number.")
    return exact.numerator


def _factorial(values: list[Number]) -> Number:
    number = _whole(_one(values))
    if not 0 <= number <= _MAX_FACTORIAL:
        raise SkillRefusal(f"factorial takes a whole number from 0 to {_MAX_FACTORIAL}.")
    return Fraction(math.factorial(number))


def _round(values: list[Number]) -> Number:
    digits = _whole(values[1]) if len(values) == 2 else 0
    if len(values) > 2 or abs(digits) > 100:
        raise SkillRefusal("round takes a number and at most 100 digits.")
    scale = Fraction(10) ** digits
    scaled = abs(_exact(values[0])) * scale
    rounded = Fraction(math.floor(scaled + Fraction(1, 2))) / scale  # halves away from zero, as people expect
    return rounded if values[0] >= 0 else -rounded


def _log(values: list[Number]) -> Number:
    if len(values) == 2:
        return _as_decimal(values[0]).ln() / _as_decimal(values[1]).ln()
    return _as_decimal(_one(values)).log10()


def _circular(function: Callable[[float], float]) -> Callable[[list[Number]], Number]:
    return lambda values: Decimal(f"{function(float(_one(values))):.15g}")


_FUNCTIONS: dict[str, Callable[[list[Number]], Number]] = {
    "sqrt": _sqrt,
    "abs": lambda values: -_one(values) if _one(values) < 0 else _one(values),
    "round": _round,
    "floor": lambda values: Fraction(math.floor(_one(values))),
    "ceil": lambda values: Fraction(math.ceil(_one(values))),
    "min": lambda values: min(values),
    "max": lambda values: max(values),
    "sum": lambda values: sum(map(_exact, values), Fraction(0)),
    "mean": lambda values: sum(map(_exact, values), Fraction(0)) / len(values),
    "ln": lambda values: _as_decimal(_one(values)).ln(),
    "log": _log,
    "log10": lambda values: _as_decimal(_one(values)).log10(),
    "exp": lambda values: _as_decimal(_one(values)).exp(),
    "factorial": _factorial,
    "gcd": lambda values: Fraction(math.gcd(*map(_whole, values))),
    "lcm": lambda values: Fraction(math.lcm(*map(_whole, values))),
    "sin": _circular(math.sin),
    "cos": _circular(math.cos),
    "tan": _circular(math.tan),
}


def _digits(whole: int) -> str:
    return format(Decimal(whole), "f")  # Python itself writes integers of 4,300 digits at most


def _decimal(value: Decimal, digits: int) -> str:
    with localcontext(prec=digits):
        rounded = (+value).normalize()
    exponent = rounded.adjusted()
    return format(rounded, "f") if -7 <= exponent <= 20 else format(rounded, "E")


def _short(digits: str) -> str:
    return digits if len(digits) <= 2_000 else f"{digits[:1_000]}... ({len(digits)} digits)"
