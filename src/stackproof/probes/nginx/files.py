"""nginx's files: its configuration, their times, stale mounts, and static files of routes."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from stackproof import shell
from stackproof.environment.model import Environment
from stackproof.facts.command import CommandResult
from stackproof.probes.nginx.configuration.model import Configuration, parse
from stackproof.probes.nginx.names import names_of, parse_addresses
from stackproof.probes.nginx.routing.request import request_to
from stackproof.shell import Line, UnusableError
from stackproof.unobserved import UnobservedError

# The options of the running nginx: another file, another prefix, further directives.
_MASTER = r"""
for process in /proc/[0-9]*; do
  read -r title <$process/cmdline
  case $title in 'nginx: master process '*) master=$title; break;; esac
done 2>/dev/null
case $master in *' -c'*) conf=${master#* -c}; conf=${conf# }; conf=${conf%% *};; esac
case $master in *' -p'*) prefix=${master#* -p}; prefix=${prefix# }; prefix=${prefix%% *};; esac
set -- ${prefix:+-p "$prefix"} ${conf:+-c "$conf"}
"""
# Prints the files and the certificates that they name, relative to the directory of the first
# file; the folders of which it includes whatever matches; mounts whose source was deleted or
# replaced on the host; the links that error logs are; which of the paths that may lead to static
# files exist; the addresses of hosts that have other names than the services; then the
# configuration without lines that are comments, which nginx thus reads only once.
_SCRIPT = r"""
dump=$(nginx -T "$@" 2>/dev/null); code=$?
blank='[[:space:]]'; quote="[\"']\{0,1\}"; test="if$blank*(!\{0,1\}-[fde]$blank*$quote"
space='[[:space:]]\{1,\}'; host='[A-Za-z][A-Za-z0-9_.-]*'; scheme='\([a-z]*:\/\/\)\{0,1\}'
named=$(printf '%s\n' "$dump" | sed -e 's/^# configuration file \(.*\):$/@\1/' \
  -e "/^$blank*#/d" | tr ';{}' '\n\n\n' | sed -n -e 's/^@/file /p' \
  -e "s/^$blank*ssl_certificate\(_key\)\{0,1\}$space$quote\([^$[:space:]\"']*\).*/file \2/p" \
  -e "s/^$blank*include$space$quote\([^$[:space:]\"']*[*?[][^$[:space:]\"']*\).*/glob \1/p" \
  -e "s/^$blank*root$space$quote\(\/[^$[:space:]\"']*\).*/root \1/p" \
  -e "s/^$blank*error_log$space$quote\([^$[:space:]\"']*\).*/log \1/p" \
  -e "s/^$blank*$test\(\/[^$[:space:]\"')]*\).*/path \1/p" \
  -e "s/^$blank*$test\$document_root\(\/[^$[:space:]\"')]*\).*/below \1/p" \
  -e "s/^$blank*[a-z]*_pass$space$scheme\($host\).*/host \2/p" \
  -e "s/^$blank*set$space[^[:space:]]*$space$quote$scheme\($host\).*/host \2/p" \
  -e "s/^$blank*[^[:space:]]\{1,\}$space$quote$scheme\($host\):[0-9]*$quote$blank*$/host \2/p" \
  -e "s/^$blank*server$space\($host\).*/host \1/p" \
  -e "s/^$blank*upstream$space\($host\).*/group \1/p" \
  -e "s/^$blank*try_files.*$blank\(\/[^$[:space:]\"']*\).*/below \1/p")
set -f; IFS='
'
each() { printf '%s\n' "$named" | sed -n "s/^$1 //p"; }
set -- $(each file); cd -- "${1%/*}" && stat -L -c 'file %Y %Z %n' -- "$@"
for glob in $(each glob); do
  case $glob in */*) folder=${glob%/*};; *) folder=.;; esac
  case $folder in *[*?[]*) ;; *) stat -L -c 'folder %Y %n' -- "$folder" 2>/dev/null;; esac
done
sed -n 's#^[^ ]* [^ ]* [^ ]* [^ ]*//deleted \([^ ]*\) .*#replaced \1#p' /proc/self/mountinfo
logs=$(each log)
case "$dump" in *"
error_log"*) ;; *)
  logs=$(nginx -V 2>&1 | sed -n 's/.*--error-log-path=\([^ ]*\).*/\1/p'); echo "log $logs";;
esac
for log in $logs /var/log/nginx/error.log; do
  [ -L "$log" ] && echo "link $log = $(readlink "$log")"
done
at() { if [ -f "$1" ]; then echo "f $1"; elif [ -d "$1" ]; then echo "d $1"; fi; }
for path in $(each path); do echo "tested $path"; at "$path"; done
below=$(each below)
for path in $below; do echo "below $path"; done
for root in $(each root | sort -u | head -n 20) /etc/nginx/html /usr/share/nginx/html; do
  echo "root $root"; [ -d "$root" ] || continue
  for path in <paths> $below; do at "$root$path"; done
done
groups=$(each group | tr '\n' ' '); others=
for host in $(each host | sort -u | head -n 30); do
  case " <names> $groups " in *" $host "*) ;; *) others="$others
$host";; esac
done
[ -z "$others" ] || timeout 1 getent hosts $others | sed 's/^/resolved /'
text=$(printf '%s\n' "$dump" | sed -e '/^# configuration file /!{' -e "/^$blank*#/d" -e '}')
[ ${#text} -le 180000 ] || text=
printf 'master %s\nconfiguration\n%s\n' "$master" "$text"; exit $code
"""
_TEST = r"""
exec nginx -t "$@" 2>&1
"""
_CONFIGURATION = re.compile("^configuration\n", re.MULTILINE)
_INVALID = "the configuration on disk is not valid, so that nginx does not show it"
_MAX_PATHS = 300
_KINDS = {"f": "file", "d": "directory"}


def script(environment: Environment) -> Line:
    """Return the shell lines that show nginx's files, and which files routes may lead to."""
    paths = []
    for each in _paths(environment):
        try:
            paths.append(shell.path(each))
        except UnusableError:
            continue
    names = [shell.name(each) for each in names_of(environment)]
    return shell.line(_MASTER + _SCRIPT, paths=paths, names=names)


def test_script() -> Line:
    """Return the shell lines that test nginx's configuration."""
    return shell.line(_MASTER + _TEST)


class StaticFiles(NamedTuple):
    """Paths in nginx's container that may lead to static files."""

    found: dict[str, str]
    """By path, `file` or `directory`."""
    tested: frozenset[str]

    def at(self, path: str) -> str | None:
        """Return what is at a path: `file`, `directory`, or empty; None if unknown."""
        path = _plain(path)
        return self.found.get(path, "" if path in self.tested else None)


def parse_configuration(result: CommandResult) -> Configuration:
    """Parse the configuration.

    Raises:
        UnobservedError: nginx does not show it, or it cannot be read.
    """
    if result.exit_code != 0:
        raise UnobservedError(_INVALID)
    text = _CONFIGURATION.split(result.output, 1)[-1]
    if not text.strip():
        raise UnobservedError("nginx's configuration is longer than 180 kB")
    return parse(text)


def parse_files(result: CommandResult) -> dict[str, datetime]:
    """Parse when each file was last changed.

    Raises:
        UnobservedError: nginx does not show the configuration.
    """
    # A rename changes only the second of the two times. A file that is moved here counts as new.
    rows = re.findall(r"^file (\d+) (\d+) (.+)$", _before(result), flags=re.MULTILINE)
    if not rows:
        raise UnobservedError(_INVALID)
    return {
        name: datetime.fromtimestamp(max(int(modified), int(changed)), UTC)
        for modified, changed, name in rows
    }


def parse_folders(result: CommandResult) -> dict[str, datetime]:
    """Parse when a file was last added to or removed from each folder of included files."""
    rows = re.findall(r"^folder (\d+) (.+)$", _before(result), flags=re.MULTILINE)
    return {name: datetime.fromtimestamp(int(changed), UTC) for changed, name in rows}


def parse_replaced_mounts(result: CommandResult) -> tuple[str, ...]:
    """Parse the mounts whose source was deleted or replaced on the host."""
    return tuple(_rows(result, "replaced"))


def parse_further_addresses(result: CommandResult) -> dict[str, tuple[str, ...]]:
    """Parse the addresses of hosts in the configuration that have other names than the services."""
    return parse_addresses("\n".join(_rows(result, "resolved")))


def parse_static_files(result: CommandResult, environment: Environment) -> StaticFiles:
    """Parse which of the paths exist that may lead to static files."""
    paths = [*_paths(environment), *_rows(result, "below")]
    tested = {f"{root.rstrip('/')}{path}" for root in _rows(result, "root") for path in paths}
    found = re.findall(r"^([fd]) (.+)$", _before(result), flags=re.MULTILINE)
    return StaticFiles(
        found={_plain(path): _KINDS[kind] for kind, path in found},
        tested=frozenset(_plain(path) for path in (*tested, *_rows(result, "tested"))),
    )


def _plain(path: str) -> str:
    return re.sub("/{2,}", "/", path).rstrip("/") or "/"


def _rows(result: CommandResult, kind: str) -> list[str]:
    return re.findall(rf"^{kind} (.+)$", _before(result), flags=re.MULTILINE)


def _before(result: CommandResult) -> str:
    """Return what is printed before the configuration, which may contain anything."""
    return _CONFIGURATION.split(result.output, 1)[0]


def _paths(environment: Environment) -> list[str]:
    """Return the paths below the root of a site that its routes may lead to."""
    paths = ["/", "/index.html", "/index.php"]
    for route in environment.routes.values():
        path = request_to(route.url, 0).uri
        if path.endswith("/"):
            paths += [path, *(f"{path}{name}" for name in ("index.html", "index.htm", "index.php"))]
        else:
            paths += [path, f"{path}.html", f"{path}/index.html", f"{path}/index.php"]
    return list(dict.fromkeys(paths))[:_MAX_PATHS]
