"""The databases of this folder, made once."""

import pytest

from tests.tasks.question.shops import CAMEL, SNAKE, Shop


@pytest.fixture(scope="package")
async def snake(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return await Shop.made(tmp_path_factory.mktemp("snake") / "shop.db", SNAKE)


@pytest.fixture(scope="package")
async def camel(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return await Shop.made(tmp_path_factory.mktemp("camel") / "shop.db", CAMEL)
