/* zero_copy_tour.c - one file over loopback by five ways, measured side by side.
 *
 * Rounds are interleaved (every way once, then again) and each number is the median over them; one round
 * before them is not timed and compares every byte at the far end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/core.h>

#include "classic.h"
#include "common/args.h"
#include "loopback.h"
#include "measure.h"
#include "ways.h"

enum {
    ROUNDS_MAX = 100,
};
static const double GB = 1e9;

/* The rounds of one way. */
struct result {
    double mb_per_second[ROUNDS_MAX], cpu_per_gb[ROUNDS_MAX], faults_per_gb[ROUNDS_MAX];
    double calls_per_gb[ROUNDS_MAX], copies[ROUNDS_MAX], switches[ROUNDS_MAX];
};

struct tour {
    int file;
    uint64_t size;
    struct loopback *link;
};

/* A file of noise that nobody else sees and that goes with its descriptor; -1 and errno on failure. */
static int make_file(uint64_t size) {
    const char *folder = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/zero_copy_tour.XXXXXX", folder == NULL ? "/tmp" : folder);
    int file = mkstemp(path);
    if (file < 0) return -1;
    unlink(path);
    static uint64_t noise[1 << 17];
    uint64_t seed = 0x9e3779b97f4a7c15u;
    for (uint64_t done = 0; done < size;) {
        for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            noise[i] = seed;
        }
        ssize_t n = write(file, noise, size - done < sizeof noise ? (size_t)(size - done) : sizeof noise);
        if (n <= 0) {
            close(file);
            return -1;
        }
        done += (uint64_t)n;
    }
    return file;
}

/* One way once, with every byte compared at the far end. */
static weir_status verify(const struct tour *tour, const struct way *way) {
    void *map = mmap(NULL, (size_t)tour->size, PROT_READ, MAP_SHARED, tour->file, 0);
    if (map == MAP_FAILED) return weir_status_from_errno(errno);
    struct way_count count = {0};
    loopback_expect(tour->link, tour->size, map);
    weir_status status = way->send(tour->file, tour->size, loopback_fd(tour->link), &count);
    if (status == WEIR_OK) status = loopback_wait(tour->link);
    if (status == WEIR_OK) munmap(map, (size_t)tour->size); /* else the far end may still look at it */
    return status;
}

static weir_status measure(const struct tour *tour, const struct way *way, struct result *result,
                           unsigned round) {
    struct way_count count = {0};
    loopback_expect(tour->link, tour->size, NULL);
    uint64_t faults = thread_faults(), cpu = thread_cpu_ns(), start = now_ns();
    weir_status status = way->send(tour->file, tour->size, loopback_fd(tour->link), &count);
    cpu = thread_cpu_ns() - cpu;
    faults = thread_faults() - faults;
    if (status == WEIR_OK) status = loopback_wait(tour->link);
    double seconds = (double)(now_ns() - start) / 1e9, bytes = (double)tour->size;
    result->mb_per_second[round] = bytes / 1e6 / seconds;
    result->cpu_per_gb[round] = (double)cpu / 1e9 / bytes * GB;
    result->calls_per_gb[round] = (double)count.calls / bytes * GB;
    result->faults_per_gb[round] = (double)faults / bytes * GB;
    result->copies[round] = (double)count.user_bytes / bytes;
    result->switches[round] = 2 * (double)count.calls;
    return status;
}

static void print_results(const struct tour *tour, struct result *results, unsigned rounds) {
    printf("%.1f MB over loopback TCP, median of %u interleaved rounds, each byte verified beforehand\n\n",
           (double)tour->size / 1e6, rounds);
    printf("  %-22s %9s %9s %12s %10s   %-17s  %s\n", "", "", "", "", "page", "user-space copies",
           "mode switches");
    printf("  %-22s %9s %9s %12s %10s %9s %9s %9s %10s\n", "way", "MB/s", "CPU s/GB", "syscalls/GB",
           "faults/GB", "textbook", "counted", "textbook", "counted");
    for (size_t i = 0; i < WAYS; i++) {
        struct result *r = &results[i];
        printf("  %-22s %9.0f %9.3f %12.0f %10.0f %9u %9.2f %9u %10.0f\n", ways[i].name,
               median(r->mb_per_second, rounds), median(r->cpu_per_gb, rounds),
               median(r->calls_per_gb, rounds), median(r->faults_per_gb, rounds), ways[i].textbook_copies,
               median(r->copies, rounds), ways[i].textbook_switches, median(r->switches, rounds));
    }
    printf(
        "\n  CPU is the sending thread's. The textbook lets one call move the whole file; counted are two\n"
        "  switches for each system call of this transfer. The faults of mmap happen inside write.\n");
}

static weir_status take_tour(const struct tour *tour, unsigned rounds, unsigned seconds) {
    static struct result results[WAYS];
    weir_status status = WEIR_OK;
    for (size_t i = 0; status == WEIR_OK && i < WAYS; i++) status = verify(tour, &ways[i]);
    uint64_t end = now_ns() + seconds * UINT64_C(1000000000);
    unsigned done = 0;
    while (status == WEIR_OK && done < rounds && (done == 0 || now_ns() < end)) {
        for (size_t i = 0; status == WEIR_OK && i < WAYS; i++)
            status = measure(tour, &ways[i], &results[i], done);
        done++;
    }
    if (status == WEIR_OK) print_results(tour, results, done);
    if (status == WEIR_OK) status = classic_copy_or_slice();
    if (status == WEIR_OK) status = classic_read_or_map(tour->file, tour->size);
    return status;
}

/* The file to send: `path`, or one made for the occasion. Answers 0, or 1 after saying what is wrong. */
static int open_file(struct tour *tour, const char *path) {
    struct stat stat;
    if (path == NULL) {
        tour->file = make_file(tour->size);
        return tour->file >= 0
                   ? 0
                   : complain("cannot make a file of %" PRIu64 " bytes: %s", tour->size, strerror(errno));
    }
    tour->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (tour->file < 0 || fstat(tour->file, &stat) != 0)
        return complain("cannot open '%s': %s", path, strerror(errno));
    if (!S_ISREG(stat.st_mode) || stat.st_size == 0)
        return complain("'%s' is not a file with bytes in it", path);
    tour->size = (uint64_t)stat.st_size;
    return 0;
}

int main(int argc, char **argv) {
    unsigned mebibytes = 256, rounds = 9, seconds = 15;
    const char *path = NULL;
    args_parse(
        &argc, argv, "Sends one file over loopback by five ways and shows what each of them costs.", "",
        (args_option[]){
            {"--size", "MIB", "size of the file that is made", .number = &mebibytes, .min = 1, .max = 65536},
            {"--file", "PATH", "send this file instead", .text = &path},
            {"--rounds", "N", "times every way is measured", .number = &rounds, .min = 1, .max = ROUNDS_MAX},
            {"--seconds", "S", "no new round begins after", .number = &seconds, .min = 1, .max = 3600},
            {0}});
    struct tour tour = {.file = -1, .size = (uint64_t)mebibytes << 20};
    if (open_file(&tour, path) != 0) return 1;
    weir_status status = loopback_open(&tour.link);
    if (status == WEIR_OK) {
        status = take_tour(&tour, rounds, seconds);
        loopback_close(tour.link);
    }
    close(tour.file);
    if (status != WEIR_OK) return complain("the tour ended early: %s", weir_status_text(status));
    return weir_leak_report(stderr) == 0 ? 0 : 1;
}
