#!/usr/bin/env bash
# The core asks the system for nothing but what core_symbols.allow lists: no I/O, clock, thread, environment
# or libm function. CORE_LIBRARY: the static library of the core.
set -euo pipefail

allow=$(dirname "$0")/core_symbols.allow
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What some member needs and no member has.
nm --format=posix --undefined-only "$CORE_LIBRARY" | awk 'NF >= 2 { print $1 }' | sort -u >"$work/needed"
nm --format=posix --defined-only "$CORE_LIBRARY" | awk 'NF >= 2 { print $1 }' | sort -u >"$work/own"
comm -23 "$work/needed" "$work/own" >"$work/foreign"
sed 's/[[:space:]]*#.*//; /^$/d' "$allow" | sort -u >"$work/allowed"

[ -s "$work/foreign" ] || { echo "nothing found in $CORE_LIBRARY: does nm work?"; exit 1; }
comm -23 "$work/foreign" "$work/allowed" >"$work/forbidden"
if [ -s "$work/forbidden" ]; then
    echo "the core uses what core_symbols.allow does not list:"
    while read -r symbol; do
        # By whom: the members of the archive that need it.
        nm -A --undefined-only "$CORE_LIBRARY" 2>/dev/null |
            awk -v s="$symbol" '$NF == s { split($1, part, ":"); print "  " s " in " part[2] }'
    done <"$work/forbidden"
    exit 1
fi
echo "$(wc -l <"$work/foreign") symbols, all allowed"
