# What every translation unit of the project is compiled with. The numerical promises rest on these
# flags: no contraction behind our back (Pack::fma is explicit) and never -ffast-math.
add_library(vicinal_flags INTERFACE)
target_compile_features(vicinal_flags INTERFACE cxx_std_20)
if(MSVC AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(vicinal_flags INTERFACE /W4 /fp:precise $<$<BOOL:${VICINAL_WARNINGS_AS_ERRORS}>:/WX>)
else()
  target_compile_options(vicinal_flags INTERFACE
    -Wall -Wextra -ffp-contract=off -fno-math-errno
    $<$<BOOL:${VICINAL_WARNINGS_AS_ERRORS}>:-Werror>
    $<$<NOT:$<CONFIG:Debug>>:-O3>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Vector types wider than the baseline's registers stay inside one object file, so how the
    # ABI would pass them does not matter.
    target_compile_options(vicinal_flags INTERFACE -Wno-psabi)
    if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13) # GCC bugs 105651 (std::string), 105593 (AVX-512)
      target_compile_options(vicinal_flags INTERFACE
        -Wno-restrict -Wno-uninitialized -Wno-maybe-uninitialized)
    endif()
  endif()
endif()

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
