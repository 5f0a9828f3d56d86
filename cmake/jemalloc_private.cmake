# cmake -D ARCHIVE= -D OUTPUT= -D NAMES=a,b -D CC= -D AR= -D LD= -D OBJCOPY= -P jemalloc_private.cmake
#
# Turns libjemalloc_pic.a into one object in which each of NAMES is called weir_je_<name> and hidden,
# and every other symbol (malloc, free, operator new, the pthread_create wrapper ...) is local.
cmake_policy(SET CMP0007 NEW)

function(run)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work} RESULT_VARIABLE code ERROR_VARIABLE errors)
    if(NOT code EQUAL 0)
        list(JOIN ARGN " " line)
        message(FATAL_ERROR "${line}\n${errors}")
    endif()
endfunction()

string(REPLACE "," ";" names "${NAMES}")
set(work ${OUTPUT}.dir)
file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work})

# jemalloc_cpp holds operator new and drags in the C++ runtime.
run(${AR} x ${ARCHIVE})
file(GLOB objects ${work}/*.o)
list(FILTER objects EXCLUDE REGEX "jemalloc_cpp[^/]*\\.o$")
run(${LD} -r -o ${work}/whole.o ${objects})

# A reference marked hidden makes the definition hidden when both are joined, so no shared library that
# the object ends up in exports it. The table of references is dropped again below.
set(renames "")
set(keep "")
set(source "#define HIDDEN __attribute__((visibility(\"hidden\")))\n")
set(table "")
foreach(name IN LISTS names)
    string(APPEND renames "${name} weir_je_${name}\n")
    string(APPEND keep "weir_je_${name}\n")
    string(APPEND source "extern char weir_je_${name}[] HIDDEN;\n")
    string(APPEND table "    weir_je_${name},\n")
endforeach()
string(APPEND source "__attribute__((used, section(\".weir_hidden\"))) static char *const hidden[] = {\n${table}};\n")
file(WRITE ${work}/renames.txt "${renames}")
file(WRITE ${work}/keep.txt "${keep}")
file(WRITE ${work}/hidden.c "${source}")

run(${OBJCOPY} --redefine-syms=${work}/renames.txt ${work}/whole.o ${work}/renamed.o)
run(${CC} -fPIC -w -c hidden.c -o hidden.o)
run(${LD} -r -o ${work}/joined.o ${work}/renamed.o ${work}/hidden.o)
# Its constructor would set jemalloc up when the program loads; the first call does that as well.
run(${OBJCOPY} --keep-global-symbols=${work}/keep.txt --remove-section=.weir_hidden
    --remove-section=.init_array --remove-section=.rela.init_array
    --remove-section=.rela.weir_hidden --remove-section=.rel.weir_hidden
    --remove-section=.data.rel.ro.weir_hidden ${work}/joined.o ${OUTPUT})
file(REMOVE_RECURSE ${work})
