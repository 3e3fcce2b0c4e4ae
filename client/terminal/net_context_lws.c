/* net_context_lws.c - libwebsockets on the loop */
#include "client/terminal/net_lws.h"
#include "shared/must.h"
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"
#define CONNECT_S 10
#define TIMES_S 1.0 /* how late a time limit of libwebsockets' may be */
#define RX_BYTES 65536

static bool is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* libwebsockets compares host names alone; an address is to be compared as one. */
static void expect_address(SSL_CTX *ssl, const char *host)
{
    (void)X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(ssl), host);
}

/* Why openssl does not like the certificate: libwebsockets keeps that to itself. */
static void note_fault(struct net *net, X509_STORE_CTX *store)
{
    (void)snprintf(net->tls_fault, sizeof net->tls_fault, "certificate: %s",
                   X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
}

/* What belongs to no connection comes to the first protocol. */
static int on_first(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
                    size_t len)
{
    struct net *net = wsi ? lws_context_user(lws_get_context(wsi)) : NULL;
    if (why == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION) {
        if (len == 0) {
            note_fault(net, user);
        }
        return 0; /* openssl's word counts */
    }
    if (why == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS) {
        if (is_address(net->url.host)) {
            expect_address(user, net->url.host);
        }
        return 0;
    }
    return net_on_http(wsi, why, user, in, len);
}

/* libwebsockets looks at its own time limits only when something comes in. */
static void on_times(struct ev_loop *loop, ev_timer *timer, int events)
{
    const struct net *net = timer->data;
    (void)loop;
    (void)events;
    lws_cancel_service(net->context); /* comes in, and means nothing else */
}

/* Which certificates are trusted.  Without any, nobody is. */
static bool choose_cas(struct net *net, const char *cafile, const char **why)
{
    const char *path = cafile ? cafile : getenv("SSL_CERT_FILE");
    path = path ? path : SYSTEM_CAS;
    if (!net->url.tls) {
        return true;
    }
    if (access(path, R_OK) != 0 || strlen(path) >= sizeof net->ca_path) {
        *why = cafile ? "the file of --cafile cannot be read"
                      : "this system has no list of trusted certificates (Debian: package "
                        "ca-certificates); --cafile names one";
        return false;
    }
    memcpy(net->ca_path, path, strlen(path) + 1);
    return true;
}

/* A file in which there is no certificate would be noticed by nobody. */
static bool cas_are_good(const struct net *net, const char **why)
{
    SSL_CTX *ssl = net->url.tls ? SSL_CTX_new(TLS_client_method()) : NULL;
    bool good = !ssl || SSL_CTX_load_verify_locations(ssl, net->ca_path, NULL) == 1;
    SSL_CTX_free(ssl);
    *why = good ? NULL : "there is no certificate in the file of --cafile";
    return good;
}

static bool start_lws(struct net *net)
{
    static const lws_retry_bo_t no_validity_timer;
    void *loops[] = {net->loop};
    struct lws_context_creation_info info = {0};
    info.options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
                   (net->url.tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0);
    info.foreign_loops = loops;
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = net->protocols;
    info.retry_and_idle_policy = &no_validity_timer;
    info.client_ssl_ca_filepath = net->ca_path[0] != '\0' ? net->ca_path : NULL;
    info.timeout_secs = CONNECT_S;
    info.connect_timeout_secs = CONNECT_S;
    info.user = net;
    lws_set_log_level(0, NULL);
    net->context = lws_create_context(&info);
    return net->context != NULL;
}

struct net *net_new(struct ev_loop *loop, const struct url *url, const char *cafile,
                    const char **why)
{
    struct net *net = must(calloc(1, sizeof *net));
    net->loop = loop;
    net->url = *url;
    url_authority(url, net->authority);
    buf_init(&net->http.body, NET_BODY_MAX);
    buf_init(&net->ws.received, NET_MESSAGE_MAX);
    buf_init(&net->ws.queue, NET_QUEUE_MAX);
    net->protocols[0] = (struct lws_protocols){
        .name = NET_PROTOCOL_HTTP, .callback = on_first, .rx_buffer_size = RX_BYTES};
    net->protocols[1] = (struct lws_protocols){
        .name = NET_PROTOCOL_WS, .callback = net_on_ws, .rx_buffer_size = RX_BYTES};
    ev_timer_init(&net->times, on_times, TIMES_S, TIMES_S);
    net->times.data = net;
    *why = "libwebsockets cannot be started; is its libev plugin installed?";
    if (!choose_cas(net, cafile, why) || !cas_are_good(net, why) || !start_lws(net)) {
        net_free(net);
        return NULL;
    }
    ev_timer_start(loop, &net->times);
    return net;
}

void net_free(struct net *net)
{
    ev_timer_stop(net->loop, &net->times);
    net->http.fn = NULL;
    net->ws.events = NULL;
    if (net->context) {
        lws_context_destroy(net->context);
    }
    buf_deinit(&net->http.body);
    buf_deinit(&net->ws.received);
    buf_deinit(&net->ws.queue);
    free(net);
}

static int tls_flags(const struct net *net)
{
    if (!net->url.tls) {
        return 0;
    }
    return LCCSCF_USE_SSL |
           (is_address(net->url.host) ? LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK : 0);
}

struct lws *net_connect(struct net *net, const char *path, const char *method, struct lws **wsi)
{
    struct lws_client_connect_info info = {0};
    net->tls_fault[0] = '\0';
    info.context = net->context;
    info.address = net->url.host;
    info.port = net->url.port;
    info.ssl_connection = tls_flags(net) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
    info.path = path;
    info.host = net->authority;
    info.method = method;
    info.alpn = "http/1.1";
    info.local_protocol_name = method ? NET_PROTOCOL_HTTP : NET_PROTOCOL_WS;
    info.pwsi = wsi;
    info.opaque_user_data = net;
    return lws_client_connect_via_info(&info);
}

struct slice net_fault(const struct net *net, struct slice why)
{
    return net->tls_fault[0] != '\0' ? slice_text(net->tls_fault) : why;
}

void net_hang_up(struct lws *wsi)
{
    int fd = lws_get_socket_fd(wsi);
    lws_set_opaque_user_data(wsi, NULL);
    if (fd >= 0) {
        (void)shutdown(fd, SHUT_RDWR); /* libwebsockets finds the end of the stream */
    }
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}
