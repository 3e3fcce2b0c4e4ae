/* test_message_size.c - the longest packets of a message, written as the code writes them */
#include "gateway-svc/chat/message_out.h"
#include "gateway-svc/chat/message_size.h"
#include "gateway-svc/chat/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NAME "abcdefghijklmnopqrstuvwxyz.-_012"
#define SPARE 1024 /* what is counted beside the text, at most */

static const size_t texts[] = {1, 2, 4096, 65536};

/* As many control characters, escaped. */
static void put_controls(struct buf *out, size_t count)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < count; i++) {
        buf_append(out, SLICE("\\u0001"));
    }
    buf_byte(out, '"');
}

/* What a client sends whose JSON escapes every character. */
static void put_args(struct buf *out, size_t text_max)
{
    buf_append(out, SLICE("{\"sender\":\""));
    for (size_t i = 0; i < USERNAME_MAX; i++) {
        buf_printf(out, "\\u%04x", NAME[i]);
    }
    buf_append(out, SLICE("\",\"receiver\":\""));
    for (size_t i = 0; i < USERNAME_MAX; i++) {
        buf_printf(out, "\\u%04x", NAME[i]);
    }
    buf_append(out, SLICE("\",\"message_text\":"));
    put_controls(out, text_max);
    buf_append(out, SLICE(",\"client_id\":"));
    put_controls(out, CLIENT_ID_MAX);
    buf_byte(out, '}');
}

/* As parley.lua writes it; the ids are as long as numbers of Redis get. */
static void put_echo(struct buf *out, const struct message_out *m)
{
    struct buf json;
    buf_init(&json, 1 << 20);
    buf_append(&json, SLICE("{\"message_id\":9007199254740993,\"sender\":\"" NAME
                            "\",\"receiver\":\"" NAME "\",\"message_text\":"));
    buf_append(&json, buf_slice(&m->text));
    buf_append(&json, SLICE(",\"sent_at\":1764470000000}"));
    payload_with_client_id(out, buf_slice(&json), buf_slice(&m->client_id));
    buf_deinit(&json);
}

static void the_longest_message_fits_and_little_is_wasted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct message_out m;
        struct buf packet;
        message_out_init(&m, texts[i]);
        buf_init(&packet, 1 << 20);
        put_args(&packet, texts[i]);
        assert_int_equal(message_out_parse(&m, buf_slice(&packet), NAME), CHAT_OK);
        size_t len = packet.len + sizeof "429007199254740993[\"message_out\",]" - 1;
        assert_in_range(message_size_out(texts[i]), len, len + SPARE);
        buf_clear(&packet);
        put_echo(&packet, &m);
        len = packet.len + sizeof "42[\"message_in\",]" - 1 + 10;
        assert_in_range(message_size_in(texts[i]), len, len + SPARE);
        message_out_deinit(&m);
        buf_deinit(&packet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_message_fits_and_little_is_wasted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
