/* tls_engine_state.h - private: what an engine is. */
#ifndef WEIR_CODEC_TLS_ENGINE_STATE_H
#define WEIR_CODEC_TLS_ENGINE_STATE_H

#include <weir/codec/tls_engine.h>

#include "tls/tls_bio.h"
#include "tls/tls_context_state.h"

/* Texts of the peer's certificate, made when somebody asks. */
typedef struct tls_peer_texts {
    char subject[256], issuer[256];
    uint8_t sha256[32];
    unsigned char *der; /* OpenSSL's */
    int der_len;
} tls_peer_texts;

struct weir_tls_engine {
    weir_tls_context *context; /* held */
    SSL *ssl;
    tls_bio bio;
    size_t record_first, record_grow;
    unsigned record_idle_ms;
    uint64_t rekey_records;
    size_t grown;          /* bytes sent in small records since it was quiet */
    uint64_t now, written; /* ms: what time it is, and when something was written last */
    uint64_t rekeyed;      /* records_written when the keys were new */
    uint64_t seen,
        opened; /* bytes of the peer in records whose header was seen; and of those opened wholly */
    weir_tls_stats stats;
    weir_tls_why *why; /* made by a failure */
    tls_peer_texts *peer;
    weir_status failure; /* the first one, which is final */
    bool done;           /* the handshake */
    bool began;          /* the handshake, which counts as failed unless it is done */
    bool owes_keys;      /* the peer has asked for new ones */
    bool dry;            /* nothing to open before more is fed */
    bool sent_end, saw_end;
};

/* Notes why `answer` of an operation of OpenSSL was no success: -EAGAIN, WEIR_OK for the peer's close_notify, else a
 * failure that is final. */
weir_status tls_engine_judge(weir_tls_engine *self, int answer, const char *what);

/* Whether the context lets the kernel send. */
bool tls_engine_lets_kernel(const weir_tls_engine *self);
/* Before the handshake: `kernel` may take the sending over when the keys are known. Borrows: kernel, for its life. */
void tls_engine_offer(weir_tls_engine *self, tls_kernel *kernel);

/* From now on so many records of the peer, of whatever kind, are begun (at first: all). When they are used up the handshake and
 * reads answer -EAGAIN, and it is stalled until it is given another share, if there is more. */
void tls_engine_begin_share(weir_tls_engine *self, uint64_t records);
bool tls_engine_is_stalled(const weir_tls_engine *self);

/* Most plaintext in the next record. */
size_t tls_engine_record_size(const weir_tls_engine *self);

#endif
