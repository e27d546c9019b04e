"""SQLAlchemy models, one module for each family of tables."""

from db.models.audit import AuditEntry
from db.models.base import Base
from db.models.codes import Code
from db.models.commands import DeviceCommand, DeviceConfig
from db.models.devices import Device, DeviceClaim, DeviceLast, MqttCredential
from db.models.drivers import Driver, LastPlace, Vehicle
from db.models.geofences import Geofence, GeofenceEvent, GeofenceWatch
from db.models.incidents import Incident, IncidentEvent, IncidentReport
from db.models.logins import ApiToken, Identity
from db.models.people import LoginSession, RecoveryCode, RefreshToken, SecondFactor, User, UserRole
from db.models.regions import Region
from db.models.telemetry import Position, QuarantinedFrame, Vitals
from db.models.tries import TryCount
from db.models.work import Delivery, Fact, Notification, Timer, Work

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Base",
    "Code",
    "Delivery",
    "Device",
    "DeviceClaim",
    "DeviceCommand",
    "DeviceConfig",
    "DeviceLast",
    "Driver",
    "Fact",
    "Geofence",
    "GeofenceEvent",
    "GeofenceWatch",
    "Identity",
    "Incident",
    "IncidentEvent",
    "IncidentReport",
    "LastPlace",
    "LoginSession",
    "MqttCredential",
    "Notification",
    "Position",
    "QuarantinedFrame",
    "RecoveryCode",
    "RefreshToken",
    "Region",
    "SecondFactor",
    "Timer",
    "TryCount",
    "User",
    "UserRole",
    "Vehicle",
    "Vitals",
    "Work",
]
