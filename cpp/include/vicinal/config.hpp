// What this build is, and what it found on this machine.
#pragma once

#include <string>
#include <vector>

#include "vicinal/export.h"

namespace vicinal {

VICINAL_EXPORT const char* isa_name();  // instruction set in use; VICINAL_ISA forces one
VICINAL_EXPORT std::vector<std::string> available_isas();  // fastest first
VICINAL_EXPORT bool has_openmp();
VICINAL_EXPORT int default_threads();  // of the calling thread, now
VICINAL_EXPORT const char* compiler();

}  // namespace vicinal
