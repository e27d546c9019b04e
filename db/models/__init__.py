"""SQLAlchemy models, one module for each family of tables."""

from db.models.answers import KeptAnswer
from db.models.audit import AuditEntry
from db.models.base import Base
from db.models.chain import CanaryCall, SystemAlert
from db.models.codes import Code
from db.models.commands import DeviceCommand
from db.models.devices import Device, DeviceClaim, DeviceConfig, DeviceLast, MqttCredential
from db.models.drivers import Driver, LastPlace, Shift, Vehicle
from db.models.duty import Duty, Policy
from db.models.geofences import Geofence, GeofenceEvent, GeofenceWatch
from db.models.guardians import Contact, LiveLink, Pin
from db.models.helpers import Helper, HelperCall
from db.models.incidents import Incident, IncidentEvent, IncidentReport, MergeProposal
from db.models.logins import ApiToken, Identity
from db.models.messages import Message, PushToken, Webhook
from db.models.orders import (
    Order,
    OrderEvent,
    OrderLink,
    OrderMessage,
    OrderOffer,
    Tariff,
    VehicleType,
)
from db.models.passengers import Passenger
from db.models.people import LoginSession, RecoveryCode, RefreshToken, SecondFactor, User, UserRole
from db.models.regions import Region
from db.models.telemetry import Position, QuarantinedFrame, Vitals
from db.models.tries import TryCount
from db.models.work import Delivery, Fact, Notification, Timer, Work

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Base",
    "CanaryCall",
    "Code",
    "Contact",
    "Delivery",
    "Device",
    "DeviceClaim",
    "DeviceCommand",
    "DeviceConfig",
    "DeviceLast",
    "Driver",
    "Duty",
    "Fact",
    "Geofence",
    "GeofenceEvent",
    "GeofenceWatch",
    "Helper",
    "HelperCall",
    "Identity",
    "Incident",
    "IncidentEvent",
    "IncidentReport",
    "KeptAnswer",
    "LastPlace",
    "LiveLink",
    "LoginSession",
    "MergeProposal",
    "Message",
    "MqttCredential",
    "Notification",
    "Order",
    "OrderEvent",
    "OrderLink",
    "OrderMessage",
    "OrderOffer",
    "Passenger",
    "Pin",
    "Policy",
    "Position",
    "PushToken",
    "QuarantinedFrame",
    "RecoveryCode",
    "RefreshToken",
    "Region",
    "SecondFactor",
    "Shift",
    "SystemAlert",
    "Tariff",
    "Timer",
    "TryCount",
    "User",
    "UserRole",
    "Vehicle",
    "VehicleType",
    "Vitals",
    "Webhook",
    "Work",
]
