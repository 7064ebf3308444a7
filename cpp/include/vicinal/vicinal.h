// The C interface of vicinal, whole: for C, and for every language that calls C.
//
// Matrices are row-major. Where a pointer is `void`, the elements are float for a function that
// ends in _f32 and double for _f64. Every structure begins with `struct_size`, which its _init
// function sets: pass `sizeof` and change only what differs from the defaults. A program that was
// built against an older, shorter structure keeps working with a newer library, which takes the
// default of every field beyond struct_size; a longer structure is accepted as long as the fields
// that this library does not know are all zero bits.
//
// Every function returns a vicinal_status (the texts aside) and none ever throws. The ABI is stable
// within a major version: numbers and fields are only ever added, at the end.
#ifndef VICINAL_VICINAL_H
#define VICINAL_VICINAL_H

#include "vicinal/c/gradient.h"
#include "vicinal/c/kernel.h"
#include "vicinal/c/local_fit.h"
#include "vicinal/c/local_mean.h"
#include "vicinal/c/mean_shift.h"
#include "vicinal/c/neighbor_set.h"
#include "vicinal/c/search.h"
#include "vicinal/c/state.h"
#include "vicinal/c/status.h"

#endif  // VICINAL_VICINAL_H
