/* tcp_options.c - how every TCP socket of the server is set
 *
 * A connection of ours ends by its own heartbeat, which is quicker (45 s unless set otherwise).
 * Only where somebody else's heartbeat goes through us, or a request is carried and its answer may
 * be long, nothing else would end it: a tunnel whose two ends vanish is found by this alone.  So
 * the kernel asks only behind a silence that is longer than a heartbeat and its time: idle clients,
 * phones among them, get no packets that they would not get anyway.  Whoever has bytes to take and
 * takes none has been closed as slow before (EIO_STALL_MS, HTTP_ANSWER_S). */
#include "gateway-svc/socketio/tcp_options.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>

#define QUESTIONS 3
#define QUESTION_S 10
#define SILENCE_S (TCP_ALIVE_S - QUESTIONS * QUESTION_S)

void tcp_options_set(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY,      1                 },
        {SOL_SOCKET,  SO_KEEPALIVE,     1                 },
        {IPPROTO_TCP, TCP_KEEPIDLE,     SILENCE_S         },
        {IPPROTO_TCP, TCP_KEEPINTVL,    QUESTION_S        },
        {IPPROTO_TCP, TCP_KEEPCNT,      QUESTIONS         },
        {IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_ALIVE_S * 1000},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                         sizeof options[i].value);
    }
}
