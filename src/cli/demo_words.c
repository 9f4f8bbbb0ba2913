/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_words.h"

static const char *const words[][2] = {
#define DEMO_WORDS_TEXT(name, en, zh) [WORD_##name] = {en, zh},
    DEMO_WORDS(DEMO_WORDS_TEXT)
#undef DEMO_WORDS_TEXT
};

const char *demo_word(enum demo_language language, enum demo_word word)
{
    return words[word][language];
}
