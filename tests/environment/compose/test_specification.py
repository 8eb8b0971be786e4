"""What Compose files specify, read by the real Compose, in the fields of an environment."""

import re

import pytest

from stackproof.environment.loader import InvalidEnvironment
from stackproof.environment.services import Service
from tests.environment.compose.conftest import Load


def _web(stack: Load, service: str, **more: str) -> Service:
    return stack(f"name: shop\nservices: {{web: {{image: app, {service}}}}}", **more).services[
        "web"
    ]


def test_the_smallest_environment(stack: Load) -> None:
    shop = stack("name: shop\nservices: {web: {image: 'app:1'}, db: {image: 'postgres:16'}}")
    assert shop.compose_project == "shop"
    assert {name: each.image for name, each in shop.services.items()} == {
        "web": "app:1",
        "db": "postgres:16",
    }
    assert (shop.services["web"].container, shop.services["web"].healthcheck) == ("", "if-present")
    assert shop.services["web"].publishes
    assert shop.services["web"].publish == ()


def test_what_the_environment_declares_overrides(stack: Load) -> None:
    shop = stack(
        "name: shop\nservices: {web: {image: 'app:1', restart: always, ports: ['80:80']}}",
        "compose: {files: compose.yaml}\nservices: {web: {image: 'app:2', restart: null}}",
    )
    web = shop.services["web"]
    assert (web.image, web.restart, web.publish) == ("app:2", None, ("80:80",))


@pytest.mark.parametrize(
    ("ports", "published"),
    [
        ("'8443:443'", ("8443:443",)),
        ("'10000:10000/udp', '53:53/tcp'", ("10000:10000/udp", "53:53")),
        ("'9000-9001:9000-9001'", ("9000:9000", "9001:9001")),
        ("'8080-8090:80'", ("8080-8090:80",)),
        ("'127.0.0.1:5432:5432', '[::1]:53:53'", ("127.0.0.1:5432:5432", "[::1]:53:53")),
        ("'0.0.0.0:80:80'", ("80:80",)),
        ("'8000', '127.0.0.1::99'", ("any:8000", "127.0.0.1:any:99")),
        ("'0:8000', {target: 99, published: '0'}", ("any:8000", "any:99")),
        ("{target: 5601, published: '443', mode: host}", ("443:5601",)),
        ("{target: 1, published: '1', protocol: UDP}, {target: 2, protocol: TCP}, '3:3/UDP'",
         ("1:1/udp", "any:2", "3:3/udp")),
    ],
)  # fmt: skip
def test_published_ports(stack: Load, ports: str, published: tuple[str, ...]) -> None:
    assert _web(stack, f"ports: [{ports}]").publish == published


def test_ports_inside(stack: Load) -> None:
    web = _web(stack, "ports: ['8080:80', '53:53/udp'], expose: ['5000', '6000-6001/tcp', '1/udp']")
    assert web.ports == (80, 5000, 6000, 6001)
    web = _web(
        stack,
        "ports: [{target: 80, protocol: TCP}, {target: 53, protocol: UDP}],"
        " expose: [5000/TCP, 1/UDP]",
    )
    assert web.ports == (80, 5000)


@pytest.mark.parametrize(
    ("service", "restart"),
    [
        ("labels: {}", "no"),
        ("restart: on-failure", "on-failure"),
        ("restart: 'on-failure:3'", "on-failure:3"),
        ("deploy: {restart_policy: {condition: any}}", "always"),
        ("deploy: {restart_policy: {condition: none}}, restart: always", "no"),
        ("deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}", "on-failure:2"),
    ],
)
def test_restart_policy(stack: Load, service: str, restart: str) -> None:
    assert _web(stack, service).restart == restart


@pytest.mark.parametrize(
    "service",
    [
        "deploy: {resources: {limits: {cpus: '1.5', memory: 512M}, reservations: {memory: 128M}}}",
        "cpus: 1.5, mem_limit: 512m",
        "cpu_quota: 150000, mem_limit: 536870912",
    ],
)
def test_limits(stack: Load, service: str) -> None:
    limits = _web(stack, service).limits
    assert (limits.cpus, limits.memory) == (1.5, 512 * 1024**2)


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{test: [CMD, 'true']}", "required"),
        ("{test: [NONE]}", None),
        ("{disable: true}", None),
        ("{interval: 5s}", "if-present"),
    ],
)
def test_health_check(stack: Load, check: str, expected: str | None) -> None:
    assert _web(stack, f"healthcheck: {check}").healthcheck == expected


@pytest.mark.parametrize(
    ("service", "instances"),
    [
        ("labels: {}", 1),
        ("deploy: {replicas: 2}", 2),
        ("scale: 0", 0),
        ("deploy: {mode: global}", 1),
    ],
)
def test_instances(stack: Load, service: str, instances: int) -> None:
    assert _web(stack, service).instances == instances


def test_secrets_and_configs(stack: Load) -> None:
    shop = stack(
        "name: shop\n"
        "services: {web: {image: app, configs: [{source: app, target: /etc/app.yml}],\n"
        "  secrets: [token, {source: key, target: /etc/key.pem}, {source: key, target: k}]}}\n"
        "configs: {app: {content: 'level: info'}}\n"
        "secrets: {token: {environment: TOKEN}, key: {file: key.pem}}",
        variables={"TOKEN": "t0psecret"},
    )
    web = shop.services["web"]
    assert (web.secrets, web.configs) == (("token", "/etc/key.pem", "k"), ("/etc/app.yml",))
    assert shop.secret_paths(web) == {
        "/run/secrets/token", "/etc/key.pem", "/run/secrets/k", "/etc/app.yml"
    }  # fmt: skip


def test_jobs_that_others_wait_for_run_once(stack: Load) -> None:
    shop = stack(
        "services: {migrate: {image: app}, web: {image: app, depends_on: "
        "{migrate: {condition: service_completed_successfully}}}}"
    )
    assert [name for name, each in shop.services.items() if each.one_shot] == ["migrate"]


@pytest.mark.parametrize(
    ("service", "may_end"),
    [
        ("restart: 'no'", True),
        ("restart: on-failure", True),
        ("restart: 'on-failure:3'", True),
        ("deploy: {restart_policy: {condition: none}}", True),
        ("restart: 'no', ports: ['80:80']", False),
        ("restart: 'no', healthcheck: {test: [CMD, 'true']}", False),
        ("restart: always", False),
        ("command: [serve]", False),
    ],
)
def test_a_service_that_nothing_restarts_may_run_once(
    stack: Load, service: str, may_end: bool
) -> None:
    web = _web(stack, service)
    assert (web.may_end, web.may_have_ended) == (may_end, may_end)


def test_the_environment_decides_whether_a_service_runs_once(stack: Load) -> None:
    compose = "services: {web: {image: app, restart: 'no'}}"
    for one_shot in (True, False):
        environment = (
            f"compose: {{files: compose.yaml}}\nservices: {{web: {{one_shot: {one_shot}}}}}"
        )
        assert stack(compose, environment).services["web"].may_have_ended is one_shot


def test_permissions_that_the_file_grants(stack: Load) -> None:
    web = _web(stack, "privileged: true, network_mode: host")
    assert web.granted == ("privileged", "host-network")
    assert _web(stack, "volumes: ['/var/run:/host:ro']").granted == ("engine-socket",)


def test_root_access_that_the_file_grants(stack: Load) -> None:
    web = _web(
        stack,
        "pid: host, ipc: host, uts: host, userns_mode: host, cgroup: host, cap_add: [SYS_ADMIN], "
        "security_opt: ['apparmor:unconfined', 'label:disable', 'no-new-privileges:true'], "
        "devices: ['/dev/sda:/dev/xvda:r', /dev/null], device_cgroup_rules: ['b 8:* r'], "
        "volumes: ['/etc:/host/etc:ro', '/etc/localtime:/etc/localtime:ro', 'data:/data'], "
        "group_add: [docker, '1000']}}\nvolumes: {data: {x-any: {}",
    )
    assert web.root_access == (
        "cap_add: SYS_ADMIN", "pid: host", "ipc: host", "uts: host", "userns_mode: host",
        "cgroup: host", "devices: /dev/sda", "device_cgroup_rules: b 8:* r", "volumes: /etc",
        "security_opt: apparmor=unconfined", "security_opt: label=disable", "group_add: docker",
    )  # fmt: skip
    assert _web(stack, "cap_add: [NET_ADMIN]").root_access == ()
    with_network = _web(stack, "cap_add: [NET_ADMIN], network_mode: host")
    assert with_network.root_access == ("cap_add: NET_ADMIN",)


@pytest.mark.parametrize(
    "path",
    ["/run/containerd", "/run/user/1000/podman/podman.sock", "/srv/docker.sock", "/var", "/"],
)
def test_an_engine_is_exposed(stack: Load, path: str) -> None:
    assert _web(stack, f"volumes: ['{path}:/host']").granted == ("engine-socket",)


def test_images_that_are_built_have_a_name(stack: Load) -> None:
    shop = stack("name: shop\nservices: {web: {build: .}, api: {build: ., image: 'api:2'}}")
    assert [each.image for each in shop.services.values()] == ["api:2", "shop-web"]


def test_files_are_merged_as_compose_merges_them(stack: Load) -> None:
    shop = stack(
        {
            "compose.yaml": "services: {web: {image: app, ports: ['80:80']}}",
            "prod.yaml": "services: {web: {ports: !reset [], restart: always}}",
        },
        "compose: {files: [compose.yaml, prod.yaml], project: green}",
    )
    web = shop.services["web"]
    assert (shop.compose_project, web.publish, web.restart) == ("green", (), "always")


def test_profiles(stack: Load) -> None:
    compose = "services: {web: {image: app}, debug: {image: app, profiles: [tools]}}"
    shop = stack(compose)
    assert (set(shop.services), shop.inactive_services) == ({"web"}, ("debug",))
    tools = "compose: {files: compose.yaml, profiles: [tools]}"
    assert set(stack(compose, tools).services) == {"web", "debug"}


def test_files_that_compose_finds_by_itself(stack: Load) -> None:
    files = {
        "docker-compose.yml": "services: {web: {image: app}}",
        "docker-compose.override.yml": "services: {web: {image: 'app:2'}}",
    }
    assert stack(files, "compose: {}").services["web"].image == "app:2"


UNSET = """
services:
  web: {image: "app:${TAG:-1}", container_name: "${TENANT:?}-web", ports: ["${PORT}:80"]}
  job: {image: "app:$TAG_OF_JOB", command: ["echo", "$$HOME"]}
"""


def test_what_depends_on_unset_variables_is_not_specified(stack: Load) -> None:
    shop = stack(UNSET)
    web = shop.services["web"]
    assert (web.image, web.container, web.publishes) == ("app:1", "", False)
    assert shop.services["job"].image == ""
    assert {path[1:]: names for path, names in shop.origin.unspecified.items()} == {
        ("web", "container"): ("TENANT",),
        ("web", "ports"): ("PORT",),
        ("web", "publish"): ("PORT",),
        ("web", "listens"): ("PORT",),
        ("job", "image"): ("TAG_OF_JOB",),
    }


REFUSED = {
    "image: '${A}'": {"image"},
    "image: x, ports: ['127.0.0.1:${A}:80']": {"ports", "publish", "listens"},
    "image: x, ports: ['${IP:-127.0.0.1}:${P:-80}:${A}']": {"ports", "publish", "listens"},
    "image: x, mem_limit: '${A}', cpus: '${B}'": {"limits.memory", "limits.cpus"},
    "image: x, mem_limit: '${A}', cpus: '${B}', pids_limit: '${C}', init: '${D}'": {
        "limits.memory",
        "limits.cpus",
        "limits.pids",
        "options.init",
    },
    "image: x, volumes: ['${A}/b:/data']": {"mounts", "granted", "root_access"},
    "image: x, stop_grace_period: '${A}'": {"options.stop_grace_period"},
    "image: x, init: '${A}'": {"options.init"},
    "image: x, hostname: '${A}'": {"options.hostname"},
    "image: x, container_name: '${NAME}'": {"container"},
    "image: '${A}', mem_limit: '${B:?}', env_file: no.env": {"image", "limits.memory"},
}


@pytest.mark.parametrize(("service", "unspecified"), REFUSED.items(), ids=REFUSED)
def test_compose_refuses_a_blank_string(stack: Load, service: str, unspecified: set[str]) -> None:
    """It would have a value where the stack is deployed."""
    shop = stack(f"services: {{web: {{{service}}}}}")
    assert {".".join(map(str, path[2:])) for path in shop.origin.unspecified} == unspecified


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("image: x, networks: ['$A']", 'service "web" refers to undefined network : invalid '
         "compose project; not set here: A"),
        ("image: '$A', ports: nope, user: '$B'", "services.web.ports must be a array; not set "
         "here: A, B"),
        ("image: x, ulimits: {nofile: '$A'}", 'strconv.Atoi: parsing "": invalid syntax; not set '
         "here: A"),
    ],
)  # fmt: skip
def test_an_error_while_variables_are_unset(stack: Load, service: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=f"{re.escape(message)}$"):
        stack(f"services: {{web: {{{service}}}}}")


def test_variables_from_files(stack: Load) -> None:
    files = {"compose.yaml": UNSET, "prod.env": "TENANT=acme\nPORT=8080\nTAG_OF_JOB=3\n"}
    shop = stack(files, "compose: {files: compose.yaml, env_files: prod.env}")
    web = shop.services["web"]
    assert (web.container, web.publish, shop.origin.unspecified) == ("acme-web", ("8080:80",), {})


def test_an_env_file_that_is_only_on_the_server(stack: Load) -> None:
    """It holds secrets, and nothing that is verified comes from it."""
    files = {
        "compose.yaml": "include: [more.yaml]\n"
        "services: {web: {image: 'app:1', env_file: [.env.prod]}, db: {image: db}}",
        "more.yaml": "services: {job: {image: job, env_file: [a.env, {path: b.env}]}}",
    }
    shop = stack(files)
    assert {name: each.image for name, each in shop.services.items()} == {
        "db": "db", "job": "job", "web": "app:1"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("compose", "environment", "message"),
    [
        ("services: {web: 1}", "compose: {files: compose.yaml}",
         "shop.yaml:1: compose: "),
        ("services: {web: {image: app, env_file: [.env.prod], ports: [x]}}",
         "compose: {files: compose.yaml}", "invalid containerPort: x"),
        ("services: {}", "compose: {files: other.yaml}",
         "shop.yaml:1: compose: there is no Compose file other.yaml in "),
        ("services: {web: {image: app}}", "compose: {file: compose.yaml}",
         "shop.yaml:1: compose: unknown key 'file'; did you mean 'files'?"),
        ("services: {web: {image: app}}",
         "compose: {files: compose.yaml}\nservices: {web: {imag: x}}",
         "shop.yaml:2: services.web: unknown key 'imag'; did you mean 'image'?"),
    ],
)  # fmt: skip
def test_mistakes(stack: Load, compose: str, environment: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment) as raised:
        stack(compose, environment)
    assert message in str(raised.value)
    assert "more)" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_expressions_in_the_file_of_variables_are_left_to_compose(stack: Load) -> None:
    """`init` declares the `.env` of the project as `env_file`, too."""
    compose = "services: {web: {image: 'app:${TAG}', volumes: ['${DATA}:/data'], user: '${WHO}'}}"
    files = {"compose.yaml": compose, ".env": "TAG=1\nDATA=${ROOT:-/srv}/data\n"}
    web = stack(files, "env_file: ../.env\ncompose: {files: compose.yaml}").services["web"]
    assert web.image == "app:1"
    assert web.mounts
    assert web.mounts["/data"].source == "/srv/data"


def test_files_that_cannot_be_merged_without_values(stack: Load) -> None:
    files = {
        "compose.yaml": "name: shop\nservices:\n"
        "  web: {image: app, depends_on: ['${DB:-db}'], ports: ['${PORT}:80'], user: 'a'}\n"
        "  db: {image: postgres, environment: {A: '${UNSET}'}}",
        "more.yaml": "services: {web: {image: 'app:2', depends_on: [cache], ports: ['81:81']},"
        " cache: {image: redis}}",
    }
    environment = "compose: {files: [compose.yaml, more.yaml]}"
    shop = stack(files, environment)
    assert (shop.services["web"].image, shop.services["web"].user) == ("app:2", "a")
    plain = {**files, "compose.yaml": files["compose.yaml"].replace("${DB:-db}", "db")}
    assert shop.services == stack(plain, environment).services
    assert shop.services["db"].variables == {}, "it depends on a variable that is unset here"


def test_a_file_of_variables_is_read_as_compose_reads_it(stack: Load) -> None:
    # Where PORT is used, it does not have a value yet.
    files = {
        "compose.yaml": "name: shop\nservices: {web: {image: app, environment: ['URL=${URL}']}}",
        ".env": "URL=redis://cache:${PORT}\nPORT=6379\n",
    }
    alone = stack(files)
    named = stack(files, "env_file: ../.env\ncompose: {files: compose.yaml}")
    assert named.services == alone.services


def test_a_file_without_active_services(stack: Load) -> None:
    compose = "services: {web: {image: app, profiles: [a]}, db: {image: app, profiles: [b]}}"
    with pytest.raises(InvalidEnvironment, match=r"compose: .*belong to inactive profiles: name"):
        stack(compose)
    assert set(stack(compose, "compose: {profiles: [b]}").services) == {"db"}


def test_a_variable_that_is_defined_after_its_use_is_set(stack: Load) -> None:
    files = {
        "compose.yaml": "name: shop\nservices: {web: {image: app, ports: ['${PORT}:80']}}",
        ".env": "URL=redis://cache:${PORT}\nPORT=6379\n",
    }
    assert stack(files).services["web"].publish == ("6379:80",)
