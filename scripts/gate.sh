# shellcheck shell=bash
# Runs one gate and decides by the verdict it wrote. Sourced by gated-deploy and by the GitHub action.
# Needs $root, the checkout of stackproof, and $bin, the folder of its programs.
: "${root:?}" "${bin:?}"

# The longest that a gate may take beyond --wait, in seconds: a lock, the checks, two retries.
GATE_SECONDS=180

# shellcheck source=scripts/github.sh
source "$root/scripts/github.sh"

# Waits for processes to end, at most two seconds: what they read may be held open by others.
wait_briefly() {
    for _ in {1..20}; do
        kill -0 "$@" 2>/dev/null || break
        sleep 0.1
    done
}

# Reads the result of a gate or of the watch from its file.
#   result verdict FILE RUN ENVIRONMENT GATE EXIT-CODE
#   result watch FILE
result() {
    local python=$bin/python
    [[ -x $python ]] || python=python3
    # Without the modules of the working directory: -I.
    "$python" -I "$root/scripts/result.py" "$@"
}

# Runs pytest, at most so long beyond WAIT seconds, where this machine has a program for that. The form
# with --foreground lets Ctrl-C through; busybox does not have it and does not need it.
#   pytest_within WAIT OPTION...
pytest_within() {
    local seconds=$((10#$1 + GATE_SECONDS)) limit=() each
    shift
    for each in "timeout --foreground -k 10" "timeout -k 10"; do
        # shellcheck disable=SC2206 # words are what is wanted
        ! $each 5 true 2>/dev/null || { limit=($each "$seconds") && break; }
    done
    "${limit[@]}" "$bin/pytest" -c "$root/pyproject.toml" "$root/suites" "$@" </dev/null
}

# Verifies an environment at a gate, or at none if GATE is empty.
#   run_gate GATE ENVIRONMENT OUTPUT WAIT PYTEST-OPTION...
# Sets
#   verdict   go, no-go or unknown
#   code      the exit code: 0 with go, 1 with no-go, never 0 or 1 with unknown
#   reason    why the verdict is unknown, on one line
run_gate() {
    local gate=$1 environment=$2 output=$3 wait=$4
    shift 4
    [[ $wait =~ ^[0-9]{1,6}$ ]] || wait=120
    local file=$output/$environment/verdict.json run errors said="" options=()
    # This run's own name: a verdict of any other run does not count.
    printf -v run '%04x' $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM
    [[ -z $gate ]] || options=(--gate="$gate")
    rm -f "$file"
    # -p xdist: --testrunuid is an option of xdist's, and plugins may not be loaded by themselves.
    options+=(-m "$environment" --output="$output" "$@" -p xdist --testrunuid="$run")
    if [[ $GITHUB_ACTIONS == true ]]; then
        # What pytest says of wrong usage goes into the annotation.
        errors=$(mktemp 2>/dev/null) || errors=/dev/null
        exec 9> >(trap '' INT TERM && exec tee "$errors" >&2)
        pytest_within "$wait" "${options[@]}" 2>&9 9>&-
        code=$?
        exec 9>&-
        wait_briefly $!
        said=$(grep -m 1 '^ERROR: ' "$errors")
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
        reason=$(one_line "${said:-${reason:-the verdict could not be read (exit code $code)}}")
        verdict=unknown
        [[ $code =~ ^[2-6]$ ]] || code=6
        ;;
    esac
}
