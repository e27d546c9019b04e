"""Writes the published contract, docs/asyncapi.json and docs/mqtt.md, from the registry and the frames."""

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from broker import topics
from broker.examples import ALERT_EXAMPLES, EXAMPLES
from broker.fields import MEANING
from broker.frames import ALERT_FRAMES, FRAMES
from broker.guide import guide
from broker.topics import ALERT_LINES, LINES, Way

DOCS = Path(__file__).resolve().parent.parent / "docs"


def document() -> dict[str, Any]:
    """The contract as AsyncAPI 3: the application is the server, so it receives what devices send."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Mayday over MQTT",
            "version": "1",
            "description": "How watches, phones and trackers call for help, and how dispatchers hear of it.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "tls": _server("mqtts", 8883, "MQTT over TLS 1.2 or 1.3"),
            "plain": _server("mqtt", 1883, "MQTT, on loopback alone"),
            "websocket": _server("ws", 9001, "MQTT over WebSocket, for browsers and tools"),
        },
        "channels": _channels(),
        "operations": _operations(),
        "components": {
            "messages": _messages(),
            "schemas": _schemas(),
            "securitySchemes": {"password": {"type": "userPassword"}},
        },
    }


def _server(protocol: str, port: int, description: str) -> dict[str, Any]:
    return {
        "host": f"localhost:{port}",
        "protocol": protocol,
        "protocolVersion": "3.1.1",
        "description": description,
        "security": [{"$ref": "#/components/securitySchemes/password"}],
    }


def _channels() -> dict[str, Any]:
    devices = {
        f"device_{line.channel}": {
            "address": line.filter("{uid}"),
            "description": line.summary,
            "messages": {"frame": {"$ref": f"#/components/messages/{FRAMES[line.channel].__name__}"}},
            "parameters": {"uid": {"description": "the device's uid, which is also its username"}},
            "bindings": {"mqtt": {"qos": line.qos[0], "retain": line.retain, "bindingVersion": "0.2.0"}},
        }
        for line in LINES.values()
    }
    alerts = {
        f"alert_{line.kind}": {
            "address": f"{topics.ALERTS}/{{region}}/{line.kind}/{{{line.key}}}",
            "description": line.summary,
            "messages": {"frame": {"$ref": f"#/components/messages/{ALERT_FRAMES[line.kind].__name__}"}},
            "parameters": {
                "region": {"description": "one of the dispatcher's regions, or default"},
                line.key: {"description": f"names the {line.key}"},
            },
            "bindings": {"mqtt": {"qos": 1, "retain": True, "bindingVersion": "0.2.0"}},
        }
        for line in ALERT_LINES.values()
    }
    return devices | alerts


def _operations() -> dict[str, Any]:
    devices = {
        f"{'receive' if line.way is Way.UP else 'send'}_{line.channel}": {
            "action": "receive" if line.way is Way.UP else "send",
            "channel": {"$ref": f"#/channels/device_{line.channel}"},
            "summary": line.summary,
        }
        for line in LINES.values()
    }
    alerts = {
        f"send_alert_{line.kind}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/alert_{line.kind}"},
            "summary": line.summary,
        }
        for line in ALERT_LINES.values()
    }
    return devices | alerts


def _models() -> dict[type[BaseModel], list[dict[str, Any]]]:
    frames: dict[type[BaseModel], list[dict[str, Any]]] = {
        FRAMES[channel]: [{"summary": each.about, "payload": each.frame} for each in examples]
        for channel, examples in EXAMPLES.items()
    }
    for kind, example in ALERT_EXAMPLES.items():
        frames[ALERT_FRAMES[kind]] = [{"summary": example.about, "payload": example.frame}]
    return frames


def _messages() -> dict[str, Any]:
    return {
        model.__name__: {
            "summary": model.__doc__,
            "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
            "examples": examples,
        }
        for model, examples in _models().items()
    }


def _schemas() -> dict[str, Any]:
    schemas = {}
    for model in _models():
        schema = model.model_json_schema(by_alias=False)
        for name, field in schema["properties"].items():
            field.pop("title", None)
            field["description"] = MEANING[name]
        schemas[model.__name__] = schema
    return schemas


def render() -> dict[str, bytes]:
    """Both files by name."""
    return {
        "asyncapi.json": orjson.dumps(document(), option=orjson.OPT_INDENT_2) + b"\n",
        "mqtt.md": guide().encode(),
    }


def differing(docs: Path) -> list[str]:
    """The files that do not say what the code says."""
    return [
        name
        for name, data in render().items()
        if not (docs / name).exists() or (docs / name).read_bytes() != data
    ]


def main() -> None:
    """Write the contract; with --check only tell whether it is up to date."""
    parser = argparse.ArgumentParser(prog="python -m broker.asyncapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the files differ from the code")
    parser.add_argument("--docs", type=Path, default=DOCS)
    arguments = parser.parse_args()
    if arguments.check:
        if stale := differing(arguments.docs):
            sys.exit(f"out of date: {', '.join(stale)}; run python -m broker.asyncapi")
        return
    arguments.docs.mkdir(exist_ok=True)
    for name, data in render().items():
        (arguments.docs / name).write_bytes(data)


if __name__ == "__main__":
    main()
