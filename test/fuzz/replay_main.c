/* Feeds a fuzz target its corpus: each file whole, then its short prefixes, then nothing at all.
 *
 * Stands in for libFuzzer's main where that is not available, so the corpus runs in every build.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PREFIX_MAX = 64
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each input in a block of its own size, so that a read past its end is seen by a sanitizer. */
static void feed(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL) abort();
    if (size != 0) memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static uint8_t *read_whole(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    uint8_t *data = NULL;
    size_t room = 0;
    size_t n = 0;
    do {
        *size += n;
        if (*size == room) {
            room = room == 0 ? 4096 : room * 2;
            data = realloc(data, room);
            if (data == NULL) abort();
        }
        n = fread(data + *size, 1, room - *size, file);
    } while (n != 0);
    fclose(file);
    return data;
}

static int replay_file(const char *path) {
    size_t size = 0;
    uint8_t *data = read_whole(path, &size);
    if (data == NULL) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        return 1;
    }
    feed(data, size);
    for (size_t n = 1; n < size && n <= PREFIX_MAX; n++) feed(data, n);
    free(data);
    return 0;
}

static int replay_dir(const char *path, size_t *count) {
    DIR *dir = opendir(path);
    if (dir == NULL) return 0; /* a target without a corpus still gets the empty input */
    int failed = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') continue;
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        failed |= replay_file(name);
        (*count)++;
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv) {
    int failed = 0;
    size_t count = 0;
    feed(NULL, 0);
    for (int i = 1; i < argc; i++) failed |= replay_dir(argv[i], &count);
    printf("replayed %zu inputs\n", count);
    return failed;
}
