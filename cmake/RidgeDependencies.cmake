# SPDX-License-Identifier: Apache-2.0
# Everything the project links, found once. scripts/setup installs what is missing.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(benchmark REQUIRED)
# Debian's dnnl-config.cmake asks for the OpenCL headers, which a CPU build does not need.
find_path(RIDGE_DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp REQUIRED)
find_library(RIDGE_DNNL_LIBRARY dnnl REQUIRED)
add_library(ridge_dnnl INTERFACE)
add_library(ridge::dnnl ALIAS ridge_dnnl)
target_include_directories(ridge_dnnl SYSTEM INTERFACE ${RIDGE_DNNL_INCLUDE_DIR})
target_link_libraries(ridge_dnnl INTERFACE ${RIDGE_DNNL_LIBRARY})
find_package(MPI COMPONENTS C)
if(RIDGE_BUILD_TESTS)
    find_package(GTest REQUIRED)
endif()

# The CUDA toolkit: headers of CUPTI and nvcc for the CUDA tests. Nothing here needs a driver.
set(RIDGE_HAVE_CUDA OFF)
if(NOT RIDGE_WITH_CUDA STREQUAL "OFF")
    find_package(CUDAToolkit QUIET)
    if(NOT CUDAToolkit_FOUND AND EXISTS ${PROJECT_SOURCE_DIR}/.deps/cuda/bin/nvcc)
        set(CUDAToolkit_ROOT ${PROJECT_SOURCE_DIR}/.deps/cuda)
        find_package(CUDAToolkit QUIET)
    endif()
    find_path(RIDGE_CUPTI_INCLUDE_DIR cupti.h
        HINTS ${CUDAToolkit_INCLUDE_DIRS} ${CUDAToolkit_LIBRARY_ROOT}/extras/CUPTI/include ${PROJECT_SOURCE_DIR}/.deps/cuda/include)
    if(CUDAToolkit_FOUND AND RIDGE_CUPTI_INCLUDE_DIR)
        set(RIDGE_HAVE_CUDA ON)
    elseif(RIDGE_WITH_CUDA STREQUAL "ON")
        message(FATAL_ERROR "RIDGE_WITH_CUDA=ON, but no CUDA toolkit with CUPTI was found. scripts/setup --cuda installs one.")
    endif()
endif()
add_feature_info(CUDA RIDGE_HAVE_CUDA "CUPTI activity in the agent, CUDA test programs")
add_feature_info(MPI MPI_C_FOUND "collectives between processes in ridge-workloads")

# NVTX v3 is header-only: from the toolkit, or from the wheel that scripts/setup puts into .deps.
find_path(RIDGE_NVTX_INCLUDE_DIR nvtx3/nvToolsExtPayload.h
    HINTS ${CUDAToolkit_INCLUDE_DIRS} ${PROJECT_SOURCE_DIR}/.deps/nvtx/include)
if(NOT RIDGE_NVTX_INCLUDE_DIR)
    message(FATAL_ERROR "The NVTX v3 headers were not found. Run scripts/setup, which brings them.")
endif()
add_library(ridge_nvtx INTERFACE)
add_library(ridge::nvtx ALIAS ridge_nvtx)
target_include_directories(ridge_nvtx SYSTEM INTERFACE ${RIDGE_NVTX_INCLUDE_DIR})
target_link_libraries(ridge_nvtx INTERFACE ${CMAKE_DL_LIBS})
