# Compile and link options shared by every target of weir.
#
# weir_options   warnings, hardening and the language; linked PRIVATE, never exported.
# Sanitizers are set for the whole tree, because half a program under a sanitizer reports nonsense.

add_library(weir_options INTERFACE)
target_compile_features(weir_options INTERFACE c_std_17)
# Sources see the whole of the system's API and need no feature macro of their own;
# public headers are compiled without it by test/lint.
target_compile_definitions(weir_options INTERFACE "_GNU_SOURCE=")

if(WEIR_WARNINGS)
    target_compile_options(weir_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
endif()
if(WEIR_WERROR)
    target_compile_options(weir_options INTERFACE -Werror)
endif()
if(WEIR_LEAK_TRACK)
    target_compile_definitions(weir_options INTERFACE WEIR_LEAK_TRACK)
endif()
if(WEIR_HARDEN)
    include(CheckCCompilerFlag)
    target_compile_options(weir_options INTERFACE -fstack-protector-strong)
    target_compile_definitions(weir_options INTERFACE _FORTIFY_SOURCE=2)
    foreach(flag IN ITEMS -fstack-clash-protection -fcf-protection)
        string(MAKE_C_IDENTIFIER "WEIR_HAVE${flag}" have)
        check_c_compiler_flag(${flag} ${have})
        if(${have})
            target_compile_options(weir_options INTERFACE ${flag})
        endif()
    endforeach()
    target_link_options(weir_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    include(CheckPIESupported)
    check_pie_supported(LANGUAGES C)
endif()

if(WEIR_SANITIZE)
    add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
        message(FATAL_ERROR "WEIR_FUZZ needs clang: libFuzzer comes with it")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
