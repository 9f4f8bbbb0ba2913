/* SPDX-License-Identifier: Apache-2.0 */
/* Where things stand in a snapshot's file, for its writer and its reader: see state_file.h. Bytes. */
#ifndef SHELL_STATE_FILE_LAYOUT_H
#define SHELL_STATE_FILE_LAYOUT_H

#define STATE_FILE_MAGIC "funneld" /* with its NUL */
#define STATE_FILE_END_MAGIC "dlennuf\n"

#define STATE_BEGIN_BYTES 16 /* magic, version, length of the header */

#define STATE_NAME_BYTES 32
#define STATE_ENTRY_OFFSET 32
#define STATE_ENTRY_LENGTH 40
#define STATE_ENTRY_HASH 48
#define STATE_ENTRY_BYTES 56

#define STATE_TRAILER_DIRECTORY 0
#define STATE_TRAILER_SECTIONS 8
#define STATE_TRAILER_HEAD_HASH 16
#define STATE_TRAILER_HASH 24
#define STATE_TRAILER_MAGIC 32
#define STATE_TRAILER_BYTES 40

#endif
