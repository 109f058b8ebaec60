# SPDX-License-Identifier: Apache-2.0
# A tree that runs where it is copied: programs in bin, libraries in lib (RPATH $ORIGIN/../lib, the old
# kind, so that it also serves the libraries' own needs), agents in lib/ridge. What Debian's glibc
# provides stays out; everything else that the programs link comes along.
#
# Component gui: ridge-view with Qt, its plugins and a font, found through bin/qt.conf and the same RPATH, so
# that it draws pictures on a node that has neither a display nor Qt. It adds about 75 MB, of which ICU is 37.
add_custom_target(ridge_programs COMMENT "ridge, ridge-workloads, the agents and the viewer")
foreach(program ridge ridge-workloads ridge-view ridge_agent_lib ridge_io_lib ridge_mpi ridge_cuda ridge_nccl)
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
if(TARGET ridge_cuda)
    # Likewise; cuBLASLt, hundreds of megabytes, is the machine's.
    set_target_properties(ridge_cuda PROPERTIES INSTALL_RPATH "$ORIGIN")
    install(TARGETS ridge_cuda LIBRARY DESTINATION lib COMPONENT collector)
endif()
if(TARGET ridge_nccl)
    set_target_properties(ridge_nccl PROPERTIES INSTALL_RPATH "$ORIGIN")
    install(TARGETS ridge_nccl LIBRARY DESTINATION lib COMPONENT collector)
endif()
install(RUNTIME_DEPENDENCY_SET ridge_dependencies
    PRE_EXCLUDE_REGEXES "^ld-linux" "^lib(c|m|dl|rt|pthread|util|resolv)\\.so"
    POST_EXCLUDE_REGEXES "/ld-linux"
    LIBRARY DESTINATION lib COMPONENT collector)
if(TARGET ridge-view)
    set_target_properties(ridge-view PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
    target_link_options(ridge-view PRIVATE -Wl,--disable-new-dtags)
    install(TARGETS ridge-view RUNTIME_DEPENDENCY_SET ridge_gui_dependencies RUNTIME DESTINATION bin COMPONENT gui)
    foreach(plugin QXcbIntegrationPlugin:platforms QOffscreenIntegrationPlugin:platforms QSvgPlugin:imageformats
                   QSvgIconPlugin:iconengines QComposePlatformInputContextPlugin:platforminputcontexts)
        string(REPLACE ":" ";" plugin ${plugin})
        list(GET plugin 0 name)
        list(GET plugin 1 folder)
        find_package(Qt6${name} QUIET PATHS ${Qt6Gui_DIR} NO_DEFAULT_PATH)
        if(TARGET Qt6::${name})
            install(IMPORTED_RUNTIME_ARTIFACTS Qt6::${name} RUNTIME_DEPENDENCY_SET ridge_gui_dependencies
                LIBRARY DESTINATION lib/qt6/plugins/${folder} COMPONENT gui)
        else()
            message(STATUS "Qt plugin ${name} was not found; the installed viewer does without it")
        endif()
    endforeach()
    install(RUNTIME_DEPENDENCY_SET ridge_gui_dependencies
        PRE_EXCLUDE_REGEXES "^ld-linux" "^lib(c|m|dl|rt|pthread|util|resolv)\\.so"
        POST_EXCLUDE_REGEXES "/ld-linux"
        LIBRARY DESTINATION lib COMPONENT gui)
    install(FILES gui/app/qt.conf DESTINATION bin COMPONENT gui)
    find_file(RIDGE_FONT DejaVuSans.ttf PATHS /usr/share/fonts/truetype/dejavu)
    if(RIDGE_FONT)
        install(FILES ${RIDGE_FONT} gui/app/fonts.conf DESTINATION share/ridge/fonts COMPONENT gui)
    endif()
endif()
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

# What a shell completes, and the man pages, asked of the program itself. help2man reads --help.
set(RIDGE_SHARE ${PROJECT_BINARY_DIR}/share)
set(completions bash-completion/completions/ridge zsh/site-functions/_ridge fish/vendor_completions.d/ridge.fish)
set(made "")
foreach(entry "bash bash-completion/completions/ridge" "zsh zsh/site-functions/_ridge" "fish fish/vendor_completions.d/ridge.fish")
    separate_arguments(entry)
    list(GET entry 0 shell)
    list(GET entry 1 file)
    get_filename_component(folder ${file} DIRECTORY)
    file(MAKE_DIRECTORY ${RIDGE_SHARE}/${folder})
    add_custom_command(OUTPUT ${RIDGE_SHARE}/${file} DEPENDS ridge VERBATIM
        COMMAND sh -c "\"$0\" completion \"$1\" > \"$2.part\" && mv \"$2.part\" \"$2\"" $<TARGET_FILE:ridge> ${shell} ${RIDGE_SHARE}/${file})
    install(FILES ${RIDGE_SHARE}/${file} DESTINATION share/${folder} COMPONENT collector)
    list(APPEND made ${RIDGE_SHARE}/${file})
endforeach()
find_program(RIDGE_HELP2MAN help2man)
if(RIDGE_HELP2MAN)
    file(MAKE_DIRECTORY ${RIDGE_SHARE}/man/man1)
    add_custom_command(OUTPUT ${RIDGE_SHARE}/man/man1/ridge.1 DEPENDS ridge cmake/make_man_pages.py VERBATIM
        COMMAND python3 ${PROJECT_SOURCE_DIR}/cmake/make_man_pages.py $<TARGET_FILE:ridge> ${RIDGE_HELP2MAN} ${RIDGE_SHARE}/man/man1)
    install(DIRECTORY ${RIDGE_SHARE}/man DESTINATION share COMPONENT collector)
    list(APPEND made ${RIDGE_SHARE}/man/man1/ridge.1)
endif()
add_custom_target(ridge_share ALL DEPENDS ${made} COMMENT "Completions and man pages")
add_dependencies(ridge_programs ridge_share)
