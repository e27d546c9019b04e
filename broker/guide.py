"""The contract in words, for somebody who writes firmware; everything that could go stale is generated."""

from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from broker import codec, topics
from broker.clock import AHEAD, OLDEST, OLDEST_BUFFERED
from broker.examples import ALERT_EXAMPLES, EXAMPLES, Example
from broker.fields import MEANING
from broker.frames import ALERT_FRAMES, FRAMES, SosFrame
from broker.topics import ALERT_LINES, LINES, AlertLine, Line

_TEMPLATE = Path(__file__).with_name("guide.template.md")
_UID = "watch-1"


def guide() -> str:
    """docs/mqtt.md."""
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        device_topics="\n".join(_device_topics()),
        alert_topics="\n".join(_alert_topics()),
        frames="\n".join(_frames()).rstrip(),
        budgets="\n".join(_budgets()),
        alerts="\n".join(_alerts()).rstrip(),
        most_frames=codec.MAX_FRAMES,
        most_kib=codec.MAX_PAYLOAD_BYTES // 1024,
        deepest=codec.MAX_DEPTH,
        watch_bytes=codec.WATCH_PACKET_BYTES,
        oldest_days=OLDEST.days,
        oldest_buffered_days=OLDEST_BUFFERED.days,
        ahead_minutes=int(AHEAD.total_seconds() // 60),
    )


def _device_topics() -> Iterator[str]:
    yield "| channel | way | QoS | retained | what |\n|---|---|---|---|---|"
    for line in LINES.values():
        qos = " or ".join(map(str, line.qos))
        yield f"| `{line.channel}` | {line.way} | {qos} | {'yes' if line.retain else 'no'} | {line.summary} |"


def _alert_topics() -> Iterator[str]:
    yield "| topic | retained | what |\n|---|---|---|"
    for line in ALERT_LINES.values():
        yield f"| `{_alert_topic(line)}` | {line.kept} | {line.summary} |"


def _alert_topic(line: AlertLine) -> str:
    return f"{topics.ALERTS}/{{region}}/{line.kind}/{{{line.key}}}"


def _frames() -> Iterator[str]:
    for line in LINES.values():
        yield f"### `{line.channel}`, {line.way}\n"
        yield from _frame(FRAMES[line.channel])
        yield "```"
        for example in EXAMPLES[line.channel]:
            yield f"{orjson.dumps(example.frame).decode()}\n    {example.about}"
        yield "```\n"


def _alerts() -> Iterator[str]:
    for kind, model in ALERT_FRAMES.items():
        yield f"### `{_alert_topic(ALERT_LINES[kind])}`\n"
        yield from _frame(model)
        example = orjson.dumps(ALERT_EXAMPLES[kind].frame, option=orjson.OPT_INDENT_2).decode()
        yield f"```json\n{example}\n```\n"


def _frame(model: type[BaseModel]) -> Iterator[str]:
    yield f"{model.__doc__}\n"
    yield "| field | | what | also read as |\n|---|---|---|---|"
    schema = model.model_json_schema(by_alias=False)["properties"]
    for name, field in model.model_fields.items():
        need = "required" if field.is_required() else ""
        if model is SosFrame and name == "id":
            need = "derived where it is missing"
        yield f"| `{name}` | {need} | {MEANING[name]}{_bounds(schema[name])} | {_aliases(name, field)} |"
    yield ""


def _aliases(name: str, field: FieldInfo) -> str:
    choices = getattr(field.validation_alias, "choices", ())
    return ", ".join(f"`{alias}`" for alias in choices if alias != name)


def _bounds(schema: dict[str, Any]) -> str:
    for said in (schema, *schema.get("anyOf", ())):
        if "minimum" in said:
            return f"; {said['minimum']:.0f} to {said['maximum']:.0f}"
        if "enum" in said:
            return f": {', '.join(f'`{word}`' for word in said['enum'])}"
        if "maxLength" in said:
            return f"; at most {said['maxLength']} characters"
    return ""


def _budgets() -> Iterator[str]:
    yield "| channel | bytes |\n|---|---|"
    for line in LINES.values():
        sizes = [_packet_bytes(line, example) for example in EXAMPLES[line.channel]]
        yield f"| `{line.channel}` {line.way} | {', '.join(map(str, sizes))} |"


def _packet_bytes(line: Line, example: Example) -> int:
    return codec.packet_bytes(topics.device(_UID, line.channel), orjson.dumps(example.frame), qos=1)
