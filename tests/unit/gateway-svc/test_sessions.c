/* test_sessions.c - the table of sessions: found, counted, in any order of coming and going */
#include "gateway-svc/relay/sessions.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define HASHES 400
#define STEPS 30000

static int begin(void **state)
{
    *state = sessions_new();
    return 0;
}

static int end(void **state)
{
    sessions_free(*state);
    return 0;
}

static const char *hash_of(unsigned i)
{
    static char hash[TOKEN_HASH_LEN + 1];
    /* many share their first characters */
    snprintf(hash, sizeof hash, "%016x%048x", i % 7, i);
    return hash;
}

static struct session *find(const struct sessions *t, const char *hash)
{
    struct slice copy = exact_copy(slice_text(hash));
    struct session *s = sessions_find(t, copy);
    exact_free(copy);
    return s;
}

static void a_new_session_is_blank(void **state)
{
    struct sessions *t = *state;
    struct slice copy = exact_copy(slice_text(hash_of(1)));
    struct session *s = sessions_add(t, copy);
    exact_free(copy);
    char hash[TOKEN_HASH_LEN + 1], name[USERNAME_MAX + 1];
    session_hash(s, hash);
    session_name(s, name);
    assert_string_equal(hash, hash_of(1));
    assert_string_equal(s->shown, "");
    assert_string_equal(name, "");
    assert_false(s->attached);
    assert_null(s->owner);
    assert_int_equal(s->attempt, 0);
    assert_int_equal(sessions_count(t), 1);
    assert_ptr_equal(sessions_at(t, 0), s);
    assert_ptr_equal(find(t, hash_of(1)), s);
}

static void a_session_is_named_in_lower_case(void **state)
{
    struct session *s = sessions_add(*state, slice_text(hash_of(1)));
    char name[USERNAME_MAX + 1];
    snprintf(s->shown, sizeof s->shown, "Alice.B-%024d", 7);
    session_name(s, name);
    assert_string_equal(name, "alice.b-000000000000000000000007");
}

static void what_is_no_hash_is_not_found(void **state)
{
    struct sessions *t = *state;
    char longer[TOKEN_HASH_LEN + 2];
    sessions_add(t, slice_text(hash_of(1)));
    assert_null(find(t, ""));
    assert_null(find(t, "0"));
    assert_null(sessions_find(t, slice_text(NULL)));
    assert_null(sessions_find(t, slice_head(slice_text(hash_of(1)), TOKEN_HASH_LEN - 1)));
    snprintf(longer, sizeof longer, "%s0", hash_of(1));
    assert_null(find(t, longer));
    snprintf(longer, sizeof longer, "%063dG", 0);
    assert_null(find(t, longer));
    assert_null(find(t, hash_of(8))); /* the same first characters */
}

static void freeing_takes_all_along(void **state)
{
    struct sessions *t = *state;
    for (unsigned i = 0; i < HASHES; i++) {
        sessions_add(t, slice_text(hash_of(i)));
    }
    sessions_free(NULL); /* is nothing; the teardown frees the table, and ASan counts */
}

static uint32_t dice_state = 88172645;
static uint32_t dice(uint32_t sides)
{
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 17;
    dice_state ^= dice_state << 5;
    return dice_state % sides;
}

/* The list holds each session once, at its place. */
static void check(const struct sessions *t, struct session *const model[HASHES])
{
    size_t count = 0;
    for (unsigned i = 0; i < HASHES; i++) {
        assert_ptr_equal(find(t, hash_of(i)), model[i]);
        count += model[i] != NULL;
    }
    assert_int_equal(sessions_count(t), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(sessions_at(t, i)->place, i);
    }
}

static void it_equals_a_naive_model(void **state)
{
    struct sessions *t = *state;
    struct session *model[HASHES] = {NULL};
    for (int step = 0; step < STEPS; step++) {
        unsigned i = dice(HASHES);
        /* It fills up, and it empties. */
        bool wanted = dice(100) < (step / 3000 % 2 ? 20U : 80U);
        if (wanted && !model[i]) {
            model[i] = sessions_add(t, slice_text(hash_of(i)));
        } else if (!wanted && model[i]) {
            sessions_remove(t, model[i]);
            model[i] = NULL;
        }
        if (step % 500 == 0) {
            check(t, model);
        }
    }
    check(t, model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_session_is_blank, begin, end),
        cmocka_unit_test_setup_teardown(a_session_is_named_in_lower_case, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_hash_is_not_found, begin, end),
        cmocka_unit_test_setup_teardown(freeing_takes_all_along, begin, end),
        cmocka_unit_test_setup_teardown(it_equals_a_naive_model, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
