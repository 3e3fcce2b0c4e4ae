/* fuzz_username.c - a name is good exactly when a plain reading of the rule says so; good names
 * stay good in lower case, and nothing in them needs quoting anywhere */
#include "shared/username.h"
#include "tests/support/fuzz.h"

#include <regex.h>

static bool matches(const regex_t *rule, struct slice name)
{
    char text[USERNAME_MAX + 2] = "";

    if (name.len > USERNAME_MAX || memchr(name.ptr, '\0', name.len)) {
        return false;
    }
    memcpy(text, name.ptr, name.len);
    return regexec(rule, text, 0, NULL, 0) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static regex_t shape, reserved;
    static bool ready;
    struct slice name = exact_copy(fuzz_input(data, size));
    char folded[USERNAME_MAX + 1], again[USERNAME_MAX + 1];

    if (!ready) {
        ready = regcomp(&shape, "^[A-Za-z0-9][A-Za-z0-9._-]*$", REG_EXTENDED | REG_NOSUB) == 0 &&
                regcomp(&reserved,
                        "^(group|all|everyone|here|admin|root|system|server|null|undefined|me|"
                        "anonymous|__proto__|login|logout|oidc|metrics|health)$",
                        REG_EXTENDED | REG_NOSUB | REG_ICASE) == 0;
        HOLDS(ready);
    }
    enum username_err err = username_check(name);
    HOLDS((err == USERNAME_E_RESERVED) == matches(&reserved, name));
    HOLDS((err == USERNAME_OK) == (matches(&shape, name) && !matches(&reserved, name)));
    username_fold(name, folded);
    struct slice lower = slice_text(folded);
    if (err == USERNAME_OK) {
        HOLDS(slice_equal_nocase(lower, name));
        HOLDS(username_check(lower) == USERNAME_OK);
        username_fold(lower, again);
        HOLDS(slice_equal(slice_text(again), lower));
    }
    exact_free(name);
    return 0;
}
