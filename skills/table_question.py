"""A question about a table, read into one SELECT by rules: no model, and no guess.

Every word of the question has to be explained by a column, a value, an amount or a word of the lists below; where one
is left over, or two readings are possible, there is no reading. Pure: it runs in the confined process that holds the
table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from skills.table_select import Asked, Reading, computed, listed, name_of, of_columns, text_of
from skills.table_words import Column, Key, Span, Words, key_of, phrases, plural

_FUNCTIONS: dict[Key, str] = {
    **dict.fromkeys(phrases("sum up,sum,total up,total,in total,add up,altogether,overall,combined"), "sum"),
    **dict.fromkeys(phrases("average,on average,mean,avg"), "avg"),
    **dict.fromkeys(phrases("median"), "median"),
    **dict.fromkeys(phrases("how many,number of,count of,count"), "count"),
}
_EXTREMES: dict[Key, str] = {
    **dict.fromkeys(phrases("maximum,max,highest,largest,biggest,greatest"), "max"),
    **dict.fromkeys(phrases("minimum,min,lowest,smallest"), "min"),
    **dict.fromkeys(phrases("most"), "most"),
    **dict.fromkeys(phrases("least,fewest"), "least"),
    **dict.fromkeys(phrases("latest,newest,most recent"), "latest"),
    **dict.fromkeys(phrases("earliest,oldest"), "earliest"),
}
_COMPARED: dict[Key, str] = {
    **dict.fromkeys(phrases("over,above,more than,greater than,higher than,larger than,exceeding,>"), ">"),
    **dict.fromkeys(phrases("under,below,less than,fewer than,lower than,smaller than,<"), "<"),
    **dict.fromkeys(phrases("at least,not less than,no less than,>="), ">="),
    **dict.fromkeys(phrases("at most,not more than,no more than,<="), "<="),
    **dict.fromkeys(phrases("exactly,equal to,equals,="), "="),
}
_GROUPED = phrases("for each,for every,in each,in every,of each,of every,per,by,each,every")
_ROWS = phrases("rows,records,entries,lines")
_COLUMNS = phrases("columns,fields,headers,headings")
_SILENT = phrases(
    "what,which,is,are,was,were,be,does,do,did,have,has,had,having,the,a,an,of,in,for,from,on,to,with,where,whose,there,"
    "that,it,its,me,us,please,show,tell,give,list,find,calculate,compute,i,you,we,can,could,my,our,your,all,different,"
    "distinct,unique,value,named,called,how much,table,file,sheet,spreadsheet,csv,xlsx,attached,uploaded"
)  # fmt: skip
_TABLE = "\x01"  # takes the place of the table's name
_DIFFERENT = set(phrases("different,distinct,unique"))
# Questions for a yes or no, for a place, or for what a word means are not for values.
_NOT_FOR_VALUES = frozenset([
    "is", "are", "was", "were", "does", "do", "did", "has", "have", "had", "where", "whose", "when", "why",
])  # fmt: skip
_LISTING = phrases("which,list,show,all,different,distinct,unique")
_RESERVED = {*_FUNCTIONS, *_EXTREMES, *_COMPARED, *_GROUPED, *_ROWS, *_COLUMNS, *_SILENT} - {("value",)}
# A row that sums the others would be counted in with them.
_SUMS = set(phrases("total,sum,grand total,subtotal,totals,overall,all"))
_SIGNS = {">": "over", "<": "under", ">=": "at least", "<=": "at most", "=": ""}


@dataclass(frozen=True, slots=True)
class _Mention:
    span: Span
    column: Column


def read(question: str, table: str, columns: Sequence[Column]) -> Reading | None:
    """Return the reading of a question about the table of that file name or title; None without a certain one."""
    words = Words.of(_withoutname_of(question, table, columns))
    if not words.texts or words.texts[0] in _NOT_FOR_VALUES or words.texts[-1] == "mean":
        return None
    mentions = _mentions(words, columns)
    if mentions is None:
        return None
    filters = _filters(words, mentions, columns)
    if filters is None:
        return None
    conditions, used = filters
    stem = re.sub(r"\.\w{2,5}$", "", table)
    asked = _parts(words, stem, [each for each in mentions if each not in used], conditions)
    if asked is None or words.open:
        return None
    if isinstance(asked, Reading):
        return asked
    if any(key_of(value) in _SUMS for column in columns for value in column.values):
        return listed(asked) if not (asked.function or asked.extreme) else None
    return computed(asked) if asked.function or asked.extreme else listed(asked)


def _withoutname_of(question: str, table: str, columns: Sequence[Column]) -> str:
    """Return the question with a sign in place of its table's name: "sales.csv", "the sales table", "in sales"."""
    stem = re.sub(r"\.\w{2,5}$", "", table)
    names = [rf"(?<!\w){re.escape(table)}(?!\w)"] if stem != table or len(key_of(table)) > 1 else []
    kinds, name = r"(?:table|file|sheet|spreadsheet|csv|xlsx)", rf"(?<!\w){re.escape(stem)}(?!\w)"
    names += [rf"{name}\s+{kinds}\b", rf"\b{kinds}\s+{name}"]
    if key_of(stem) not in {key_of(each) for column in columns for each in (column.name, *column.values)}:
        names.append(rf"(?<=\bin\s|\bof\s){name}|(?<=\bin\sthe\s|\bof\sthe\s){name}")
    return re.sub("|".join(names), f" {_TABLE} ", question, flags=re.IGNORECASE)


def _mentions(words: Words, columns: Sequence[Column]) -> list[_Mention] | None:
    """Return where columns are named; None where a name may mean two things."""
    named: dict[Key, list[Column]] = {}
    for column in columns:
        short = re.sub(r"[(\[].*", "", column.name)  # "Revenue (EUR)"
        for key in {key_of(column.name), key_of(short)} - {()}:
            named.setdefault(key, []).append(column)
    values = {key_of(value) for column in columns for value in column.values}
    found = []
    for span, key in words.spans(named):
        if len(named[key]) > 1 or key in values or all((each,) in _RESERVED for each in key):
            return None
        words.take(span)
        found.append(_Mention(span, named[key][0]))
    return found


def _filters(
    words: Words, mentions: list[_Mention], columns: Sequence[Column]
) -> tuple[list[tuple[str, str]], list[_Mention]] | None:
    """Return conditions, in SQL and in words, and the mentions of columns that belong to them."""
    conditions: list[tuple[str, str]] = []
    used: list[_Mention] = []
    spans: list[Span] = []
    held: dict[Key, list[tuple[Column, str]]] = {}
    for column in columns:
        for value in column.values:
            held.setdefault(key_of(value), []).append((column, value))
    quoted = {n for n, text in enumerate(words.texts) if text.startswith("\x00")}
    for span, key in words.spans(each for each in held if each):
        if span.begin not in quoted and all((each,) in _RESERVED for each in key):
            continue
        owners = {column.name: column for column, _ in held[key]}
        near = [each for each in mentions if each.column.name in owners and words.linked(each.span, span)]
        if len(owners) > 1 and len({each.column.name for each in near}) != 1:
            return None
        column = near[0].column if near else next(iter(owners.values()))
        exact = [value for owner, value in held[key] if owner == column]
        if len({value.strip().lower() for value in exact}) > 1 or any(
            f'"{column.name}"' in sql for sql, _ in conditions
        ):
            return None
        chosen = ", ".join(text_of(value) for value in exact)
        sql = f"{name_of(column)} = {chosen}" if len(exact) == 1 else f"{name_of(column)} IN ({chosen})"
        conditions.append((sql, f"{column.name} is {exact[0]}"))
        words.take(span)
        used += near
        spans.append(span)
    compared = _comparisons(words, mentions)
    if compared is None:
        return None
    for mention, span, sql, said in compared:
        conditions.append((sql, said))
        used.append(mention)
        spans.append(span)
    _join(words, spans, used)
    return conditions, used


def _comparisons(words: Words, mentions: list[_Mention]) -> list[tuple[_Mention, Span, str, str]] | None:
    found = []
    signs = words.spans(_COMPARED)
    for span, amount in words.numbers():
        sign = next((each for each in signs if each[0].end == span.begin), None)
        whole = Span(sign[0].begin if sign else span.begin, span.end)
        near = [each for each in mentions if each.column.kind == "number" and words.linked(each.span, whole)]
        if len(near) != 1 or (sign is None and near[0].span.begin > whole.begin):
            return None
        operator = _COMPARED[sign[1]] if sign else "="
        said = " ".join(each for each in (near[0].column.name, "is", _SIGNS[operator], amount) if each)
        found.append((near[0], whole, f"{name_of(near[0].column)} {operator} {amount}", said))
        words.take(whole)
    return found


def _join(words: Words, spans: list[Span], used: list[_Mention]) -> None:
    """Explain an "and" between two conditions."""
    ends = [*spans, *(each.span for each in used)]
    for n in sorted(words.open):
        joins = words.texts[n] == "and" and len(spans) > 1
        if joins and any(words.linked(Span(n, n + 1), each) for each in ends if each.begin > n):
            words.take(Span(n, n + 1))


def _parts(words: Words, name: str, free: list[_Mention], conditions: list[tuple[str, str]]) -> Asked | Reading | None:
    """Return the parts of a question; None where they do not fit together."""
    functions = {meaning for _, meaning in words.first(_FUNCTIONS)}
    extremes = words.first(_EXTREMES)
    groups = words.spans(_GROUPED)
    by = [each for each in free for span, _ in groups if span.end == each.span.begin]
    for span, _ in groups:
        if any(span.end == each.span.begin for each in by):
            words.take(span)
    rows = bool(words.first(dict.fromkeys([*_ROWS, key_of(name)], "rows")))  # a row of orders.csv is an order
    fields = words.first(dict.fromkeys(_COLUMNS, "columns"))
    listing = any(key in _LISTING for _, key in words.spans(_SILENT))
    different = any(key in _DIFFERENT for _, key in words.spans(_SILENT))
    words.first(dict.fromkeys([*_SILENT, (_TABLE,)], ""))
    if fields and not any(words.linked(span, each.span) for span, _ in fields for each in free):
        return of_columns(functions) if not (free or conditions or extremes or rows) else None
    if different and (rows or extremes or functions - {"count"}):
        return None
    if len(functions) > 1 or len({meaning for _, meaning in extremes}) > 1 or len(by) > 1:
        return None
    rest = [each for each in free if each not in by]
    which = [each for each in rest if words.before(each.span) in ("which", "what")]
    if not which and len(rest) == 2 and extremes and rest[0].column.kind == "text":  # "the product with the largest"
        which = [each for each in rest[:1] if each.span.begin < extremes[0][0].begin]
    entity = which[0].column if which else None
    measures = tuple(dict.fromkeys(each.column for each in rest if each not in which))
    listing = listing or any(plural(words.texts[each.span.end - 1]) for each in rest)
    where = " WHERE " + " AND ".join(sql for sql, _ in conditions) if conditions else ""
    limits = f" ({' and '.join(said for _, said in conditions)})" if conditions else ""
    function, extreme = next(iter(functions), ""), extremes[0][1] if extremes else ""
    if len(which) > 1 or len(measures) > 1:
        return None
    return Asked(function, extreme, rows, listing, entity, by[0].column if by else None, measures, where, limits)
