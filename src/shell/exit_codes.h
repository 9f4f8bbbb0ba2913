/* SPDX-License-Identifier: Apache-2.0 */
/* How a command may end. The common ones are sysexits(3), which systemd shows by name; from 80 on they are
 * funneld's own. The table is printed by `funneld help exit-codes`. */
#ifndef SHELL_EXIT_CODES_H
#define SHELL_EXIT_CODES_H

/* X(NAME, code, "what happened", "what to do") */
#define EXIT_CODES(X) \
    X(OK, 0, "everything went well", "") \
    X(FAILED, 1, "the command's own answer is no (demo saw no alert)", "read its last lines") \
    X(USAGE, 64, "the command line is wrong", "see funneld COMMAND --help") \
    X(DATA, 65, "input is unusable", "read the messages above") \
    X(KAFKA, 69, "Kafka gave an error that cannot be repaired from here", \
      "read the log; a restart is safe at any time") \
    X(INTERNAL, 70, "a bug in funneld", "report it with the log; a restart is safe at any time") \
    X(IO, 74, "a file, folder or socket could not be used", "the message names it and the reason") \
    X(CONFIGURATION, 78, "the configuration has errors", \
      "funneld check -c FILE lists all of them") \
    X(FENCED, 80, "another funneld runs with the same group", \
      "stop one of the two, or give each its own group") \
    X(DIVERGED, 81, "the replay of the log did not give what was published before", \
      "keep log and state folder, and report it; --new-epoch --reconcile goes on without the state") \
    X(GAP, 82, "the log begins after the committed offset: events were lost to retention", \
      "raise the topic's retention; on_gap: continue goes on without them, with a data_gap alert") \
    X(RESET, 83, \
      "an input's log is another one than was consumed: recreated, truncated, mirrored or moved", \
      "if that is meant, start once with --accept-reset, which reads the new log from its beginning") \
    X(PARTITIONS, 84, "inputs or their partition counts changed since the last run", \
      "where partitions were added, funneld state rekey; else start once with --new-epoch, which reads the " \
      "logs anew and publishes from where it was") \
    X(TOPIC_MISSING, 85, "a topic does not exist (missing_topic: exit)", \
      "create it, or use missing_topic: wait") \
    X(STATE, 86, \
      "the state is lost: no usable snapshot, or committed offsets that funneld did not write", \
      "restore the state folder, or start once with --rebuild --reconcile; see the message") \
    X(UNFINISHED, 87, "shutdown_timeout, or a second signal, came before the last transaction", \
      "nothing is lost: the next start does it again") \
    X(LOCKED, 88, "another process uses the state folder", \
      "stop it (the message says its pid), or give each its own state.dir") \
    X(REPLAY, 89, "the log begins after the place from where it must be replayed", \
      "raise the topic's retention; start once with --rebuild --reconcile to go on without")

enum exit_code {
#define EXIT_CODES_ENUM(name, code, text, remedy) EXIT_##name = code,
    EXIT_CODES(EXIT_CODES_ENUM)
#undef EXIT_CODES_ENUM
};

#endif
