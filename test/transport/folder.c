/* folder.c - see folder.h. */
#include "folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>

void folder_open(folder *self) {
    strcpy(self->path, "/tmp/weir-folder-XXXXXX");
    require(mkdtemp(self->path) != NULL);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at) {
    (void)stat, (void)kind, (void)at;
    return remove(path);
}

void folder_close(folder *self) {
    expect_eq(nftw(self->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_file(folder *self, const char *name) {
    snprintf(self->file, sizeof self->file, "%s/%s", self->path, name);
    return self->file;
}

void folder_put(folder *self, const char *name, const char *words) {
    char fresh[64];
    snprintf(fresh, sizeof fresh, "%s/.fresh", self->path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t n = strlen(words);
    require(fd >= 0 && write(fd, words, n) == (ssize_t)n);
    close(fd);
    require(rename(fresh, folder_file(self, name)) == 0);
}
