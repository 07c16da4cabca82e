#include "sys/tls.h"

#include <limits.h>
#include <nng/nng.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/certificate.h"

struct tls_endpoint {
    tls_accept *accept;
    void *context;
    SSL_CTX *ssl;
    enum tls_outcome outcome;
    struct sign_public refused; /* with TLS_OTHER_KEY */
};

struct tls_session {
    struct tls_endpoint *endpoint;
    SSL *ssl;
    BIO *from_peer, *to_peer; /* memory; the SSL owns them */
    enum tls_state state;
    bool heard; /* data has come */
    struct sign_public peer;
    struct protocol_range offered; /* at the server */
    unsigned version;
};

/* --- The end of the program --------------------------------------------------------------------------------------- */

/* nng's threads run sessions, and OpenSSL keeps random state for each of them; they must end before OpenSSL does. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int endpoints;
static pid_t process;

/* Not in a forked child, which has no such threads, nor when the program ends with endpoints in use. */
static void stop_threads(void)
{
    if (atomic_load(&endpoints) == 0 && getpid() == process) nng_fini();
}

static void start_once(void)
{
    process = getpid();
    /* OpenSSL registers its own end first, so that ours comes before it. */
    if (OPENSSL_init_ssl(0, NULL) == 1) (void)atexit(stop_threads);
}

/* --- An endpoint -------------------------------------------------------------------------------------------------- */

/* In place of building a chain: the key that the certificate carries is accepted, or the handshake fails. That the peer
 * holds the private half is the handshake's own proof. */
static int verify(X509_STORE_CTX *store, void *argument)
{
    struct tls_endpoint *endpoint = argument;
    struct sign_public peer = {0};
    bool accepted = result_ok(certificate_public(X509_STORE_CTX_get0_cert(store), &peer)) &&
                    endpoint->accept(endpoint->context, &peer);
    if (!accepted) {
        endpoint->outcome = TLS_OTHER_KEY;
        endpoint->refused = peer;
    }
    X509_STORE_CTX_set_error(store, accepted ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return accepted;
}

/* A list of application protocols: each a length u8 and a name. Names of other things are passed over. */
static struct protocol_range offered_in(struct view list)
{
    struct protocol_range offered = {0, 0}, one;
    while (list.length > 1 && list.data[0] < list.length) {
        size_t length = list.data[0];
        if (result_ok(protocol_parse(view_of(list.data + 1, length), &one))) {
            if (!offered.oldest || one.oldest < offered.oldest) offered.oldest = one.oldest;
            if (one.newest > offered.newest) offered.newest = one.newest;
        }
        list = view_of(list.data + 1 + length, list.length - 1 - length);
    }
    return offered;
}

static const struct protocol_range first_version = {1, 1};

/* Where no version is in common none is chosen, and the handshake goes on: the refusal comes after it, in words. */
static int choose(SSL *ssl, const unsigned char **ret, unsigned char *ret_length, const unsigned char *list,
                  unsigned length, void *argument)
{
    (void)argument;
    struct tls_session *session = SSL_get_app_data(ssl);
    session->offered = offered_in(view_of(list, length));
    session->version = protocol_common(session->offered, protocol_spoken);
    for (unsigned at = 0; session->version && at + 1 + list[at] <= length; at += 1U + list[at]) {
        struct protocol_range one;
        if (!result_ok(protocol_parse(view_of(list + at + 1, list[at]), &one)) || one.oldest != session->version ||
            one.newest != session->version)
            continue;
        *ret = list + at + 1;
        *ret_length = list[at];
        return SSL_TLSEXT_ERR_OK;
    }
    session->version = 0;
    return SSL_TLSEXT_ERR_NOACK;
}

/* Newest first, as a client prefers them. */
static bool offer(SSL_CTX *ssl)
{
    CLEANUP(buffer_done) struct buffer list = {0}, name = {0};
    for (unsigned version = protocol_spoken.newest; version >= protocol_spoken.oldest; version--) {
        buffer_clear(&name);
        if (!result_ok(protocol_name((struct protocol_range){version, version}, &name)) ||
            !result_ok(buffer_u8(&list, (uint8_t)name.length)) || !result_ok(buffer_append(&list, buffer_view(&name))))
            return false;
    }
    SSL_CTX_set_alpn_select_cb(ssl, choose, NULL);
    return SSL_CTX_set_alpn_protos(ssl, list.data, (unsigned)list.length) == 0; /* this one call says 0 for success */
}

static bool set_up(SSL_CTX *ssl, struct tls_endpoint *endpoint)
{
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, verify, endpoint);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return offer(ssl) && SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) == 1 &&
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
    (void)pthread_once(&once, start_once);
    struct tls_endpoint *endpoint = calloc(1, sizeof *endpoint);
    ENSURE(endpoint, CATEGORY_ENVIRONMENT, "out of memory for TLS");
    (void)atomic_fetch_add(&endpoints, 1);
    endpoint->accept = accept;
    endpoint->context = context;
    endpoint->ssl = SSL_CTX_new(TLS_method());
    struct result result = endpoint->ssl && set_up(endpoint->ssl, endpoint)
                               ? use_key(endpoint->ssl, key)
                               : FAIL(CATEGORY_ENVIRONMENT, "OpenSSL offers no TLS 1.3 with Ed25519 and X25519");
    if (!result_ok(result)) {
        tls_endpoint_free(endpoint);
        return result;
    }
    *ret = endpoint;
    return RESULT_OK;
}

void tls_endpoint_free(struct tls_endpoint *endpoint)
{
    if (!endpoint) return;
    SSL_CTX_free(endpoint->ssl);
    free(endpoint);
    (void)atomic_fetch_sub(&endpoints, 1);
}

enum tls_outcome tls_endpoint_outcome(const struct tls_endpoint *endpoint, struct sign_public *ret_key)
{
    *ret_key = endpoint->refused;
    return endpoint->outcome;
}

/* --- A session ---------------------------------------------------------------------------------------------------- */

struct result tls_session_new(struct tls_endpoint *endpoint, bool server, struct tls_session **ret)
{
    struct tls_session *session = calloc(1, sizeof *session);
    ENSURE(session, CATEGORY_ENVIRONMENT, "out of memory for TLS");
    session->endpoint = endpoint;
    session->ssl = SSL_new(endpoint->ssl);
    session->from_peer = BIO_new(BIO_s_mem());
    session->to_peer = BIO_new(BIO_s_mem());
    bool good = session->ssl && session->from_peer && session->to_peer && SSL_set_app_data(session->ssl, session) == 1;
    if (!good) {
        (void)BIO_free(session->from_peer);
        (void)BIO_free(session->to_peer);
        SSL_free(session->ssl);
        free(session);
        return FAIL(CATEGORY_ENVIRONMENT, "out of memory for TLS");
    }
    SSL_set_bio(session->ssl, session->from_peer, session->to_peer);
    if (server) {
        SSL_set_accept_state(session->ssl);
        session->offered = first_version; /* unless it offers */
        session->version = protocol_common(first_version, protocol_spoken);
    } else {
        SSL_set_connect_state(session->ssl);
    }
    *ret = session;
    return RESULT_OK;
}

void tls_session_free(struct tls_session *session)
{
    if (!session) return;
    SSL_free(session->ssl);
    free(session);
}

/* The alerts by which a peer says that it does not want our key. */
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

static void note_failure(const struct tls_session *session, int error)
{
    int reason = error == SSL_ERROR_SSL ? ERR_GET_REASON(ERR_peek_error()) : 0;
    if (is_refusal(reason))
        session->endpoint->outcome = TLS_REFUSED;
    else if (session->state == TLS_SHAKING && reason != SSL_R_CERTIFICATE_VERIFY_FAILED) /* verify has noted that */
        session->endpoint->outcome = TLS_BROKEN;
}

static bool is_waiting(int error)
{
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* The version that the server chose, at the client. */
static unsigned chosen(const struct tls_session *session)
{
    const unsigned char *name = NULL;
    unsigned length = 0;
    struct protocol_range choice = first_version;
    SSL_get0_alpn_selected(session->ssl, &name, &length);
    if (name && !result_ok(protocol_parse(view_of(name, length), &choice))) return 0;
    return choice.oldest == choice.newest ? protocol_common(choice, protocol_spoken) : 0;
}

enum tls_state tls_session_take(struct tls_session *session, struct view bytes)
{
    if (bytes.length && BIO_write(session->from_peer, bytes.data, (int)bytes.length) != (int)bytes.length)
        session->state = TLS_FAILED;
    if (session->state != TLS_SHAKING) return session->state;
    ERR_clear_error();
    int returned = SSL_do_handshake(session->ssl);
    if (returned == 1) {
        X509 *certificate = SSL_get0_peer_certificate(session->ssl);
        session->state = result_ok(certificate_public(certificate, &session->peer)) ? TLS_OPEN : TLS_FAILED;
        if (!SSL_is_server(session->ssl)) session->version = chosen(session);
        return session->state;
    }
    int error = SSL_get_error(session->ssl, returned);
    if (is_waiting(error)) return TLS_SHAKING;
    note_failure(session, error);
    session->state = TLS_FAILED;
    return TLS_FAILED;
}

const struct sign_public *tls_session_peer(const struct tls_session *session)
{
    return &session->peer;
}

unsigned tls_session_version(const struct tls_session *session)
{
    return session->version;
}

struct protocol_range tls_session_offered(const struct tls_session *session)
{
    return session->offered;
}

struct result tls_session_read(struct tls_session *session, struct buffer *out)
{
    enum { RECORD_MAX = 16 << 10 };
    for (;;) {
        uint8_t *start;
        size_t before = out->length, moved = 0;
        TRY(buffer_extend(out, RECORD_MAX, &start));
        ERR_clear_error();
        int returned = SSL_read_ex(session->ssl, start, RECORD_MAX, &moved);
        out->length = before + moved;
        if (returned == 1) {
            /* Only now is it sure that the peer has accepted us, too: its refusal comes after our handshake's end. */
            if (!session->heard) session->endpoint->outcome = TLS_ESTABLISHED;
            session->heard = true;
            continue;
        }
        int error = SSL_get_error(session->ssl, returned);
        if (is_waiting(error)) return RESULT_OK;
        note_failure(session, error);
        session->state = TLS_FAILED;
        return FAIL(CATEGORY_PEER, "the peer ended the TLS session");
    }
}

struct result tls_session_write(struct tls_session *session, struct view bytes)
{
    if (bytes.length == 0) return RESULT_OK;
    ERR_clear_error();
    size_t moved = 0;
    ENSURE(SSL_write_ex(session->ssl, bytes.data, bytes.length, &moved) == 1 && moved == bytes.length, CATEGORY_PEER,
           "the TLS session takes no more");
    return RESULT_OK;
}

size_t tls_session_output(struct tls_session *session, uint8_t *out, size_t room)
{
    int got = BIO_read(session->to_peer, out, (int)(room < INT_MAX ? room : INT_MAX));
    return got > 0 ? (size_t)got : 0;
}
