"""Conditions as SQL, with each value written as a literal of its column's kind."""

from collections.abc import Mapping
from typing import assert_never

from sqlglot import exp

from blocks.schemas.snapshot import Column
from tasks.question.offline.asked import Compare, Compared, Condition, During, Flag, Missing, Value, When
from tasks.question.offline.names import DATES, NUMERIC, Meant, is_month
from tasks.question.offline.refusals import cannot

_BINARY: Mapping[Compared, type[exp.Binary]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_OF_NUMBERS: Mapping[When, Compared] = {"in": "=", "since": ">=", "after": ">", "before": "<", "until": "<="}
_YES_NO = {"true": True, "yes": True, "false": False, "no": False}


def predicate(condition: Condition, meant: Meant, operand: exp.Expr) -> exp.Expr:
    """What must be true of the column, which the operand stands for in SQL.

    Raises:
        QuestionRefused: the column cannot have such a value.
    """
    column = meant.one_column
    match condition:
        case Compare():
            return _compared(condition, meant, column, operand)
        case During():
            return _during(condition, meant, column, operand)
        case Missing(negated=negated):
            null = exp.Is(this=operand, expression=exp.Null())
            return exp.Not(this=null) if negated else null
        case Flag(expected=expected):
            yes = exp.EQ(this=operand, expression=exp.Boolean(this=expected))
            return yes if expected else _or_missing(yes, column, operand)
        case _:
            assert_never(condition)


def _compared(condition: Compare, meant: Meant, column: Column, operand: exp.Expr) -> exp.Expr:
    if condition.compared not in ("=", "<>") and column.family not in NUMERIC:
        raise cannot(condition.values[0].text, f"{meant} is no number")
    tests = [_test(condition.compared, *_sides(value, meant, column, operand.copy())) for value in condition.values]
    if condition.compared == "<>":
        return _or_missing(tests[0], column, operand)
    return exp.paren(exp.or_(*tests)) if len(tests) > 1 else tests[0]


def _test(compared: Compared, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return _BINARY[compared](this=left, expression=right)


def _or_missing(test: exp.Expr, column: Column, operand: exp.Expr) -> exp.Expr:
    """A row without a value has not that value either, which SQL would not say."""
    if not column.nullable:
        return test
    return exp.paren(exp.or_(test, exp.Is(this=operand.copy(), expression=exp.Null())))


def _sides(value: Value, meant: Meant, column: Column, operand: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """The column and the value as they are compared."""
    if is_month(column) and value.kind != "quoted":
        raise cannot(value.text, f"write a month of {meant} such as 2026-10, or quote it as the column spells it")
    if column.family in NUMERIC and value.kind == "number":
        return operand, exp.Literal.number(value.text)
    if column.family == "boolean" and value.text.lower() in _YES_NO:
        return operand, exp.Boolean(this=_YES_NO[value.text.lower()])
    if column.family in ("text", "uuid", "other") and (value.kind != "number" or column.family == "text"):
        literal = exp.Literal.string(value.text)
        # Only quotes say that capitals matter.
        return (
            (operand, literal)
            if value.kind != "word" or column.family != "text"
            else (
                exp.Lower(this=operand),
                exp.Lower(this=literal),
            )
        )
    if column.family in DATES:
        raise cannot(value.text, f"{meant} is a date; write a day, month or year such as 2026-10-31, without quotes")
    raise cannot(value.text, f"{meant} holds {column.type or 'values without a type'}")


def _during(condition: During, meant: Meant, column: Column, operand: exp.Expr) -> exp.Expr:
    period, when = condition.period, condition.when
    if column.family in NUMERIC and period.unit == "year":
        return _test(_OF_NUMBERS[when], operand, exp.Literal.number(str(period.begins.year)))
    if column.family == "text" and not is_month(column) and period.unit == "year" and when == "in":
        return exp.EQ(this=operand, expression=exp.Literal.string(str(period.begins.year)))
    months = is_month(column) and period.unit != "day"
    if not months and column.family not in DATES:
        raise cannot(str(period.begins), f"{meant} holds {column.type or 'values without a type'}, no such date")
    length = 7 if months else 10
    begins, ends = (exp.Literal.string(each.isoformat()[:length]) for each in (period.begins, period.ends))
    if months and period.unit == "month" and when == "in":
        return exp.EQ(this=operand, expression=begins)
    match when:
        case "in":
            return exp.and_(_test(">=", operand, begins), _test("<", operand.copy(), ends))
        case "since":
            return _test(">=", operand, begins)
        case "after":
            return _test(">=", operand, ends)
        case "before":
            return _test("<", operand, begins)
        case "until":
            return _test("<", operand, ends)
        case _:
            assert_never(when)
