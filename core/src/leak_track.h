/* leak_track.h - the part of tracking that the report needs. Internal to core. */
#ifndef WEIR_CORE_LEAK_TRACK_H
#define WEIR_CORE_LEAK_TRACK_H

#include <stdio.h>

/* The record of every tracked object that is alive. Any thread. */
void leak_track_report(FILE *out);

#endif
