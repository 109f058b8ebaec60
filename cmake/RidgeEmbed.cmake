# SPDX-License-Identifier: Apache-2.0
# ridge_embed_text(<file> <header> <constant>): generated/<header> with the file's text as
# inline constexpr std::string_view ridge::<constant>. String literals are cut into pieces because
# compilers limit one literal to 64 KiB.
function(ridge_embed_text file header constant)
    set(out ${PROJECT_BINARY_DIR}/generated/${header})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${file} text)
    string(LENGTH "${text}" length)
    set(literal "")
    set(at 0)
    while(at LESS length)
        string(SUBSTRING "${text}" ${at} 8000 piece)
        string(APPEND literal "    R\"~~~(${piece})~~~\"\n")
        math(EXPR at "${at} + 8000")
    endwhile()
    file(CONFIGURE OUTPUT ${out} CONTENT "// Generated from @file@.
#pragma once
#include <string_view>
namespace ridge {
inline constexpr std::string_view @constant@ =
@literal@    ;
}
" @ONLY)
endfunction()
