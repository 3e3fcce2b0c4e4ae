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
    client->place = CLIENT_WAITING;
    client->next = user->clients;
    user->clients = client;
    user->count++;
    sio_socket_set_data(socket, client);
    return client;
}

static void leave_welcomed(struct clients *all, struct client *client)
{
    if (client->place == CLIENT_WAITING) {
        return;
    }
    all->at[client->place] = all->at[--all->count];
    all->at[client->place]->place = client->place;
    client->place = CLIENT_WAITING;
}

void client_free(struct clients *all, struct client *client)
{
    struct client **slot = &client->user->clients;
    while (*slot != client) {
        slot = &(*slot)->next;
    }
    *slot = client->next;
    client->user->count--;
    leave_welcomed(all, client);
    sio_socket_set_data(client->socket, NULL);
    free(client);
}

void clients_welcome(struct clients *all, struct client *client)
{
    assert(client->place == CLIENT_WAITING);
    if (all->count == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 64;
        all->at = must(realloc(all->at, all->cap * sizeof(struct client *)));
    }
    client->place = all->count;
    all->at[all->count++] = client;
}
