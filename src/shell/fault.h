/* SPDX-License-Identifier: Apache-2.0 */
/* Fault points: where a test may end, stop or delay the process, or make a call fail. Only the tests' own
 * executable, funneld_faults, has them; elsewhere FAULT() is empty and fault.c is not linked.
 *
 *   FUNNELD_FAULT="POINT[@both][:N[:ACTION]][,...]"     e.g. txn.fail:1:fail,txn.abort
 *
 * At the N-th hit of the point (default 1), and only then, or with * at every hit, ACTION (default kill) happens:
 *   kill      SIGKILL to the process that hits it
 *   stop      SIGSTOP to it
 *   exit      _exit(FAULT_EXIT)
 *   delay=MS  that thread sleeps
 *   fail      FAULT_FAILS() says true; nothing for a FAULT()
 * In a forked snapshot child that is the child alone; with @both its parent gets the same signal first. Hits are
 * counted over both processes. What happens is said on standard error ("fault: POINT, hit N: ACTION"), so that a
 * test can tell whether its fault came. An unknown point or action ends the process at once with EXIT_USAGE. */
#ifndef SHELL_FAULT_H
#define SHELL_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X("name", "where it is") */
#define FAULT_POINTS(X) \
    X("replay", "a batch of a replay was stepped") \
    X("barrier", "a replay has reached every committed offset; nothing is compared or begun yet") \
    X("outbox.frozen", "an outbox is frozen, nothing of it is produced") \
    X("produce.half", "half of the records of a first attempt are on the broker") \
    X("txn.offsets", "all records are handed over, before send_offsets") \
    X("txn.sent", "send_offsets has returned, in its own thread; awaited, 3 s are enough for it") \
    X("txn.commit", "offsets are sent, before the commit") \
    X("txn.fail", "the same; with `fail` the attempt is given up as after an abortable error") \
    X("txn.committed", "the commit was confirmed, nobody knows it yet") \
    X("txn.abort", "before an abort") \
    X("txn.aborted", "after an abort, before the committed offsets are looked at") \
    X("txn.resend", "half of the records of a further attempt are on the broker") \
    X("txn.renew", "a new producer with the same id is made, not yet initialised") \
    X("snapshot.child", "in the child, in the middle of writing") \
    X("snapshot.written", "the child has ended well, before the rename") \
    X("snapshot.renamed", "renamed, its transaction is not confirmed") \
    X("snapshot.durable", "its transaction is confirmed, the metadata is not yet shortened") \
    X("switch.before", "a config_switch is decided, before its commit") \
    X("switch.after", "after its commit") \
    X("decide.idle", "an idle decision is taken, its output not committed") \
    X("rekey.saved", "state rekey: its snapshot is there, its transaction is not begun")

#define FAULT_EXIT 99
#define FAULT_ORDERS_MAX 8
#define FAULT_EACH 0

enum fault_action { FAULT_KILL, FAULT_STOP, FAULT_LEAVE, FAULT_DELAY, FAULT_FAIL };

struct fault_order {
    size_t point; /* index into fault_names */
    bool both;
    uint32_t nth; /* or FAULT_EACH */
    enum fault_action action;
    int64_t delay_ms;
};

extern const char *const fault_names[];
extern const size_t fault_count;

/* Up to FAULT_ORDERS_MAX orders; how many, or -1 with the reason in why[128]. Pure. */
int fault_parse(const char *text, struct fault_order ret[FAULT_ORDERS_MAX], char why[128]);
/* Takes the orders of FUNNELD_FAULT; the test build does so before main(). Ends the process where they are
 * wrong. NULL: none. */
void fault_arm(const char *text);
/* Any thread. True: the call at this point is to fail. A name that is in no table aborts. */
bool fault_hit(const char *name);
/* Some order waits for this point. */
bool fault_awaited(const char *name);

#ifdef FUNNELD_FAULTS
#define FAULT(name) ((void)fault_hit(name))
#define FAULT_FAILS(name) fault_hit(name)
#define FAULT_AWAITED(name) fault_awaited(name) /* for what is only done to reach the point */
#else
#define FAULT(name) ((void)(name))
#define FAULT_FAILS(name) ((void)(name), false)
#define FAULT_AWAITED(name) ((void)(name), false)
#endif

#endif
