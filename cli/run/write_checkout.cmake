# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT, a header that says which commit of SOURCE is being built. At each build, so that it is true
# then; touched only when it changes. Empty texts when SOURCE is no git checkout of its own.
function(ask result)
    execute_process(COMMAND git -C ${SOURCE} ${ARGN} OUTPUT_VARIABLE answer ERROR_QUIET RESULT_VARIABLE failed
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(failed)
        set(answer "")
    endif()
    set(${result} "${answer}" PARENT_SCOPE)
endfunction()

set(sha "")
set(branch "")
set(time "")
set(dirty "")
ask(top rev-parse --show-toplevel)
file(REAL_PATH "${SOURCE}" source)
if(top)
    file(REAL_PATH "${top}" top)
endif()
if(top STREQUAL source)  # and not an archive that was unpacked inside another checkout
    ask(sha rev-parse HEAD)
    ask(branch rev-parse --abbrev-ref HEAD)
    ask(time log -1 --format=%cI)
    ask(dirty status --porcelain --untracked-files=no)
endif()
if(dirty)
    set(dirty true)
else()
    set(dirty false)
endif()
string(REGEX REPLACE "[\"\\]" "" branch "${branch}")
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
// Made by cli/run/write_checkout.cmake.
#pragma once
inline constexpr const char* kCheckoutSha = "@sha@";
inline constexpr const char* kCheckoutBranch = "@branch@";
inline constexpr const char* kCheckoutTime = "@time@";
inline constexpr bool kCheckoutDirty = @dirty@;
]])
