find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(pybind11 3 CONFIG REQUIRED)

pybind11_add_module(_core NO_EXTRAS python/src/bindings.cpp python/src/gradient.cpp python/src/index.cpp
                    python/src/kernel.cpp python/src/linear.cpp python/src/local_fit.cpp
                    python/src/mean_shift.cpp python/src/neighbor_set.cpp python/src/rules.cpp
                    python/src/state.cpp python/src/images.cpp python/src/labels.cpp
                    python/src/hopfield.cpp)
target_link_libraries(_core PRIVATE vicinal::vicinal vicinal_flags)
if(APPLE)
  set_target_properties(_core PROPERTIES INSTALL_RPATH "@loader_path/lib")
else()
  set_target_properties(_core PROPERTIES INSTALL_RPATH "$ORIGIN/lib")
endif()
install(TARGETS _core DESTINATION .)
