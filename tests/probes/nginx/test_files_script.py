"""The shell script that reads nginx's files, run here with an nginx that prints a dump."""

import subprocess
from pathlib import Path

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.command import CommandResult
from stackproof.probes.nginx import files
from stackproof.unobserved import UnobservedError

# Prints the configuration that lies next to it, and its warnings, as nginx does.
NGINX = """#!/bin/sh
echo "$*" >"${0%/*}/arguments"
case "$*" in
  -V) echo 'configure arguments: --prefix=/x --error-log-path=/srv/error.log --y' >&2; exit;;
esac
echo 'nginx: the configuration file is ok' >&2
cat "${0%/*}/dump"
exit "$(cat "${0%/*}/code")"
"""
DUMP = """# configuration file FOLDER/nginx.conf:
# password: x
error_log FOLDER/logs/error.log warn;
http {
    include conf.d/*.conf;
}

# configuration file FOLDER/conf.d/a b.conf:
server {
    listen 443 ssl; ssl_certificate     tls/shop.pem;
    server_name shop.example;
    ssl_certificate_key "tls/shop.key"; # ssl_certificate tls/other.pem;
    ssl_certificate $variable;
    root FOLDER/site;
    if (-f FOLDER/off) { return 503; }
    if (!-f $document_root/on) { return 503; }
    location / { try_files $uri /app.html @app; proxy_pass http://backend; }
    location /x { proxy_pass http://pages; }
}
upstream backend { server api:80; server other:81 backup; }
"""
ENVIRONMENT = Environment.model_validate(
    {
        "name": "shop",
        "services": {"nginx": {}, "api": {"container": "shop-api"}},
        "nginx": {"service": "nginx"},
        "routes": {
            "a": {"url": "https://shop.example/a%20b", "service": "api"},
            "b": {"url": "https://shop.example/docs/", "service": "api"},
        },
    }
)
GETENT = """#!/bin/sh
for name; do case $name in pages) echo '172.20.0.4 pages';; esac; done
"""
LINE = f"a {'b' * 96};\n"
MASTER = "nginx: master process nginx -g daemon off; -c /srv/other.conf -p /srv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "nginx.conf", "conf.d/a b.conf", "tls/shop.pem", "tls/shop.key", "site/a b", "off",
        "site/docs/index.html",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/error.log").symlink_to("/dev/stderr")
    (tmp_path / "bin/dump").write_text(DUMP.replace("FOLDER", str(tmp_path)))
    for name, text in {"nginx": NGINX, "getent": GETENT}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def _run(folder: Path, exit_code: int = 0, master: str = "") -> CommandResult:
    """Run the script, with a process of nginx if it has a title."""
    (folder / "bin/code").write_text(str(exit_code))
    (folder / "process").mkdir(exist_ok=True)
    (folder / "process/cmdline").write_text(master)
    script = str(files.script(ENVIRONMENT)).replace("/proc/[0-9]*", f"{folder}/process")
    ran = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": f"{folder}/bin:/usr/bin:/bin"},
        cwd="/", capture_output=True, text=True, check=False, timeout=10,
    )  # fmt: skip
    assert ran.stderr == ""
    return CommandResult(command="nginx -T", exit_code=ran.returncode, output=ran.stdout)


def test_files_and_certificates(folder: Path) -> None:
    found = files.parse_files(_run(folder))
    assert list(found) == [
        f"{folder}/nginx.conf", f"{folder}/conf.d/a b.conf", "tls/shop.pem", "tls/shop.key",
    ]  # fmt: skip
    changed = (folder / "tls/shop.key").stat()
    assert int(found["tls/shop.key"].timestamp()) == int(max(changed.st_mtime, changed.st_ctime))


def test_folders_of_included_files(folder: Path) -> None:
    includes = (
        "include *.inc; include 'conf.d/*.conf'; include sites-[ab]/x.conf;"
        f"location / {{ include {folder}/site/[ab]; include conf.d/one.conf; }}"
        "include none/*.conf; #include logs/*.conf;\n# include bin/*;\n"
    )
    (folder / "bin/dump").write_text(f"{includes}{(folder / 'bin/dump').read_text()}")
    found = files.parse_folders(_run(folder))
    assert list(found) == [".", "conf.d", f"{folder}/site"]
    assert int(found["."].timestamp()) == int(folder.stat().st_mtime)


def test_server_blocks(folder: Path) -> None:
    result = _run(folder)
    [server] = files.parse_configuration(result).http.servers
    assert server.names == ("shop.example",)
    assert server.ports == (443,)
    assert "password" not in result.output


def test_static_files(folder: Path) -> None:
    static = files.parse_static_files(_run(folder), ENVIRONMENT)
    site = folder / "site"
    found = {
        site / "a b": "file", site / "docs": "directory", site / "docs/": "directory",
        site / "docs/index.html": "file", site / "docs/index.php": "",
        site / "docs/index.htm": "", site / "index.htm": None, site / "a b.html": "",
        site / "app.html": "", site / "on": "", folder / "off": "file", site: "directory",
        site / "other": None, folder / "on": None,
    }  # fmt: skip
    assert {path: static.at(str(path)) for path in found} == found
    # `try_files $uri/index.html` of a directory.
    assert static.at(f"{site}/docs//index.html") == "file"
    assert static.at(f"{site}//index.html") == ""


def test_links_of_error_logs(folder: Path) -> None:
    assert f"\nlink {folder}/logs/error.log = /dev/stderr\n" in _run(folder).output


def test_default_error_log(folder: Path) -> None:
    dump = folder / "bin/dump"
    dump.write_text(dump.read_text().replace("\nerror_log ", "\naccess_log "))
    assert "\nlog /srv/error.log\n" in _run(folder).output


def test_addresses_of_other_names(folder: Path) -> None:
    assert files.parse_further_addresses(_run(folder)) == {"pages": ("172.20.0.4",)}


@pytest.mark.parametrize(
    ("title", "arguments"),
    [
        ("nginx: master process nginx -g daemon off;", "-T"),
        (MASTER, "-T -p /srv -c /srv/other.conf"),
        ("nginx: master process nginx -c/srv/other.conf", "-T -c /srv/other.conf"),
        ("sh -c /srv/other.conf", "-T"),
    ],
)
def test_options_of_the_running_nginx(folder: Path, title: str, arguments: str) -> None:
    result = _run(folder, master=title)
    dumped = (folder / "bin/arguments").read_text()
    assert dumped.strip() == arguments
    assert (f"\nmaster {title}\n" in result.output) == title.startswith("nginx:")


@pytest.mark.parametrize(
    ("title", "arguments"), [("", "-t"), (MASTER, "-t -p /srv -c /srv/other.conf")]
)
def test_the_configuration_of_the_running_nginx_is_tested(
    folder: Path, title: str, arguments: str
) -> None:
    _run(folder, 1, master=title)
    script = str(files.test_script()).replace("/proc/[0-9]*", f"{folder}/process")
    ran = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": f"{folder}/bin:/usr/bin:/bin"},
        capture_output=True, text=True, check=False, timeout=10,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout.startswith("nginx: the configuration file is ok\n# configuration file ")
    assert (folder / "bin/arguments").read_text().strip() == arguments


def test_most_paths() -> None:
    routes = {f"r{n}": {"url": f"https://a/{n}", "service": "api"} for n in range(100)}
    environment = Environment.model_validate(
        {"name": "shop", "services": {"api": {}}, "routes": routes}
    )
    loop = next(line for line in files.script(environment).splitlines() if "for path in / " in line)
    assert len(loop.partition("for path in ")[2].partition(" $below")[0].split()) == 300


def test_paths_that_are_no_operands() -> None:
    routes = {"a": {"url": "https://a/b%0Ac", "service": "api"}}
    environment = Environment.model_validate(
        {"name": "shop", "services": {"api": {}}, "routes": routes}
    )
    assert "b\nc" not in files.script(environment)
    assert " /index.html " in files.script(environment)


def test_longest_configuration_that_is_printed(folder: Path) -> None:
    dump = folder / "bin/dump"
    start = dump.read_text().replace("# password: x\n", "")
    dump.write_text(start + LINE * ((180_000 - len(start)) // 100) + "#" * 9_000)
    assert files.parse_configuration(_run(folder)).http.servers
    dump.write_text(start + LINE * ((180_000 - len(start)) // 100 + 1))
    with pytest.raises(UnobservedError, match="longer than 180 kB"):
        files.parse_configuration(_run(folder))


def test_exit_code_of_nginx(folder: Path) -> None:
    result = _run(folder, 1)
    assert result.exit_code == 1
    with pytest.raises(UnobservedError, match="the configuration on disk is not valid"):
        files.parse_configuration(result)


def test_mounts_whose_source_was_replaced(folder: Path) -> None:
    table = folder / "mountinfo"
    table.write_text(
        "36 35 8:1 /opt/shop/nginx.conf//deleted /etc/nginx/nginx.conf ro - ext4 /dev/vda1 rw\n"
        "37 35 8:1 /opt/shop/tls /etc/nginx/tls ro - ext4 /dev/vda1 rw\n"
    )
    (folder / "bin/sed").write_text(
        f'#!/bin/sh\ncase "$*" in */proc/self/mountinfo) exec /bin/sed "$1" "$2" {table};; '
        '*) exec /bin/sed "$@";; esac\n'
    )
    (folder / "bin/sed").chmod(0o755)
    assert files.parse_replaced_mounts(_run(folder)) == ("/etc/nginx/nginx.conf",)
