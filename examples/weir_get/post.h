/* post.h - what --post sends: a file, or stdin spooled to a file without a name.
 *
 * Either way its length is known, none of it is kept in memory, and a redirect (307) may send it again.
 */
#ifndef WEIR_GET_POST_H
#define WEIR_GET_POST_H

#include <weir/transport.h>

/* `path`: a file, or "-". Blocks until stdin has ended. `*out` Gives a region. Fails: -errno, WEIR_E_NO_MEMORY,
 * WEIR_E_UNSUPPORTED for what is no regular file. */
weir_status post_open(weir_region **out, const char *path);

#endif
