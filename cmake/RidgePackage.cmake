# SPDX-License-Identifier: Apache-2.0
# A tree that runs where it is copied: programs in bin, libraries in lib (RPATH $ORIGIN/../lib, the old
# kind, so that it also serves the libraries' own needs), agents in lib/ridge. What Debian's glibc
# provides stays out; everything else that the programs link comes along.
add_custom_target(ridge_programs COMMENT "ridge, ridge-workloads and the agents")
foreach(program ridge ridge-workloads ridge_agent_lib ridge_io_lib ridge_mpi)
    if(TARGET ${program})
        add_dependencies(ridge_programs ${program})
    endif()
endforeach()

foreach(program ridge ridge-workloads)
    if(TARGET ${program})
        set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
        target_link_options(${program} PRIVATE -Wl,--disable-new-dtags)
        install(TARGETS ${program} RUNTIME_DEPENDENCY_SET ridge_dependencies RUNTIME DESTINATION bin COMPONENT collector)
    endif()
endforeach()
if(TARGET ridge_mpi)
    # Found by ridge-workloads beside its own libraries. MPI itself (mpirun and its plug-ins) is the machine's.
    set_target_properties(ridge_mpi PROPERTIES INSTALL_RPATH "$ORIGIN")
    install(TARGETS ridge_mpi LIBRARY DESTINATION lib COMPONENT collector)
endif()
install(RUNTIME_DEPENDENCY_SET ridge_dependencies
    PRE_EXCLUDE_REGEXES "^ld-linux" "^lib(c|m|dl|rt|pthread|util|resolv)\\.so"
    POST_EXCLUDE_REGEXES "/ld-linux"
    LIBRARY DESTINATION lib COMPONENT collector)
install(DIRECTORY schemas/include/ridge DESTINATION include COMPONENT collector)
install(FILES schemas/timeline.sql DESTINATION share/ridge COMPONENT collector)
install(DIRECTORY schemas/json DESTINATION share/ridge COMPONENT collector)
install(PROGRAMS scripts/gpu-check DESTINATION scripts COMPONENT collector)
install(FILES LICENSE README.md DESTINATION share/doc/ridge COMPONENT collector)

set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_NAME ridgepoint)
set(CPACK_PACKAGE_VENDOR "The Ridgepoint authors")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGE_FILE_NAME ridgepoint-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_STRIP_FILES ON)
include(CPack)
