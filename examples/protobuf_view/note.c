/* note.c - the table protobuf-c reads and writes a note by. */
#include "note.h"

static const ProtobufCFieldDescriptor fields[] = {
    {.name = "id",
     .id = 1,
     .label = PROTOBUF_C_LABEL_NONE,
     .type = PROTOBUF_C_TYPE_UINT32,
     .offset = offsetof(note, id)},
    {.name = "title",
     .id = 2,
     .label = PROTOBUF_C_LABEL_NONE,
     .type = PROTOBUF_C_TYPE_STRING,
     .offset = offsetof(note, title),
     .default_value = protobuf_c_empty_string},
    {.name = "body",
     .id = 3,
     .label = PROTOBUF_C_LABEL_NONE,
     .type = PROTOBUF_C_TYPE_BYTES,
     .offset = offsetof(note, body)},
};

static const unsigned by_name[] = {2, 0, 1};
static const ProtobufCIntRange ranges[] = {{.start_value = 1, .orig_index = 0},
                                           {.start_value = 0, .orig_index = 3}};

static void init_note(ProtobufCMessage *message) {
    note *self = (note *)message;
    *self =
        (note){.base = {.descriptor = &note_descriptor}, .title = (char *)(uintptr_t)protobuf_c_empty_string};
}

const ProtobufCMessageDescriptor note_descriptor = {
    .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
    .name = "Note",
    .short_name = "Note",
    .c_name = "note",
    .package_name = "",
    .sizeof_message = sizeof(note),
    .n_fields = 3,
    .fields = fields,
    .fields_sorted_by_name = by_name,
    .n_field_ranges = 1,
    .field_ranges = ranges,
    .message_init = init_note,
};
