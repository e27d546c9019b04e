"""A device that publishes all the time, and says in the end how long it had to wait at worst, in ms."""

import sys
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main(port: str, username: str, password: str) -> None:
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
    waits: list[float] = []
    while not stop.is_set():
        since = time.monotonic()
        client.publish(f"mayday/v1/dev/{username}/pos", b"{}", qos=1).wait_for_publish(5)
        waits.append(time.monotonic() - since)
        time.sleep(0.003)
    print(len(waits), *(round(wait * 1000, 1) for wait in sorted(waits)[-5:]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
