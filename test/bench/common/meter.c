/* meter.c - reads /proc. The scheduler's own run time is exact to the nanosecond; utime and stime of
 * /proc/PID/stat would be ticks of 10 ms. */
#include "meter.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loopback.h"

uint64_t meter_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t thread_cpu(const char *folder, const char *thread) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s/schedstat", folder, thread);
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0; /* it ended since the folder was listed */
    uint64_t ns = 0;
    if (fscanf(file, "%" SCNu64, &ns) != 1) ns = 0;
    fclose(file);
    return ns;
}

uint64_t meter_cpu(uint64_t pid) {
    char folder[64];
    snprintf(folder, sizeof folder, "/proc/%" PRIu64 "/task", pid != 0 ? pid : (uint64_t)getpid());
    DIR *threads = opendir(folder);
    if (threads == NULL) die(folder);
    uint64_t sum = 0;
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        if (entry->d_name[0] != '.') sum += thread_cpu(folder, entry->d_name);
    }
    closedir(threads);
    return sum;
}

uint64_t meter_memory(uint64_t pid, const char *line) {
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/smaps_rollup", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) die(path);
    size_t len = strlen(line);
    uint64_t kib = 0;
    while (fgets(text, sizeof text, file) != NULL) {
        if (strncmp(text, line, len) == 0 && text[len] == ':') sscanf(text + len + 1, "%" SCNu64, &kib);
    }
    fclose(file);
    return kib * 1024;
}
