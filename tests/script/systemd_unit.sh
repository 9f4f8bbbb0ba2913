#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unit says what systemd understands, is as closed as DESIGN asks for, and agrees with the exit codes.
set -u

root=${SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${FUNNELD:-}
unit=$root/systemd/funneld.service
command -v systemd-analyze >/dev/null 2>&1 || { echo "skipped: no systemd-analyze"; exit 77; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "FAIL: $*"; failed=$((failed + 1)); }

# verify exits 0 on unknown keys and bad values: only its words tell. It wants the binary to exist.
[ -x "$binary" ] || binary=/bin/true
sed "s|^ExecStart=/usr/bin/funneld|ExecStart=$binary|; /^Documentation=/d" "$unit" > "$work/funneld.service"
words=$(systemd-analyze verify "$work/funneld.service" 2>&1)
[ -z "$words" ] || fail "systemd-analyze verify: $words"

# Exposure times ten: at most 1.5.
systemd-analyze security --no-pager --offline=true --threshold=15 "$work/funneld.service" \
    > "$work/security" 2>&1 || fail "exposure: $(tail -n 1 "$work/security")"

# Every code that a restart cannot cure keeps systemd from restarting, and none that it can.
codes=$(sed -n 's/^RestartPreventExitStatus=//p' "$unit")
for name in USAGE CONFIGURATION FENCED DIVERGED GAP RESET PARTITIONS TOPIC_MISSING STATE REPLAY; do
    code=$(sed -n "s/^ *X($name, \([0-9]*\),.*/\1/p" "$root/src/shell/exit_codes.h")
    case " $codes " in
    *" $code "*) ;;
    *) fail "RestartPreventExitStatus lacks $name ($code)" ;;
    esac
done
for name in KAFKA INTERNAL IO UNFINISHED LOCKED; do
    code=$(sed -n "s/^ *X($name, \([0-9]*\),.*/\1/p" "$root/src/shell/exit_codes.h")
    case " $codes " in
    *" $code "*) fail "RestartPreventExitStatus has $name ($code), which a restart may cure" ;;
    esac
done

[ "$failed" -eq 0 ]
