#!/usr/bin/env bash
# The tests' own tools against a real broker: what was written is there after kill -9, each record once; ends,
# offsets and access are what ktool says.
set -euo pipefail

dir=$(mktemp -d)
trap '"$BROKER" kill "$dir" || true; rm -rf "$dir"' EXIT

die() {
    echo "$*"
    tail -n 20 "$dir/server.log"
    exit 1
}

# is WHAT EXPECTED ACTUAL
is() {
    [ "$2" = "$3" ] || die "$1: expected '$2', not '$3'"
}

"$BROKER" start "$dir" --acl --owner $$
BOOTSTRAP=$(cat "$dir/bootstrap")
export BOOTSTRAP
"$BROKER" topic "$dir" t 3 max.message.bytes=100000
is "topics" '{"topic":"t","partitions":3}' "$("$KTOOL" topics | grep '"t"')"

seq 1 1000 | sed 's/.*/{"id":"e&","ts":1700000000000}/' |
    "$KTOOL" produce --topic t --key /id --time /ts --header n=v
"$KTOOL" consume --topic t >"$dir/before"
is "records" 1000 "$(wc -l <"$dir/before")"
is "distinct keys" 1000 "$(grep -o '"key":"e[0-9]*"' "$dir/before" | sort -u | wc -l)"
is "timestamps and headers" 1000 "$(grep -c '"ts":1700000000000,.*"headers":{"n":"v"}' "$dir/before")"

# null, bytes that are no text, and a round trip of both
printf 'a\t\nb\t\xff\n' | "$KTOOL" produce --topic t --partition 1 --format tab
from=$("$KTOOL" ends --topic t --partition 1 | sed 's/.*"high":\([0-9]*\).*/\1/')
"$KTOOL" consume --topic t --partition 1 --from $((from - 2)) >"$dir/odd"
is "null" 1 "$(grep -c '"key":"a".*"value":null' "$dir/odd")"
is "bytes" 1 "$(grep -c '"key":"b".*"value_hex":"ff"' "$dir/odd")"
"$KTOOL" produce --topic t --format record <"$dir/odd"
is "round trip" "$(sed 's/"offset":[0-9]*//' "$dir/odd")" \
    "$("$KTOOL" consume --topic t --partition 1 --from "$from" | sed 's/"offset":[0-9]*//')"

"$KTOOL" commit --topic t --group g --partition 0 --offset 5 --metadata 'x"y'
bootstrap=$(cat "$dir/bootstrap")
"$BROKER" kill "$dir"
"$BROKER" status "$dir" && die "it survived"
"$BROKER" start "$dir"
is "address after a restart" "$bootstrap" "$(cat "$dir/bootstrap")"
is "records after kill -9" 1004 "$("$KTOOL" consume --topic t | wc -l)"
is "committed" '{"topic":"t","partition":0,"offset":5,"metadata":"x\"y"}' \
    "$("$KTOOL" offsets --topic t --group g | head -n 1)"

user=(--brokers "$(cat "$dir/bootstrap.sasl")" --property security.protocol=SASL_PLAINTEXT
    --property sasl.mechanisms=PLAIN --property sasl.username=app --property sasl.password=app-secret)
echo allowed | "$KTOOL" produce --topic t "${user[@]}"
"$KTOOL" acl --user app --topic t --deny Write
if echo denied | "$KTOOL" produce --topic t "${user[@]}"; then
    die "a forbidden record was taken"
fi

"$KTOOL" trim --topic t --partition 1 --offset 3
is "trimmed" 3 "$("$KTOOL" ends --topic t --partition 1 | sed 's/.*"low":\([0-9]*\).*/\1/')"
"$KTOOL" grow --topic t --partitions 4
"$KTOOL" consume --topic t --count 5000 --timeout 1 >/dev/null && die "5000 records"
"$BROKER" stop "$dir"
echo "the broker and ktool do what they say"
