"""The loopback provider keeps to the wire protocol, so that what passes against it would pass at a real one."""

import threading
from time import monotonic, sleep
from typing import Any

import pytest
from openai import APIConnectionError, APIStatusError, OpenAI

from tests.servers.model_server import MODELS, ModelServer, Slow, model_server

GOOD = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def ask(server: ModelServer, **changes: Any) -> Any:
    schema = changes.pop("schema", GOOD)
    with OpenAI(api_key=changes.pop("key", server.key), base_url=server.url, max_retries=0, timeout=30) as api:
        asked: dict[str, Any] = {
            "model": MODELS[0],
            "messages": [{"role": "user", "content": "Hello."}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}},
            **changes,
        }
        return api.chat.completions.create(**asked)


def test_the_official_client_lists_the_models() -> None:
    with model_server() as server, OpenAI(api_key=server.key, base_url=server.url) as api:
        assert tuple(model.id for model in api.models.list()) == MODELS


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": "sk-wrong"}, 401, "invalid_api_key"),
        ({"model": "gpt-9"}, 404, "model_not_found"),
        ({"messages": []}, 400, None),
        ({"response_format": {"type": "text"}}, 400, None),
        ({"schema": {**GOOD, "additionalProperties": True}}, 400, None),
        ({"schema": {**GOOD, "required": []}}, 400, None),
        ({"schema": {**GOOD, "properties": {"a": {"$ref": "#/$defs/nowhere"}}}}, 400, None),
    ],
)
def test_a_request_that_a_provider_would_refuse_is_refused(
    changes: dict[str, Any], status: int, code: str | None
) -> None:
    with model_server() as server, pytest.raises(APIStatusError) as raised:
        ask(server, **changes)

    assert (raised.value.status_code, raised.value.code) == (status, code)


def test_it_stops_at_once_though_an_answer_is_under_way() -> None:
    ended: list[BaseException] = []

    def asking() -> None:
        try:
            ask(server)
        except (APIConnectionError, APIStatusError) as error:
            ended.append(error)

    with model_server() as server:
        server.next(Slow(60))
        client = threading.Thread(target=asking)
        client.start()
        while client.is_alive() and not server.requests:
            sleep(0.01)
        began = monotonic()
    client.join(timeout=5)

    assert monotonic() - began < 2
    assert len(ended) == 1
