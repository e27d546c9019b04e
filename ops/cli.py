"""The commands behind ./mayday."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops import doctor as surgery
from ops import down as going_down
from ops import quality, screen, trials
from ops.places import CHECKOUT, cache_folder, home_folder, remove
from ops.ports import Register
from ops.stack import Stack, running_stack
from ops.trouble import Trouble
from ops.up import attend, bring_up

app = typer.Typer(
    name="mayday",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when everything is ready.")] = False,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="People, a watch and a dispatcher to try.")
    ] = True,
) -> None:
    """Install what is missing, start everything, and show the addresses and logins."""
    stack, was_up = bring_up(home_folder(), demo=demo)
    if was_up:
        print("Mayday is already running.")
    screen.welcome(stack, Console())
    if detach or was_up:
        return
    print("Ctrl-C stops everything.", flush=True)
    attend(stack)


@app.command()
def down() -> None:
    """Stop everything; nothing that was started stays."""
    going_down.main()


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For tools.")] = False) -> None:
    """Show what runs; exits with 1 when nothing does."""
    stack = running_stack()
    if stack is None:
        print("mayday is not running; start it with ./mayday up", file=sys.stderr)
        raise typer.Exit(1)
    found = stack.status()
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        Console().print(screen.processes(found))


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="A process as `status` names it; without: all.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.")] = 100,
) -> None:
    """Show the log of a process."""
    folder = home_folder() / "logs"
    names = sorted(path.stem for path in folder.glob("*.log"))
    if not names:
        raise Trouble("nothing was ever started here; run ./mayday up")
    if name is not None and name not in names:
        raise Trouble(f"there is no log of {name}; there are {', '.join(names)}")
    chosen = [str(folder / f"{each}.log") for each in ([name] if name else names)]
    # -F: a log that was cut to size is taken up again.
    os.execvp(  # noqa: S606  (nothing here for a shell)
        "tail", ["tail", *(["-F"] if follow else []), "-n", str(lines), *chosen]
    )


@app.command()
def doctor() -> None:
    """Look for what may be wrong here, and say what to do."""
    raise typer.Exit(surgery.main())


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop, and delete the data of this stack: database, secrets, certificates, logs."""
    home = home_folder()
    stack = Stack.open(home)
    data = stack.data if stack else home / "data"
    if not home.exists():
        print(f"there is nothing in {home}")
        return
    if not looks_like_ours(home):
        raise Trouble(f"{home} does not look like a home of Mayday; nothing was deleted")
    if not yes:
        typer.confirm(
            f"Delete everything in {home}{'' if data.is_relative_to(home) else f' and {data}'}?", abort=True
        )
    going_down.down(home)
    remove(data)
    if not data.is_relative_to(home) and not any(data.parent.iterdir()):
        data.parent.rmdir()
    Register(cache_folder()).forget(home)
    for name in OURS:
        path = home / name
        remove(path) if path.is_dir() else path.unlink(missing_ok=True)
    if not any(home.iterdir()):
        home.rmdir()
    print(f"{home} is reset; the servers stay in {cache_folder()}")


OURS = ("data", "media", "postbox", "run", "logs", "tls", "plan.json", "demo.json", "secrets.json")


def looks_like_ours(home: Path) -> bool:
    """Whether all that is deleted was made by us."""
    return (home / "run").is_dir() or (home / "plan.json").exists() or not any(home.iterdir())


user_commands = typer.Typer(no_args_is_help=True, help="What only an operator may do to accounts.")
app.add_typer(user_commands, name="user")


@user_commands.command()
def grant(
    phone: Annotated[str, typer.Argument(help="Of an account that exists: +998901234567.")],
    role: Annotated[str, typer.Argument(help="customer, driver, helper, dispatcher or admin.")],
) -> None:
    """Grant a role; so the first admin is made, who grants all others over HTTP."""
    from ops import users

    with users.open_database() as database:
        print(users.grant(database, phone, role))


@user_commands.command()
def password(phone: Annotated[str, typer.Argument(help="Of an account that exists: +998901234567.")]) -> None:
    """Give an account a new password, print it, and end its logins and its second factor."""
    from ops import users

    with users.open_database() as database:
        print(users.renew_password(database, phone))


devices = typer.Typer(no_args_is_help=True, help="Devices by the thousand.")
app.add_typer(devices, name="devices")


@devices.command("import")
def import_devices(
    file: Annotated[
        Path, typer.Argument(help="CSV with a heading: uid, and any of model, kind, sim_number, owner_phone.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where their logins go; otherwise beside FILE.")
    ] = None,
) -> None:
    """Create all devices of a table, or none; their logins are written to a file that only you can read."""
    # Half of the project comes in with it: only who imports devices shall wait for that.
    from ops.devices import import_table

    stack = _require_running()
    written = output or file.with_name(f"{file.stem}.logins.csv")
    count = import_table(
        file, written, database_url=stack.postgres.sqlalchemy_url(), secret=stack.secrets.stack
    )
    print(f"{count} devices; their logins are in {written}, and nowhere else")


@app.command(context_settings=PASS_ON)
def test(context: typer.Context) -> None:
    """Run the tests; whatever else is given is passed on to pytest."""
    raise typer.Exit(trials.run(trials.phases(context.args)))


@app.command()
def check() -> None:
    """Run linters, type checks, import contracts, and see that generated documents are up to date."""
    raise typer.Exit(quality.main())


@app.command()
def sos(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many, one after the other.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the incident open.")] = False,
) -> None:
    """Send an SOS from the demo watch and follow it to the dispatcher, with the time at each station."""
    # Half of the project comes in with it: only who sends an SOS shall wait for that.
    from ops.sos import show

    found = _require_running().status()
    if "watch" not in found["demo"]:
        raise Trouble("this stack has no demo watch; start it without --no-demo")
    raise typer.Exit(0 if show(found, count=count, keep=keep, console=Console()) else 1)


@app.command()
def replay(
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="A day of this stack, UTC; without: the last 24 hours."),
    ] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="A day that is made up; no stack needed.")
    ] = False,
    orders: Annotated[int, typer.Option(min=1, help="How many, where it is made up.")] = 400,
    drivers: Annotated[int, typer.Option(min=1, help="How many, where it is made up.")] = 200,
    hours: Annotated[float, typer.Option(min=0.1, help="How long, where it is made up.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Another number is another day.")] = 0,
    window: Annotated[float | None, typer.Option(min=0.0, help="Seconds that orders are gathered.")] = None,
    reach: Annotated[int | None, typer.Option(min=1, help="Metres from which drivers come.")] = None,
    region: Annotated[int | None, typer.Option(min=0, help="Seconds that the own region is worth.")] = None,
    fairness: Annotated[int | None, typer.Option(min=0, help="Seconds that fairness is worth.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where it is drawn: .svg or .png.")] = Path(
        "replay.svg"
    ),
) -> None:
    """Live a day of orders again, greedily and gathered, with the settings as they are or as you try them."""
    # Half of the project comes in with it: only who lives a day again shall wait for that.
    from dispatch.matching.driver_scoring import Policy
    from dispatch.matching.settings import OrderSettings
    from dispatch.replay.cities import City, invent
    from ops import replay as again

    again.require_drawable(output)
    console = Console()
    now = OrderSettings().policy()
    policy = Policy(
        window_s=now.window_s if window is None else window,
        reach_m=now.reach_m if reach is None else reach,
        region_s=now.region_s if region is None else region,
        fairness_s=now.fairness_s if fairness is None else fairness,
    )
    if simulate:
        lived = invent(City(drivers=drivers, orders=orders, hours=hours), seed)
    else:
        since = datetime.now(UTC) - timedelta(days=1) if day is None else day.replace(tzinfo=UTC)
        lived = again.recorded(since, since + timedelta(days=1), console)
    again.show(again.live(lived, again.policies(policy), console), output, console)


@app.command()
def order() -> None:
    """Order a tow as the demo's customer, drive it as the demo's driver, and follow it to its end."""
    from ops.order import show

    found = _require_running().status()
    if "taxi" not in found["demo"]:
        raise Trouble("this stack has no demo driver; start a new one (./mayday reset) without --no-demo")
    show(found, console=Console())


@app.command(context_settings=PASS_ON, add_help_option=False)
def bench(context: typer.Context) -> None:
    """Measure, on this machine, what is promised."""
    if not (CHECKOUT / "bench/__main__.py").exists():
        raise Trouble("there is no bench in this checkout")
    command = [sys.executable, "-m", "bench", *context.args]
    raise typer.Exit(subprocess.run(command, cwd=CHECKOUT, check=False).returncode)


def _require_running() -> Stack:
    if (stack := running_stack()) is None:
        raise Trouble("mayday is not running; start it with ./mayday up")
    return stack


def main() -> None:
    """Run a command; trouble is one line."""
    os.umask(0o022)
    try:
        app(prog_name="./mayday")
    except Trouble as trouble:
        sys.exit(f"mayday: {trouble}")
    except OSError as error:
        if error.errno is None:
            raise
        where = f": {error.filename}" if error.filename else ""
        sys.exit(f"mayday: {os.strerror(error.errno)}{where}; ./mayday doctor may know more")
