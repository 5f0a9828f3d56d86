/* soak_learn.h - asks a server of HTTP once, to know what it will answer. */
#ifndef SOAK_LEARN_H
#define SOAK_LEARN_H

#include "soak_shape.h"

/* The answer to `request`, whose Date is a hole; over TLS (`tls` not NULL) its head alone. Dies without one. */
soak_part soak_learn(const char *where, const char *request, SSL_CTX *tls);

/* How many were asked for so far, each on a connection of its own. */
unsigned soak_learned(void);

#endif
