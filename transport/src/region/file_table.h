/* file_table.h - private: what a file cache knows, by path, and in the order of use. No lock, no system call. */
#ifndef WEIR_FILE_TABLE_H
#define WEIR_FILE_TABLE_H

#include <weir/core/list.h>
#include <weir/transport/file_cache.h>

typedef struct file_entry {
    struct file_entry *next; /* in its bucket; in a list of entries that were taken out */
    weir_list use;           /* in `opened` or `absent`, the latest used first */
    weir_file *file;         /* held; NULL: there is no such file */
    uint64_t checked;        /* when it was last looked at */
    uint64_t hash;
    char path[];
} file_entry;

typedef struct file_table {
    file_entry **buckets;
    size_t mask;
    weir_list opened, absent;
    unsigned open_count, absent_count;
} file_table;

bool file_table_init(file_table *self, weir_alloc *alloc, size_t most);

/* Takes out everything: a list of entries linked by `next`, for file_entries_free. */
file_entry *file_table_empty(file_table *self);

/* An entry of no file, in no table; NULL when out of memory. */
file_entry *file_entry_new(weir_alloc *alloc, const char *path);
void file_entries_free(file_entry *list, weir_alloc *alloc);

/* The entry of `path`, which becomes the latest used; or NULL. */
file_entry *file_table_find(file_table *self, const char *path);

/* Takes: entry, whose path is not in the table. */
void file_table_add(file_table *self, file_entry *entry);
void file_table_remove(file_table *self, file_entry *entry);

/* Another file, or none, for an entry. Takes: file. Gives: what it had. */
weir_file *file_table_set(file_table *self, file_entry *entry, weir_file *file);

/* Takes the least recently used out while there are more than these; a list as above. */
file_entry *file_table_trim(file_table *self, unsigned max_open, unsigned max_absent);

#endif
