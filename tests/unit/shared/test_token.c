/* test_token.c - tokens are well-formed, all different and without bias */
#include "shared/token.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/time.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define TOKENS 100000 /* unless TOKENS in the environment says otherwise */
#define TOKENS_MAX 10000000
#define TOKEN_BITS 256
/* Six standard deviations: by chance in one of some million runs, over all bits together. */
#define SIGMAS 6

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t tokens_wanted(void)
{
    const char *text = getenv("TOKENS");
    uint64_t n = TOKENS;

    if (text) {
        assert_true(slice_u64(slice_text(text), TOKENS_MAX, &n) && n > 0);
    }
    return n > 0 ? (size_t)n : 1; /* clang-tidy does not know assert_true */
}

/* How far the ones among n fair bits may be from n / 2: SIGMAS times sqrt(n) / 2, rounded up. */
static size_t deviation(size_t n)
{
    size_t root = 0;

    while (root * root < n) {
        root++;
    }
    return SIGMAS * (root + 1) / 2;
}

static unsigned value_of(char c)
{
    const char *at = strchr(alphabet, c);

    assert_true(at && c != '\0');
    return (unsigned)(at - alphabet);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, TOKEN_LEN);
}

static void tokens_are_all_different(void **state)
{
    const size_t n = tokens_wanted();
    char(*tokens)[TOKEN_LEN] = calloc(n, sizeof(*tokens));

    (void)state;
    assert_non_null(tokens);
    for (size_t i = 0; i < n; i++) {
        char token[TOKEN_LEN + 1];
        token_new(token);
        assert_int_equal(token[TOKEN_LEN], '\0');
        assert_true(token_is_wellformed(slice_text(token)));
        memcpy(tokens[i], token, TOKEN_LEN);
    }
    qsort(tokens, n, sizeof(*tokens), compare);
    for (size_t i = 1; i < n; i++) {
        assert_memory_not_equal(tokens[i - 1], tokens[i], TOKEN_LEN);
    }
    free(tokens);
}

/* Each of the 256 bits is a fair coin, and so is each bit xor the next one. */
static void bits_have_no_bias(void **state)
{
    static unsigned ones[TOKEN_BITS];
    static unsigned changes[TOKEN_BITS];
    const size_t n = tokens_wanted();

    (void)state;
    for (size_t i = 0; i < n; i++) {
        char token[TOKEN_LEN + 1];
        unsigned last = 0;
        token_new(token);
        for (size_t bit = 0; bit < TOKEN_BITS; bit++) {
            unsigned now = value_of(token[bit / 6]) >> (5 - bit % 6) & 1;
            ones[bit] += now;
            changes[bit] += now ^ last;
            last = now;
        }
        assert_int_equal(value_of(token[TOKEN_LEN - 1]) & 3, 0); /* padding of the encoding */
    }
    for (size_t bit = 0; bit < TOKEN_BITS; bit++) {
        assert_in_range(ones[bit], n / 2 - deviation(n), n / 2 + deviation(n));
        assert_in_range(changes[bit], n / 2 - deviation(n), n / 2 + deviation(n));
    }
}

static void random_text_uses_all_characters_alike(void **state)
{
    enum { EACH = 10000, SIGMA = 100, LEN = 640000 };
    static char text[LEN + 1];
    unsigned counts[64] = {0};

    (void)state;
    random_text(text, LEN);
    assert_int_equal(strlen(text), LEN);
    for (size_t i = 0; i < LEN; i++) {
        counts[value_of(text[i])]++;
    }
    for (size_t i = 0; i < 64; i++) {
        assert_in_range(counts[i], EACH - SIGMAS * SIGMA, EACH + SIGMAS * SIGMA);
    }
}

static void random_text_of_any_length(void **state)
{
    (void)state;
    for (size_t n = 0; n < 100; n++) {
        char *text = malloc(n + 1); /* exactly: ASan sees one byte too many */
        assert_non_null(text);
        random_text(text, n);
        assert_int_equal(strlen(text), n);
        free(text);
    }
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
}

/* A signal cuts a large getrandom(2) short: the rest is asked for again, to the last byte. */
static void random_bytes_fills_all_in_spite_of_signals(void **state)
{
    enum { LEN = 16 << 20, TAIL = 1000 };
    static const struct itimerval every_ms = {
        {0, 1000},
        {0, 1000}
    };
    static const struct itimerval off = {
        {0, 0},
        {0, 0}
    };
    struct sigaction action = {.sa_handler = on_alarm};
    unsigned char *bytes = calloc(1, LEN);
    unsigned zeros = 0;

    (void)state;
    assert_non_null(bytes);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &every_ms, NULL), 0);
    random_bytes(bytes, LEN);
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
    random_bytes(bytes, 0);
    for (size_t i = LEN - TAIL; i < LEN; i++) {
        zeros += bytes[i] == 0;
    }
    assert_true(alarms > 0);
    assert_true(zeros < 30); /* 4 are to be expected */
    free(bytes);
}

static const struct {
    const char *label;
    struct slice token;
    bool ok;
} shape_cases[] = {
    {"all kinds",      SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-_"),    true },
    {"empty",          SLICE_INIT(""),                                               false},
    {"NULL",           {NULL, 0},                                                    false},
    {"42",             SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-"),     false},
    {"44",             SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-_A"),   false},
    {"padding",        SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-="),    false},
    {"base64 plus",    SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019+_"),    false},
    {"base64 slash",   SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-/"),    false},
    {"NUL at the end", SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-\0"),   false},
    {"NUL first",      SLICE_INIT("\0BCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-_"),   false},
    {"space",          SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019- "),    false},
    {"newline",        SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-\n"),   false},
    {"colon",          SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-:"),    false},
    {"high byte",      SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl019-\xFF"), false},
};

static void shape_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(shape_cases); i++) {
        struct slice token = exact_copy(shape_cases[i].token);
        if (token_is_wellformed(token) != shape_cases[i].ok) {
            fail_msg("%s", shape_cases[i].label);
        }
        exact_free(token);
    }
}

/* The first three are NIST's examples; the others were made with sha256sum(1). */
static const struct {
    const char *label;
    struct slice text;
    const char *hash;
} hash_cases[] = {
    {"empty",         {NULL, 0},                                                              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"one block",     SLICE_INIT("abc"),
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"                                                                                         },
    {"two blocks",    SLICE_INIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"                                                                                         },
    {"43 characters", SLICE_INIT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"),
     "46a2199782c8827f0ac56f503be9d39efee97f40a736b92cc7d7c5f825cfd851"                                                                                         },
    {"NUL within",    SLICE_INIT("a\0b"),
     "59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138"                                                                                         },
};

static void hash_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(hash_cases); i++) {
        struct slice text = exact_copy(hash_cases[i].text);
        char hash[TOKEN_HASH_LEN + 1];
        token_hash(text, hash);
        if (strcmp(hash, hash_cases[i].hash) != 0) {
            fail_msg("%s: %s", hash_cases[i].label, hash);
        }
        exact_free(text);
    }
}

static void a_hash_is_read_as_it_is_printed(void **state)
{
    (void)state;
    uint8_t hash[TOKEN_HASH_BYTES], again[TOKEN_HASH_BYTES];
    char text[TOKEN_HASH_LEN + 1];
    for (unsigned first = 0; first < 256; first += TOKEN_HASH_BYTES) {
        for (unsigned i = 0; i < TOKEN_HASH_BYTES; i++) {
            hash[i] = (uint8_t)(first + i);
        }
        token_hash_print(hash, text);
        assert_int_equal(strlen(text), TOKEN_HASH_LEN);
        struct slice copy = exact_copy(slice_text(text));
        assert_true(token_hash_read(copy, again));
        exact_free(copy);
        assert_memory_equal(again, hash, sizeof hash);
    }
    assert_string_equal(text, "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
}

/* Of each byte in each place, only digits in lower case are text of a hash. */
static void what_is_no_hash_is_not_read(void **state)
{
    (void)state;
    uint8_t hash[TOKEN_HASH_BYTES];
    char text[TOKEN_HASH_LEN + 2];
    memset(text, 'a', sizeof text);
    for (size_t len = 0; len <= TOKEN_HASH_LEN + 1; len++) {
        struct slice copy = exact_copy((struct slice){text, len});
        assert_int_equal(token_hash_read(copy, hash), len == TOKEN_HASH_LEN);
        exact_free(copy);
    }
    for (size_t place = 0; place < TOKEN_HASH_LEN; place++) {
        for (int byte = 0; byte < 256; byte++) {
            bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
            text[place] = (char)byte;
            assert_int_equal(token_hash_read((struct slice){text, TOKEN_HASH_LEN}, hash), digit);
        }
        text[place] = 'a';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_all_different),
        cmocka_unit_test(a_hash_is_read_as_it_is_printed),
        cmocka_unit_test(what_is_no_hash_is_not_read),
        cmocka_unit_test(bits_have_no_bias),
        cmocka_unit_test(random_text_uses_all_characters_alike),
        cmocka_unit_test(random_text_of_any_length),
        cmocka_unit_test(random_bytes_fills_all_in_spite_of_signals),
        cmocka_unit_test(shape_follows_the_table),
        cmocka_unit_test(hash_follows_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
