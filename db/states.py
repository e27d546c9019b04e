"""The words a row's state may hold; which moves are allowed stands with the rules that guard them."""

from enum import IntEnum, StrEnum


class Role(StrEnum):
    CUSTOMER = "customer"
    DRIVER = "driver"
    HELPER = "helper"
    DISPATCHER = "dispatcher"
    ADMIN = "admin"


class UserStatus(StrEnum):
    ACTIVE = "active"
    BLOCKED = "blocked"


class CodePurpose(StrEnum):
    """What a one-time code is good for."""

    LOGIN = "login"
    VERIFY = "verify"  # that a phone number or an email address is theirs
    RESET = "reset"  # of the password


class Service(StrEnum):
    """What a driver can be asked for."""

    TOW = "tow"
    REPAIR = "repair"
    RIDE = "ride"


class Need(StrEnum):
    """What a passenger cannot ride without."""

    LIFT = "lift"
    RAMP = "ramp"
    CHILD_SEAT = "child_seat"
    ESCORT = "escort"  # the driver helps to the door and from it


class OrderState(StrEnum):
    """Where an order is; the moves stand in dispatch.orders.rules."""

    REQUESTED = "requested"
    OFFERED = "offered"
    UNASSIGNED = "unassigned"  # nobody took it: a person is asked
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class OfferState(StrEnum):
    """open -> accepted | declined | expired | withdrawn"""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Party(StrEnum):
    """Who does something to an order, or whose fault it is."""

    CUSTOMER = "customer"
    DRIVER = "driver"
    DISPATCHER = "dispatcher"
    HOUSE = "house"


class DeviceKind(StrEnum):
    WATCH = "watch"
    PHONE = "phone"
    TRACKER = "tracker"


class CredentialKind(StrEnum):
    DEVICE = "device"
    DISPATCHER = "dispatcher"


class CommandKind(StrEnum):
    LOCATE = "locate"
    REPORT = "report"
    RING = "ring"
    MESSAGE = "message"


class Presence(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    SLEEPING = "sleeping"


class Clock(IntEnum):
    """Where the time of a sample comes from."""

    DEVICE = 0  # the device's own clock
    AGE = 1  # arrival less the age the device gave
    ARRIVAL = 2  # the device said nothing
    MAD = 3  # the device said something impossible


class IncidentState(StrEnum):
    COUNTDOWN = "countdown"
    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    RESPONDING = "responding"
    ON_SCENE = "on_scene"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    ASSISTED = "assisted"
    FALSE_ALARM = "false_alarm"
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"
    UNREACHABLE = "unreachable"


class PositionSource(StrEnum):
    """Where an incident's position comes from."""

    PRESS = "press"  # the SOS frame itself
    LAST_KNOWN = "last_known"
    TRACK = "track"  # a fix that came after the press


class CallState(StrEnum):
    """What became of asking a helper; the moves stand in dispatch.sos.rules."""

    ALERTED = "alerted"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    DONE = "done"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Skill(StrEnum):
    """What a helper can do beyond coming."""

    FIRST_AID = "first_aid"
    AED = "aed"
    NURSE = "nurse"
    DOCTOR = "doctor"
    LIFTING = "lifting"
    MECHANIC = "mechanic"
    KEYHOLDER = "keyholder"


class DutyKind(StrEnum):
    """In what capacity somebody can be woken."""

    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"


class WorkStatus(StrEnum):
    """waiting -> done | failed | cancelled"""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Side(StrEnum):
    """Where a device is, seen from a fence."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class Crossing(StrEnum):
    """What a device did at a fence."""

    ENTERED = "entered"
    LEFT = "left"
