"""Questions that the offline model refuses, and that nothing else comes of any text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.errors import QuestionRefused
from tasks.question.offline.writing import sql_for
from tasks.sql.usage import usage
from tests.tasks.question.shops import Shop


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How many churned vendors are there?", "does not know what 'churned' means here; it knows the tables"),
        ("How many vendors are churned?", "'churned'"),
        ("how many vendors are Active", "'Active'"),
        ("how many vendros", "'vendros' means here.*did you mean vendors"),
        ("how many vendors in Berlin", "which column 'Berlin' is a value of.*write where country or city is 'Berlin'"),
        ("number of vendors per city in Germany", "which column 'Germany'"),
        ("vendors in 'Berlin'", "which column 'Berlin'"),
        ("share of invoices that are paid", "'share'"),
        ("what percentage of invoices is open", "'percentage'"),
        ("amount of 2026-10 compared to 2026-09", "write such as `in 2026-10`"),
        ("change in amount since last month", "'change'"),
        ("number of invoices last month", "'last'"),
        ("number of complaints per week", "'week'"),
        ("median amount", "'median'"),
        ("average number of invoices per vendor", "'average' here; it is followed by 'number of'"),
        ("which vendor has the highest total amount", "'highest' here; it is followed by 'total'"),
        ("which invoices have the highest amount", "'invoices' here; the question has a measure as well"),
        ("the vendor with the highest total amount", "it needs a number, such as top 1"),
        ("total amount per country", "'country' could be complaints.country or vendors.country"),
        ("list country", "'country' could be complaints.country or vendors.country"),
        ("total fee by office", "two ways; by transfers.to_office and transfers.from_office"),
        ("number of invoices on 2026-10-01", "could be of invoices.invoice_date or invoices.paid_date"),
        ("invoices without paid date in 2026-10", "could be of invoices.month or invoices.paid_date"),
        ("number of invoices with total amount > 2000", "'with' here"),
        ("total amount of invoices > 2000", "'>'"),
        ("number of different countries of vendors in 2026", "vendors has no date"),
        ("invoices with discount in 2026", "'with discount' here; no condition follows"),
        ("complaints of invoices in 2026-10", "could be of complaints or invoices"),
        ("number of vendors and number of invoices", "measures both vendors and invoices"),
        ("number of vendors where invoice status is open", "several of invoices, so its rows would be repeated"),
        ("top 3 vendors by amount", "several of invoices"),
        ("total fee per vendor", "transfers and vendors cannot be joined"),
        ("bottom 2 vendors by number of invoices", "those without any invoices would be left out"),
        ("vendors without invoices", "'invoices' here; it is a table"),
        ("how many invoices have a vendor", "'vendor' here; it is not said what to do with it"),
        ("total amount of vendors", "'vendors' here; it is not said what invoices has to do with it"),
        ("list vendors and invoices", "it lists one table at a time"),
        ("total amount and discount", "'discount' here; the question has a measure as well"),
        ("amount per vendor", "the question has no measure"),
        ("total invoices", "'invoices' is a table; say which of its columns"),
        ("total status", "invoices.status is no number"),
        ("total of vendor id of invoices", "invoices.vendor_id is a key"),
        ("latest amount", "invoices.amount is no date"),
        ("how many amounts", "write `number of different amounts`"),
        ("how many paid invoices", "'paid'"),
        ("how many invoices are paid", "not certain that those have a paid_date"),
        ("how many invoices not paid", "'not'"),
        ("vendors where country is not Germany or France", "it can only say that a column is not one value"),
        ("list the vendors except Able", "'except'"),
        ("vendors whose name contains able", "'whose name'"),
        ("vendors where name is Bank of America", "where the value in 'Bank of America' ends"),
        ("vendors where name is Able Invoices", "where the value in 'Able Invoices' ends"),
        ("vendors where country is Germany and country is France", "write `or` between them"),
        ("invoices with amount over $100", "'over'"),
        ("invoices with amount over 5 million", "'million'"),
        ("invoices with amount over 1.000", "1.000 could be 1000"),
        ("invoices with amount less than 100 or more than 200", "'or'"),
        ("invoices where amount is Berlin", "invoices.amount holds NUMERIC"),
        ("invoices where month is October", "write a month of invoices.month such as 2026-10"),
        ("invoices in 2026-13", "there is no such date"),
        ("invoices from 2026-10 to 2026-09", "it is before 2026-10-01"),
        ("top 5 vendors", "it is not said of which column"),
        ("the 2 latest invoices by amount", "invoices.amount is no date"),
        ("total amount ordered by amount", "one number needs no order"),
        ("Number Of Invoices Of Vendor Overdue", "'Overdue'"),
        ("list vendors; DROP TABLE vendors", "';'"),
        ("vendors'; DROP TABLE vendors", '"\';"'),
        ("list vendors where name is 'a' or 1 = 1", "'='"),
        ("list vendors where name is 'a' -- and more", "'--'"),
        ("", "the question is empty"),
        ("  ?! ", "the question is empty"),
        ("and", "nothing follows it"),
        ("how many", "no name of a table or column follows it"),
        ("vendors \x00", "that is no text"),
        ("Liste der vendors", "'Liste'"),
        ("combien de vendors par city", "'combien'"),
        ("レポート vendors", "'レポート'"),
    ],
)
def test_what_is_not_certain_is_refused_with_what_is_in_the_way(question: str, said: str, snake: Shop) -> None:
    with pytest.raises(QuestionRefused, match=said.replace("(", r"\(") if ".*" in said else re.escape(said)):
        sql_for(question, snake.schema)


VOCABULARY = """
how many number of total average highest latest list show top first the per by each for and or not no with without
where is in on from since before between over at least ordered descending different vendors vendor invoices
complaints offices transfers name city country month amount score status paid preferred opened invoice date
2 5 100 1.5 2026 2026-10 2026-10-31 October 'Able' Berlin open , = > ; ' ?
"""
WORDS = st.sampled_from(VOCABULARY.split())


@given(st.one_of(st.text(), st.lists(WORDS, max_size=14).map(" ".join)))
def test_whatever_is_asked_gives_sql_that_uses_the_schema_or_a_refusal(snake: Shop, question: str) -> None:
    try:
        sql = sql_for(question, snake.schema)
    except QuestionRefused:
        return

    assert usage(sql, snake.schema).relations
    assert isinstance(snake.rows(sql), list)
