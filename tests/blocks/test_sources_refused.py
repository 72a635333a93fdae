"""What a reader is told of a source that cannot be opened or does not answer: one line, who must act, no password."""

import asyncio
from pathlib import Path
from socket import socket
from typing import Any, cast

import pytest
from prefect_sqlalchemy import AsyncSqlAlchemyConnector, SqlAlchemyConnector
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import CredentialsRefused, HoldfastError, QueryRefused, SourceUnavailable, SourceUnknown
from blocks.sources import find_source, read_source, source_url
from tests.blocks.source_databases import execute

SECRET = "hunter2"  # noqa: S105  # looked for in messages, opens nothing


async def read(url: str, sql: str = "SELECT 1", **values: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement on the source `shop`."""

    async def work(connection: AsyncConnection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.execute(text(sql), values)]

    return await read_source("shop", {"shop": url}, 5, work)


async def refusal(url: str, sql: str = "SELECT 1", **values: Any) -> HoldfastError:
    """The error of one statement on the source `shop`."""
    with pytest.raises(HoldfastError) as raised:
        await read(url, sql, **values)
    return raised.value


def changed(url: str, **parts: Any) -> str:
    """The URL with other parts."""
    return make_url(url).set(**parts).render_as_string(hide_password=False)


def closed_port() -> int:
    """A port on loopback where nobody listens."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chain(error: BaseException) -> list[str]:
    """What the error and all its causes say, as a traceback would show it."""
    shown = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [str(error), *(chain(shown) if shown else [])]


async def test_a_login_that_is_refused_is_the_operator_s_to_mend(postgres_url: str) -> None:
    error = await refusal(changed(postgres_url, username="nobody", password=SECRET))

    assert isinstance(error, CredentialsRefused)
    assert "source 'shop' refused the login at postgresql+asyncpg://nobody:***@" in str(error)


async def test_a_table_that_the_user_may_not_read_is_the_operator_s_to_mend(fresh_postgres_url: str) -> None:
    await execute(fresh_postgres_url, "CREATE TABLE salaries (a INTEGER)", "CREATE ROLE clerk LOGIN")
    try:
        error = await refusal(changed(fresh_postgres_url, username="clerk"), "SELECT * FROM salaries")
    finally:
        await execute(fresh_postgres_url, "DROP ROLE clerk")

    assert isinstance(error, CredentialsRefused)
    assert "permission denied for table salaries" in str(error)


async def test_a_database_that_does_not_exist_is_unknown(postgres_url: str) -> None:
    error = await refusal(changed(postgres_url, database="nowhere"))

    assert isinstance(error, SourceUnknown)
    assert "source 'shop' has no such database at" in str(error)


async def test_a_port_where_nobody_listens_is_unavailable_and_worth_another_try() -> None:
    error = await refusal(f"postgresql://reader:{SECRET}@127.0.0.1:{closed_port()}/shop")

    assert isinstance(error, SourceUnavailable)
    assert error.retryable
    assert "does not answer at postgresql+asyncpg://reader:***@127.0.0.1:" in str(error)


@pytest.mark.parametrize("between", [False, True])
async def test_a_connection_that_the_server_ends_is_unavailable(postgres_url: str, between: bool) -> None:
    async def work(connection: AsyncConnection) -> None:
        pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        if between:
            await execute(postgres_url, f"SELECT pg_terminate_backend({pid})")
            await asyncio.sleep(0.1)
        await connection.execute(text(f"SELECT pg_terminate_backend({pid})"))

    with pytest.raises(SourceUnavailable, match=r"connection (was|is) closed"):
        await read_source("shop", {"shop": postgres_url}, 5, work)


async def test_a_missing_sqlite_file_is_unknown_and_is_not_made(tmp_path: Path) -> None:
    error = await refusal(str(tmp_path / "gone.db"))

    assert isinstance(error, SourceUnknown)
    assert str(error).startswith(f"source 'shop' has no file at {tmp_path / 'gone.db'}")
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_is_no_sqlite_file(tmp_path: Path) -> None:
    assert isinstance(await refusal(str(tmp_path)), SourceUnknown)


async def test_a_file_that_is_no_database_is_the_operator_s_to_mend(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("vendor,amount\n" * 1000)

    error = await refusal(str(tmp_path / "shop.db"), "SELECT * FROM invoices")

    assert isinstance(error, SourceUnknown)
    assert "file is not a database; put a good file there" in str(error)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELEC 1", r'(syntax error at or near "SELEC"|near "SELEC": syntax error)'),
        ("SELECT * FROM nope", r'(relation "nope" does not exist|no such table: nope)'),
        ("SELECT nope FROM shops", r'(column "nope" does not exist|no such column: nope)'),
        ("SELECT :vendor", "A value is required for bind parameter 'vendor'"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_wrong_sql_is_refused_in_one_line_in_the_database_s_own_words(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, sql: str, reason: str
) -> None:
    url = str(tmp_path / "shop.db") if database == "sqlite" else str(request.getfixturevalue("fresh_postgres_url"))
    await execute(url, "CREATE TABLE shops (name TEXT)")

    with pytest.raises(QueryRefused, match=rf"^source 'shop' refused the SQL: {reason}; mend the SQL, or") as refused:
        await read(url, sql)

    assert "\n" not in str(refused.value)


async def test_a_value_of_the_wrong_type_is_the_author_s_to_mend(postgres_url: str) -> None:
    error = await refusal(postgres_url, "SELECT CAST(:day AS date)", day=5)

    assert isinstance(error, QueryRefused)
    assert "invalid input for query argument $1: 5" in str(error)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"postgresql://reader:{SECRET}@127.0.0.1:port/shop", "the URL of source 'shop' cannot be read"),
        (f"://reader:{SECRET}@host", "the URL of source 'shop' cannot be read"),
        (f"foo://reader:{SECRET}@127.0.0.1/shop", "source 'shop' cannot be opened with foo"),
        (f"mysql+pymysql://reader:{SECRET}@127.0.0.1/shop", "source 'shop' cannot be opened with mysql+pymysql"),
        (f"mysql+aiomysql://reader:{SECRET}@127.0.0.1/shop", "source 'shop' needs the driver aiomysql"),
    ],
)
async def test_a_url_that_opens_nothing_says_why(url: str, words: str) -> None:
    error = await refusal(url)

    assert isinstance(error, SourceUnknown)
    assert words in str(error)
    assert SECRET not in " ".join(chain(error))


@pytest.mark.parametrize(
    "url", ["postgresql://reader:{}@127.0.0.1:{}/shop", "postgresql://127.0.0.1/?password={}&port={}"]
)
async def test_no_message_shows_a_password(url: str) -> None:
    error = await refusal(url.format(SECRET, closed_port()))

    assert isinstance(error, SourceUnavailable)
    assert SECRET not in " ".join(chain(error))


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("data/shop.db", "sqlite+aiosqlite:///data/shop.db"),
        ("/data/shop.db", "sqlite+aiosqlite:////data/shop.db"),
        ("sqlite:///shop.db", "sqlite+aiosqlite:///shop.db"),
        ("postgres://reader@host/shop", "postgresql+asyncpg://reader@host/shop"),
        ("postgresql://reader@host/shop?ssl=require", "postgresql+asyncpg://reader@host/shop?ssl=require"),
        ("postgresql+psycopg2://reader@host/shop", "postgresql+asyncpg://reader@host/shop"),
    ],
)
def test_a_source_is_given_as_a_path_or_a_url_with_any_driver(given: str, url: str) -> None:
    assert source_url("shop", given).render_as_string(hide_password=False) == url


@pytest.mark.usefixtures("prefect_api")
async def test_a_saved_block_is_found_by_its_name_unless_the_run_overrides_it(tmp_path: Path) -> None:
    url, other = f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", str(tmp_path / "other.db")
    await execute(url, "CREATE TABLE shops (name TEXT)", "INSERT INTO shops VALUES ('Able')")
    await execute(other, "CREATE TABLE shops (name TEXT)")
    await cast(Any, AsyncSqlAlchemyConnector(connection_info=url).save("corner-shop"))

    async def names(connection: AsyncConnection) -> list[str]:
        return list(await connection.scalars(text("SELECT name FROM shops")))

    assert await read_source("corner-shop", {}, 5, names) == ["Able"]
    assert await read_source("corner-shop", {"corner-shop": other}, 5, names) == [], "an override goes before the block"


@pytest.mark.usefixtures("prefect_api")
async def test_a_name_that_is_nowhere_says_how_to_give_one() -> None:
    with pytest.raises(SourceUnknown, match="save one in Prefect, or run with --source nowhere=URL"):
        await find_source("nowhere", {})


@pytest.mark.usefixtures("prefect_api")
async def test_a_block_with_a_blocking_driver_is_not_taken(tmp_path: Path) -> None:
    await cast(Any, SqlAlchemyConnector(connection_info=f"sqlite:///{tmp_path / 'shop.db'}").save("blocking-shop"))

    with pytest.raises(SourceUnknown, match="no Async SQLAlchemy Connector block of that name"):
        await find_source("blocking-shop", {})
