/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/fault.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "shell/exit_codes.h"

Test(fault, orders)
{
    struct fault_order o[FAULT_ORDERS_MAX];
    char why[128];

    cr_assert_eq(fault_parse("", o, why), 0);
    cr_assert_eq(fault_parse("txn.commit", o, why), 1);
    cr_assert_str_eq(fault_names[o[0].point], "txn.commit");
    cr_assert(o[0].nth == 1 && o[0].action == FAULT_KILL && !o[0].both);
    cr_assert_eq(
        fault_parse("snapshot.child@both:3:stop,txn.fail:2:fail,replay:1:delay=250", o, why), 3);
    cr_assert(o[0].both && o[0].nth == 3 && o[0].action == FAULT_STOP);
    cr_assert(o[1].nth == 2 && o[1].action == FAULT_FAIL);
    cr_assert(o[2].action == FAULT_DELAY && o[2].delay_ms == 250);
    cr_assert_eq(fault_parse("txn.fail:*:fail,replay", o, why), 2);
    cr_assert(o[0].nth == FAULT_EACH && o[0].action == FAULT_FAIL && o[1].nth == 1);
}

Test(fault, mistakes_are_told)
{
    static const char *const wrong[][2] = {
        {"txn.comit", "no fault point 'txn.comit'"},
        {"txn.commit@child", "'@child'"},
        {"txn.commit:0", "'0' is no number"},
        {"txn.commit:x", "'x' is no number"},
        {"txn.commit:**", "'**' is no number"},
        {"txn.commit:*:explode", "no action 'explode'"},
        {"txn.commit:1:explode", "no action 'explode'"},
        {"txn.commit:1:delay=", "no action 'delay='"},
        {"txn.commit:1:delay", "no action 'delay'"},
        {"replay,,replay", "no fault point ''"},
        {"replay,replay,replay,replay,replay,replay,replay,replay,replay", "too many"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct fault_order o[FAULT_ORDERS_MAX];
        char why[128] = "";

        cr_assert_eq(fault_parse(wrong[i][0], o, why), -1, "%s", wrong[i][0]);
        cr_assert_not_null(strstr(why, wrong[i][1]), "%s: %s", wrong[i][0], why);
    }
}

Test(fault, names_are_distinct)
{
    for (size_t i = 0; i < fault_count; i++) {
        for (size_t k = 0; k < i; k++)
            cr_assert_str_neq(fault_names[i], fault_names[k]);
    }
}

/* Runs `body` in a child, with standard error in a pipe; returns its wait status. */
static int in_child(void (*body)(void), char said[512])
{
    int ends[2], status;
    ssize_t n, len = 0;
    pid_t child;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        body();
        _exit(0);
    }
    close(ends[1]);
    while ((n = read(ends[0], said + len, (size_t)(511 - len))) > 0)
        len += n;
    said[len] = '\0';
    close(ends[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static void third_commit(void)
{
    fault_arm("txn.commit:3");
    fault_hit("txn.offsets");
    fault_hit("txn.commit");
    fault_hit("txn.commit");
    if (write(STDERR_FILENO, "still here\n", 11) < 0)
        _exit(1);
    fault_hit("txn.commit");
}

Test(fault, the_nth_hit_kills)
{
    char said[512];
    int status = in_child(third_commit, said);

    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cr_assert_str_eq(said, "still here\nfault: txn.commit, hit 3: kill\n");
}

static void fail_once(void)
{
    fault_arm("txn.fail:2:fail,replay:1:exit");
    if (fault_hit("txn.fail") || !fault_hit("txn.fail") || fault_hit("txn.fail"))
        _exit(1);
    if (!fault_awaited("replay") || fault_awaited("barrier"))
        _exit(2);
    fault_hit("replay");
}

Test(fault, failing_and_leaving)
{
    char said[512];
    int status = in_child(fail_once, said);

    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), FAULT_EXIT, "%s", said);
}

static void typo(void)
{
    fault_arm("txn.comit");
}

Test(fault, a_typo_ends_the_process)
{
    char said[512];
    int status = in_child(typo, said);

    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), EXIT_USAGE);
    cr_assert_not_null(strstr(said, "txn.comit"));
}

/* A snapshot's child and its parent; hits count over both. */
static void child_of(const char *orders)
{
    int status;
    pid_t child;

    fault_arm(orders);
    fault_hit("snapshot.child");
    child = fork();
    if (child == 0) {
        fault_hit("snapshot.child");
        _exit(7);
    }
    waitpid(child, &status, 0);
    _exit(WIFSIGNALED(status) ? 11 : WEXITSTATUS(status));
}

static void child_alone(void)
{
    child_of("snapshot.child:2");
}

static void child_and_parent(void)
{
    child_of("snapshot.child@both:2");
}

Test(fault, in_a_forked_child)
{
    char said[512];
    int status = in_child(child_alone, said);

    cr_assert(WIFEXITED(status), "the parent goes on");
    cr_assert_eq(WEXITSTATUS(status), 11, "the child alone was killed");
    status = in_child(child_and_parent, said);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s", said);
}
