// Python descriptions of kernels → vicinal::KernelSum, with the arrays it borrows kept alive.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <deque>

#include "vicinal/kernel.hpp"
#include "vicinal/tabulate.hpp"

class PyKernel {
 public:
  explicit PyKernel(const pybind11::list& terms);
  const vicinal::KernelSum& sum() const { return sum_; }
  const pybind11::list& terms() const { return terms_; }
  // One distance or score that a KeyIndex can be of.
  bool is_searchable() const;

 private:
  vicinal::Kernel factor_of(const pybind11::dict& factor);

  std::deque<std::vector<double>> numbers_;
  std::deque<std::vector<std::int64_t>> columns_;
  pybind11::list terms_;  // keeps tables alive, and is what a pickle holds
  vicinal::KernelSum sum_;
};
