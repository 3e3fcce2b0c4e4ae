/* relay_script.h - a relay on a fake Redis, with a clock of its own; what it does is written down
 *
 * The prefix is "p:", the gateway "gw", the lease 3000 ms.  Sessions have one letter: it fills the
 * hash. */
#ifndef PARLEY_RELAY_SCRIPT_H
#define PARLEY_RELAY_SCRIPT_H

#include "gateway-svc/relay/relay_state.h"
#include "tests/support/fake_redis.h"

#define SCRIPT_LEASE_MS 3000
#define SCRIPT_QUEUE_BYTES ((size_t)256 << 10)

/* The relay is new, nothing is connected; end checks for leaks by freeing all. */
struct relay *script_begin(void);
void script_end(void);
void script_free(void);           /* ends the relay alone */
void script_pass(uint64_t ms);    /* the clocks go on */
void script_suspend(uint64_t ms); /* ... the one that counts what the machine slept alone */
void script_tick(void);           /* the relay's timer goes off */

/* What the relay told since the last call, one word group after the other:
 *   attached a:alice left=90 | refused a unknown | ended a kicked | message 7 to=a from=- c="..." |
 * lost a 104 | lost * 104 | behind | settling 1 load | name Bob | loaded e1/5 | change e1/6 +Bob |
 * sent ok 7 | page ok now=9 whole next=7+ 5 7 | */
const char *script_told(void);
void script_roster_misses(
    bool misses); /* from now on a change is answered "something is missing" */

/* Begins with the letter, if it is one of a to f. */
const char *script_hash(char letter);
struct session *script_open(char letter);
#define SCRIPT_ALICE "ok|e1|100|alice|Alice|7|0|5|90|0" /* what lets her in */
struct session *script_alice(void);                     /* her session 'a', attached */
bool script_send(struct session *s, const char *to);    /* and its turn ends */
bool script_say(struct session *s, const char *to);
void script_turn(void); /* a turn of the loop ends */
bool script_replay(struct session *s, uint64_t after);

/* Lines, with the count that is next on their channel: "%s" of the rest. */
void script_own(const char *kind, const char *rest);
void script_group(const char *kind, const char *rest);
void script_own_is_lost(void); /* one line that never arrives */
void script_group_is_lost(void);
/* The nonce of the latest renew comes back; `rest` is "<version> <epoch>". */
void script_nonce(const char *rest);

/* Both connections come up and `number` is given in `epoch`: leaves behind what follows the nonce.
 */
void script_link(const char *number, const char *epoch);
/* The oldest call asks for what the group missed: nothing up to this id. */
void script_filled(const char *epoch, const char *id);
/* ... prune and the empty list of users are answered too; no sessions may be here. */
void script_up(void);

/* A session of user<letter>, attached when the last message was 100. */
struct session *script_open_at_100(char letter);
/* A relay that is up, with two such: 'a' and 'b'. */
struct relay *script_begin_two(void);
/* A message as the channels and Redis' windows have it; '*' is the group.  The last eight are kept.
 */
const char *script_message(int id, char from, char to);
/* Answers the oldest call, a question for what was missed: the head, then up to 3 messages. */
void script_answer(const char *head, const char *one, const char *two, const char *three);

/* All unanswered calls, each by a pattern of fnmatch(3); what was told.  For tests of cmocka. */
#define CALLS(...) script_assert_calls((const char *const[]){__VA_ARGS__, NULL})
#define NO_CALLS() assert_int_equal(fake_calls(), 0)
#define TOLD(text) assert_string_equal(script_told(), text)
void script_assert_calls(const char *const *patterns);

/* What a test begins and ends with: *state is a relay that is new, or up, or up with two sessions.
 */
int script_setup(void **state);
int script_setup_up(void **state);
int script_setup_two(void **state);
int script_teardown(void **state);

#endif
