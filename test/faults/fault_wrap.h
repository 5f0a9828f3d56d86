/* fault_wrap.h - a function that stands in for another by the linker's --wrap, and the one it stands in for. */
#ifndef WEIR_TEST_FAULT_WRAP_H
#define WEIR_TEST_FAULT_WRAP_H

#define WRAP(type, name, parameters)                                                                         \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters

#endif
