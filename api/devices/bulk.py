"""Devices by the thousand from a table of text: all of them, or none."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.accounts.phones import normalise
from api.devices.claims import hash_code, new_code, qr_text
from api.devices.service import NAMES_OF_ROUTES, UID_EXPECTED, read_sim_number
from api.refusals import Taken, WrongField
from broker.passwords import hash_secret, new_client_id, new_secret
from broker.topics import is_uid, wire_name
from db import audit
from db.audit import Actor
from db.models import Device, DeviceClaim, MqttCredential, User
from db.states import CredentialKind, DeviceKind, UserStatus
from dispatch.errors import WrongFields

COLUMNS = ("uid", "model", "kind", "sim_number", "owner_phone")
MOST_LINES = 20_000
MOST_BYTES = 4 << 20

_SLICE = 1_000
_KINDS = {kind.value: kind for kind in DeviceKind}
_LONGEST_MODEL = 100

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Line:
    """One device as a line of the table asks for it; `number` is the line's own."""

    number: int
    uid: str
    model: str
    kind: DeviceKind
    sim_number: str | None
    owner_phone: str | None


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A new device's login, and where it has no owner the code that gives it one; shown this once."""

    device_uid: str
    username: str
    password: str
    client_id: str
    claim_code: str | None
    claim_qr: str | None


def read_table(data: bytes) -> list[Line]:
    """The lines of a CSV file; WrongFields names each one that does not do, and what would."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongField("body", f"must be UTF-8; byte {error.start} is not") from None
    if "\0" in text:
        raise WrongField("body", "must not contain NUL characters")
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    wrong: dict[str, str] = {}
    lines: list[Line] = []
    try:
        columns = _read_head(next(table, []))
        for cells in table:
            if cells:
                lines += _read_line(columns, cells, table.line_num, wrong)
            if len(lines) > MOST_LINES:
                raise WrongField("body", f"has at most {MOST_LINES} lines")
    except csv.Error as error:
        wrong[f"line {table.line_num}"] = f"must be CSV: {error}"
    if not lines and not wrong:
        raise WrongField("body", "must have a line for each device below its heading")
    _refuse_twice(lines, wrong)
    if wrong:
        raise WrongFields(wrong)
    return lines


def provision(
    session: Session,
    lines: Sequence[Line],
    *,
    actor: Actor,
    key: str,
    at: datetime,
    progress: Progress = lambda _: None,
) -> list[Provisioned]:
    """Create all the devices, or raise with every line that stands in the way."""
    owners = _check(session, lines)
    done: list[Provisioned] = []
    try:
        with session.begin_nested():
            for part in _sliced(lines):
                done += _create(session, part, owners, key=key, at=at)
                progress(len(done))
    except IntegrityError:
        raise Taken("uid", "somebody registered one of these a moment ago; nothing was created") from None
    # One line for the act, however many they are; a table mostly holds a run of numbers.
    first, last = lines[0].uid, lines[-1].uid
    audit.record(
        session, actor, "devices.created", subject=("devices", first), at=at, last=last, count=len(done)
    )
    return done


def as_table(done: Iterable[Provisioned]) -> Iterator[str]:
    """The logins as CSV, line by line."""
    names = ("device_uid", "username", "password", "client_id", "claim_code", "claim_qr")
    yield ",".join(names) + "\n"
    for each in done:
        # None of these can hold a comma or a quote.
        yield ",".join(getattr(each, name) or "" for name in names) + "\n"


def _read_head(cells: Sequence[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    if "uid" not in columns or not set(columns) <= set(COLUMNS) or len(set(columns)) != len(columns):
        raise WrongField("line 1", f"must name the columns: uid, and any of {', '.join(COLUMNS[1:])}")
    return columns


def _read_line(
    columns: Sequence[str], cells: Sequence[str], number: int, wrong: dict[str, str]
) -> list[Line]:
    if len(cells) != len(columns):
        wrong[f"line {number}"] = f"must have {len(columns)} fields, has {len(cells)}"
        return []
    said = dict(zip(columns, map(str.strip, cells), strict=True))
    flaws: dict[str, str] = {}
    uid = said["uid"]
    if not is_uid(uid):
        flaws["uid"] = UID_EXPECTED
    elif uid in NAMES_OF_ROUTES:
        flaws["uid"] = f"must not be one of {', '.join(sorted(NAMES_OF_ROUTES))}"
    model = said.get("model", "")
    if len(model) > _LONGEST_MODEL:
        flaws["model"] = f"must have at most {_LONGEST_MODEL} characters"
    kind = _KINDS.get(said.get("kind") or DeviceKind.WATCH.value)
    if kind is None:
        flaws["kind"] = f"must be one of {', '.join(_KINDS)}"
    sim_number = _read(read_sim_number, said, "sim_number", flaws)
    owner_phone = _read(_phone, said, "owner_phone", flaws)
    wrong |= {f"line {number}, {name}": flaw for name, flaw in flaws.items()}
    if flaws or kind is None:
        return []
    return [Line(number, uid, model, kind, sim_number, owner_phone)]


@lru_cache(maxsize=1_024)
def _phone(text: str) -> str:
    return normalise(text)


def _read(how: Callable[[str], str], said: dict[str, str], name: str, flaws: dict[str, str]) -> str | None:
    if not said.get(name):
        return None
    try:
        return how(said[name])
    except ValueError as error:
        flaws[name] = str(error)
        return None


def _refuse_twice(lines: Iterable[Line], wrong: dict[str, str]) -> None:
    first: dict[str, int] = {}
    for line in lines:
        if line.uid in first:
            wrong[f"line {line.number}, uid"] = f"must be another: line {first[line.uid]} has it already"
        first.setdefault(line.uid, line.number)


def _check(session: Session, lines: Sequence[Line]) -> dict[str, int]:
    """The owners by their phones, once every line is found to be possible."""
    uids = [line.uid for line in lines]
    taken = set(session.scalars(select(Device.uid).where(Device.uid.in_(uids))))
    taken |= set(session.scalars(select(MqttCredential.username).where(MqttCredential.username.in_(uids))))
    phones = {line.owner_phone for line in lines if line.owner_phone}
    found = session.execute(
        select(User.phone, User.id).where(User.phone.in_(phones), User.status == UserStatus.ACTIVE)
    )
    owners = {row.phone: row.id for row in found if row.phone is not None}
    wrong = {
        f"line {line.number}, uid": "must be another, it is taken" for line in lines if line.uid in taken
    }
    wrong |= {
        f"line {line.number}, owner_phone": "must be the phone number of somebody who is registered"
        for line in lines
        if line.owner_phone and line.owner_phone not in owners
    }
    if wrong:
        raise WrongFields(wrong)
    return owners


def _sliced(lines: Sequence[Line]) -> Iterator[list[Line]]:
    rest = iter(lines)
    while part := list(islice(rest, _SLICE)):
        yield part


def _create(
    session: Session, lines: Sequence[Line], owners: dict[str, int], *, key: str, at: datetime
) -> list[Provisioned]:
    rows = [
        {
            "uid": line.uid,
            "model": line.model,
            "kind": line.kind,
            "sim_number": line.sim_number,
            "owner_id": owners[line.owner_phone] if line.owner_phone else None,
        }
        for line in lines
    ]
    created = session.execute(insert(Device).returning(Device.uid, Device.id), rows)
    ids = {row.uid: row.id for row in created}
    done = []
    credentials, claims = [], []
    for line in lines:
        secret, client_id = new_secret(), new_client_id(line.uid)
        code = None if line.owner_phone else new_code()
        credentials.append(
            {
                "username": line.uid,
                "kind": CredentialKind.DEVICE,
                "device_id": ids[line.uid],
                "password_hash": hash_secret(secret),
                "client_id": client_id,
            }
        )
        if code is not None:
            claims.append({"device_id": ids[line.uid], "code_hash": hash_code(code, key), "issued_at": at})
        qr = None if code is None else qr_text(code)
        done.append(Provisioned(line.uid, wire_name(line.uid), secret, client_id, code, qr))
    session.execute(insert(MqttCredential), credentials)
    if claims:
        session.execute(insert(DeviceClaim), claims)
    return done
