/* open_fds.h - how many descriptors this process has open, for tests that none is leaked. */
#ifndef WEIR_TEST_OPEN_FDS_H
#define WEIR_TEST_OPEN_FDS_H

/* Counted the same way each time; only differences say something. */
int open_fds(void);

#endif
