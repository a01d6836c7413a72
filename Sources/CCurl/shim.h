// libcurl as Swift sees it: its setters and getters are variadic, which Swift does not import, so each type has one here.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

// libcurl copies the text; NULL takes the option back.
static inline CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *text) {
    return curl_easy_setopt(easy, option, text);
}

// libcurl keeps the pointer: what it points to must outlive the transfer.
static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, const void *pointer) {
    return curl_easy_setopt(easy, option, (void *)pointer);
}

static inline CURLcode ccurl_set_callback(CURL *easy, CURLoption option, curl_write_callback callback) {
    return curl_easy_setopt(easy, option, callback);
}

// libcurl copies the bytes; NULL takes the option back.
static inline CURLcode ccurl_set_blob(CURL *easy, CURLoption option, const void *bytes, size_t count) {
    if (!bytes) return curl_easy_setopt(easy, option, NULL);
    struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

static inline CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode ccurl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline void *ccurl_get_private(CURL *easy) {
    char *pointer = NULL;
    return curl_easy_getinfo(easy, CURLINFO_PRIVATE, &pointer) == CURLE_OK ? pointer : NULL;
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

// The next transfer that has ended, and how; NULL where none has.
static inline CURL *ccurl_next_ended(CURLM *multi, CURLcode *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left))) {
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return message->easy_handle;
        }
    }
    return NULL;
}

// Whether a certificate says in its subjectAltName for which names or addresses it is: without one libcurl would fall
// back on the common name, which RFC 9110 section 4.3.4 forbids.
static int ccurl_names_a_host(int is_verified, X509_STORE_CTX *context) {
    if (!is_verified || X509_STORE_CTX_get_error_depth(context) != 0) return is_verified;
    int found = 0;
    X509 *certificate = X509_STORE_CTX_get_current_cert(context);
    GENERAL_NAMES *names = certificate ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
    for (int index = 0; names && index < sk_GENERAL_NAME_num(names); index++) {
        int type = sk_GENERAL_NAME_value(names, index)->type;
        if (type == GEN_DNS || type == GEN_IPADD) found = 1;
    }
    GENERAL_NAMES_free(names);
    if (!found) X509_STORE_CTX_set_error(context, X509_V_ERR_HOSTNAME_MISMATCH);
    return found;
}

static CURLcode ccurl_prepare_tls(CURL *easy, void *context, void *store) {
    (void)easy;
    if (store) SSL_CTX_set1_cert_store((SSL_CTX *)context, (X509_STORE *)store);
    SSL_CTX_set_verify((SSL_CTX *)context, SSL_VERIFY_PEER, ccurl_names_a_host);
    return CURLE_OK;
}

// Refuses certificates that have a common name alone, for servers and proxies.
static inline CURLcode ccurl_require_subject_names(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, ccurl_prepare_tls);
}

// memfd_create(2), which the C library declares only where Swift would see its other declarations otherwise.
int memfd_create(const char *name, unsigned int flags);

// The authorities in a file of PEM, read once for all connections: of a blob libcurl would read them for each anew. NULL where
// there is none. The first of them is in a file in memory, `file`: libcurl tells connections apart by the name of such a file.
static inline void *ccurl_read_authorities(const void *bytes, size_t count, int *file) {
    BIO *text = BIO_new_mem_buf(bytes, (int)count);
    STACK_OF(X509_INFO) *found = text ? PEM_X509_INFO_read_bio(text, NULL, NULL, NULL) : NULL;
    X509_STORE *store = found ? X509_STORE_new() : NULL;
    BIO *first = store ? BIO_new(BIO_s_mem()) : NULL;
    *file = -1;
    for (int index = 0; first && index < sk_X509_INFO_num(found); index++) {
        X509_INFO *entry = sk_X509_INFO_value(found, index);
        if (entry->crl) X509_STORE_add_crl(store, entry->crl);
        if (!entry->x509 || !X509_STORE_add_cert(store, entry->x509) || *file >= 0) continue;
        char *written = NULL;
        long length = PEM_write_bio_X509(first, entry->x509) ? BIO_get_mem_data(first, &written) : 0;
        int descriptor = memfd_create("authority", 1 /* MFD_CLOEXEC */);
        if (descriptor >= 0 && length > 0 && write(descriptor, written, (size_t)length) == length) *file = descriptor;
        else if (descriptor >= 0) close(descriptor);
    }
    // As libcurl has it: an authority need not be a root.
    if (store) X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    if (store && *file < 0) {
        X509_STORE_free(store);
        store = NULL;
    }
    BIO_free(first);
    sk_X509_INFO_pop_free(found, X509_INFO_free);
    BIO_free(text);
    return store;
}

// Has the authorities of `store` count instead of those of the options; NULL takes that back. It must stay.
static inline CURLcode ccurl_set_authorities(CURL *easy, void *store) {
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, store);
}

// The file of authorities that libcurl was built with; NULL where there is none.
static inline const char *ccurl_usual_authorities(CURL *easy) {
    char *path = NULL;
    return curl_easy_getinfo(easy, CURLINFO_CAINFO, &path) == CURLE_OK ? path : NULL;
}

// Bytes that have come over a TCP connection: tcpi_bytes_received of linux/tcp.h, whose struct is another one than the C
// library's, so that both cannot be read; 0 where the kernel does not say.
static inline unsigned long long ccurl_bytes_received(int fd) {
    unsigned char info[256] = {0};
    socklen_t size = sizeof info;
    unsigned long long bytes = 0;
    if (getsockopt(fd, IPPROTO_TCP, 11 /* TCP_INFO */, info, &size) != 0 || size < 136) return 0;
    __builtin_memcpy(&bytes, info + 128, sizeof bytes);
    return bytes;
}

// Milliseconds since data came over a TCP connection last: tcpi_last_data_recv of the same; 0 where the kernel does not say.
static inline unsigned int ccurl_silence(int fd) {
    unsigned char info[256] = {0};
    socklen_t size = sizeof info;
    unsigned int silence = 0;
    if (getsockopt(fd, IPPROTO_TCP, 11 /* TCP_INFO */, info, &size) != 0 || size < 56) return 0;
    __builtin_memcpy(&silence, info + 52, sizeof silence);
    return silence;
}

// The descriptor of the connection that was used last, as long as it is open; -1 otherwise.
static inline int ccurl_active_socket(CURL *easy) {
    curl_socket_t socket = -1;
    return curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK ? (int)socket : -1;
}

static inline CURLcode ccurl_set_socket_callbacks(
    CURL *easy, curl_opensocket_callback open, void *opener, curl_closesocket_callback close, void *closer
) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, opener);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close);
    return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, closer) : code;
}

// Asked before a name is looked up; another answer than 0 ends the transfer.
static inline CURLcode ccurl_set_lookup_callback(CURL *easy, curl_resolver_start_callback callback, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, callback);
    return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, context) : code;
}

// A socket that no child process inherits.
static inline curl_socket_t ccurl_open_socket(const struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
