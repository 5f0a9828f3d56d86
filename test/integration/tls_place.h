/* tls_place.h - a folder with certificates in it, a program of ours that serves TLS with them, and scripts of the shell
 * in which the programs of others talk to it.
 *
 *     In a script: $port of the server; $bin, where our programs are; ca.pem; await WORDS FILE waits until a line has them.
 */
#ifndef TEST_TLS_PLACE_H
#define TEST_TLS_PLACE_H

#include "codec/tls_certs.h"
#include "place.h"
#include "program.h"

struct tls_place {
    struct place place;
    tls_certs *certs;
    struct program server; /* NULs: none */
    unsigned port;
};

/* The folder, with ca.pem and, of an authority nobody trusts, other.pem in it. */
void tls_place_open(struct tls_place *self);

/* The file `name` with a certificate, its chain and its key. cert: as for tls_certs_make. */
void tls_place_cert(struct tls_place *self, const char *name, const tls_cert *cert);

/* Starts a server with the certificate in cert.pem; it is the usual one unless there is one. `more`: up to three words,
 * NULL behind the last. */
void tls_place_serve(struct tls_place *self, const char *program, const char *more, const char *value,
                     const char *flag);

/* http_file_server with listings over the folder. */
void tls_place_serve_files(struct tls_place *self);

/* Runs a script in the folder. A command in it that fails is a failed test, with what was said. */
void tls_place_run(struct tls_place *self, const char *script);

/* Ends all; a server must end with 0. */
void tls_place_close(struct tls_place *self);

#endif
