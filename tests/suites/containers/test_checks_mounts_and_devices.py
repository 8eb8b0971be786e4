"""The checks of mounts, data, devices and GPUs judge each form of a declaration."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from stackproof.environment.container_settings import DeclaredMount
from stackproof.environment.services import Service
from stackproof.facts.container import Mount
from stackproof.suites.services import test_mounts, test_specification
from tests import shop
from tests.suites.specified import ANONYMOUS, BIND, VOLUME, changed, host

NVIDIA = {
    "Driver": "nvidia", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]], "Options": {}
}  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "requests", "observed"),
    [
        ("all", [NVIDIA], None),
        ([{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}], [NVIDIA], None),
        ([{"count": 2}], [{**NVIDIA, "Count": 2, "Driver": ""}], None),
        ([{"device_ids": ["0", "3"]}],
         [{**NVIDIA, "Count": 0, "DeviceIDs": ["3", "0"]}], None),
        ([{"capabilities": ["gpu"]}], [{**NVIDIA, "Capabilities": [["gpu", "utility"]]}], None),
        ("all", None, "all of any driver, observed none"),
        ([{"driver": "amd"}], [NVIDIA], "all of amd, observed all of nvidia"),
        ([{"count": 2}], [NVIDIA], "2 of any driver, observed all of nvidia"),
        ([{"device_ids": ["1"]}], [{**NVIDIA, "DeviceIDs": ["0"]}],
         "device 1 of any driver, observed device 0 of nvidia"),
        ([{"capabilities": ["gpu", "video"]}], [NVIDIA],
         "all of any driver, observed all of nvidia"),
        ("all", [NVIDIA, NVIDIA], "all of any driver, observed all of nvidia, all of nvidia"),
    ],
)  # fmt: skip
def test_gpus(declared: Any, requests: Any, observed: str | None) -> None:
    service = Service.model_validate({"name": "ml", "container": "ml", "gpus": declared})
    container = host(DeviceRequests=requests)
    settings = container.creation.settings
    assert settings
    with pytest.raises(AssertionError) if observed else nullcontext() as raised:
        test_specification.test_gpus(service, settings)
    if observed:
        assert raised
        assert f"ml GPUs: expected {observed}" in str(raised.value)


@pytest.mark.parametrize(
    ("declared", "device"),
    [
        ("/dev/null", "/dev/null:/dev/null:rwm"),
        ("/dev/null:/dev/zero", "/dev/null:/dev/zero:rwm"),
        ("/dev/null:r", "/dev/null:/dev/null:r"),
        ({"source": "/dev/null", "target": "/dev/zero", "permissions": "rw"},
         "/dev/null:/dev/zero:rw"),
        ("nvidia.com/gpu=all", "nvidia.com/gpu=all"),
    ],
)  # fmt: skip
def test_devices(declared: Any, device: str) -> None:
    source, _, rest = device.partition(":")
    target, _, permissions = rest.partition(":")
    made = {"PathOnHost": source, "PathInContainer": target, "CgroupPermissions": permissions}
    container = (
        host(Devices=[made])
        if rest
        else host(
            Devices=None,
            DeviceRequests=[
                {"Driver": "cdi", "Count": 0, "DeviceIDs": [device], "Capabilities": None}
            ],
        )
    )
    service = Service.model_validate({"name": "a", "container": "a", "devices": [declared]})
    settings = container.creation.settings
    assert settings
    test_specification.test_devices(service, settings)
    with pytest.raises(AssertionError, match="a devices: expected none"):
        test_specification.test_devices(service.model_copy(update={"devices": ()}), settings)


@pytest.mark.parametrize(
    ("declared", "source", "fine"),
    [
        ("/opt/try/conf/", "/opt/try/conf", True),
        ("/opt/try/conf", "/host_mnt/opt/try/conf", True),
        ("/home/me/try/conf", "/opt/try/conf", True),
        ("/home/me/try/conf", "/opt/try/old/conf", False),
        ("/opt/try/conf", "/opt/try", False),
        ("", "/anywhere", True),
    ],
)
def test_source_of_a_mount(declared: str, source: str, *, fine: bool) -> None:
    mount = Mount(kind="bind", source=source, target="/etc/app")
    expected = DeclaredMount(kind="bind", source=declared)
    found = test_mounts._is_as_declared(
        expected, mount, lambda path: path.replace("/home/me", "/opt")
    )
    assert found is fine


@pytest.mark.parametrize(
    ("datastores", "mount", "red"),
    [
        ({}, BIND, {}),
        ({"redis": {"db": {}}}, BIND, {}),
        ({}, None, {"mounts.declared[db]": "db mounts: expected /opt/try/db at /data, "
                    "observed nothing at /data"}),
        ({"redis": {"db": {}}}, ANONYMOUS,
         {"mounts.data[db]": "db data: expected /opt/try/db at /data, "
          "observed an anonymous volume at /data"}),
    ],
)  # fmt: skip
def test_data_of_a_datastore(
    tmp_path: Path, datastores: Any, mount: Any, red: dict[str, str]
) -> None:
    """It may be at a path of the host: that it is not there is critical for a datastore."""
    mounts = [{**mount, "Source": "/opt/try/db", "Destination": "/data"}] if mount else []
    container = changed(Mounts=mounts).model_copy(update={"name": "db"})
    environment = {
        "services": {"db": {"mounts": {"/data": {"kind": "bind", "source": "/opt/try/db"}}}},
        "datastores": datastores,
    }
    ran = shop.replay(
        tmp_path, environment, shop.facts(containers={"db": container}), "-k", "mounts"
    )
    assert {check: line for check, (_, line) in ran.results("shop").items()} == red


def test_data_in_a_volume_below_the_declared_one(tmp_path: Path) -> None:
    hidden = {**ANONYMOUS, "Destination": "/data/pgdata"}
    container = changed(Mounts=[VOLUME, hidden]).model_copy(update={"name": "db"})
    environment = {"services": {"db": {"mounts": {"/data": {"source": "shop_data"}}}}}
    ran = shop.replay(
        tmp_path, environment, shop.facts(containers={"db": container}), "-k", "mounts"
    )
    (check,) = [each for each in ran.verdict("shop")["checks"] if each["id"] == "mounts.data[db]"]
    assert (check["outcome"], check["warnings"]) == (
        "PASS",
        ["db data: expected in shop_data at /data, observed an anonymous volume at /data/pgdata"],
    )
