/* clients.c - users and their sockets */
#include "gateway-svc/app/clients.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>

struct user *user_new(struct session *session)
{
    struct user *user = must(calloc(1, sizeof *user));
    user->session = session;
    session->owner = user;
    return user;
}

void user_free(struct user *user)
{
    assert(!user || !user->clients);
    free(user);
}

struct client *client_new(struct user *user, struct sio_socket *socket)
{
    struct client *client = must(calloc(1, sizeof *client));
    client->socket = socket;
    client->user = user;
    client->place = CLIENT_NOWHERE;
    client->knows = UINT64_MAX;
    client->next = user->clients;
    user->clients = client;
    user->count++;
    sio_socket_set_data(socket, client);
    return client;
}

void client_free(struct client *client)
{
    struct client **slot = &client->user->clients;
    assert(client->place == CLIENT_NOWHERE);
    while (*slot != client) {
        slot = &(*slot)->next;
    }
    *slot = client->next;
    client->user->count--;
    sio_socket_set_data(client->socket, NULL);
    free(client);
}

uint64_t *client_knows(struct client *client)
{
    return client->lags ? &client->laggard->knows : &client->knows;
}

void clients_add(struct clients *list, struct client *client)
{
    assert(client->place == CLIENT_NOWHERE);
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->at = must(realloc(list->at, list->cap * sizeof(struct client *)));
    }
    client->place = list->count;
    list->at[list->count++] = client;
}

void clients_remove(struct clients *list, struct client *client)
{
    assert(client->place < list->count && list->at[client->place] == client);
    list->at[client->place] = list->at[--list->count];
    list->at[client->place]->place = client->place;
    client->place = CLIENT_NOWHERE;
}

void clients_swap(struct clients *list, struct client *a, struct client *b)
{
    uint32_t place = a->place;
    a->place = b->place;
    b->place = place;
    list->at[a->place] = a;
    list->at[b->place] = b;
}
