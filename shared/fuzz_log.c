/* fuzz_log.c - peer bytes come out printable, on one line, and none is lost among the first 64 */
#include "shared/log.h"
#include "tests/support/fuzz.h"

#define SHOWN 64
#define ROOM 16 /* less than SHOWN */

/* The next byte of an escaped text. */
static unsigned char next(const char **text)
{
    char digits[3] = "";
    if (**text != '\\') {
        return (unsigned char)*(*text)++;
    }
    HOLDS((*text)[1] == 'x' && (*text)[2] && (*text)[3]);
    memcpy(digits, *text + 2, 2);
    *text += 4;
    return (unsigned char)strtoul(digits, NULL, 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    const char *text = log_escape(in);

    for (const char *c = text; *c; c++) {
        HOLDS(*c >= ' ' && *c <= '~' && *c != '"');
    }
    for (size_t i = 0; i < in.len && i < SHOWN; i++) {
        HOLDS(next(&text) == data[i]);
    }
    HOLDS(strcmp(text, in.len > SHOWN ? "..." : "") == 0);
    char little[ROOM];
    log_print(little, sizeof little, in);
    HOLDS(strncmp(little, log_escape(in), strlen(little)) == 0);
    HOLDS(strlen(little) == strlen(log_escape(in)) || strlen(little) + 4 >= sizeof little);
    return 0;
}
