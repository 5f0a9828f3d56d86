/* folder.h - a folder of a test's own, for files that are replaced, removed and linked. */
#ifndef WEIR_TEST_FOLDER_H
#define WEIR_TEST_FOLDER_H

#include <stddef.h>

typedef struct folder {
    char path[32];
    char file[300]; /* what folder_file has made last */
} folder;

void folder_open(folder *self);
/* With all that is in it. */
void folder_close(folder *self);

/* PATH/name. Until: the next call. */
const char *folder_file(folder *self, const char *name);

/* PATH/name holds these words: a new file, moved into its place as an editor does. */
void folder_put(folder *self, const char *name, const char *words);

#endif
