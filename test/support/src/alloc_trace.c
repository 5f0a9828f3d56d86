/* alloc_trace.c - a table of return addresses, written out with the program they belong to. */
#include "alloc_trace.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FRAMES = 60,
    SLOTS = 1 << 14, /* a program has some hundreds of them */
    REFUSED = 1
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uintptr_t seen[2][SLOTS];

static const char *folder(void) {
    return getenv("WEIR_ALLOC_TRACE");
}

static void note(uintptr_t *slots, uintptr_t address) {
    size_t at = (size_t)(address * UINT64_C(0x9E3779B97F4A7C15) >> 50);
    for (size_t tried = 0; tried < SLOTS && slots[at] != address; tried++) {
        if (slots[at] == 0) slots[at] = address;
        if (slots[at] != address) at = (at + 1) % SLOTS;
    }
}

void alloc_trace_note(bool was_refused) {
    void *frames[FRAMES];
    if (folder() == NULL) return;
    int count = backtrace(frames, FRAMES);
    pthread_mutex_lock(&lock);
    for (int i = 1; i < count; i++) note(seen[was_refused ? REFUSED : 0], (uintptr_t)frames[i]);
    pthread_mutex_unlock(&lock);
}

/* What of it is the program's own; a runner may have given it another name. */
static void write_line(FILE *out, const char *program, uintptr_t address, bool was_refused) {
    Dl_info here, info;
    if (dladdr(&lock, &here) == 0 || dladdr((void *)address, &info) == 0) return;
    if (info.dli_fbase != here.dli_fbase) return;
    fprintf(out, "%s %s %" PRIxPTR "\n", was_refused ? "refused" : "asked", program,
            address - (uintptr_t)info.dli_fbase - 1); /* within the call, not behind it */
}

void alloc_trace_write(void) {
    char path[4096], program[4096] = "";
    if (folder() == NULL || readlink("/proc/self/exe", program, sizeof program - 1) < 0) return;
    snprintf(path, sizeof path, "%s/%d", folder(), (int)getpid());
    FILE *out = fopen(path, "a");
    if (out == NULL) return;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < SLOTS; i++) {
        if (seen[0][i] != 0) write_line(out, program, seen[0][i], false);
        if (seen[REFUSED][i] != 0) write_line(out, program, seen[REFUSED][i], true);
    }
    pthread_mutex_unlock(&lock);
    fclose(out);
}
