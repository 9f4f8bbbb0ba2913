#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual page is well formed, and has every command, option of run and exit code, and no other. So has the table in
# docs/operating.md, which also says after which codes the unit stays down.
set -u

root=${SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
page=$root/man/funneld.1
failed=0
fail() { echo "FAIL: $*"; failed=$((failed + 1)); }

if command -v groff >/dev/null 2>&1; then
    words=$(groff -man -Tutf8 -ww -z "$page" 2>&1)
    [ -z "$words" ] || fail "groff: $words"
fi

# What stands in the page's section $1 as the heads of its list.
heads() {
    sed -n "/^\.SH $1\$/,/^\.SH /p" "$page" | sed -n '/^\.TP$/{n;s/^\.[A-Z]* //;s/\\-/-/g;p;}' | sort
}
same() {
    [ "$2" = "$3" ] || fail "$1: it should have
$2
and has
$3"
}

same commands "$("$FUNNELD" help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | sort)" "$(heads COMMANDS)"
same "options of run" "$("$FUNNELD" run --help | sed -n 's/^      \(--[a-z-]*\) .*/\1/p' | sort)" \
    "$(heads 'OPTIONS OF RUN' | grep '^--')"
same "exit codes" "$("$FUNNELD" help exit-codes | sed 's/^ *\([0-9]*\) .*/\1/' | sort)" "$(heads 'EXIT STATUS')"

table=$(sed -n 's/^| \([0-9][0-9]*\) | \([a-z_]*\) |/\1 \2 /p' "$root/docs/operating.md")
same "exit codes of operating.md" \
    "$(sed -n 's/^    X(\([A-Z_]*\), \([0-9]*\),.*/\2 \1/p' "$root/src/shell/exit_codes.h" | tr A-Z a-z)" \
    "$(echo "$table" | cut -d' ' -f1,2)"
same "codes that stay down" \
    "$(sed -n 's/^RestartPreventExitStatus=//p' "$root/systemd/funneld.service" | tr ' ' '\n')" \
    "$(echo "$table" | sed -n '/\*\*stays down\*\*/s/ .*//p')"

[ "$failed" -eq 0 ]
