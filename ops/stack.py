"""One stack: its home, its ports, its secrets, and the table of its processes."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ops import environment, files, secrets
from ops.mosquitto import Mosquitto
from ops.places import CHECKOUT, cache_folder, data_folder, home_folder
from ops.ports import Register, free_on
from ops.postgres import Postgres
from ops.programs import Program
from ops.redis import Redis
from ops.servers import Servers
from ops.state import Condition, Phase, State, load

DATABASES, BROKER, KEEPER, WORKERS, COUNTERS = range(5)
"""The stages: what is stopped last stands first."""


@dataclass(frozen=True)
class Plan:
    """What was decided at the start and holds until the stop."""

    ports: dict[str, int]
    servers: str
    data: str
    bind: str = "127.0.0.1"
    demo: bool = True
    settings: dict[str, str] = field(default_factory=dict)
    """The MAYDAY_* settings of whoever started it; another supervisor must go by the same."""


@dataclass(frozen=True)
class Stack:
    """Everything that runs for one home."""

    home: Path
    plan: Plan

    @classmethod
    def decide(
        cls, home: Path, *, servers: Servers, demo: bool, environ: Mapping[str, str] = os.environ
    ) -> "Stack":
        """Choose what a new start needs, and write it down."""
        data = data_folder(home)
        make_home(home)
        bind = environ.get("MAYDAY_BIND") or "127.0.0.1"
        plan = Plan(
            ports=Register(cache_folder()).claim(home, asked=environ, is_free=free_on(bind)),
            servers=str(servers.root),
            data=str(data),
            bind=bind,
            demo=demo,
            settings=environment.settings(environ),
        )
        stack = cls(home, plan)
        files.write(plan_file(home), json.dumps(asdict(stack.plan), indent=1))
        return stack

    @classmethod
    def open(cls, home: Path) -> "Stack | None":
        """The stack as it was decided last, if it ever was."""
        try:
            return cls(home, Plan(**json.loads(plan_file(home).read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def data(self) -> Path:
        """The servers' own files."""
        return Path(self.plan.data)

    @cached_property
    def secrets(self) -> secrets.Secrets:
        return secrets.load_or_make(self.home)

    @cached_property
    def servers(self) -> Servers:
        return Servers(Path(self.plan.servers))

    @cached_property
    def postgres(self) -> Postgres:
        return Postgres(
            self.servers,
            self.data / "postgres",
            self.plan.ports["postgres"],
            superuser_password=self.secrets.postgres_superuser,
            password=self.secrets.postgres,
        )

    @cached_property
    def redis(self) -> Redis:
        return Redis(self.servers, self.data / "redis", self.plan.ports["redis"], self.secrets.redis)

    @cached_property
    def mosquitto(self) -> Mosquitto:
        return Mosquitto(
            self.servers,
            self.data / "mosquitto",
            self.plan.ports,
            authority_folder=self.home / "tls",
            bind=self.plan.bind,
        )

    @property
    def reachable_host(self) -> str:
        """What a client on this machine connects to."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.plan.bind, self.plan.bind)  # noqa: S104

    @property
    def api_url(self) -> str:
        host = self.reachable_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.plan.ports['api']}"

    @property
    def demo(self) -> dict[str, Any]:
        """The logins of the demo; nothing, where there is none."""
        try:
            found: dict[str, Any] = json.loads(demo_file(self.home).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def prepare(self) -> None:
        """Folders and configurations of the servers."""
        make_home(self.home)
        self.data.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.postgres.prepare()
        self.redis.prepare()
        self.mosquitto.prepare()

    def environment(self, name: str = "") -> dict[str, str]:
        """What our processes are told."""
        told = environment.basic() | self.plan.settings | {"PYTHONUNBUFFERED": "1"}
        told |= {
            "MAYDAY_HOME": str(self.home),
            "MAYDAY_DATABASE_URL": self.postgres.sqlalchemy_url(),
            "MAYDAY_SECRET": self.secrets.stack,
            "MAYDAY_MQTT_HOST": "127.0.0.1",
            "MAYDAY_MQTT_PORT": str(self.plan.ports["mqtt_service"]),
            "MAYDAY_BROKER_DIR": str(self.mosquitto.keeper_folder),
            "MAYDAY_BROKER_PID_FILE": str(self.mosquitto.pid_file),
            "MAYDAY_REDIS_URL": self.redis.url,
            "MAYDAY_API_HOST": self.plan.bind,
            "MAYDAY_MEDIA_DIR": str(self.home / "media"),
            "MAYDAY_API_PORT": str(self.plan.ports["api"]),
            "MAYDAY_PUBLIC_URL": self.plan.settings.get("MAYDAY_PUBLIC_URL") or self.api_url,
            "MAYDAY_POSTBOX_DIR": str(self.home / "postbox"),
            "MAYDAY_DISK_DIR": str(self.data),
            # As the api tells them to a device that registers.
            "MAYDAY_DEVICE_PORT": str(self.plan.ports["mqtt"]),
            "MAYDAY_DEVICE_TLS_PORT": str(self.plan.ports["mqtt_tls"]),
            "MAYDAY_DEVICE_WS_PORT": str(self.plan.ports["mqtt_ws"]),
        }
        return told | ({"MAYDAY_BEAT": str(self._beat(name))} if name else {})

    def programs(self) -> list[Program]:
        """The table of processes."""
        marked = {"MAYDAY_HOME": str(self.home)}

        def server(program: Program, stage: int, *after: str) -> Program:
            changes = {"stage": stage, "after": after, "environment": {**program.environment, **marked}}
            return Program(**{**program.__dict__, **changes})

        demo = ["--demo"] if self.plan.demo else []
        late = ["-m", "celery", "-A", "broker.jobs", "worker", "-B", "-Q", "late", "--pool", "threads"]
        # Threads: their heartbeat goes on during a long job, and nothing of them outlives a kill.
        schedule = ["--concurrency", "2", "--schedule", str(self.home / "run/jobs.schedule")]
        return [
            server(self.postgres.program(), DATABASES),
            server(self.redis.program(), DATABASES),
            self._ours("prepare", KEEPER, ["-m", "ops.prepare", *demo], after=["postgres"], once=True),
            self._ours("keeper", KEEPER, ["-m", "broker.keeper"], after=["prepare"]),
            server(self.mosquitto.program(), BROKER, "prepare"),
            self._ours("sos-1", WORKERS, ["-m", "ingest", "sos", "--worker", "1"], after=["mosquitto"]),
            self._ours("sos-2", WORKERS, ["-m", "ingest", "sos", "--worker", "2"], after=["mosquitto"]),
            self._ours("dispatch", WORKERS, ["-m", "dispatch.relay"], after=["prepare"], niceness=3),
            self._ours("orders", WORKERS, ["-m", "dispatch.orders.relay"], after=["prepare"], niceness=5),
            self._ours("notifier", WORKERS, ["-m", "notifier.relay"], after=["mosquitto"], niceness=3),
            self._ours("audit", WORKERS, ["-m", "dispatch.audit"], after=["mosquitto"], niceness=3),
            self._ours("api", COUNTERS, ["-m", "api"], after=["mosquitto"]),
            self._ours("telemetry", WORKERS, ["-m", "ingest", "telemetry"], after=["mosquitto"], niceness=10),
            self._ours("jobs", WORKERS, [*late, *schedule], after=["prepare", "redis"], niceness=10),
        ]

    def _ours(
        self,
        name: str,
        stage: int,
        arguments: list[str],
        *,
        after: list[str],
        once: bool = False,
        niceness: int = 0,
    ) -> Program:
        return Program(
            name=name,
            command=(sys.executable, *arguments),
            environment=self.environment(name),
            folder=CHECKOUT,
            stage=stage,
            after=tuple(after),
            once=once,
            beat=None if once else self._beat(name),
            niceness=niceness,
        )

    def _beat(self, name: str) -> Path:
        return self.home / f"run/{name}.beat"

    def status(self) -> dict[str, Any]:
        """What tools read; the keys are a promise."""
        ports = self.plan.ports
        state = state_of(self.home)
        return {
            "api": self.api_url,
            "console": f"{self.api_url}/",
            "mqtt": {
                "host": "127.0.0.1",
                "port": ports["mqtt"],
                "tls_port": ports["mqtt_tls"],
                "ws_port": ports["mqtt_ws"],
                "ca": str(self.mosquitto.authority_file),
            },
            "database": self.postgres.dsn(),
            "processes": [
                {
                    "name": record.name,
                    "pid": record.identity.pid if record.identity and record.is_alive else None,
                    "state": condition(state, record.name),
                    "restarts": record.restarts,
                }
                for record in state.records
                if record.condition is not Condition.DONE
            ],
            "demo": self.demo,
            "home": str(self.home),
            "phase": state.phase,
            "supervisor": state.supervisor.pid if state.supervisor and state.is_supervised else None,
        }


def condition(state: State, name: str) -> Condition:
    """How a process fares by our own eyes, where nobody kept the book since."""
    record = next(record for record in state.records if record.name == name)
    if record.condition in (Condition.RUNNING, Condition.STARTING) and not record.is_alive:
        return Condition.RESTARTING if state.is_supervised else Condition.STOPPED
    return record.condition


def make_home(home: Path) -> None:
    """The folder of a stack; servers that run as another user must be able to walk through it."""
    home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    for name in ("run", "logs", "tls", "media", "postbox"):
        (home / name).mkdir(mode=0o700, exist_ok=True)


def plan_file(home: Path) -> Path:
    return home / "plan.json"


def state_file(home: Path) -> Path:
    return home / "run/state.json"


def demo_file(home: Path) -> Path:
    return home / "demo.json"


def state_of(home: Path) -> State:
    return load(state_file(home))


def running_stack(home: Path | None = None) -> Stack | None:
    """The stack of this home, if anything of it lives."""
    home = home or home_folder()
    stack = Stack.open(home)
    return stack if stack is not None and state_of(home).is_running else None


def is_ready(home: Path) -> bool:
    state = state_of(home)
    return state.phase is Phase.READY and state.is_supervised
