"""Caddy: what can be declared, and its commands."""

import re
from typing import Annotated

from stackproof.kinds.registry import Proxy, command, proxy
from stackproof.schema.expected import expect
from stackproof.schema.values import AbsolutePath
from stackproof.shell import Line, Operand, line, lines, path, script

_ADMIN = re.compile(
    r"off|unix/+[A-Za-z0-9_./-]{1,200}|([A-Za-z0-9_.-]{1,253}|\[[0-9a-f:.]+\]):\d{1,5}"
)
NO_FILE = 65
"""The exit code of a script if Caddy was started without a configuration file."""

Admin = Annotated[
    str,
    expect(
        "off, an address such as localhost:2019, or a socket such as unix//run/caddy.sock",
        _ADMIN.fullmatch,
        pattern=f"^({_ADMIN.pattern})$",
    ),
]


@proxy("caddy")
class Caddy(Proxy):
    """A declared Caddy."""

    config: AbsolutePath | None = None
    """Path in its container of its configuration. Default: that of its `--config` option, or
    `Caddyfile` in its working directory."""
    admin: Admin = ""
    """Address of its admin API as its container reaches it, or `off`. Default: that of its
    configuration, or `localhost:2019`."""

    images = frozenset({"caddy"})

    @property
    def has_admin(self) -> bool:
        """Whether it can be asked: `admin` is not `off`."""
        return self.admin != "off"


# Finds the process that serves, and the file and the adapter of its command line. An entrypoint may
# give it other variables than a command in the container has; their names are printed later.
_FIND = r"""
declared=<config>; config=; adapter=; resumes=; found=
IFS='
'
for process in /proc/[0-9]*; do
  read -r program <$process/comm && [ "$program" = caddy ] || continue
  set -f; set -- $(tr '\0' '\n' <$process/cmdline); set +f
  case $2 in run|docker-proxy) found=$process; break;; esac
done 2>/dev/null
[ "$found" ] || set --
starts=$2
while [ $# -gt 0 ]; do
  case $1 in
    --config|-config|-c) config=$2;;
    --config=*|-config=*|-c=*) config=${1#*=};;
    --adapter|-adapter|-a) adapter=$2;;
    --adapter=*|-adapter=*|-a=*) adapter=${1#*=};;
    --resume|-resume|-r) resumes=1;;
  esac
  shift
done
[ "$config" ] || [ "$starts" != run ] || [ ! -f Caddyfile ] || config=Caddyfile
[ -z "$resumes" ] || config=
config=${declared:-$config}
case ${config##*/} in Caddyfile*|*.caddyfile) adapter=${adapter:-caddyfile};; esac
IFS=' '
"""
_VALIDATE = rf"""
if [ -z "$config" ]; then
  echo 'Caddy was started without a configuration file: declare its config'; exit {NO_FILE}
fi
exec caddy validate --config "$config" ${{adapter:+"--adapter=$adapter"}}
"""
# One line for each part: what is printed holds no line breaks of its own.
_STATE = r"""
if [ "$found" ] && [ "$found" != /proc/1 ]; then
  own=$(tr '\0' '\n' </proc/self/environ)
  if its=$(tr '\0' '\n' <$found/environ 2>/dev/null); then
    printf '%s\n%s\n' "$own" "$its" | sort | uniq -u |
      sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/variable \1/p' | sort -u | head -n 20
  else
    echo variable ?
  fi
fi
on_one_line() { head -c 100000 | tr '\r\n' '  '; }
adapted=
if [ "$config" ]; then
  if [ "$adapter" ]; then
    adapted=$(caddy adapt --config "$config" --adapter "$adapter" 2>/dev/null | on_one_line)
  else
    adapted=$(on_one_line <"$config")
  fi
fi
echo "file $config"
echo "adapted $adapted"
admin=<admin>
[ "$admin" ] || admin=$(printf %s "$adapted" |
  sed -n 's/^ *{ *"admin" *: *{[^{}]*"listen" *: *"\([^"]*\)".*/\1/p')
admin=${admin:-${CADDY_ADMIN:-localhost:2019}}
admin=${admin#tcp/}
host=${admin%:*}; port=${admin##*:}
case $host in ''|localhost|0.0.0.0|'[::]') host=127.0.0.1;; esac
has() { command -v "$1" >/dev/null 2>&1; }
get() {
  unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
  case $admin in
    unix/*) curl -sSf -m 1 -H 'Host;' --unix-socket "${admin#unix/}" "http://127.0.0.1$1"; return;;
  esac
  if has curl; then curl -sSf -m 1 "http://$host:$port$1"
  elif has wget; then wget -q -T 1 -O - "http://$host:$port$1"
  elif has bash; then timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1" &&
    printf "GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n" "$2" "$0" "$1" >&3 && sed "1,/^.$/d" <&3
    ' "$host" "$port" "$1"
  elif has nc; then
    printf 'GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n' "$1" "$host" "$port" |
      nc -w 1 "$host" "$port" | sed '1,/^.$/d'
  else
    echo 'its container has none of curl, wget, bash and nc'
  fi
}
echo "running $(get /config/ 2>&1 | on_one_line)"
upstreams=$(get /reverse_proxy/upstreams 2>&1 | on_one_line)
echo "upstreams $upstreams"
attempt() {
  if has bash; then error=$(timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
  elif has nc; then error=$(timeout 2 nc -z -w 2 "$1" "$2" 2>&1)
  else return
  fi
  code=$?
  case $error in *option*) return;; esac
  echo "tried $1:$2 $code $(printf %s "$error" | head -n 1 | head -c 200)"
}
addresses=$(printf %s "$upstreams" | tr '{' '\n' |
  sed -n 's/.*"address":"\([A-Za-z0-9][A-Za-z0-9_.-]*\):\([0-9]\{1,5\}\)".*/\1 \2/p' | head -n 20)
printf '%s\n' "$addresses" | { while read -r name number; do
  [ -z "$number" ] || attempt "$name" "$number" &
done; wait; }
"""


@command(Caddy)
def caddy_validate(caddy: Caddy) -> Line:
    """Result of `caddy validate` on the configuration on disk."""
    return line("sh -c <script>", script=script(lines(_find(caddy), Line(_VALIDATE))))


def state_script(caddy: Caddy) -> Line:
    """Return the line that prints the configuration on disk, the running one, and upstreams."""
    state = line(_STATE, admin=Operand("" if caddy.admin == "off" else caddy.admin))
    return line("sh -c <script>", script=script(lines(_find(caddy), state)))


def _find(caddy: Caddy) -> Line:
    return line(_FIND, config=path(caddy.config) if caddy.config else Operand(""))
