/* deflate_params.c - the parameters of permessage-deflate, as both ends agree on them (RFC 7692 7.1). */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_dump.h>
#include <weir/codec/websocket_deflate.h>

#include "value_list.h"

/* One element of the header field. Bits: 0 where there is no such parameter. */
typedef struct element {
    bool server_no_takeover, client_no_takeover;
    bool has_client_bits; /* there, perhaps without a value */
    unsigned server_bits, client_bits;
} element;

enum {
    LEAST = 8,
    OWN_LEAST = 9, /* zlib cannot write with a window of 8 bits */
    MOST = 15
};

static unsigned own_bits(const weir_websocket_deflate_options *options) {
    return options->own_window_bits != 0 ? options->own_window_bits : MOST;
}

static unsigned peer_bits(const weir_websocket_deflate_options *options) {
    return options->peer_window_bits != 0 ? options->peer_window_bits : MOST;
}

/* A number from 8 to 15, without leading zeros, perhaps in quotes. */
static bool read_bits(weir_bytes value, unsigned *out) {
    uint64_t bits;
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"') {
        value = weir_bytes_sub(value, 1, value.len - 2);
    }
    if (value.len == 0 || value.ptr[0] == '0' || !weir_bytes_to_u64(value, &bits)) return false;
    if (bits < LEAST || bits > MOST || *out != 0) return false;
    *out = (unsigned)bits;
    return true;
}

static bool set_flag(bool *flag, bool has_value) {
    bool is_right = !*flag && !has_value;
    *flag = true;
    return is_right;
}

/* Unknown ones, double ones and wrong values make the whole element unacceptable. */
static bool read_parameter(element *self, weir_bytes parameter) {
    size_t equals = weir_bytes_find(parameter, '=');
    bool has_value = equals != WEIR_NOT_FOUND;
    weir_bytes name = weir_bytes_trim(weir_bytes_sub(parameter, 0, equals));
    weir_bytes value = has_value ? weir_bytes_trim(weir_bytes_sub(parameter, equals + 1, parameter.len))
                                 : weir_bytes_of(NULL, 0);
    if (weir_bytes_equal_nocase(name, weir_bytes_str("server_no_context_takeover"))) {
        return set_flag(&self->server_no_takeover, has_value);
    }
    if (weir_bytes_equal_nocase(name, weir_bytes_str("client_no_context_takeover"))) {
        return set_flag(&self->client_no_takeover, has_value);
    }
    if (weir_bytes_equal_nocase(name, weir_bytes_str("server_max_window_bits"))) {
        return has_value && read_bits(value, &self->server_bits);
    }
    if (!weir_bytes_equal_nocase(name, weir_bytes_str("client_max_window_bits"))) return false;
    if (self->has_client_bits) return false;
    self->has_client_bits = true;
    return !has_value || read_bits(value, &self->client_bits);
}

static bool read_element(element *self, weir_bytes text) {
    weir_bytes piece;
    *self = (element){0};
    if (!value_list_next(&text, ';', &piece)) return false;
    if (!weir_bytes_equal_nocase(piece, weir_bytes_str("permessage-deflate"))) return false;
    while (value_list_next(&text, ';', &piece)) {
        if (!read_parameter(self, piece)) return false;
    }
    return true;
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* What a server says to an offer; false when it cannot do what is asked. */
static bool agree(weir_websocket_deflate_params *out, const element *offer,
                  const weir_websocket_deflate_options *options) {
    unsigned own = least(own_bits(options), offer->server_bits != 0 ? offer->server_bits : MOST);
    unsigned peer = offer->client_bits != 0 ? offer->client_bits : MOST;
    if (own < OWN_LEAST) return false;
    if (offer->has_client_bits) peer = least(peer, peer_bits(options));
    *out = (weir_websocket_deflate_params){
        .on = true,
        .own_no_takeover = offer->server_no_takeover || options->own_no_takeover || options->release,
        .peer_no_takeover = offer->client_no_takeover || options->peer_no_takeover,
        .own_window_bits = (uint8_t)own,
        .peer_window_bits = (uint8_t)peer,
    };
    return true;
}

bool weir_websocket_deflate_accept(weir_websocket_deflate_params *out, weir_bytes offers,
                                   const weir_websocket_deflate_options *options) {
    weir_bytes text;
    *out = (weir_websocket_deflate_params){0};
    while (options->on && value_list_next(&offers, ',', &text)) {
        element offer;
        if (read_element(&offer, text) && agree(out, &offer, options)) return true;
    }
    return false;
}

void weir_websocket_deflate_answer(const weir_websocket_deflate_params *params, weir_buf *out) {
    weir_buf_write_str(out, "permessage-deflate");
    if (params->own_no_takeover) weir_buf_write_str(out, "; server_no_context_takeover");
    if (params->peer_no_takeover) weir_buf_write_str(out, "; client_no_context_takeover");
    if (params->own_window_bits < MOST) {
        weir_buf_printf(out, "; server_max_window_bits=%u", (unsigned)params->own_window_bits);
    }
    if (params->peer_window_bits < MOST) {
        weir_buf_printf(out, "; client_max_window_bits=%u", (unsigned)params->peer_window_bits);
    }
}

void weir_websocket_deflate_offer(const weir_websocket_deflate_options *options, weir_buf *out) {
    weir_buf_write_str(out, "permessage-deflate");
    if (options->peer_no_takeover) weir_buf_write_str(out, "; server_no_context_takeover");
    if (options->own_no_takeover || options->release) weir_buf_write_str(out, "; client_no_context_takeover");
    if (peer_bits(options) < MOST) {
        weir_buf_printf(out, "; server_max_window_bits=%u", peer_bits(options));
    }
    weir_buf_write_str(out, "; client_max_window_bits");
    if (own_bits(options) < MOST) weir_buf_printf(out, "=%u", own_bits(options));
}

/* The answer may ask for less than was offered, never for more (RFC 7692 7.1). */
bool weir_websocket_deflate_confirm(weir_websocket_deflate_params *out, weir_bytes answer,
                                    const weir_websocket_deflate_options *options) {
    element said;
    weir_bytes text, second;
    *out = (weir_websocket_deflate_params){0};
    if (!options->on || !value_list_next(&answer, ',', &text) || !read_element(&said, text)) return false;
    if (value_list_next(&answer, ',', &second)) return false;
    if (options->peer_no_takeover && !said.server_no_takeover) return false;
    unsigned peer = said.server_bits != 0 ? said.server_bits : MOST;
    if (peer > peer_bits(options) || (said.has_client_bits && said.client_bits == 0)) return false;
    unsigned own = said.client_bits != 0 ? said.client_bits : own_bits(options);
    if (own > own_bits(options) || own < OWN_LEAST) return false;
    *out = (weir_websocket_deflate_params){
        .on = true,
        .own_no_takeover = said.client_no_takeover || options->own_no_takeover || options->release,
        .peer_no_takeover = said.server_no_takeover,
        .own_window_bits = (uint8_t)own,
        .peer_window_bits = (uint8_t)peer,
    };
    return true;
}
