/* SPDX-License-Identifier: Apache-2.0 */
/* The commands: X(name, "what it does"). Each has NAME_main() in src/cli/NAME.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#define CONFIG_DEFAULT "/etc/funneld/funneld.yaml"

#define COMMANDS(X) \
    X(run, "consume events and publish alerts, as a service") \
    X(check, "check a configuration: every problem with its line and remedy") \
    X(replay, "run events from a file through the same machines, without Kafka") \
    X(report, "the funnels' figures as a table, JSON or CSV") \
    X(explain, "why a rule fired or did not: what it saw, expected and tested") \
    X(trace, "what happened to one entity, event by event") \
    X(silence, "mark alerts for a while: recorded, published all the same") \
    X(intervene, "mark a change, whose effect on the funnel is measured") \
    X(demo, "broker, generator and daemon in one: see an incident being found") \
    X(state, "the daemon's snapshots: inspect, verify, export, reset") \
    X(settings, "every setting with its default: sample file, Markdown or text") \
    X(help, "help on a command, or on exit-codes") \
    X(version, "versions of funneld and of the libraries it runs with")

#define COMMANDS_DECLARE(name, text) int name##_main(int argc, char **argv);
COMMANDS(COMMANDS_DECLARE)
#undef COMMANDS_DECLARE

#endif
