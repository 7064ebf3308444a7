// What every function returns, and the texts.
#ifndef VICINAL_C_STATUS_H
#define VICINAL_C_STATUS_H

#include "vicinal/export.h"

#ifdef __cplusplus
extern "C" {
#endif

// The one table of results: X(name, number, message).
#define VICINAL_STATUS_TABLE(X)                                                                    \
  X(VICINAL_OK, 0, "success")                                                                      \
  X(VICINAL_ERROR_INVALID_ARGUMENT, 1, "an argument breaks a rule; vicinal_last_error() names it") \
  X(VICINAL_ERROR_NULL_POINTER, 2, "a pointer that is needed is NULL")                             \
  X(VICINAL_ERROR_STRUCT_SIZE, 3, "struct_size is wrong, or a field is newer than this library")   \
  X(VICINAL_ERROR_OUT_OF_MEMORY, 4, "out of memory; all buffers were freed, the next call works")  \
  X(VICINAL_ERROR_INTERRUPTED, 5,                                                                  \
    "the interrupted callback stopped the call; outputs are partial")                              \
  X(VICINAL_ERROR_WRONG_TYPE, 6, "the handle holds the other floating type")                       \
  X(VICINAL_ERROR_SPOILED_STATE, 7, "an update of this state was interrupted; free it")            \
  X(VICINAL_ERROR_INTERNAL, 8, "an error nobody expected: of the system, a callback or vicinal")

typedef enum vicinal_status {
#define VICINAL_STATUS_ENTRY(name, number, message) name = number,
  VICINAL_STATUS_TABLE(VICINAL_STATUS_ENTRY)
#undef VICINAL_STATUS_ENTRY
} vicinal_status;

// The text of the table, also for numbers that are not in it. Never NULL.
VICINAL_EXPORT const char* vicinal_status_message(vicinal_status status);
// What went wrong in the calling thread's last failed call: the argument, what came and the rule.
// UTF-8, "" before the first failure, valid until that thread's next failure. Never NULL.
VICINAL_EXPORT const char* vicinal_last_error(void);
// "major.minor.patch" of the library, and the instruction set in use ("" if VICINAL_ISA forces one
// that this machine does not have).
VICINAL_EXPORT const char* vicinal_version(void);
VICINAL_EXPORT const char* vicinal_isa(void);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_C_STATUS_H
