#!/usr/bin/env bash
# `pytest -m lab` the usual way: docker inspect, docker exec, curl.
# Not a slow one on purpose: one inspect a container, and one `docker stats` for all of them.
set -uo pipefail

passed=0 failed=0

check() { # WHAT WANTED SEEN
    if [[ $3 == $2 ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1: expected ${2:-nothing}, got ${3:-nothing}"
    fi
}

# nano-CPUs, or quota and period, as thousandths of a CPU
millicpus() { # NANO QUOTA PERIOD
    if (($1 > 0)); then echo $(($1 / 1000000)); else echo $(($2 * 1000 / ($3 > 0 ? $3 : 100000))); fi
}

# A memory size as `docker stats` prints it
shown() { # BYTES
    awk -v n="$1" 'BEGIN { g = 2^30; if (n >= g) printf "%.4gGiB", n / g; else printf "%.4gMiB", n / 2^20 }'
}

container() { # SERVICE HEALTH MILLICPUS MEMORY; the last two empty where there is no limit
    local name=vpn-$1 status health restarts oom nano quota period memory
    local format='{{.State.Status}} {{with index .State "Health"}}{{.Status}}{{else}}none{{end}}'
    format+=' {{.RestartCount}} {{.State.OOMKilled}}'
    format+=' {{with .HostConfig}}{{.NanoCpus}} {{.CpuQuota}} {{.CpuPeriod}} {{.Memory}}{{end}}'
    read -r status health restarts oom nano quota period memory \
        < <(docker inspect -f "$format" "$name" 2>/dev/null)
    check "$1 exists" yes "${status:+yes}"
    check "$1 running" running "$status"
    [[ -z $2 ]] || check "$1 healthy" "$2" "$health"
    check "$1 restarts" 0 "$restarts"
    check "$1 out of memory" false "$oom"
    [[ -n ${3-} ]] || return
    check "$1 CPU limit" "$3" "$(millicpus "${nano:-0}" "${quota:-0}" "${period:-0}")"
    check "$1 memory limit" "$4" "$memory"
    check "$1 effective memory" "$(shown $(($4 < machine ? $4 : machine)))" \
        "$(awk -v name="$name" '$1 == name { print $4 }' <<<"$stats")"
}

request() { # URL CURL-OPTION…
    local url=$1 host=${1#*://} port=$LAB_HTTPS_PORT
    host=${host%%/*}
    [[ $url == https:* ]] || port=$LAB_HTTP_PORT
    curl -sS --max-time 5 --resolve "$host:$port:127.0.0.1" --cacert "$LAB_CA_FILE" "${@:2}" \
        "${url/"$host"/"$host:$port"}"
}

route() { # URL STATUS CURL-OPTION…
    check "$1 status" "$2" "$(request "$1" -o /dev/null -w '%{http_code}' "${@:3}")"
}

redirects() { # URL CURL-OPTION…
    local strays
    strays=$(request "$1" -o /dev/null -D - "${@:2}" | tr -d '\r' |
        awk 'tolower($1) == "location:" && $2 !~ "^(/[^/]|https://chatbuilds.com/)" { print $2 }') ||
        strays="no answer"
    check "$1 redirects elsewhere" "" "$strays"
}

machine=$(docker info -f '{{.MemTotal}}') || exit 1
stats=$(docker stats --no-stream --format '{{.Name}} {{.MemUsage}}') || exit 1
gib=$((1024 ** 3))

container nginx healthy 1000 $((gib / 2))
container api healthy 2000 $((2 * gib))
container web healthy 1500 "$gib"
container postgres healthy 2000 $((4 * gib))
container pgadmin ""
container redis healthy 1000 $((gib / 2))
container n8n healthy 1500 $((2 * gib))
container python-api healthy 4000 $((4 * gib))
container ollama healthy 4000 $((8 * gib))
container nexusai "" 2000 $((2 * gib))

docker exec vpn-postgres timeout 3 pg_isready -q -U platform_admin -d platform_db
check "postgres accepts connections" 0 $?
check "redis PING" PONG "$(docker exec vpn-redis timeout 3 redis-cli ping 2>&1)"
docker exec vpn-nginx nginx -t 2>/dev/null
check "nginx -t" 0 $?

site=https://chatbuilds.com
for url in "$site/" "$site/health" "$site/api" "$site/api/health" \
    https://python-api.chatbuilds.com/ https://python-api.chatbuilds.com/health \
    https://nexusai.domain.com/; do
    route "$url" 200
done
for url in "$site/pgadmin" "$site/n8n"; do
    route "$url" 200 -L
    redirects "$url" -L
done
route http://chatbuilds.com/ 30[18]
redirects http://chatbuilds.com/

echo "$passed passed, $failed failed"
((failed == 0))
