/* SPDX-License-Identifier: Apache-2.0 */
/* funneld demo: a broker, a shop's visitors, the daemon and a screen, in one tree of processes.
 *
 * The broker and the daemon are children; the generator, the reader of alerts and the screen live here.
 * Children are forked before librdkafka starts threads here. */
#include "cli/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/demo_broker.h"
#include "cli/demo_config.h"
#include "cli/demo_events.h"
#include "cli/demo_view.h"
#include "shell/exit_codes.h"
#include "cli/options.h"

#define DAEMON_GRACE_MS 2000
#define BROKER_GRACE_MS 500
#define TAIL_LINES 20
#define SPEED_MAX 120
#define HOURS_MAX 1000

/* --- start --- */

/* Temporary file and rename: a reader finds all of it or nothing. 0, or -1 with errno. */
static int write_file(const char *path, const struct buf *text)
{
    char draft[PATH_MAX];
    int n = snprintf(draft, sizeof(draft), "%s.%d", path, (int)getpid()), fd;

    if (n < 0 || (size_t)n >= sizeof(draft)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    if (write(fd, text->data, text->len) == (ssize_t)text->len && close(fd) == 0 &&
        rename(draft, path) == 0)
        return 0;
    unlink(draft);
    return -1;
}

static int daemon_configure(struct demo *d, char path[320], char error[256])
{
    struct buf text = {0};
    char http[32], state[320];
    int rc;

    snprintf(state, sizeof(state), "%s/state", d->folder);
    d->http_port = demo_port_free();
    snprintf(http, sizeof(http), "127.0.0.1:%d", d->http_port);
    snprintf(path, 320, "%s/funneld.yaml", d->folder);
    demo_config_write(&text, d->bootstrap, http, state, d->language);
    rc = write_file(path, &text);
    buf_deinit(&text);
    if (rc != 0)
        snprintf(error, 256, "%.200s: %s", path, strerror(errno));
    return rc;
}

static int daemon_start(struct demo *d, char error[256])
{
    char config[320];

    if (daemon_configure(d, config, error) != 0)
        return -1;
    snprintf(d->daemon_log, sizeof(d->daemon_log), "%s/daemon.log", d->folder);
    if (demo_child_fork(&d->daemon, d->daemon_log, SIGKILL)) {
        unsetenv("NOTIFY_SOCKET"); /* a service manager that watches us must not hear of it */
        unsetenv("WATCHDOG_USEC");
        execl("/proc/self/exe", "funneld", "run", "-c", config, (char *)NULL);
        perror("funneld run");
        _exit(EXIT_IO);
    }
    if (d->daemon.pid > 0)
        return 0;
    snprintf(error, 256, "fork: %s", strerror(errno));
    return -1;
}

static int port_file_write(const struct demo *d, char error[256])
{
    struct buf text = {0};
    int rc;

    if (!d->port_file)
        return 0;
    buf_fmt(&text, "bootstrap=%s\nhttp=127.0.0.1:%d\nbroker_pid=%d\ndaemon_pid=%d\nfolder=%s\n",
            d->bootstrap, d->http_port, (int)d->broker.pid, (int)d->daemon.pid, d->folder);
    rc = write_file(d->port_file, &text);
    buf_deinit(&text);
    if (rc != 0)
        snprintf(error, 256, "%.200s: %s", d->port_file, strerror(errno));
    return rc;
}

static void block_signals(struct demo *d)
{
    sigemptyset(&d->signals);
    sigaddset(&d->signals, SIGINT);
    sigaddset(&d->signals, SIGTERM);
    sigaddset(&d->signals, SIGHUP);
    sigaddset(&d->signals, SIGQUIT);
    sigprocmask(SIG_BLOCK, &d->signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int demo_start(struct demo *d, char error[256])
{
    d->broker.name = "broker";
    d->daemon.name = "daemon";
    d->start_ms = scenario_start((int64_t)time(NULL) * 1000);
    d->now_ms = d->start_ms;
    d->story = (struct demo_story){
        .language = d->language, .start_ms = d->start_ms, .silent = d->screen};
    block_signals(d);
    if (demo_folder_make(d->folder, sizeof(d->folder)) != 0) {
        snprintf(error, 256, "%.200s: %s", d->folder, strerror(errno));
        d->folder[0] = '\0';
        return -1;
    }
    if (demo_broker_start(&d->broker, d->folder, d->bootstrap, sizeof(d->bootstrap), error) != 0 ||
        daemon_start(d, error) != 0 || port_file_write(d, error) != 0)
        return -1;
    d->generator = demo_generator_new(d->start_ms, d->seed);
    d->producer = demo_producer_new(d->bootstrap, error);
    d->consumer = d->producer ? demo_consumer_new(d->bootstrap, error) : NULL;
    d->begun_ms = d->tick_ms = demo_monotonic_ms();
    return d->consumer ? 0 : -1;
}

/* --- end --- */

static void explain_child(const struct demo_child *child, struct buf *out)
{
    if (!child->over)
        return;
    buf_fmt(out, "  the %s ended with ", child->name);
    demo_child_explain(child, out);
    buf_char(out, '\n');
}

/* The daemon is asked to end, so it has to do so with 0, or by the signal where it has just begun; one that
 * was too slow is killed, and told of. */
static bool daemon_stop(struct demo *d)
{
    bool running = !demo_child_over(&d->daemon), good;
    struct buf text = {0};

    demo_child_stop(&d->daemon, DAEMON_GRACE_MS);
    if (!running || d->daemon.status == 0 || d->daemon.status == SIGTERM)
        return true;
    good = WIFSIGNALED(d->daemon.status) && WTERMSIG(d->daemon.status) == SIGKILL;
    buf_str(&text, "funneld demo: ");
    if (good)
        buf_str(&text, "the daemon did not end in time and was killed\n");
    else
        explain_child(&d->daemon, &text);
    demo_log_tail(d->daemon_log, TAIL_LINES, &text);
    fwrite(text.data, 1, text.len, stderr);
    buf_deinit(&text);
    return good;
}

/* The daemon first, while there is still a broker for its last transaction. */
static bool demo_stop(struct demo *d)
{
    bool good = daemon_stop(d);

    demo_producer_free(d->producer);
    demo_consumer_free(d->consumer);
    demo_child_stop(&d->broker, BROKER_GRACE_MS);
    demo_generator_free(d->generator);
    if (d->folder[0])
        demo_folder_remove(d->folder);
    if (d->port_file)
        unlink(d->port_file);
    return good;
}

static void explain_state(const struct demo *d, struct buf *out)
{
    struct buf ready = {0};
    char when[32];
    int status = demo_http_get(d->http_port, "/ready", 500, &ready);

    if (status > 0)
        buf_fmt(out, "  /ready says %d: %.*s\n", status, (int)strcspn(buf_cstr(&ready), "\n"),
                ready.data);
    buf_deinit(&ready);
    demo_time_format(d->now_ms, true, when, sizeof(when));
    buf_fmt(out, "  %llu events sent, up to %s\n", (unsigned long long)d->events, when);
    if (d->report.there) {
        demo_time_format(d->report.now.at_ms, true, when, sizeof(when));
        buf_fmt(out, "  the daemon has counted %lld, up to %s\n", (long long)d->report.events,
                when);
    } else {
        buf_fmt(out, "  no figures from the daemon: %s\n", d->report.wrong);
    }
    buf_fmt(out, "  %lld alert records, %lld dead letters\n", (long long)d->alerts.records,
            (long long)d->deadletters);
    if (d->deadletters > 0)
        buf_fmt(out, "  the last dead letter: %s\n", d->deadletter);
    if (d->alerts.wrong[0])
        buf_fmt(out, "  an alert record that is none: %s\n", d->alerts.wrong);
}

/* Everything that helps to see why, while the children and their logs are still there. */
static void demo_explain(const struct demo *d, enum demo_end end, const char *error)
{
    struct buf text = {0};

    buf_str(&text, "funneld demo: ");
    if (end == DEMO_ERROR)
        buf_str(&text, error);
    else if (d->once)
        demo_story_missing(&d->story, &text);
    else
        buf_str(&text, "ended before its time");
    buf_char(&text, '\n');
    explain_child(&d->broker, &text);
    explain_child(&d->daemon, &text);
    if (d->generator)
        explain_state(d, &text);
    if (d->daemon_log[0]) {
        buf_str(&text, "  the daemon's last log lines:\n");
        demo_log_tail(d->daemon_log, TAIL_LINES, &text);
    }
    fflush(stdout);
    fwrite(text.data, 1, text.len, stderr);
    buf_deinit(&text);
}

static void print_heading(const struct demo *d)
{
    enum demo_language in = d->language;
    char when[32];

    if (d->screen)
        return;
    demo_time_format(d->start_ms, true, when, sizeof(when));
    printf("%s\n  ", demo_word(in, WORD_TITLE));
    printf(demo_word(in, WORD_SPEED), (double)d->minutes_per_second * 60);
    printf("\n  %s%s, %s (pid %d)\n", demo_word(in, WORD_BROKER), d->bootstrap,
           demo_word(in, WORD_BROKER_IS), (int)d->broker.pid);
    printf("  %sfunneld run -c %s/funneld.yaml (pid %d), http://127.0.0.1:%d\n",
           demo_word(in, WORD_DAEMON), d->folder, (int)d->daemon.pid, d->http_port);
    printf("  %s%s (%d) → %s, %s\n\n%s  ", demo_word(in, WORD_TOPICS), DEMO_TOPIC_EVENTS,
           (int)DEMO_PARTITIONS, DEMO_TOPIC_ALERTS, DEMO_TOPIC_DEADLETTER, when);
    printf(demo_word(in, WORD_HISTORY), (long long)(scenario_live(0) / HOUR_MS));
    putchar('\n');
    fflush(stdout);
}

static void print_found(const struct demo *d)
{
    enum demo_language in = d->language;
    struct incident first = scenario_incident(d->start_ms, 0);
    struct shop_loss truth = demo_generator_loss(d->generator);
    const struct demo_alert *found = &d->story.found;
    char onset[32], began[32];

    printf(demo_word(in, WORD_DONE_OK),
           (long long)((d->story.fired_ms - first.from_ms) / MINUTE_MS),
           (long long)((d->story.resolved_ms - first.to_ms) / MINUTE_MS));
    putchar('\n');
    demo_time_format(found->onset_ms, false, onset, sizeof(onset));
    demo_time_format(first.from_ms, false, began, sizeof(began));
    printf(demo_word(in, WORD_DONE_ONSET), onset, began);
    putchar('\n');
    printf(demo_word(in, WORD_DONE_LOSS), found->lost, found->lost_amount,
           (long long)truth.visitors, (long long)(truth.amount / 100), (int)(truth.amount % 100));
    putchar('\n');
}

static void print_closing(const struct demo *d, enum demo_end end)
{
    enum demo_language in = d->language;

    putchar('\n');
    if (end == DEMO_DONE)
        print_found(d);
    else
        printf("%s\n", demo_word(in, WORD_STOPPED));
    printf(demo_word(in, WORD_DONE_COUNTS), (long long)d->events,
           (double)(demo_monotonic_ms() - d->begun_ms) / 1000.0);
    putchar('\n');
    fflush(stdout);
}

static int demo_run(struct demo *d)
{
    char error[256] = "";
    enum demo_end end = DEMO_ERROR;
    bool good;

    if (demo_start(d, error) == 0) {
        print_heading(d);
        if (d->screen)
            demo_view_enter();
        end = demo_loop(d, error);
        if (d->screen)
            demo_view_leave();
    }
    good = end == DEMO_DONE || (end == DEMO_STOPPED && !d->once);
    if (good || end == DEMO_STOPPED)
        print_closing(d, end);
    else
        demo_explain(d, end, error);
    good &= demo_stop(d);
    return good ? EXIT_OK : EXIT_FAILED;
}

static int print_config(enum demo_language language)
{
    struct buf text = {0};

    demo_config_write(&text, "127.0.0.1:9092", "127.0.0.1:9464", "/var/lib/funneld", language);
    fwrite(text.data, 1, text.len, stdout);
    buf_deinit(&text);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_IO;
}

static int demo_wrong(const char *text)
{
    fprintf(stderr, "funneld demo: %s\nTry 'funneld demo --help'.\n", text);
    return EXIT_USAGE;
}

int demo_main(int argc, char **argv)
{
    static const char *const languages[] = {"en", "zh", NULL};
    struct demo d = {0};
    bool config = false;
    int language = DEMO_EN, first, code;
    long long seed = 1, speed = 8, timeout = 120, hours = 0;
    const struct option_spec specs[] = {
        {"once", 0, OPTION_FLAG, &d.once, NULL,
         "end with 0 when the incident's alert has fired and resolved, with 1 when it does not",
         NULL},
        {"lang", 0, OPTION_CHOICE, &language, "LANG", "language of screen and alerts", languages},
        {"speed", 0, OPTION_NUMBER, &speed, "N", "event minutes in a second (8)", NULL},
        {"seed", 0, OPTION_NUMBER, &seed, "N",
         "of the visitors: the same seed, the same visitors (1)", NULL},
        {"timeout", 0, OPTION_NUMBER, &timeout, "SECONDS", "how long --once waits (120)", NULL},
        {"port-file", 0, OPTION_TEXT, &d.port_file, "FILE",
         "write the addresses there, for kcat or a browser, while it runs", NULL},
        {"print-config", 0, OPTION_FLAG, &config, NULL, "print the daemon's configuration and end",
         NULL},
        {"print-events", 0, OPTION_NUMBER, &hours, "HOURS",
         "print the events of the first hours, for replay, and end", NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        "demo",
        "[--once] [OPTIONS]",
        "Starts a Kafka broker in memory, the daemon, and the visitors of a shop, and shows how an\n"
        "incident is found: visit, cart, checkout, paid. Nothing is installed or kept. Ends with\n"
        "Ctrl-C.",
        specs,
        0,
        0};

    code = options_parse(&options, argc, argv, &first);
    if (code >= 0)
        return code;
    if (speed < 1 || speed > SPEED_MAX)
        return demo_wrong("--speed wants 1 to 120");
    if (timeout < 1 || timeout > 86400)
        return demo_wrong("--timeout wants 1 to 86400");
    if (hours < 0 || hours > HOURS_MAX)
        return demo_wrong("--print-events wants 1 to 1000");
    if (config)
        return print_config((enum demo_language)language);
    if (hours > 0)
        return demo_events_print(hours, (uint64_t)seed) == 0 ? EXIT_OK : EXIT_IO;
    d.language = (enum demo_language)language;
    d.minutes_per_second = speed;
    d.seed = (uint64_t)seed;
    d.timeout_s = (int)timeout;
    d.screen = !d.once && demo_view_possible();
    if (!setlocale(LC_CTYPE, "C.UTF-8")) /* columns of text are counted in characters */
        setlocale(LC_CTYPE, "");
    return demo_run(&d);
}
