# cmake -D NM= -D OBJCOPY= -D FILES=a.a,b.a -P weir_prefix_hidden.cmake
#
# Names shared between the sources of a module carry no prefix. A shared library hides them; in a static one
# they are globals that could meet a function of the host's. So in the installed archives every global that
# is not weir_* becomes weir_internal_*, in all of them alike.
string(REPLACE "," ";" files "${FILES}")
set(renames "")
foreach(file IN LISTS files)
    execute_process(COMMAND ${NM} -g --defined-only ${file} OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[0-9a-f]+ [A-Z] [A-Za-z0-9_]+" lines "${lines}")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE ".* " "" name "${line}")
        if(NOT name MATCHES "^(weir_|_)")
            list(APPEND renames "${name} weir_internal_${name}")
        endif()
    endforeach()
endforeach()
list(REMOVE_DUPLICATES renames)
list(JOIN renames "\n" renames)
list(GET files 0 first)
file(WRITE ${first}.renames "${renames}\n")
foreach(file IN LISTS files)
    execute_process(COMMAND ${OBJCOPY} --redefine-syms=${first}.renames ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(REMOVE ${first}.renames)
