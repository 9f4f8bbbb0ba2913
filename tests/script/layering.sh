#!/usr/bin/env bash
# Who may include whom: the core neither the shell nor a library that does I/O, the shell not the commands;
# and every public header compiles by itself. CC: the compiler.
set -euo pipefail
cd "${SOURCE_DIR:-$(dirname "$0")/../..}"

failed=0

# forbid WHERE PATTERN: no file there includes what matches.
forbid() {
    if grep -rnE --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$2" "$1"; then
        echo "$1 must not include $2"
        failed=1
    fi
}

forbid include '(shell|cli|core)/'
forbid include '(librdkafka|uv|microhttpd|systemd|yaml|xxhash|pthread|unistd|time|sys)[/.]'
forbid src/core '(shell|cli)/'
forbid src/core '(librdkafka|uv|microhttpd|systemd|pthread|threads|unistd|time|fcntl|signal|locale|sys)[/.]'
forbid src/shell 'cli/'

mapfile -t headers < <(find include src -name '*.h' | sort)
for header in "${headers[@]}"; do
    # Included twice, so that a missing guard shows.
    if ! printf '#include "%s"\n#include "%s"\n' "$PWD/$header" "$PWD/$header" |
        "${CC:-cc}" -std=gnu17 -fsyntax-only -Wall -Wextra -Iinclude -Isrc -I/usr/include/cjson -x c -; then
        echo "$header does not compile by itself"
        failed=1
    fi
done
echo "${#headers[@]} headers"
exit $failed
