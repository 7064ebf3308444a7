// The C++ interface of vicinal, whole. The flat C ABI stands apart, in vicinal.h.
#pragma once

#include "vicinal/config.hpp"
#include "vicinal/gradient.hpp"
#include "vicinal/kernel.hpp"
#include "vicinal/label_propagation.hpp"
#include "vicinal/linear.hpp"
#include "vicinal/local_fit.hpp"
#include "vicinal/local_mean.hpp"
#include "vicinal/mean_shift.hpp"
#include "vicinal/neighbor_set.hpp"
#include "vicinal/neighbors.hpp"
#include "vicinal/non_local_means.hpp"
#include "vicinal/partial.hpp"
#include "vicinal/rules.hpp"
#include "vicinal/tabulate.hpp"
#include "vicinal/version.hpp"
#include "vicinal/view.hpp"
