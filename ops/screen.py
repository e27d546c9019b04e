"""What a person sees of a stack."""

import json
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ops.stack import Stack
from ops.state import Condition

COLOURS = {Condition.RUNNING: "green", Condition.STARTING: "yellow", Condition.WAITING: "yellow"}


def welcome(stack: Stack, console: Console) -> None:
    """Where everything is, who may log in, and how a first SOS is sent and seen."""
    status = stack.status()
    demo, mqtt = status["demo"], status["mqtt"]
    rows = Table.grid(padding=(0, 2))
    rows.add_row("api", f"{status['api']}/docs")
    rows.add_row(
        "mqtt", f"{mqtt['host']}:{mqtt['port']}   TLS :{mqtt['tls_port']}   WebSocket :{mqtt['ws_port']}"
    )
    rows.add_row("authority", mqtt["ca"])
    rows.add_row("data", str(stack.home))
    for role in ("admin", "dispatcher", "customer", "driver"):
        if role in demo:
            rows.add_row(role, f"{demo[role]['phone']}   password {demo[role]['password']}")
    if "watch" in demo:
        rows.add_row("watch", f"{demo['watch']['uid']}   password {demo['watch']['password']}")
    console.print(Panel(rows, title="Mayday is up", title_align="left", expand=False))
    if "watch" in demo:
        console.print("Send your first SOS and follow it:  [bold]./mayday sos[/bold]")
        # To be copied: not wrapped, not coloured.
        if "taxi" in demo:
            console.print("Order a tow and see it come:        [bold]./mayday order[/bold]")
        console.print("An SOS as a watch would send it:")
        console.print(Text(first_sos(stack)), soft_wrap=True)
        console.print("and see it as a dispatcher would:")
        console.print(Text(alerts(stack)), soft_wrap=True)


def first_sos(stack: Stack) -> str:
    """One line that any shell takes."""
    watch = stack.demo["watch"]
    frame = json.dumps({"id": "first", "type": "button", "lat": 41.311081, "lon": 69.240562})
    login = _login(stack, "mosquitto_pub", watch["uid"], watch["password"])
    return f"{login} -q 1 -t mayday/v1/dev/{watch['uid']}/sos -m '{frame}'"


def alerts(stack: Stack) -> str:
    """The line that shows all open incidents, and each change of them."""
    desk = stack.demo["dispatcher"]
    login = _login(stack, "mosquitto_sub", desk["mqtt_username"], desk["mqtt_password"])
    return f"{login} -v -t 'mayday/v1/alerts/#'"


def _login(stack: Stack, tool: str, username: str, password: str) -> str:
    port = stack.plan.ports["mqtt"]
    return f"{stack.servers.tool(tool)} -h 127.0.0.1 -p {port} -u {username} -P {password}"


def processes(status: dict[str, Any]) -> Group:
    """The table of `status`."""
    table = Table(box=None, pad_edge=False)
    for heading in ("process", "state", "pid", "restarts"):
        table.add_column(heading, justify="right" if heading in ("pid", "restarts") else "left")
    for process in status["processes"]:
        state = Condition(process["state"])
        table.add_row(
            process["name"],
            Text(state, style=COLOURS.get(state, "red")),
            str(process["pid"] or ""),
            str(process["restarts"] or ""),
        )
    lines: list[Any] = [
        Text(f"api {status['api']}   mqtt {status['mqtt']['host']}:{status['mqtt']['port']}"),
        table,
    ]
    if status["supervisor"] is None:
        lines.append(
            Text("nobody looks after them: the supervisor died; ./mayday up takes over", style="red")
        )
    return Group(*lines)
