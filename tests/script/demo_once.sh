#!/usr/bin/env bash
# The demo: the scripted incident's alert fires and resolves, and nothing is left behind, whichever way it
# ends.
set -uo pipefail

: "${FUNNELD:?the executable}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"
export TMPDIR=$work/tmp
passed=0 failed=0

check() {
    local what=$1

    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$what"
    fi
}

has() {
    grep -Eq -- "$1" "$2"
}

# A child that has ended but was not reaped yet is none: only those that run count.
running() {
    local state

    state=$(sed -n 's/^State:[[:space:]]*\([A-Z]\).*/\1/p' "/proc/$1/status" 2>/dev/null)
    [ -n "$state" ] && [ "$state" != Z ]
}

nothing_left() {
    local pid

    for pid in $(sed -n 's/^[a-z]*_pid=//p' "$1"); do
        running "$pid" && return 1
    done
    [ -z "$(ls -A "$TMPDIR")" ]
}

# The file with addresses and process ids, once it is there.
await_ports() {
    local try

    for try in $(seq 200); do
        [ -e "$1" ] && return 0
        sleep 0.05
    done
    return 1
}

# --- to its end ---

timeout 180 "$FUNNELD" demo --once --speed 12 --port-file "$work/ports" >"$work/out" 2>"$work/err" &
demo=$!
await_ports "$work/ports" && cp "$work/ports" "$work/ports.once"
wait "$demo"
status=$?
check "demo --once exits with 0, not $status" [ "$status" = 0 ]
check "says when the incident begins" has 'INCIDENT BEGINS: .*checkout>paid' "$work/out"
check "the alert fires, with its segment" has 'FIRING  drop  checkout>paid  channel=ads' "$work/out"
check "with its evidence" has '[0-9]+ conversions since, of about [0-9]+ expected; evidence' "$work/out"
check "the alert resolves" has 'RESOLVED  drop  checkout>paid  channel=ads' "$work/out"
check "says how long it took" has 'alert fired [0-9]+ event minutes after' "$work/out"

# The incident begins at 06:25, and a visitor takes four minutes to pay.
onset=$(sed -n 's/^It says that the change began at 06:\([0-9][0-9]\);.*/\1/p' "$work/out")
check "the onset is within 8 minutes, not 06:$onset" [ $((10#${onset:-99} - 25)) -le 8 ]
near() {
    awk -v got="$1" -v truth="$2" 'BEGIN { exit !(truth > 0 && got > 0.75 * truth && got < 1.25 * truth) }'
}
read -r lost worth took value < <(sed -n 's/^It puts the loss at \([0-9]*\) conversions, worth \([0-9.]*\); the script took \([0-9]*\), worth \([0-9.]*\)\.$/\1 \2 \3 \4/p' "$work/out")
check "conversions lost: ${lost:-none} of ${took:-none}" near "${lost:-0}" "${took:-0}"
check "amount lost: ${worth:-none} of ${value:-none}" near "${worth:-0}" "${value:-0}"
# Alerts before the incident would be false ones.
check "no alert before the incident" eval '! sed "/INCIDENT BEGINS/,\$d" "$work/out" | grep -q FIRING'
check "no other alert" [ "$(grep -c 'FIRING' "$work/out")" = 1 ]
check "nothing on stderr" [ ! -s "$work/err" ]
check "no process and no file is left" nothing_left "$work/ports.once"
check "the port file is gone" [ ! -e "$work/ports" ]
[ "$failed" = 0 ] || cat "$work/out" "$work/err"

# --- ended by a signal, in the middle ---

"$FUNNELD" demo --lang zh --port-file "$work/ports" >"$work/out" 2>"$work/err" &
demo=$!
await_ports "$work/ports" && cp "$work/ports" "$work/ports.term"
sleep 1
kill -TERM "$demo"
wait "$demo"
status=$?
check "demo exits with 0 on SIGTERM, not $status" [ "$status" = 0 ]
check "speaks Chinese" has '事件时间' "$work/out"
check "nothing on stderr after SIGTERM" [ ! -s "$work/err" ]
check "no process and no file is left after SIGTERM" nothing_left "$work/ports.term"

# --- a daemon that dies ---

"$FUNNELD" demo --once --port-file "$work/ports" >"$work/out" 2>"$work/err" &
demo=$!
await_ports "$work/ports" && cp "$work/ports" "$work/ports.died"
kill -KILL "$(sed -n 's/^daemon_pid=//p' "$work/ports.died")"
wait "$demo"
status=$?
check "demo exits with 1 when the daemon dies, not $status" [ "$status" = 1 ]
check "and says so" has 'the daemon ended with signal 9' "$work/err"
check "no process and no file is left after that" nothing_left "$work/ports.died"

# --- not in time ---

timeout 60 "$FUNNELD" demo --once --timeout 2 >"$work/out" 2>"$work/err"
status=$?
check "demo --once exits with 1 when the time is up, not $status" [ "$status" = 1 ]
check "and says what is missing" has 'drop for channel=ads did not fire' "$work/err"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
