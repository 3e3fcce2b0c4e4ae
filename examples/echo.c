/* echo.c - sends every event back as `echo`, or through its ack where the client wants one */
#include <ev.h>
#include <parley/sio.h>
#include <stdlib.h>

static struct sio_namespace *root;

static void on_connect(void *app, struct sio_socket *socket, void *conn_data, struct slice auth)
{
    (void)app, (void)conn_data, (void)auth;
    sio_socket_accept(socket);
}

static void on_event(void *app, struct sio_socket *socket, const struct sio_event *event)
{
    (void)app;
    if (event->wants_ack) {
        sio_socket_ack_data(socket, event->ack_id, event->args, event->data, event->data_count);
        return;
    }
    struct sio_frame *frame =
        sio_event_frame_data(root, SLICE("echo"), event->args, event->data, event->data_count);
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
}

int main(int argc, char **argv)
{
    static const struct sio_namespace_handler handler = {.connect = on_connect, .event = on_event};
    struct sio_config config;
    sio_config_defaults(&config);
    config.port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 3000;
    struct sio_server *server =
        sio_server_new(EV_DEFAULT, &config, &(struct sio_server_handler){0}, NULL);
    if (server) {
        root = sio_namespace_open(server, "/", &handler, NULL);
        ev_run(EV_DEFAULT, 0);
    }
    return 1;
}
