/* access_log.h - lines from all loops to one file, written by a thread of its own at most a second later.
 *
 * A loop never waits for the disk: it copies its line under a lock. When more than ACCESS_LOG_MAX bytes wait, lines are
 * dropped and counted.
 */
#ifndef HTTP_FILE_SERVER_ACCESS_LOG_H
#define HTTP_FILE_SERVER_ACCESS_LOG_H

#include <pthread.h>

#include <weir/codec/http_access_log.h>

enum {
    ACCESS_LOG_MAX = 16 << 20,
};

struct access_log {
    int fd;
    pthread_t writer;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t ended;
    weir_buf *lines;
    unsigned long long dropped;
    bool is_ending;
};

/* `path` "-": standard output. Fails: -errno, WEIR_E_NO_MEMORY. */
weir_status access_log_open(struct access_log *self, const char *path);

/* A weir_http_files_log_fn; arg is the log. */
void access_log_add(void *log, const weir_http_access_log *entry);

/* Goes on in a file at `path` made anew, after the old one was moved away. Fails, and goes on in the old one: -errno. */
weir_status access_log_reopen(struct access_log *self, const char *path);

/* Writes what waits, and answers how many lines were dropped. */
unsigned long long access_log_close(struct access_log *self);

#endif
