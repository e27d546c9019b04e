import re
from pathlib import Path

import jsonschema
import pytest

from broker import asyncapi
from broker.examples import ALERT_EXAMPLES, EXAMPLES
from broker.fields import MEANING
from broker.frames import ALERT_FRAMES, FRAMES
from broker.topics import LINES


def test_the_published_contract_says_what_the_code_says() -> None:
    assert asyncapi.differing(asyncapi.DOCS) == []


def test_a_stale_contract_is_noticed(tmp_path: Path) -> None:
    assert asyncapi.differing(tmp_path) == ["asyncapi.json", "mqtt.md"]
    for name, data in asyncapi.render().items():
        (tmp_path / name).write_bytes(data)
    assert asyncapi.differing(tmp_path) == []
    (tmp_path / "mqtt.md").write_text("something else")
    assert asyncapi.differing(tmp_path) == ["mqtt.md"]


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi.document()
    for reference in re.findall(r"'\$ref': '#/([^']+)'", str(document)):
        target = document
        for part in reference.split("/"):
            target = target[part]


def test_every_channel_is_received_or_sent() -> None:
    document = asyncapi.document()
    addressed = {operation["channel"]["$ref"] for operation in document["operations"].values()}
    assert addressed == {f"#/channels/{name}" for name in document["channels"]}
    assert {channel["address"] for channel in document["channels"].values()} >= {
        f"mayday/v1/dev/{{uid}}/{channel}" for channel in LINES
    }


EVERY_EXAMPLE = [
    (FRAMES[channel].__name__, each.frame) for channel, several in EXAMPLES.items() for each in several
]
EVERY_EXAMPLE += [(ALERT_FRAMES[kind].__name__, each.frame) for kind, each in ALERT_EXAMPLES.items()]


@pytest.mark.parametrize(("name", "frame"), EVERY_EXAMPLE)
def test_every_example_keeps_to_its_schema(name: str, frame: dict[str, object]) -> None:
    jsonschema.validate(frame, asyncapi.document()["components"]["schemas"][name])


def test_every_word_that_has_a_meaning_is_used() -> None:
    used = {name for model in [*FRAMES.values(), *ALERT_FRAMES.values()] for name in model.model_fields}
    assert used == set(MEANING)
