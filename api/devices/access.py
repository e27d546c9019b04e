"""The way to the broker as a device is told it, this once."""

from fastapi import Request

from api.devices.schemas import MqttAccess
from api.settings import ApiSettings
from broker.topics import DEVICES, wire_name
from db.models import Device, MqttCredential


def mqtt_access(
    device: Device, credential: MqttCredential, secret: str, settings: ApiSettings, request: Request
) -> MqttAccess:
    """A login with its secret, and where it is good for."""
    return MqttAccess(
        username=wire_name(credential.username),
        password=secret,
        client_id=credential.client_id,
        host=settings.device_host or request.url.hostname or settings.mqtt_host,
        port=settings.device_port,
        tls_port=settings.device_tls_port,
        ws_port=settings.device_ws_port,
        topics=f"{DEVICES}/{wire_name(device.uid)}",
        login=credential.number,
    )
