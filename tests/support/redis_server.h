/* redis_server.h - a real Redis of the test's own: a unix socket in a private directory
 *
 * It is stopped by its process id, and by the kernel when the test dies. */
#ifndef PARLEY_TESTS_REDIS_SERVER_H
#define PARLEY_TESTS_REDIS_SERVER_H

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct redis_server {
    pid_t pid;
    char directory[64];
    char socket[96];
    char url[128];
    redisContext *admin; /* a blocking connection, for what an operator would type */
};

static inline void redis_server_run(const struct redis_server *server)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(0);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", server->socket, "--save",
           "", "--dir", server->directory, "--logfile", "log", "--daemonize", "no", (char *)NULL);
    perror("redis-server");
    _exit(127);
}

/* Ends the test when it does not come up. */
static inline void redis_server_start(struct redis_server *server)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    *server = (struct redis_server){.directory = "/tmp/parley-redis.XXXXXX"};
    if (!mkdtemp(server->directory)) {
        abort();
    }
    snprintf(server->socket, sizeof server->socket, "%s/redis.sock", server->directory);
    snprintf(server->url, sizeof server->url, "unix://%s", server->socket);
    server->pid = fork();
    if (server->pid == 0) {
        redis_server_run(server);
    }
    for (;;) {
        server->admin = redisConnectUnix(server->socket);
        if (server->admin && !server->admin->err) {
            return;
        }
        redisFree(server->admin);
        if (waitpid(server->pid, NULL, WNOHANG) != 0) {
            abort(); /* it ended */
        }
        nanosleep(&moment, NULL);
    }
}

static inline void redis_server_stop(struct redis_server *server)
{
    char log[96];
    redisFree(server->admin);
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    snprintf(log, sizeof log, "%s/log", server->directory);
    unlink(log);
    unlink(server->socket);
    rmdir(server->directory);
}

#endif
