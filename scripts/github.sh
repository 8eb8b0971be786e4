# shellcheck shell=bash
# Annotations, the job summary and variables of GitHub Actions. Sourced by gate.sh and by the workflow.

# Prints text on one line, without control characters.
one_line() {
    printf '%s' "$*" | tr -s '[:cntrl:]' ' '
}

# On GitHub, shows an error as an annotation and in the job summary.
#   github_error TITLE TEXT
github_error() {
    [[ $GITHUB_ACTIONS == true ]] || return 0
    local title text
    title=$(one_line "$1" | sed 's/%/%25/g; s/:/%3A/g; s/,/%2C/g')
    text=$(one_line "$2" | sed 's/%/%25/g')
    printf '::error title=%s::%s\n' "$title" "$text"
    [[ -z $GITHUB_STEP_SUMMARY ]] ||
        printf '<h2>%s</h2>\n\n<pre>%s</pre>\n\n' "$(html "$1")" "$(html "$2")" >>"$GITHUB_STEP_SUMMARY"
}

# Prints text on one line, as HTML.
html() {
    one_line "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'
}

# Exports the variables in a text, one per line as NAME=value. A value of several lines has the format of
# GITHUB_ENV: NAME<<WORD, the lines, WORD. At any other line it fails and sets $problem, without the contents
# of the line.
#   export_variables TEXT [mask]    mask: mask the values in the log, line by line
export_variables() {
    local text=$1 mask=$2 line name value="" word="" number=0
    while IFS= read -r line || [[ $line ]]; do
        number=$((number + 1))
        line=${line%$'\r'}
        if [[ $word && $line == "$word" ]]; then
            export "$name=${value%$'\n'}"
            word=""
            continue
        elif [[ $word ]]; then
            value+=$line$'\n'
            # Not a line such as a brace, or every brace in the log would be replaced.
            ((${#line} < 4)) || mask_line "$mask" "$line"
        elif [[ $line =~ ^([A-Za-z_][A-Za-z0-9_]*)'<<'(.+)$ ]]; then
            name=${BASH_REMATCH[1]} word=${BASH_REMATCH[2]} value=""
        elif [[ $line =~ ^([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]]; then
            export "${BASH_REMATCH[1]}=${BASH_REMATCH[2]}"
            mask_line "$mask" "${BASH_REMATCH[2]}"
        elif [[ $line =~ [^[:space:]] ]]; then
            problem="line $number is not NAME=value"
            return 1
        fi
    done <<<"$text"
    # shellcheck disable=SC2034 # the workflow reads it
    problem="the value of $name does not end"
    [[ -z $word ]]
}

# Masks a line in the log of GitHub.
mask_line() {
    [[ -z $1 || -z $2 ]] || printf '::add-mask::%s\n' "${2//%/%25}"
}
