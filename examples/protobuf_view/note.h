/* note.h - the message of this example, as protoc-c would make it of
 *
 *     syntax = "proto3";
 *     message Note { uint32 id = 1; string title = 2; bytes body = 3; }
 *
 * written by hand, so that building needs the library and not its compiler.
 */
#ifndef NOTE_H
#define NOTE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

typedef struct note {
    ProtobufCMessage base;
    uint32_t id;
    char *title;
    ProtobufCBinaryData body;
} note;

extern const ProtobufCMessageDescriptor note_descriptor;

#endif
