include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vicinal)

install(TARGETS vicinal EXPORT vicinalTargets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY cpp/include/vicinal ${CMAKE_CURRENT_BINARY_DIR}/include/vicinal
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
install(EXPORT vicinalTargets NAMESPACE vicinal:: DESTINATION ${config_dir})

configure_package_config_file(cmake/vicinalConfig.cmake.in vicinalConfig.cmake
  INSTALL_DESTINATION ${config_dir})
# Before 1.0 a minor release may break the C++ API.
write_basic_package_version_file(vicinalConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vicinalConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/vicinalConfigVersion.cmake DESTINATION ${config_dir})

# Relative to ${pcfiledir}, so that the tree (or the wheel) can be moved.
file(RELATIVE_PATH pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(cmake/vicinal.pc.in vicinal.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vicinal.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
