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
from skills.table_words import Column, Key, Span, Words, ends_of, key_of, keys_of, people_of, phrases, plural

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
    **dict.fromkeys(phrases("first"), "first"),
    **dict.fromkeys(phrases("last"), "last"),
}
# Ends of column names that say too little alone: "the largest number" is not for the column order_number.
_VAGUE = set(phrases("number,id,value,type,code,count,total,sum,amount,rate,no,index,key,name,date"))
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
_RESERVED = {*_FUNCTIONS, *_EXTREMES, *_COMPARED, *_GROUPED, *_ROWS, *_COLUMNS, *_SILENT}
_RESERVED -= {("value",), ("first",), ("last",)}  # these may be values and columns
# A row that sums the others would be counted in with them.
_SUMS = set(phrases("total,sum,grand total,subtotal,totals,overall,all"))
_SIGNS = {">": "over", "<": "under", ">=": "at least", "<=": "at most", "=": ""}


@dataclass(frozen=True, slots=True)
class _Mention:
    span: Span
    column: Column
    partial: bool = False  # only the end of its name stands there


@dataclass(frozen=True, slots=True)
class _Filters:
    conditions: list[tuple[str, str]]  # in SQL and in words
    used: list[_Mention]  # the columns that belong to them
    several: Column | None = None  # of which more than one value is named
    joined: str = ""  # by "and" or "or"


def read(question: str, table: str, columns: Sequence[Column]) -> Reading | None:
    """Return the reading of a question about the table of that file name or title; None without a certain one."""
    words = Words.of(_without_name_of(question, table, columns))
    if not words.texts or words.texts[0] in _NOT_FOR_VALUES or words.texts[-1] == "mean":
        return None
    stem = re.sub(r"\.\w{2,5}$", "", table)
    mentions = _mentions(words, columns, stem)
    if mentions is None:
        return None
    filters = _filters(words, mentions, columns)
    if filters is None:
        return None
    asked = _parts(words, stem, [each for each in mentions if each not in filters.used], filters, columns)
    if asked is None or words.open:
        return None
    if isinstance(asked, Reading):
        return asked
    if any(key_of(value) in _SUMS for column in columns for value in column.values):
        return listed(asked) if not (asked.function or asked.extreme) else None
    return computed(asked) if asked.function or asked.extreme else listed(asked)


def _without_name_of(question: str, table: str, columns: Sequence[Column]) -> str:
    """Return the question with a sign in place of its table's name: "sales.csv", "the sales table", "in sales"."""
    stem = re.sub(r"\.\w{2,5}$", "", table)
    names = [rf"(?<!\w){re.escape(table)}(?!\w)"] if stem != table or len(key_of(table)) > 1 else []
    kinds, name = r"(?:table|file|sheet|spreadsheet|csv|xlsx)", rf"(?<!\w){re.escape(stem)}(?!\w)"
    names += [rf"{name}\s+{kinds}\b", rf"\b{kinds}\s+{name}"]
    if key_of(stem) not in {key_of(each) for column in columns for each in (column.name, *column.values)}:
        names.append(rf"(?<=\bin\s|\bof\s){name}|(?<=\bin\sthe\s|\bof\sthe\s){name}")
    return re.sub("|".join(names), f" {_TABLE} ", question, flags=re.IGNORECASE)


def _mentions(words: Words, columns: Sequence[Column], stem: str) -> list[_Mention] | None:
    """Return where columns are named; None where a name may mean two things."""
    named: dict[Key, list[Column]] = {}
    for column in columns:
        for key in keys_of(column):
            named.setdefault(key, []).append(column)
    values = {key_of(value) for column in columns for value in column.values}
    found = []
    for span, key in words.spans(named):
        if len(named[key]) > 1 or key in values or all((each,) in _RESERVED for each in key):
            return None
        words.take(span)
        found.append(_Mention(span, named[key][0]))
    taken = {*named, *values, *_RESERVED, *_VAGUE, key_of(stem)}
    ends = {key: column for key, column in ends_of(columns).items() if key not in taken}
    for span, key in words.spans(ends):
        words.take(span)
        found.append(_Mention(span, ends[key], partial=True))
    return sorted(found, key=lambda each: each.span.begin)


def _filters(words: Words, mentions: list[_Mention], columns: Sequence[Column]) -> _Filters | None:
    """Return the conditions of a question; None where they do not fit together."""
    chosen: dict[str, list[tuple[Span, list[str]]]] = {}
    used: list[_Mention] = []
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
        if len({value.strip().lower() for value in exact}) > 1:
            return None
        chosen.setdefault(column.name, []).append((span, exact))
        words.take(span)
        used += near
    several = [name for name, found in chosen.items() if len(found) > 1]
    joined = _joined(words, chosen[several[0]]) if several else ""
    if len(several) > 1 or joined is None:
        return None
    conditions = [_condition(name, [value for _, exact in found for value in exact]) for name, found in chosen.items()]
    spans = [span for found in chosen.values() for span, _ in found]
    compared = _comparisons(words, mentions)
    if compared is None:
        return None
    for mention, span, sql, said in compared:
        conditions.append((sql, said))
        used.append(mention)
        spans.append(span)
    if not several:  # "pens and North or South" may be read in two ways
        _join(words, spans, used)
    by_name = {column.name: column for column in columns}
    return _Filters(conditions, used, by_name[several[0]] if several else None, joined)


def _condition(name: str, values: Sequence[str]) -> tuple[str, str]:
    """Return that a column has one of some values, in SQL and in words."""
    column, texts = name_of(Column(name, "text")), ", ".join(text_of(value) for value in values)
    said = dict.fromkeys(value.strip().lower() for value in values)
    shown = [next(value for value in values if value.strip().lower() == each) for each in said]
    return (
        f"{column} = {texts}" if len(values) == 1 else f"{column} IN ({texts})",
        f"{name} is {' or '.join(shown)}",
    )


def _joined(words: Words, found: Sequence[tuple[Span, list[str]]]) -> str | None:
    """Return the one word, "and" or "or", that stands between each two of several values; None for anything else."""
    joins = set()
    for (one, _), (other, _) in zip(found, found[1:], strict=False):
        between = [n for n in range(one.end, other.begin) if words.texts[n] not in ("the", "of", "in")]
        if len(between) != 1 or between[0] != one.end or words.texts[between[0]] not in ("and", "or"):
            return None
        joins.add(words.texts[between[0]])
        words.take(Span(one.end, other.begin))
    single = all(len(exact) == 1 for _, exact in found)
    return joins.pop() if len(joins) == 1 and single and len({exact[0] for _, exact in found}) == len(found) else None


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


def _parts(
    words: Words, name: str, free: list[_Mention], filters: _Filters, columns: Sequence[Column]
) -> Asked | Reading | None:
    """Return the parts of a question; None where they do not fit together."""
    conditions = filters.conditions
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
    which = _which(words, rest, extremes)
    who = words.first({("who",): "who"})
    entity = which[0].column if which else _person(columns, filters) if who else None
    if who and (entity is None or which or len(who) > 1):
        return None
    measures = tuple(dict.fromkeys(each.column for each in rest if each not in which))
    listing = listing or bool(who) or any(plural(words.texts[each.span.end - 1]) for each in rest)
    where = " WHERE " + " AND ".join(sql for sql, _ in conditions) if conditions else ""
    limits = f" ({' and '.join(said for _, said in conditions)})" if conditions else ""
    function, extreme = next(iter(functions), ""), extremes[0][1] if extremes else ""
    if len(which) > 1 or len(measures) > 1:
        return None
    group = by[0].column if by else None
    partial = any(each.partial for each in rest)
    return Asked(
        function,
        extreme,
        rows,
        listing,
        entity,
        group,
        measures,
        where,
        limits,
        filters.several,
        filters.joined,
        partial,
    )


def _which(words: Words, rest: list[_Mention], extremes: list[tuple[Span, str]]) -> list[_Mention]:
    """Return what is asked for by its name: "which product", or "the product with the largest"."""
    which = [each for each in rest if words.before(each.span) in ("which", "what")]
    if not which and len(rest) == 2 and extremes and rest[0].column.kind == "text":
        return [each for each in rest[:1] if each.span.begin < extremes[0][0].begin]
    return which


def _person(columns: Sequence[Column], filters: _Filters) -> Column | None:
    """Return the column that "who" asks for; None without exactly one, or where the question gives its value."""
    people = people_of(columns)
    given = any(sql.startswith(f"{name_of(each)} ") for each in people for sql, _ in filters.conditions)
    return people[0] if len(people) == 1 and not given else None
