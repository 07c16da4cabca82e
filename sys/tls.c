/* How a configuration finds its endpoint: nng hands an engine only strings, so the "certificate" that nng passes
 * through is the endpoint's number in the list below. */
#include "sys/tls.h"

#include <errno.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/engine.h>
#include <nng/transport/tls/tls.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/certificate.h"

enum { TEARDOWN_SECONDS = 5 };

struct tls_endpoint {
    pthread_mutex_t mutex; /* guards what follows, and is held while accept runs */
    tls_accept *accept;    /* NULL: nobody is let in any more */
    void *context;
    enum tls_outcome outcome;
    struct sign_public refused; /* with TLS_OTHER_KEY */
    SSL_CTX *ssl;
    /* Guarded by the list's mutex. */
    uint64_t number;
    unsigned holders; /* its maker and the configurations made of it */
    struct tls_endpoint *next;
};

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t list_changed = PTHREAD_COND_INITIALIZER;
static struct tls_endpoint *list;
static uint64_t numbers_given;

struct nng_tls_engine_config {
    struct tls_endpoint *endpoint;
    nng_tls_mode mode;
};

/* Lives in memory of nng's, zeroed at first; nng calls its functions one at a time. */
struct nng_tls_engine_conn {
    void *lower; /* nng's handle for the bytes below */
    struct tls_endpoint *endpoint;
    SSL *ssl;
    bool established;
    bool heard;  /* data has come */
    bool failed; /* nng may come back after a failure; only the first one says why */
    struct sign_public peer;
};

static void note(struct tls_endpoint *endpoint, enum tls_outcome outcome)
{
    (void)pthread_mutex_lock(&endpoint->mutex);
    endpoint->outcome = outcome;
    (void)pthread_mutex_unlock(&endpoint->mutex);
}

/* --- The list ---------------------------------------------------------------------------------------------------- */

static void enlist(struct tls_endpoint *endpoint)
{
    (void)pthread_mutex_lock(&list_mutex);
    endpoint->number = ++numbers_given;
    endpoint->holders = 1;
    endpoint->next = list;
    list = endpoint;
    (void)pthread_mutex_unlock(&list_mutex);
}

static struct tls_endpoint *hold(const char *number)
{
    uint64_t wanted = strtoull(number, NULL, 10);
    (void)pthread_mutex_lock(&list_mutex);
    struct tls_endpoint *found = list;
    while (found && found->number != wanted) found = found->next;
    if (found) found->holders++;
    (void)pthread_mutex_unlock(&list_mutex);
    return found;
}

static void let_go(struct tls_endpoint *endpoint)
{
    (void)pthread_mutex_lock(&list_mutex);
    bool last = --endpoint->holders == 0;
    if (last) {
        struct tls_endpoint **at = &list;
        while (*at != endpoint) at = &(*at)->next;
        *at = endpoint->next;
    }
    (void)pthread_cond_broadcast(&list_changed);
    (void)pthread_mutex_unlock(&list_mutex);
    if (!last) return;
    SSL_CTX_free(endpoint->ssl);
    (void)pthread_mutex_destroy(&endpoint->mutex);
    free(endpoint);
}

/* --- Bytes below: a BIO over nng's stream --------------------------------------------------------------------------
 */

static BIO_METHOD *stream_method;

static int stream_step(BIO *bio, int status, size_t moved)
{
    BIO_clear_retry_flags(bio);
    if (status == 0 && moved > 0) return (int)moved;
    return -1;
}

static int stream_write(BIO *bio, const char *bytes, int length)
{
    struct nng_tls_engine_conn *conn = BIO_get_data(bio);
    size_t moved = (size_t)length;
    int status = nng_tls_engine_send(conn->lower, (const uint8_t *)bytes, &moved);
    int result = stream_step(bio, status, moved);
    if (status == NNG_EAGAIN) BIO_set_retry_write(bio);
    return result;
}

static int stream_read(BIO *bio, char *bytes, int length)
{
    struct nng_tls_engine_conn *conn = BIO_get_data(bio);
    size_t moved = (size_t)length;
    int status = nng_tls_engine_recv(conn->lower, (uint8_t *)bytes, &moved);
    int result = stream_step(bio, status, moved);
    if (status == NNG_EAGAIN) BIO_set_retry_read(bio);
    return result;
}

static long stream_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* nng sends as it can */
}

static BIO *stream_new(struct nng_tls_engine_conn *conn)
{
    BIO *bio = BIO_new(stream_method);
    if (!bio) return NULL;
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    return bio;
}

/* --- A connection ------------------------------------------------------------------------------------------------- */

/* In place of building a chain: the key that the certificate carries is accepted, or the handshake fails. That the peer
 * holds the private half is the handshake's own proof. */
static int verify(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_endpoint *endpoint = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct sign_public peer;
    bool accepted = false;
    (void)pthread_mutex_lock(&endpoint->mutex);
    if (result_ok(certificate_public(X509_STORE_CTX_get0_cert(store), &peer))) {
        accepted = endpoint->accept && endpoint->accept(endpoint->context, &peer);
        endpoint->refused = peer;
    } else {
        endpoint->refused = (struct sign_public){0};
    }
    if (!accepted) endpoint->outcome = TLS_OTHER_KEY;
    (void)pthread_mutex_unlock(&endpoint->mutex);
    X509_STORE_CTX_set_error(store, accepted ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return accepted;
}

static int conn_init(nng_tls_engine_conn *conn, void *lower, nng_tls_engine_config *config)
{
    if (!config->endpoint) return NNG_EINVAL;
    conn->lower = lower;
    conn->endpoint = config->endpoint; /* nng keeps the configuration as long as the connection */
    conn->ssl = SSL_new(config->endpoint->ssl);
    BIO *bio = conn->ssl ? stream_new(conn) : NULL;
    if (!bio) {
        SSL_free(conn->ssl);
        conn->ssl = NULL;
        return NNG_ENOMEM;
    }
    SSL_set_bio(conn->ssl, bio, bio);
    if (config->mode == NNG_TLS_MODE_SERVER)
        SSL_set_accept_state(conn->ssl);
    else
        SSL_set_connect_state(conn->ssl);
    return 0;
}

static void conn_fini(nng_tls_engine_conn *conn)
{
    SSL_free(conn->ssl);
    conn->ssl = NULL;
}

static void conn_close(nng_tls_engine_conn *conn)
{
    ERR_clear_error();
    if (conn->established) (void)SSL_shutdown(conn->ssl); /* a close_notify when it goes out at once */
}

/* Only before data has come: a peer in TLS 1.3 refuses a client's key after the client's own handshake is done. */
static bool is_refusal(int reason)
{
    switch (reason) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

static void note_failure(struct nng_tls_engine_conn *conn, int reason)
{
    if (conn->failed) return;
    conn->failed = true;
    if (is_refusal(reason))
        note(conn->endpoint, TLS_REFUSED);
    else if (!conn->established && reason != SSL_R_CERTIFICATE_VERIFY_FAILED) /* verify has noted that */
        note(conn->endpoint, TLS_BROKEN);
}

/* What OpenSSL's return value is to nng. */
static int status_of(struct nng_tls_engine_conn *conn, int returned)
{
    switch (SSL_get_error(conn->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return NNG_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return NNG_ECLOSED;
    case SSL_ERROR_SSL:
        note_failure(conn, ERR_GET_REASON(ERR_peek_error()));
        return NNG_ECRYPTO;
    default:
        note_failure(conn, 0);
        return NNG_ECONNSHUT;
    }
}

static int conn_handshake(nng_tls_engine_conn *conn)
{
    ERR_clear_error();
    int returned = SSL_do_handshake(conn->ssl);
    if (returned != 1) return status_of(conn, returned);
    X509 *certificate = SSL_get0_peer_certificate(conn->ssl);
    if (!result_ok(certificate_public(certificate, &conn->peer))) return NNG_EPEERAUTH;
    conn->established = true;
    return 0;
}

static int conn_recv(nng_tls_engine_conn *conn, uint8_t *bytes, size_t *length)
{
    ERR_clear_error();
    size_t moved = 0;
    int returned = SSL_read_ex(conn->ssl, bytes, *length, &moved);
    if (returned != 1) return status_of(conn, returned);
    if (!conn->heard) note(conn->endpoint, TLS_ESTABLISHED); /* only now is it sure that the peer accepted us, too */
    conn->heard = true;
    *length = moved;
    return 0;
}

static int conn_send(nng_tls_engine_conn *conn, const uint8_t *bytes, size_t *length)
{
    ERR_clear_error();
    size_t moved = 0;
    int returned = SSL_write_ex(conn->ssl, bytes, *length, &moved);
    if (returned != 1) return status_of(conn, returned);
    *length = moved;
    return 0;
}

/* nng offers no way to ask a pipe for its peer's certificate, but asks the engine this on the asker's own thread. */
static _Thread_local struct sign_public asked_peer;
static _Thread_local bool asked;

static bool conn_verified(nng_tls_engine_conn *conn)
{
    asked_peer = conn->peer;
    asked = conn->established;
    return conn->established;
}

bool tls_pipe_peer(nng_pipe pipe, struct sign_public *ret)
{
    bool verified = false;
    asked = false;
    if (nng_pipe_get_bool(pipe, NNG_OPT_TLS_VERIFIED, &verified) != 0 || !verified || !asked) return false;
    *ret = asked_peer;
    return true;
}

/* --- A configuration ------------------------------------------------------------------------------------------------
 */

static int config_init(nng_tls_engine_config *config, nng_tls_mode mode)
{
    config->mode = mode;
    return 0;
}

static void config_fini(nng_tls_engine_config *config)
{
    if (config->endpoint) let_go(config->endpoint);
}

static int config_own_cert(nng_tls_engine_config *config, const char *number, const char *key, const char *password)
{
    (void)key;
    (void)password;
    if (config->endpoint) return NNG_EBUSY;
    config->endpoint = hold(number);
    return config->endpoint ? 0 : NNG_ENOENT;
}

/* What an endpoint fixes cannot be said otherwise; the right words are let through. */
static int config_server(nng_tls_engine_config *config, const char *name)
{
    (void)config;
    (void)name;
    return 0;
}

/* nng asks for no authentication in the configuration that it makes itself before it takes ours; that one has no
 * endpoint and makes no connection. With an endpoint both sides are always authenticated. */
static int config_auth(nng_tls_engine_config *config, nng_tls_auth_mode mode)
{
    (void)config;
    (void)mode;
    return 0;
}

static int config_ca_chain(nng_tls_engine_config *config, const char *chain, const char *revoked)
{
    (void)config;
    (void)chain;
    (void)revoked;
    return NNG_ENOTSUP;
}

static int config_version(nng_tls_engine_config *config, nng_tls_version lowest, nng_tls_version highest)
{
    (void)config;
    return lowest == NNG_TLS_1_3 && highest == NNG_TLS_1_3 ? 0 : NNG_ENOTSUP;
}

static nng_tls_engine_config_ops config_operations = {
    .size = sizeof(struct nng_tls_engine_config),
    .init = config_init,
    .fini = config_fini,
    .server = config_server,
    .auth = config_auth,
    .ca_chain = config_ca_chain,
    .own_cert = config_own_cert,
    .version = config_version,
};
static nng_tls_engine_conn_ops conn_operations = {
    .size = sizeof(struct nng_tls_engine_conn),
    .init = conn_init,
    .fini = conn_fini,
    .close = conn_close,
    .handshake = conn_handshake,
    .recv = conn_recv,
    .send = conn_send,
    .verified = conn_verified,
};
static const char engine_name[] = "cofferdam";
static const nng_tls_engine engine = {
    .version = NNG_TLS_ENGINE_VERSION,
    .config_ops = &config_operations,
    .conn_ops = &conn_operations,
    .name = engine_name,
    .description = "OpenSSL, TLS 1.3, raw public keys",
    .fips_mode = false,
};

static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static bool engine_ready;

static pid_t engine_process;

/* At the end of the program nng's threads stop before OpenSSL is taken down under them. Not in a forked child, which
 * has no such threads, nor when the program ends with endpoints in use. */
static void engine_stop(void)
{
    (void)pthread_mutex_lock(&list_mutex);
    bool idle = list == NULL;
    (void)pthread_mutex_unlock(&list_mutex);
    if (idle && getpid() == engine_process) nng_fini();
}

/* nng sets itself up, its own TLS engine included, when the first socket opens; ours must come after. */
static void engine_start(void)
{
    nng_socket first;
    engine_process = getpid();
    /* OpenSSL registers its own end first, so that ours comes before it. */
    if (OPENSSL_init_ssl(0, NULL) != 1 || atexit(engine_stop) != 0) return;
    stream_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, engine_name);
    if (!stream_method || BIO_meth_set_write(stream_method, stream_write) != 1 ||
        BIO_meth_set_read(stream_method, stream_read) != 1 || BIO_meth_set_ctrl(stream_method, stream_control) != 1)
        return;
    if (nng_req0_open(&first) != 0) return;
    (void)nng_close(first);
    engine_ready = nng_tls_register() == 0 && nng_tls_engine_register(&engine) == 0 &&
                   strcmp(nng_tls_engine_name(), engine_name) == 0;
}

struct result tls_config_new(struct tls_endpoint *endpoint, nng_tls_mode mode, nng_tls_config **ret)
{
    nng_tls_config *config;
    ENSURE(nng_tls_config_alloc(&config, mode) == 0, CATEGORY_ENVIRONMENT, "out of memory for TLS");
    char number[24];
    (void)snprintf(number, sizeof number, "%ju", (uintmax_t)endpoint->number);
    int status = nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED);
    if (status == 0) status = nng_tls_config_own_cert(config, number, number, NULL);
    if (status != 0) {
        nng_tls_config_free(config);
        return FAIL(CATEGORY_BUG, "the TLS engine did not take its configuration: %s", nng_strerror(status));
    }
    *ret = config;
    return RESULT_OK;
}

/* --- An endpoint
 * ------------------------------------------------------------------------------------------------------ */

static bool set_up(SSL_CTX *ssl)
{
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, verify, NULL);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 && SSL_CTX_set_num_tickets(ssl, 0) == 1 &&
           SSL_CTX_set_max_early_data(ssl, 0) == 1 && SSL_CTX_set_recv_max_early_data(ssl, 0) == 1 &&
           SSL_CTX_set_ciphersuites(ssl, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1 &&
           SSL_CTX_set1_groups_list(ssl, "X25519") == 1 && SSL_CTX_set1_sigalgs_list(ssl, "ed25519") == 1 &&
           SSL_CTX_set1_client_sigalgs_list(ssl, "ed25519") == 1;
}

static struct result use_key(SSL_CTX *ssl, const struct sign_key *key)
{
    CLEANUP(certificate_key_freep) EVP_PKEY *private_key = NULL;
    CLEANUP(certificate_freep) X509 *certificate = NULL;
    TRY(certificate_key(key, &private_key));
    TRY(certificate_new(key, private_key, &certificate));
    ENSURE(SSL_CTX_use_certificate(ssl, certificate) == 1 && SSL_CTX_use_PrivateKey(ssl, private_key) == 1,
           CATEGORY_ENVIRONMENT, "OpenSSL did not take the node key");
    return RESULT_OK;
}

struct result tls_endpoint_new(const struct sign_key *key, tls_accept *accept, void *context, struct tls_endpoint **ret)
{
    (void)pthread_once(&engine_once, engine_start);
    ENSURE(engine_ready, CATEGORY_ENVIRONMENT, "the TLS engine could not be registered with nng");
    struct tls_endpoint *endpoint = calloc(1, sizeof *endpoint);
    ENSURE(endpoint, CATEGORY_ENVIRONMENT, "out of memory for TLS");
    (void)pthread_mutex_init(&endpoint->mutex, NULL);
    endpoint->accept = accept;
    endpoint->context = context;
    endpoint->ssl = SSL_CTX_new(TLS_method());
    enlist(endpoint);
    struct result result = endpoint->ssl && set_up(endpoint->ssl)
                               ? use_key(endpoint->ssl, key)
                               : FAIL(CATEGORY_ENVIRONMENT, "OpenSSL offers no TLS 1.3 with Ed25519 and X25519");
    if (!result_ok(result)) {
        let_go(endpoint);
        return result;
    }
    SSL_CTX_set_app_data(endpoint->ssl, endpoint);
    *ret = endpoint;
    return RESULT_OK;
}

/* nng takes connections apart on a thread of its own after the socket is closed; OpenSSL must not be torn down by the
 * program's end meanwhile. Bounded: a connection that nng never ends keeps what it needs. */
static void wait_for_nng(const struct tls_endpoint *endpoint)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TEARDOWN_SECONDS;
    (void)pthread_mutex_lock(&list_mutex);
    while (endpoint->holders > 1 && pthread_cond_timedwait(&list_changed, &list_mutex, &until) == 0) {
    }
    (void)pthread_mutex_unlock(&list_mutex);
}

void tls_endpoint_free(struct tls_endpoint *endpoint)
{
    if (!endpoint) return;
    (void)pthread_mutex_lock(&endpoint->mutex);
    endpoint->accept = NULL;
    (void)pthread_mutex_unlock(&endpoint->mutex);
    wait_for_nng(endpoint);
    let_go(endpoint);
}

enum tls_outcome tls_endpoint_outcome(struct tls_endpoint *endpoint, struct sign_public *ret_key)
{
    (void)pthread_mutex_lock(&endpoint->mutex);
    enum tls_outcome outcome = endpoint->outcome;
    *ret_key = endpoint->refused;
    (void)pthread_mutex_unlock(&endpoint->mutex);
    return outcome;
}
