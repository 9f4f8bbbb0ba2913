#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints five hours of a shop's events, one a line, for the configuration of `funneld demo --print-config`:
# a visitor every three seconds, of whom half fill a cart and most of those pay. From 02:00 to 03:00 the
# ads' coupon is refused at payment. Always the same, so that what funneld says of them is, too.
#
#   sh conf/examples/sample-events.sh > events.ndjson
awk 'BEGIN {
    split("ads search mail", channel)
    split("visit cart checkout paid", stage)
    for (i = 0; i < 6000; i++) {
        refused = i % 3 == 0 && 2400 < i && i < 3600
        last = i * 37 % 100 >= 50 ? 1 : i * 53 % 100 >= 70 ? 2 : i * 71 % 100 >= (refused ? 20 : 80) ? 3 : 4
        for (s = 1; s <= last; s++)
            printf "{\"ts\":%d,\"entity_id\":\"v%d\",\"stage\":\"%s\",\"amount\":20,\"dims\":{\"channel\":\"%s\"}}\n",
                1772409600 + 3 * i + 60 * s, i, stage[s], channel[i % 3 + 1]
    }
}' | sort # by time, which comes first
