/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHELL_VERSION_H
#define SHELL_VERSION_H

#ifndef FUNNELD_VERSION /* the build says it */
#define FUNNELD_VERSION "0.1.0"
#endif

#endif
