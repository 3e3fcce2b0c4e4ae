/* crowd.c - all users of one load generator, and the loop that serves them */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*) */
#define _GNU_SOURCE /* epoll_pwait2 */
#include "tests/bench/load/crowd.h"
#include "shared/clock.h"
#include "shared/must.h"
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define TURN_US 10000 /* crowd_bring looks at its limit as often */

/* ---- On their way ---------------------------------------------------------------------------- */

static bool is_there(const struct client *c, enum crowd_goal goal)
{
    switch (goal) {
    case GOAL_IN: return c->state == CLIENT_IN;
    case GOAL_ONLINE: return c->state == CLIENT_ONLINE;
    case GOAL_LISTED: return c->state == CLIENT_ONLINE && c->listed;
    case GOAL_OUT: return c->state == CLIENT_OUT;
    }
    return false;
}

static void on_state(struct client *client)
{
    struct crowd *c = (struct crowd *)client->world; /* its first member */
    struct crowd_way *way = c->way;
    if (!way || !client->busy) {
        return;
    }
    if (is_there(client, way->goal)) {
        way->done++;
        latencies_add(&way->times, clock_mono_us() - client->began_us);
    } else if (client->state == CLIENT_FAILED) {
        way->failed++;
    } else {
        if (client->state == CLIENT_IN) {
            c->todo[c->todo_count++] = client->index;
        }
        return;
    }
    client->busy = false;
    way->pending--;
}

static void step(struct crowd *c, struct client *client)
{
    if (c->way->goal == GOAL_OUT) {
        client_log_out(client);
    } else if (client->state == CLIENT_OUT) {
        client_log_in(client);
    } else {
        client_connect(client);
    }
}

void crowd_begin(struct crowd *c, uint32_t index)
{
    struct client *client = &c->clients[index];
    if (client->state == CLIENT_FAILED) {
        client_drop(client);
    }
    client->busy = true;
    client->began_us = clock_mono_us();
    c->way->pending++;
    if (index >= c->count) {
        c->count = index + 1;
    }
    step(c, client);
}

void crowd_go(struct crowd *c)
{
    struct crowd_way *way = c->way;
    for (uint32_t i = 0; i < c->todo_count; i++) { /* may grow on the way */
        step(c, &c->clients[c->todo[i]]);
    }
    c->todo_count = 0;
    while (way->next < way->end && way->pending < way->at_once) {
        crowd_begin(c, way->next++);
    }
}

bool crowd_bring(struct crowd *c, struct crowd_way *way, uint64_t limit_us)
{
    uint64_t until = clock_mono_us() + limit_us;
    c->way = way;
    while ((way->next < way->end || way->pending > 0) && clock_mono_us() < until) {
        crowd_go(c);
        if (c->todo_count == 0) {
            crowd_turn(c, TURN_US);
        }
    }
    c->way = NULL;
    c->todo_count = 0;
    for (uint32_t i = 0; way->pending > 0 && i < c->count; i++) {
        way->pending -= c->clients[i].busy;
        way->failed += c->clients[i].busy;
        c->clients[i].busy = false;
    }
    return way->next == way->end && way->failed == 0;
}

/* ---- The loop -------------------------------------------------------------------------------- */

bool crowd_turn(struct crowd *c, uint64_t wait_us)
{
    struct epoll_event events[EVENTS];
    struct timespec wait = {(time_t)(wait_us / 1000000), (long)(wait_us % 1000000) * 1000};
    bool input = false;
    int n = epoll_pwait2(c->world.epoll, events, EVENTS, &wait, NULL);
    for (int i = 0; i < n; i++) {
        struct client *client = events[i].data.ptr;
        if (client) {
            c->now_us = clock_mono_us();
            client_ready(client, events[i].events);
        } else {
            input = true;
        }
    }
    return input;
}

uint32_t crowd_online(const struct crowd *c)
{
    uint32_t online = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        online += c->clients[i].state == CLIENT_ONLINE;
    }
    return online;
}

void crowd_init(struct crowd *c)
{
    *c = (struct crowd){0};
    c->clients = must(calloc(CROWD_MAX, sizeof *c->clients));
    c->todo = must(calloc(CROWD_MAX, sizeof *c->todo));
    c->world.epoll = epoll_create1(EPOLL_CLOEXEC);
    c->world.on_state = on_state;
    for (uint32_t i = 0; i < CROWD_MAX; i++) {
        client_init(&c->clients[i], &c->world, i);
    }
}

void crowd_deinit(struct crowd *c)
{
    for (uint32_t i = 0; i < CROWD_MAX; i++) {
        client_deinit(&c->clients[i]);
    }
    close(c->world.epoll);
    free(c->clients);
    free(c->todo);
}
