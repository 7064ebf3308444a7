#include "images.hpp"

#include <limits>

#include "calls.hpp"
#include "vicinal/non_local_means.hpp"

namespace {

// (planes, rows, columns, channels)
template <class T>
vicinal::ImageView<T> image_view(const char* name, const py::array& a) {
  using Element = std::remove_const_t<T>;
  check_array<Element>(name, a, 4, true);
  if (a.ndim() != 4 || !(a.flags() & py::array::c_style))
    throw std::invalid_argument(std::string(name) + " must be four axes in C order");
  T* data;
  if constexpr (std::is_const_v<T>)
    data = static_cast<T*>(a.data());
  else
    data = static_cast<T*>(const_cast<py::array&>(a).mutable_data());
  return {data, a.shape(0), a.shape(1), a.shape(2), a.shape(3)};
}

template <class T>
std::int64_t denoise_as(const py::array& image, const py::array& out, const py::object& guide,
                        const vicinal::NonLocalMeansOptions& options) {
  const auto source = image_view<const T>("image", image);
  const auto result = image_view<T>("out", out);
  const bool guided = !guide.is_none();
  const auto patches = guided ? image_view<const T>("guide", py::array(guide)) : source;
  const py::gil_scoped_release release;
  if (guided) return vicinal::non_local_means(source, patches, result, options).empty_pixels;
  return vicinal::non_local_means(source, result, options).empty_pixels;
}

std::int64_t non_local_means(const py::array& image, const py::array& out, const py::object& guide,
                             bool gaussian, std::int64_t patch_size, std::int64_t patch_distance,
                             double h, double sigma, double spatial_width, const py::object& mask,
                             bool omit_missing, int num_threads, const py::object& progress) {
  vicinal::NonLocalMeansOptions options;
  options.patch = gaussian ? vicinal::Patch::gaussian : vicinal::Patch::box;
  options.patch_size = patch_size;
  options.patch_distance = patch_distance;
  options.h = h;
  options.sigma = sigma;
  options.spatial_width = spatial_width;
  if (!mask.is_none()) options.mask = vector_spans<const bool>("mask", mask)[0];
  options.omit_missing = omit_missing;
  options.num_threads = num_threads;
  watch(options, progress);
  const auto call =
      py::isinstance<py::array_t<float>>(image) ? denoise_as<float> : denoise_as<double>;
  return call(image, out, guide, options);
}

}  // namespace

void bind_images(py::module_& m) {
  using namespace py::literals;
  m.def("non_local_means", &non_local_means, "image"_a, "out"_a, py::kw_only(),
        "guide"_a = py::none(), "gaussian"_a = false, "patch_size"_a, "patch_distance"_a, "h"_a,
        "sigma"_a = 0.0, "spatial_width"_a = std::numeric_limits<double>::infinity(),
        "mask"_a = py::none(), "omit_missing"_a = false, "num_threads"_a = 0,
        "progress"_a = py::none());
}
