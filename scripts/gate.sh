# shellcheck shell=bash
# Runs one gate and reads its verdict. Sourced by gated-deploy and by the GitHub action.
# Needs $root, the checkout of stackproof, and $bin, the directory of its programs.
: "${root:?}" "${bin:?}"

# How long a gate may take beyond --wait, in seconds: a lock, the checks, two retries.
GATE_SECONDS=180

# shellcheck source=scripts/github.sh
source "$root/scripts/github.sh"

# Waits at most two seconds for processes to end: others may keep their input open.
wait_briefly() {
    for _ in {1..20}; do
        kill -0 "$@" 2>/dev/null || break
        sleep 0.1
    done
}

# Prints the result of a gate or of the watch from its file.
#   result verdict FILE RUN ENVIRONMENT GATE EXIT-CODE
#   result watch FILE
result() {
    local python=$bin/python
    [[ -x $python ]] || python=python3
    # -I: without the modules of the working directory.
    "$python" -I "$root/scripts/result.py" "$@"
}

# Runs pytest for at most WAIT seconds plus the limit above, if this machine has `timeout`. --foreground lets
# Ctrl-C through; the one of busybox does not have this option and does not need it.
#   pytest_within WAIT OPTION...
pytest_within() {
    local seconds=$((10#$1 + GATE_SECONDS)) limit=() each
    shift
    for each in "timeout --foreground -k 10" "timeout -k 10"; do
        # shellcheck disable=SC2206 # it must be split into words
        ! $each 5 true 2>/dev/null || { limit=($each "$seconds") && break; }
    done
    "${limit[@]}" "$bin/pytest" -c "$root/pyproject.toml" "$@" </dev/null
}

# Verifies an environment at a gate, or without one if GATE is empty.
#   run_gate GATE ENVIRONMENT OUTPUT WAIT PYTEST-OPTION...
# Sets
#   verdict   go, no-go or unknown
#   code      the exit code: 0 with go, 1 with no-go, never 0 or 1 with unknown
#   reason    why the verdict is unknown, on one line
run_gate() {
    local gate=$1 environment=$2 output=$3 wait=$4
    shift 4
    [[ $wait =~ ^[0-9]{1,6}$ ]] || wait=120
    local file=$output/$environment/verdict.json run errors usage_error="" options=()
    # The id of this run: a verdict of any other run does not count.
    printf -v run '%04x' $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM
    [[ -z $gate ]] || options=(--gate="$gate")
    rm -f "$file"
    # -p xdist: --testrunuid is an option of xdist, and autoload of plugins may be disabled.
    options+=(-m "$environment" --output="$output" "$@" -p xdist --testrunuid="$run")
    if [[ $GITHUB_ACTIONS == true ]]; then
        # The annotation contains the usage error of pytest.
        errors=$(mktemp 2>/dev/null) || errors=/dev/null
        exec 9> >(trap '' INT TERM && exec tee "$errors" >&2)
        pytest_within "$wait" "${options[@]}" 2>&9 9>&-
        code=$?
        exec 9>&-
        wait_briefly $!
        usage_error=$(grep -m 1 '^ERROR: ' "$errors")
        [[ $errors == /dev/null ]] || rm -f "$errors"
    else
        pytest_within "$wait" "${options[@]}"
        code=$?
    fi
    read -r verdict reason < <(
        result verdict "$file" "$run" "$environment" "$gate" "$code"
    )
    ((code != 124)) || reason="the gate did not end within $((10#$wait + GATE_SECONDS)) s"
    case $verdict in
    go) code=0 reason="" ;;
    no-go) code=1 reason="" ;;
    *)
        reason=$(one_line "${usage_error:-${reason:-the verdict could not be read (exit code $code)}}")
        verdict=unknown
        [[ $code =~ ^[2-6]$ ]] || code=6
        ;;
    esac
}
