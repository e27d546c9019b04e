import pytest

from broker.rights import Access, access_list, device_rights, service_rights
from broker.topics import Service


def writes(service: Service) -> set[str]:
    return {right.filter for right in service_rights(service) if right.access is Access.WRITE}


def reads(service: Service) -> set[str]:
    return {right.filter for right in service_rights(service) if right.access is Access.READ}


def test_a_device_has_rights_under_its_own_name_alone() -> None:
    assert all("%u" in right.filter.split("/") for right in device_rights())
    assert not any("#" in right.filter for right in device_rights())


def test_the_ingest_reads_what_devices_say_and_writes_only_acks() -> None:
    assert writes(Service.INGEST) == {"mayday/v1/dev/+/ack"}
    assert {"mayday/v1/dev/+/sos", "mayday/v1/dev/+/pos", "owntracks/+/+"} <= reads(Service.INGEST)


def test_the_notifier_writes_and_reads_nothing() -> None:
    assert writes(Service.NOTIFIER) == {
        "mayday/v1/alerts/#",
        "mayday/v1/dev/+/state",
        "mayday/v1/dev/+/offer",
        "mayday/v1/dev/+/cmd",
        "mayday/v1/dev/+/config",
    }
    assert reads(Service.NOTIFIER) == set()


@pytest.mark.parametrize(
    ("service", "filters"),
    [
        (Service.API, {"mayday/v1/alerts/#"}),
        (Service.AUDIT, {"mayday/v1/alerts/#"}),
        (Service.KEEPER, {"$SYS/#"}),
    ],
)
def test_who_only_looks_on_writes_nothing(service: Service, filters: set[str]) -> None:
    assert reads(service) == filters
    assert writes(service) == set()


def test_the_access_list_reads_as_mosquitto_wants_it() -> None:
    text = access_list([("desk", ["north"]), ("chief", None)], [Service.API])
    assert "pattern write mayday/v1/dev/%u/sos\n" in text
    assert "pattern read mayday/v1/dev/%u/ack\n" in text
    assert "pattern write %u/sos\n" in text
    assert text.endswith(
        "\nuser desk\ntopic read mayday/v1/alerts/default/#\ntopic read mayday/v1/alerts/north/#\n"
        "\nuser chief\ntopic read mayday/v1/alerts/#\n"
        "\nuser @api\ntopic read mayday/v1/alerts/#\n"
    )
