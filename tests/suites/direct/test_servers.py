"""What the checks of servers, proxies and the host say of several values, and at boundaries."""

from datetime import timedelta
from typing import Any

import pytest

from stackproof.facts.caddy import CaddyPass, CaddyUpstream
from stackproof.facts.container import ListedContainer
from stackproof.facts.machine import Capacity, FileSystem, MountSource
from stackproof.facts.proxy import LogEntry, Worker
from stackproof.facts.reply import Reply
from stackproof.facts.traefik import Traefik, TraefikItem
from stackproof.kinds.memcached import MemcachedState
from stackproof.kinds.mysql import MysqlState
from stackproof.kinds.postgresql import PostgresState
from stackproof.kinds.rabbitmq import RabbitmqState
from stackproof.kinds.redis import RedisState
from stackproof.sizes import Bytes
from stackproof.unobserved import Unobserved
from tests.shop import AT, GIB, MACHINE, MIB, container, facts, leads, said
from tests.suites.direct.check import (
    Call,
    Said,
    Warnings,
    cases,
    environment,
    says,
    suite,
    unknown,
)

caddy = suite("test_caddy.py")
datastores = suite("test_datastores.py")
host = suite("test_host.py")
memcached = suite("test_memcached.py")
mysql = suite("test_mysql.py")
nginx = suite("test_nginx.py")
rabbitmq = suite("test_rabbitmq.py")
traefik = suite("test_traefik.py")
SECOND = timedelta(seconds=1)
SHOP = environment(
    services={name: {} for name in ("api", "web", "proxy", "edge", "road", "db")},
    host={"engine_version": "20.10", "clock_skew": 1.5},
    nginx={"service": "proxy", "drain_seconds": 60},
    proxies={"caddy": {"edge": {}}, "traefik": {"road": {}}},
    routes={
        "home": {"url": "https://shop.test/", "service": "api", "proxy": "proxy"},
        "site": {"url": "https://site.test/", "service": "web", "proxy": "edge"},
    },
    datastores={
        "postgresql": {"db": {"user": "app", "database": "shop", "connections_used": 0.5}},
        "redis": {"api": {"memory_used": 0.5, "clients_used": 0.5, "append_only": False},
                  "web": {"password_file": "/run/secrets/redis", "append_only": True,
                          "eviction": "noeviction"}},
        "mysql": {"edge": {"user": "app", "database": "shop", "connections_used": 0.5}},
        "rabbitmq": {"road": {"memory_used": 0.5, "user": "app", "password_variable": "PASSWORD"}},
        "memcached": {"proxy": {"connections_used": 0.5, "evicted": 0.5}},
    },
)  # fmt: skip
STORES: Any = SHOP.datastores
PROXIES: Any = SHOP.proxies
POSTGRES, REDIS, SECURED = STORES.postgresql["db"], STORES.redis["api"], STORES.redis["web"]
MYSQL, RABBIT, MEMCACHED = STORES.mysql["edge"], STORES.rabbitmq["road"], STORES.memcached["proxy"]
CADDY, TRAEFIK = PROXIES.caddy["edge"], PROXIES.traefik["road"]
assert SHOP.host
HOST, NGINX = SHOP.host, SHOP.nginx
TRIED = CaddyUpstream(address="api:80", tried=True)


def postgres(**fields: Any) -> PostgresState:
    return PostgresState(
        **{"in_recovery": False, "read_only": False, "connections": 5, "max_connections": 10,
           **fields}
    )  # fmt: skip


def redis(**fields: Any) -> RedisState:
    return RedisState(
        **{"role": "master", "loading": False, "rdb_last_bgsave_status": "ok", "aof_enabled": True,
           "aof_last_write_status": "ok", "aof_last_bgrewrite_status": "ok", "used_memory": 0,
           "maxmemory": 0, **fields}
    )  # fmt: skip


def rabbit(**fields: Any) -> RabbitmqState:
    return RabbitmqState(
        **{"alarms": (), "listeners": ("0.0.0.0:5672",), "is_under_maintenance": False,
           "memory_used": Bytes(MIB), "memory_limit": Bytes(GIB), "disk_free": Bytes(GIB),
           "disk_free_limit": Bytes(MIB), **fields}
    )  # fmt: skip


def room(free: int, total: int = 100) -> Capacity:
    return Capacity(total=total, free=free, where="/data")


def disk(
    path: str, free: int, where: str = "/data", *, inodes: int = 50, total: int = 100, **more: Any
) -> MountSource:
    """A path of the machine that a container writes to, and its file system."""
    system = FileSystem(
        device=where,
        disk=Capacity(total=total, free=free, where=where),
        inodes=Capacity(total=100, free=inodes, where=where),
        **{"was_made_read_only": False, "has_engine_data": False, **more},
    )
    return MountSource(path=path, mounted_by=(f"shop-db {path}",), file_system=system)


def ahead(seconds: float, uncertain: float = 0) -> Any:
    return MACHINE.model_copy(
        update={"clock_ahead_s": seconds, "clock_uncertain_s": uncertain, "data_directory": "/data"}
    )


def worker(seconds: int, **state: bool) -> Worker:
    return Worker(started_at=AT + seconds * SECOND, **{"shutting_down": False, **state})


def entry(seconds: float, line: str) -> LogEntry:
    return LogEntry(at=AT + seconds * SECOND, line=line)


def listed(address: str) -> ListedContainer:
    return ListedContainer(
        id="1", state="running", project="", service="", networks=(), address=address
    )


CALLS: list[Any] = [
    (datastores.test_query, (POSTGRES, said("psql", 2, "FATAL: no\nrow"), Warnings())),
    (datastores.test_writable, (POSTGRES, postgres(in_recovery=True))),
    (datastores.test_writable, (POSTGRES, postgres(read_only=True))),
    (datastores.test_writable, (POSTGRES, postgres())),
    (datastores.test_connections_free, (POSTGRES, postgres())),
    (datastores.test_connections_free, (POSTGRES, postgres(connections=4))),
    (datastores.test_loaded, (REDIS, redis(loading=True))),
    (datastores.test_loaded, (SECURED, redis(loading=True))),
    (datastores.test_master, (REDIS, redis(role="slave"))),
    (datastores.test_saves, (REDIS, redis(rdb_last_bgsave_status="err"))),
    (datastores.test_appends, (REDIS, redis(aof_last_write_status="err"))),
    (datastores.test_appends, (REDIS, redis(aof_last_write_status="err", aof_enabled=False))),
    (datastores.test_appends, (REDIS, redis(aof_last_bgrewrite_status="err"))),
    (datastores.test_appends, (REDIS, redis(aof_last_write_status="err",
     aof_last_bgrewrite_status="err"))),
    (datastores.test_append_only, (SECURED, redis(aof_enabled=False))),
    (datastores.test_append_only, (SECURED, redis())),
    (datastores.test_append_only, (REDIS, redis())),
    (datastores.test_eviction, (SECURED, redis(maxmemory_policy="allkeys-lru"))),
    (datastores.test_eviction, (SECURED, redis(maxmemory_policy="noeviction"))),
    (datastores.test_memory_free, (REDIS, redis(used_memory=500, maxmemory=1000))),
    (datastores.test_memory_free, (REDIS, redis(used_memory=499, maxmemory=1000))),
    (datastores.test_memory_free, (REDIS, redis(used_memory=499))),
    (datastores.test_replicas, (REDIS, redis(min_slaves_good_slaves=0))),
    (datastores.test_replicas, (REDIS, redis(min_slaves_good_slaves=1))),
    (datastores.test_clients_free, (REDIS, redis(connected_clients=5, maxclients=10))),
    (datastores.test_clients_free, (REDIS, redis(connected_clients=4, maxclients=10))),
    (datastores.test_clients_free, (REDIS, redis(connected_clients=4, maxclients=10,
     rejected_connections=3), Warnings())),
    (mysql.test_query, (MYSQL, said("mysql", 1, "a\nERROR 1049"))),
    (mysql.test_writable, (MYSQL, MysqlState(read_only=("read_only", "super_read_only"),
     connections=1, max_connections=2))),
    (mysql.test_connections_free, (MYSQL, MysqlState(read_only=(), connections=5,
     max_connections=10))),
    (mysql.test_connections_free, (MYSQL, MysqlState(read_only=(), connections=4,
     max_connections=10))),
    (memcached.test_connections_free, (MEMCACHED, MemcachedState(curr_connections=5,
     max_connections=10, evictions=1, total_items=2))),
    (memcached.test_connections_free, (MEMCACHED, MemcachedState(curr_connections=4,
     max_connections=10, evictions=1, total_items=2))),
    (memcached.test_evicted, (MEMCACHED, MemcachedState(curr_connections=4, max_connections=10,
     evictions=2, total_items=3))),
    (memcached.test_evicted, (MEMCACHED, MemcachedState(curr_connections=4, max_connections=10,
     evictions=1, total_items=2))),
    (memcached.test_evicted, (MEMCACHED, MemcachedState(curr_connections=4, max_connections=10,
     evictions=1, total_items=0))),
    (rabbitmq.test_listens, (RABBIT, rabbit(is_under_maintenance=True))),
    (rabbitmq.test_listens, (RABBIT, rabbit(listeners=()))),
    (rabbitmq.test_listens, (RABBIT, rabbit(listeners=("127.0.0.1:5672", "[::1]:5672")))),
    (rabbitmq.test_alarms, (RABBIT, rabbit(alarms=("memory", "disk")))),
    (rabbitmq.test_memory_free, (RABBIT, rabbit(memory_used=Bytes(512 * MIB)))),
    (rabbitmq.test_memory_free, (RABBIT, rabbit(memory_used=Bytes(512 * MIB - 1)))),
    (rabbitmq.test_answers, (RABBIT, Reply(sent="AMQP", text="HTTP/1.1"))),
    (host.test_engine_version, (HOST, MACHINE.model_copy(update={"engine_version": "19.3"}))),
    (host.test_engine_version, (HOST, MACHINE.model_copy(update={"engine_version": "20.10.0"}))),
    (host.test_engine_version, (HOST, MACHINE.model_copy(update={"engine_version": "20"}))),
    (host.test_clock, (HOST, ahead(2.25, 0.25))),
    (host.test_clock, (HOST, ahead(-1.5))),
    (host.test_clock, (HOST, ahead(1.49))),
    (host.test_disk, (HOST, room(4), ahead(0))),
    (host.test_disk, (HOST, room(5), ahead(0))),
    (host.test_inodes, (HOST, room(4), ahead(0))),
    (host.test_inodes, (HOST, room(4), MACHINE)),
    (host.test_mounts_free, (HOST, (disk("/a", 4), disk("/b", 4), disk("/c", 5, "/d")))),
    (host.test_mounts_free, (HOST, (disk("/a", 4, has_engine_data=True), disk("/b", 5, "/b"),
     disk("/c", 10 << 30, "/c", total=1 << 40)))),
    (host.test_mounts_free, (HOST, (disk("/a", 50, inodes=4),))),
    (host.test_mounts_writable, (HOST, (disk("/a", 4, was_made_read_only=True), disk("/b", 4,
     was_made_read_only=True), disk("/c", 5, "/d")))),
    (host.test_mounts_writable, (HOST, (disk("/a", 4),))),
    (host.test_memory, (HOST, room(4), SHOP, MACHINE, Warnings())),
    (host.test_memory, (HOST, room(5), SHOP, MACHINE, Warnings())),
    (nginx.test_config_valid, (NGINX, said("nginx -t", 1,
     "nginx: [warn] x\nnginx: [emerg] 7#7: no such file\nnginx: test failed"), Warnings())),
    (nginx.test_config_valid, (NGINX, said("nginx -t", None, "no container"), Warnings())),
    (nginx.test_config_loaded, (NGINX, {"/a": AT, "/b": AT + SECOND, "/c": AT - SECOND}, {}, AT)),
    (nginx.test_config_loaded, (NGINX, {"/a": AT}, {}, AT)),
    (nginx.test_config_mounted, (NGINX, {"/etc/b": AT, "/etc/a": AT, "/etc/cd": AT, "/x": AT},
     ("/etc/b", "/etc/a", "/etc/c"))),
    (nginx.test_config_mounted, (NGINX, {"/etc/nginx/b": AT}, ("/etc/nginx",))),
    (nginx.test_resolves, (SHOP.services["api"], (container(name="c", addresses={"b": ("10.0.0.2",
     ), "a": ("10.0.0.1",)}),), {"api": ("10.0.0.9", "10.0.0.8"), "backend": ("10.0.0.1",)},
     {"z": listed("10.0.0.9"), "y": listed("10.0.0.9")}, SHOP)),
    (nginx.test_resolves, (SHOP.services["api"], (container(name="c", addresses={}),),
     {"api": ()}, {}, SHOP)),
    (nginx.test_routed, (SHOP.routes["home"], SHOP, (container(),), leads("web:1", "db:2",
     location="/x"), False)),
    (nginx.test_routed, (SHOP.routes["home"], SHOP, (container(),), leads(is_default=True,
     server=""), False)),
    (nginx.test_workers, (NGINX, (worker(0, stopped=True), worker(1), worker(2,
     shutting_down=True)))),
    (nginx.test_workers, (NGINX, (worker(0, shutting_down=True), worker(1, shutting_down=True)))),
    (nginx.test_old_workers, (NGINX, (worker(0, shutting_down=True), worker(1,
     shutting_down=True), worker(2)), AT - 61 * SECOND, facts())),
    (nginx.test_old_workers, (NGINX, (worker(0, shutting_down=True),), AT - 60 * SECOND,
     facts())),
    (nginx.test_log, (NGINX, (entry(1, "[crit] a"), entry(2, "[emerg] b"), entry(-1, "[crit] c")),
     AT, "")),
    (nginx.test_log, (NGINX, (entry(0, "[crit] a"), entry(-1, "[alert] worker process 7 exited")),
     AT, "")),
    (nginx.test_log, (NGINX, (entry(-0.5, "[alert] worker process 7 exited"),), AT, "")),
    (caddy.test_config_valid, (CADDY, said("caddy validate", 1, "a\nError: b"))),
    (caddy.test_config_loaded, (CADDY, "apps.http")),
    (caddy.test_upstreams, (CADDY, (TRIED.model_copy(update={"error": "refused"}),
     CaddyUpstream(address="web:81", tried=True, fails=2, max_fails=2),
     CaddyUpstream(address="db:1", tried=True, fails=1, max_fails=2)), SHOP, Warnings())),
    (caddy.test_upstreams, (CADDY, (CaddyUpstream(address="web:81", tried=True, fails=9),), SHOP,
     Warnings())),
    (caddy.test_log, (CADDY, (entry(1, "a"), entry(2, "b")))),
    (traefik.test_routers, (TRAEFIK, Traefik(routers=0, servers={}, problems=()), SHOP, "")),
    (traefik.test_configuration, (TRAEFIK, Traefik(routers=0, servers={},
     problems=(TraefikItem(kind="router", name="a", status="disabled", problem="no service"),
     TraefikItem(kind="service", name="b", status="disabled", problem=""),
     TraefikItem(kind="router", name="c", status="warning", problem="x"))), frozenset(),
     Warnings())),
    (traefik.test_servers, (TRAEFIK, Traefik(routers=0, problems=(), servers={"a": {"u:1": "DOWN",
     "u:2": "DOWN"}, "b": {"v:1": "DOWN"}, "c": {"w:1": "UP", "w:2": "DOWN"}}), frozenset(),
     Warnings())),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), cases(CALLS, "servers.yaml"))
def test_what_it_says(call: Call, expected: Said) -> None:
    assert says(call) == expected


@pytest.mark.parametrize(
    ("check", "arguments", "reason"),
    [
        (datastores.test_clients_free, (REDIS, redis(connected_clients=5)),
         "Redis does not report maxclients: version 7 is the first that does"),
        (datastores.test_clients_free, (REDIS, redis(maxclients=5)),
         "Redis does not report maxclients: version 7 is the first that does"),
        (host.test_engine_version, (HOST, MACHINE.model_copy(
            update={"product": "Podman", "engine_version": "4.3"})),
         "the engine is Podman 4.3, not a version of Docker"),
        (host.test_engine_version, (HOST, MACHINE.model_copy(update={"engine_version": "dev"})),
         "the engine's version is 'dev', which is not a number"),
        (host.test_engine_version, (HOST, MACHINE.model_copy(
            update={"engine_version": "v20.10.0-rc1"})),
         "the engine's version is v20.10.0-rc1, which precedes 20.10"),
        (datastores.test_eviction, (SECURED, redis()),
         "Redis does not report its maxmemory-policy"),
        (nginx.test_routed, (SHOP.routes["home"], SHOP, (), leads("api:1", "web:2",
                                                                 depends_on="$a"), False),
         "$a decides where the route leads: api:1, web:2"),
        (nginx.test_routed, (SHOP.routes["home"], SHOP, (), leads("$" * 101), False),
         f"where the route leads cannot be read: {'$' * 100}"),
        (nginx.test_routed, (SHOP.routes["home"], SHOP, (), Unobserved(reason="why"), False),
         "why"),
        (nginx.test_log, (NGINX, (), AT, "error_log is a file"),
         "error_log is a file, which the engine does not show"),
        (caddy.test_upstreams, (CADDY, (CaddyUpstream(address="api:1", tried=False),
                                        CaddyUpstream(address="web:2", tried=False)),
                                SHOP, Warnings()),
         "api:1, web:2 could not be tried in Caddy's container"),
        (caddy.test_routed, (SHOP.routes["site"], SHOP, (), (CaddyPass(
            upstreams=("x:1", "y:2")),), False),
         "Caddy passes the route to x:1, y:2, which may lead to web; declare its identity"),
        (caddy.test_routed, (SHOP.routes["site"], SHOP, (), (CaddyPass(decided=False),), False),
         "Caddy decides for each request where the route leads; declare its identity"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated(check: Any, arguments: Any, reason: str) -> None:
    assert unknown(check, *arguments) == reason


def test_warnings_of_nginx() -> None:
    warn = Warnings()
    output = "nginx: [warn] a\n2026/01/31 12:00:00 [warn] 7#7: b\nnginx: [warn] a\nok"
    nginx.test_config_valid(NGINX, said("nginx -t", 0, output), warn)
    assert warn == ["proxy configuration: expected no warning from nginx -t, observed a; b"]


def test_upstreams_of_others_only_warn() -> None:
    warn = Warnings()
    others = tuple(CaddyUpstream(address=f"{name}:1", error="refused") for name in ("x", "y"))
    caddy.test_upstreams(CADDY, others, SHOP, warn)
    assert warn == [
        "edge upstreams: expected each to accept a connection, observed x:1: refused, y:1: refused"
    ]
