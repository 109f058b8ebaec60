# SPDX-License-Identifier: Apache-2.0
# How this project makes targets: one library per room, options through one INTERFACE target,
# tests with a label, a timeout and an honest skip.

add_library(ridge_options INTERFACE)
add_library(ridge::options ALIAS ridge_options)
target_compile_features(ridge_options INTERFACE cxx_std_20)
target_include_directories(ridge_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON CACHE BOOL "Target all_verify_interface_header_sets compiles each header alone")
set(_ridge_warnings -Wall -Wextra -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor)
target_compile_options(ridge_options INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:${_ridge_warnings}>"
    "$<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wshadow>"
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>")
# GCC before 14 sees writes beyond a std::string where strings are joined (GCC bugs 105329, 105651), and whether it does
# depends on the length of the path that a test was compiled with: such a warning is shown, and ends no build.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
    target_compile_options(ridge_options INTERFACE
        "$<$<COMPILE_LANGUAGE:CXX>:-Wno-error=array-bounds;-Wno-error=restrict;-Wno-error=stringop-overflow;-Wno-error=stringop-overread>")
endif()
if(RIDGE_SANITIZE)
    string(REPLACE "+" "," _ridge_san "${RIDGE_SANITIZE}")
    target_compile_options(ridge_options INTERFACE
        "$<$<COMPILE_LANGUAGE:CXX,C>:-fsanitize=${_ridge_san};-fno-omit-frame-pointer;-fno-sanitize-recover=all>")
    target_link_options(ridge_options INTERFACE -fsanitize=${_ridge_san})
endif()

# For code that nothing waits for (tests, the reading of options, the writing of reports): an optimised build compiles
# it a fifth to a third faster so.
function(ridge_compile_quickly target)
    target_compile_options(${target} PRIVATE "$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:RelWithDebInfo>>:-O1>")
endfunction()

# ridge_add_library(<name> [SHARED|STATIC|INTERFACE] SOURCES ... HEADERS ... [DEPS public...] [PRIVATE_DEPS ...])
# Target ridge_<name> with ALIAS ridge::<name>. Headers are a FILE_SET so that CMake can verify that
# each compiles alone (target all_verify_interface_header_sets).
function(ridge_add_library name)
    cmake_parse_arguments(ARG "SHARED;STATIC;INTERFACE" "" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS" ${ARGN})
    set(kind STATIC)
    if(ARG_SHARED)
        set(kind SHARED)
    elseif(ARG_INTERFACE)
        set(kind INTERFACE)
    endif()
    add_library(ridge_${name} ${kind})
    add_library(ridge::${name} ALIAS ridge_${name})
    if(ARG_INTERFACE)
        set(scope INTERFACE)
    else()
        set(scope PUBLIC)
        target_sources(ridge_${name} PRIVATE ${ARG_SOURCES})
        set_target_properties(ridge_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
        target_link_libraries(ridge_${name} PRIVATE ${ARG_PRIVATE_DEPS})
    endif()
    if(ARG_HEADERS)
        target_sources(ridge_${name} ${scope} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${ARG_HEADERS})
    endif()
    target_link_libraries(ridge_${name} ${scope} ridge::options ${ARG_DEPS})
endfunction()

# ridge_add_test(<name> SOURCES ... DEPS ... [LABELS unit|integration|gpu|slow] [TIMEOUT s] [ENV k=v ...])
# A GoogleTest executable registered with CTest test by test; exit code 77 is a skip.
function(ridge_add_test name)
    cmake_parse_arguments(ARG "WHOLE" "TIMEOUT" "SOURCES;DEPS;LABELS;ENV" ${ARGN})
    if(NOT ARG_LABELS)
        set(ARG_LABELS unit)
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 300)
    endif()
    add_executable(${name} ${ARG_SOURCES})
    ridge_compile_quickly(${name})
    target_link_libraries(${name} PRIVATE ridge::options ${ARG_DEPS} GTest::gtest GTest::gtest_main)
    if(TARGET ridge_test_headers AND NOT "gui" IN_LIST ARG_LABELS)  # Qt's options are others
        target_precompile_headers(${name} REUSE_FROM ridge_test_headers)
    endif()
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
        SKIP_RETURN_CODE 77 ENVIRONMENT "${ARG_ENV}")
endfunction()

# nvcc for .cu files; for the top level, where RIDGE_HAVE_CUDA. A macro: the standard belongs to the caller's scope.
macro(ridge_enable_cuda)
    if(NOT CMAKE_CUDA_COMPILER)
        set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
    endif()
    set(CMAKE_CUDA_ARCHITECTURES "80;90" CACHE STRING "GPU architectures of the CUDA programs")
    enable_language(CUDA)
    # Debian 12's CMake does not know that nvcc speaks C++20.
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA_STANDARD 20)
endmacro()
