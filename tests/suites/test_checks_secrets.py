"""The checks of secrets: that a service sees them as files, and who reads those on the host."""

from pathlib import Path
from typing import Any

from stackproof.facts.container import Container, Mount
from stackproof.facts.machine import HostFile, HostState
from stackproof.facts.snapshot import Facts
from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import Ran
from tests.shop import STUCK, container, created

PASSWORD, TOKEN, FOLDER = "/run/secrets/password", "/run/secrets/token", "/run/secrets"


def _verified(folder: Path, services: dict[str, Any], observed: Facts, **secrets: str) -> Ran:
    environment = {"services": services, "secrets": {"directory": "./secrets", **secrets}}
    return shop.replay(folder, environment, observed, "-m", "shop and configuration")


def _mount(target: str, kind: str = "bind", source: str = "/opt/shop") -> Mount:
    return Mount(kind=kind, source=source, target=target)


FILES = f"secret files: expected {PASSWORD}, {TOKEN}, observed"
SEES: dict[str, tuple[str | None, Container]] = {
    "mounted": (None, container(creation=created(mounts=(_mount(PASSWORD), _mount(TOKEN))))),
    "folder": (None, container(
        creation=created(mounts=(_mount(FOLDER),)),
        unmounted_secrets={PASSWORD: True, TOKEN: True},
    )),
    "folder-without": (f"FAIL folder-without {FILES} no {TOKEN}", container(
        creation=created(mounts=(_mount(FOLDER),)),
        unmounted_secrets={PASSWORD: True, TOKEN: False},
    )),
    "copied-in": (None, container(unmounted_secrets={PASSWORD: True, TOKEN: True})),
    "one-copied-in": (None, container(
        creation=created(mounts=(_mount(PASSWORD),)), unmounted_secrets={TOKEN: True},
    )),
    "lost": (f"FAIL lost {FILES} no {PASSWORD}, no {TOKEN}", container(
        unmounted_secrets={PASSWORD: False, TOKEN: False},
    )),
    "unseen": ("UNKNOWN could not be evaluated: shop is exited", container(
        creation=created(mounts=(_mount(PASSWORD),)),
        unmounted_secrets={TOKEN: Unobserved(reason="shop is exited")},
    )),
    "not-looked-for": (
        f"UNKNOWN could not be evaluated: the snapshot does not hold '{PASSWORD}'; "
        "it was taken for other checks",
        container(),
    ),
}  # fmt: skip
"""The expected result, and the facts of a container that needs two secrets."""


def test_secret_files(tmp_path: Path) -> None:
    observed = shop.facts(containers={name: seen for name, (_, seen) in SEES.items()})
    services = {name: {"secrets": ["password", "token"]} for name in SEES}
    ran = _verified(tmp_path, services, observed, mount=FOLDER)
    results = {check: " ".join(each) for check, each in ran.results("shop").items()}
    assert {check: line for check, line in results.items() if "secret_files" in check} == {
        f"configuration.secret_files[{name}]": line for name, (line, _) in SEES.items() if line
    }


SECRETS: dict[str, tuple[str | None, str, dict[str, int], tuple[str, ...]]] = {
    "owner": (None, PASSWORD, {"": 0o600}, ()),
    "group": (None, PASSWORD, {"": 0o660}, ()),
    "all": ("all has mode 644", PASSWORD, {"": 0o644}, ()),
    "others": ("others has mode 604", PASSWORD, {"": 0o604}, ()),
    "closed": (None, PASSWORD, {}, ("",)),
    "gone": ("?/opt/gone", PASSWORD, {"-not": 0o644}, ()),
    "folder": ("b has mode 444", FOLDER, {"/a": 0o600, "/b": 0o444}, ()),
    "folder-open": (
        "a has mode 644, b has mode 444",
        FOLDER,
        {"/a": 0o644, "/b": 0o444},
        (),
    ),
    "folder-closed": (None, FOLDER, {"/a": 0o600}, ("/closed",)),
    "elsewhere": (None, "/etc/api", {"": 0o644}, ()),
}
"""What is wrong (after `?`: what was not found), where `/opt/NAME` is mounted, and what the host
says: of modes, and of what is closed, by the end of the path."""


def test_secret_permissions(tmp_path: Path) -> None:
    seen = HostState(
        disk=STUCK,
        inodes=STUCK,
        memory=STUCK,
        files={
            f"/opt/{name}{end}": HostFile(mode=mode, owner="root")
            for name, (_, _, modes, _) in SECRETS.items()
            for end, mode in modes.items()
        },
        closed=tuple(
            f"/opt/{name}{end}" for name, (_, _, _, closed) in SECRETS.items() for end in closed
        ),
    )
    made = {
        name: created(mounts=(_mount(target, source=f"/opt/{name}"),))
        for name, (_, target, _, _) in SECRETS.items()
    }
    made["none"] = created()
    made["in-memory"] = created(mounts=(_mount(FOLDER, "tmpfs", ""),))
    # What was seen is wrong, whatever the one that was not found is.
    made["open-and-gone"] = created(
        mounts=(_mount(TOKEN, source="/opt/gone"), _mount(PASSWORD, source="/opt/all"))
    )
    observed = shop.facts(
        host=seen, containers={name: container(creation=each) for name, each in made.items()}
    )
    ran = _verified(tmp_path, {name: {} for name in made}, observed)
    wrong = {name: each for name, (each, _, _, _) in SECRETS.items() if each}
    wrong["open-and-gone"] = "all has mode 644"
    assert ran.results("shop") == {
        f"configuration.secret_permissions[{name}]": (
            "UNKNOWN",
            f"could not be evaluated: {each[1:]}, which shop mounts as a secret, was not found",
        )
        if each.startswith("?")
        else (
            "FAIL",
            f"{name} secret files on the host: expected not readable by everyone, observed {each}",
        )
        for name, each in wrong.items()
    }


def test_secrets_mounted_elsewhere(tmp_path: Path) -> None:
    at_the_mount = container(creation=created(mounts=(_mount("/srv/secrets/token"),)))
    at_the_default = container(
        creation=created(mounts=(_mount(TOKEN),)), unmounted_secrets={"/srv/secrets/token": False}
    )
    observed = shop.facts(containers={"right": at_the_mount, "wrong": at_the_default})
    services = {"right": {"secrets": ["token"]}, "wrong": {"secrets": ["token"]}}
    ran = _verified(tmp_path, services, observed, mount="/srv/secrets")
    results = {check: line for check, (_, line) in ran.results("shop").items() if "files" in check}
    assert results == {
        "configuration.secret_files[wrong]": "wrong secret files: expected /srv/secrets/token, "
        "observed no /srv/secrets/token"
    }
