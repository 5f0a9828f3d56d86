/* file_table.c - buckets of chains, and two lists in the order of use: files, and paths without one.
 *
 * The chains are as long as a stranger likes who knows the hash, but there are never more entries than the limits.
 */
#include "region/file_table.h"

#include <string.h>

#include <weir/core/alloc.h>

static uint64_t hash_of(const char *path) { /* FNV-1a */
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *path != '\0'; path++) hash = (hash ^ (uint8_t)*path) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

bool file_table_init(file_table *self, weir_alloc *alloc, size_t most) {
    size_t buckets = 16;
    while (buckets < most && buckets <= SIZE_MAX / 2) buckets *= 2;
    *self =
        (file_table){.buckets = weir_alloc_zeroed(alloc, buckets, sizeof(file_entry *)), .mask = buckets - 1};
    weir_list_init(&self->opened);
    weir_list_init(&self->absent);
    return self->buckets != NULL;
}

file_entry *file_table_empty(file_table *self) {
    return file_table_trim(self, 0, 0);
}

file_entry *file_entry_new(weir_alloc *alloc, const char *path) {
    size_t size = strlen(path) + 1;
    file_entry *entry = weir_alloc_acquire(alloc, sizeof *entry + size);
    if (entry == NULL) return NULL;
    *entry = (file_entry){.hash = hash_of(path)};
    memcpy(entry->path, path, size);
    return entry;
}

void file_entries_free(file_entry *list, weir_alloc *alloc) {
    while (list != NULL) {
        file_entry *entry = list;
        list = entry->next;
        weir_file_release(entry->file);
        weir_alloc_release(alloc, entry);
    }
}

/* ---- order of use ---- */

static void enter(file_table *self, file_entry *entry) {
    weir_list_push_front(entry->file != NULL ? &self->opened : &self->absent, &entry->use);
    if (entry->file != NULL) self->open_count++;
    if (entry->file == NULL) self->absent_count++;
}

static void leave(file_table *self, file_entry *entry) {
    weir_list_remove(&entry->use);
    if (entry->file != NULL) self->open_count--;
    if (entry->file == NULL) self->absent_count--;
}

/* ---- the table ---- */

static file_entry **bucket_of(file_table *self, uint64_t hash) {
    return &self->buckets[hash & self->mask];
}

file_entry *file_table_find(file_table *self, const char *path) {
    uint64_t hash = hash_of(path);
    file_entry *entry = *bucket_of(self, hash);
    while (entry != NULL && (entry->hash != hash || strcmp(entry->path, path) != 0)) entry = entry->next;
    if (entry == NULL) return NULL;
    leave(self, entry);
    enter(self, entry);
    return entry;
}

void file_table_add(file_table *self, file_entry *entry) {
    file_entry **bucket = bucket_of(self, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    enter(self, entry);
}

void file_table_remove(file_table *self, file_entry *entry) {
    file_entry **link = bucket_of(self, entry->hash);
    while (*link != entry) link = &(*link)->next;
    *link = entry->next;
    entry->next = NULL;
    leave(self, entry);
}

weir_file *file_table_set(file_table *self, file_entry *entry, weir_file *file) {
    weir_file *old = entry->file;
    leave(self, entry);
    entry->file = file;
    enter(self, entry);
    return old;
}

/* Moves the least recently used entry of `list` to `*out`. */
static void take_last(file_table *self, weir_list *list, file_entry **out) {
    file_entry *entry = WEIR_CONTAINER(list->prev, file_entry, use);
    file_table_remove(self, entry);
    entry->next = *out;
    *out = entry;
}

file_entry *file_table_trim(file_table *self, unsigned max_open, unsigned max_absent) {
    file_entry *out = NULL;
    while (self->open_count > max_open) take_last(self, &self->opened, &out);
    while (self->absent_count > max_absent) take_last(self, &self->absent, &out);
    return out;
}
