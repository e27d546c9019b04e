"""Ten thousand devices at once, with a real database, keeper and broker."""

import csv
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from db.session import Database
from ops.devices import import_table
from ops.places import CHECKOUT
from ops.trouble import Trouble
from tests.integration.broker.test_keeper import admit, uid
from tests.servers import Broker, eventually

COUNT = 10_000
SECRET = "a secret of this test alone"


@pytest.mark.alone
@pytest.mark.usefixtures("keeper")
def test_ten_thousand_devices_get_in_within_30_s_and_nobody_waits_for_them(
    broker: Broker, database: Database, station: Callable[..., Any], tmp_path: Path
) -> None:
    name = uid()
    password = admit(database, name)
    eventually(lambda: station(name, password).is_in, "the other device to get in")
    table, logins = tmp_path / "devices.csv", tmp_path / "logins.csv"
    table.write_text("uid,model\n" + "".join(f"many-{number},T-Watch 5\n" for number in range(COUNT)))
    command = [sys.executable, "-m", "tests.integration.broker.pinger"]
    command += [str(broker.port), name, password, str(broker.pid)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as pinger:
        assert pinger.stdin
        assert pinger.stdout
        assert pinger.stdout.readline() == "connected\n"
        since = time.monotonic()
        assert import_table(table, logins, database_url=database.url, secret=SECRET) == COUNT
        imported_s = time.monotonic() - since
        *_, last = csv.DictReader(logins.open())
        eventually(lambda: station(last["username"], last["password"]).is_in, "the last to get in")
        took_s = time.monotonic() - since
        pinger.stdin.write("\n")
        pinger.stdin.flush()
        count, *worst_ms = pinger.stdout.readline().split()
    print(
        f"imported in {imported_s:.1f} s, in after {took_s:.1f} s; of {count} pings the worst {worst_ms} ms"
    )
    assert took_s < 30
    assert float(worst_ms[-1]) < 100
    assert logins.stat().st_mode & 0o777 == 0o600


def test_a_table_with_a_bad_line_leaves_neither_devices_nor_a_file(
    database: Database, tmp_path: Path
) -> None:
    table, logins = tmp_path / "devices.csv", tmp_path / "logins.csv"
    table.write_text("uid\nw-1\nb@d\n")
    with pytest.raises(Trouble, match="line 3, uid: must be 1 to 64"):
        import_table(table, logins, database_url=database.url, secret=SECRET)
    assert not logins.exists()
    table.write_text("uid\nw-1\n")
    assert import_table(table, logins, database_url=database.url, secret=SECRET) == 1
    with pytest.raises(Trouble, match="exists already"):
        import_table(table, logins, database_url=database.url, secret=SECRET)
    assert "w-1," in logins.read_text()
