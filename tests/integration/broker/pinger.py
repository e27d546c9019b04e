"""A device that publishes all the time, and says in the end how long the broker made it wait at worst, in ms.

What either of them had to wait for a processor is the machine's doing, and is not counted.
"""

import os
import sys
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import WAIT_S, queued_s


def main(port: str, username: str, password: str, broker: str) -> None:
    """Until a line comes in."""
    stop = threading.Event()

    def wait_for_line() -> None:
        sys.stdin.readline()
        stop.set()

    threading.Thread(target=wait_for_line, daemon=True).start()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(username, password)
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    while not client.is_connected():
        time.sleep(0.01)
    print("connected", flush=True)
    pids = (os.getpid(), int(broker))
    waits_ms: list[float] = []
    while not stop.is_set():
        before_s = queued_s(*pids)
        since = time.monotonic()
        client.publish(f"mayday/v1/dev/{username}/pos", b"{}", qos=1).wait_for_publish(WAIT_S)
        took_s = time.monotonic() - since
        in_queue_s = queued_s(*pids) - before_s
        waits_ms.append((took_s - in_queue_s) * 1000)
        time.sleep(0.003)
    print(len(waits_ms), *(round(wait_ms, 1) for wait_ms in sorted(waits_ms)[-5:]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
