/* page.h - the page of the chat: everything in one, nothing from elsewhere. */
#ifndef EXAMPLES_CHAT_PAGE_H
#define EXAMPLES_CHAT_PAGE_H

#include <stddef.h>

extern const char page[];
extern const size_t page_length;

#endif
