// Linear maps: packed weights, and the share of a product that each worker takes.
#include "vicinal/linear.hpp"

#include <atomic>
#include <string>
#include <vector>

#include "floating_point.hpp"
#include "kernels/table.hpp"
#include "lowering.hpp"
#include "parallel.hpp"
#include "poll.hpp"
#include "workspace.hpp"

namespace vicinal {

static_assert(static_cast<int>(Activation::silu) == static_cast<int>(kernels::Activation::silu));

template <class T>
struct PackedLinear<T>::Panels {
  std::int64_t inputs, outputs;
  Buffer<T> weights;  // panels × inputs × product_columns
  Buffer<T> bias;     // panels × product_columns

  std::int64_t width() const { return kernels::table<T>().product_columns; }
  std::int64_t count() const { return (outputs + width() - 1) / width(); }
};

namespace {

template <class T>
void check_weights(View<const T> weight, std::span<const T> bias) {
  if (weight.rows < 1 || weight.columns < 1)
    refuse("weight must be outputs x inputs, at least one of each, got " +
           std::to_string(weight.rows) + " x " + std::to_string(weight.columns));
  if (weight.rows > most_columns || weight.columns > most_columns)
    refuse("weight must have at most " + std::to_string(most_columns) + " rows and columns, got " +
           std::to_string(weight.rows) + " x " + std::to_string(weight.columns));
  if (!bias.empty() && static_cast<std::int64_t>(bias.size()) != weight.rows)
    refuse("bias must have one element per output (" + std::to_string(weight.rows) + "), got " +
           std::to_string(bias.size()));
}

template <class T>
void check_rows(const char* name, View<T> view, std::int64_t rows, std::int64_t columns) {
  if (view.rows != rows || view.columns != columns || (view.data == nullptr && rows > 0))
    refuse(std::string(name) + " must be " + std::to_string(rows) + " x " +
           std::to_string(columns) + ", got " + std::to_string(view.rows) + " x " +
           std::to_string(view.columns));
}

}  // namespace

template <class T>
PackedLinear<T>::PackedLinear(View<const T> weight, std::span<const T> bias) {
  check_weights(weight, bias);
  const auto& table = kernels::table<T>();
  panels_ = std::make_unique<Panels>();
  Panels& p = *panels_;
  p.inputs = weight.columns;
  p.outputs = weight.rows;
  const std::int64_t width = p.width(), padded = p.count() * width;
  p.weights.resize(padded * p.inputs);
  p.bias.resize(padded);
  for (std::int64_t c = 0; c < padded; ++c)
    p.bias[c] = c < static_cast<std::int64_t>(bias.size()) ? bias[static_cast<std::size_t>(c)] : 0;
  for (std::int64_t c = 0; c < p.outputs; c += width)
    table.transpose(weight.row(c), weight.stride, static_cast<int>(std::min(width, p.outputs - c)),
                    static_cast<int>(p.inputs), p.weights.data() + c * p.inputs,
                    static_cast<int>(width), static_cast<int>(width));
}
template <class T>
PackedLinear<T>::~PackedLinear() = default;
template <class T>
PackedLinear<T>::PackedLinear(PackedLinear&&) noexcept = default;
template <class T>
PackedLinear<T>& PackedLinear<T>::operator=(PackedLinear&&) noexcept = default;
template <class T>
std::int64_t PackedLinear<T>::inputs() const {
  return panels_->inputs;
}
template <class T>
std::int64_t PackedLinear<T>::outputs() const {
  return panels_->outputs;
}
template class PackedLinear<float>;
template class PackedLinear<double>;

namespace {

// Rows × panels of one turn. While a panel's run of inputs stands in L1, all rows of the turn pass,
// whose own inputs stand in L2.
constexpr std::int64_t most_rows = 96;

struct Turns {
  std::int64_t m, panels, rows, columns;  // rows and panels of a turn
  std::int64_t across() const { return (panels + columns - 1) / columns; }
  std::int64_t count() const { return (m + rows - 1) / rows * across(); }
};

// Eight turns for each worker where there are rows or columns enough.
Turns turns_of(std::int64_t m, std::int64_t panels, int threads) {
  Turns turns{m, panels, std::min(most_rows, m), panels};
  const std::int64_t down = (m + turns.rows - 1) / turns.rows;
  const std::int64_t wanted = threads == 1 ? 1 : (8 * threads + down - 1) / down;
  turns.columns = (panels + wanted - 1) / std::min(wanted, panels);
  return turns;
}

template <class T>
class Product {
 public:
  Product(View<const T> x, const typename PackedLinear<T>::Panels& map, View<T> out,
          const LinearOptions<T>& options)
      : x_(x), map_(map), out_(out), options_(options), table_(kernels::table<T>()) {}

  // Panels of outputs, of `rows` rows; `sums` is most_rows × width.
  void take(std::int64_t first, std::int64_t rows, std::int64_t panel, std::int64_t panels,
            T* sums) const {
    for (std::int64_t p = panel; p < panel + panels; ++p) {
      add_up(first, rows, p, sums);
      finish(first, rows, p, sums);
    }
  }

 private:
  void add_up(std::int64_t first, std::int64_t rows, std::int64_t p, T* sums) const {
    constexpr std::int64_t run = kernels::product_run;
    const T* weights = map_.weights.data() + p * map_.width() * map_.inputs;
    for (std::int64_t j = 0; j < map_.inputs; j += run)
      table_.row_products({.rows = x_.row(first) + j,
                           .stride = x_.stride,
                           .weights = weights + j * map_.width(),
                           .depth = static_cast<int>(std::min(run, map_.inputs - j)),
                           .sums = sums,
                           .adds = j > 0},
                          static_cast<int>(rows));
  }
  void finish(std::int64_t first, std::int64_t rows, std::int64_t p, const T* sums) const {
    const std::int64_t c = p * map_.width();
    const View<const T>& residual = options_.residual;
    const bool adds = residual.data != nullptr;
    table_.finish[static_cast<int>(options_.activation)](
        {.sums = sums,
         .bias = map_.bias.data() + c,
         .residual = adds ? residual.row(first) + c : nullptr,
         .residual_stride = residual.stride,
         .out = out_.row(first) + c,
         .out_stride = out_.stride,
         .columns = static_cast<int>(std::min(map_.width(), map_.outputs - c))},
        static_cast<int>(rows));
  }

  View<const T> x_;
  const typename PackedLinear<T>::Panels& map_;
  View<T> out_;
  const LinearOptions<T>& options_;
  const kernels::Table<T>& table_;
};

int threads_of(int num_threads) {
  return std::min(num_threads > 0 ? num_threads : max_threads(), 1024);
}

template <class T>
void multiply(View<const T> x, const PackedLinear<T>& map, View<T> out,
              const LinearOptions<T>& options) {
  const auto& panels = map.panels();
  check_rows("x", x, x.rows, panels.inputs);
  check_rows("out", out, x.rows, panels.outputs);
  if (options.residual.data != nullptr)
    check_rows("residual", options.residual, x.rows, panels.outputs);
  if (x.rows == 0) return;
  const DefaultFloatingPoint modes;
  const int asked = threads_of(options.num_threads);
  const Turns turns = turns_of(x.rows, panels.count(), asked);
  const int threads = static_cast<int>(std::min<std::int64_t>(turns.count(), asked));
  const std::int64_t scratch = turns.rows * panels.width();
  Buffer<T> sums;
  sums.resize(threads * scratch);
  const Product<T> product(x, panels, out, options);
  const Watch watch{options.interrupted, {}};
  Poll poll(watch, 1);
  std::atomic<std::int64_t> next{0};
  parallel(
      threads,
      [&](int worker) {
        for (std::int64_t t = next++; t < turns.count() && !poll.stopped(); t = next++) {
          const std::int64_t row = t / turns.across() * turns.rows;
          const std::int64_t panel = t % turns.across() * turns.columns;
          product.take(row, std::min(turns.rows, turns.m - row), panel,
                       std::min(turns.columns, turns.panels - panel),
                       sums.data() + worker * scratch);
          poll.look();
        }
      },
      [&] { poll.look(); });
  poll.finish();
}

template <class T>
void normalize(View<const T> x, std::span<const T> gain, std::span<const T> bias, double epsilon,
               View<T> out, int num_threads) {
  constexpr std::int64_t rows = 64;
  if (x.columns < 1 || x.columns > most_columns)
    refuse("x must have at least one column and at most " + std::to_string(most_columns) +
           ", got " + std::to_string(x.columns));
  check_rows("out", out, x.rows, x.columns);
  const auto check_column = [&](const char* name, std::span<const T> column) {
    if (!column.empty() && static_cast<std::int64_t>(column.size()) != x.columns)
      refuse(std::string(name) + " must have one element per column (" + std::to_string(x.columns) +
             "), got " + std::to_string(column.size()));
  };
  check_column("gain", gain);
  check_column("bias", bias);
  if (!(epsilon >= 0 && std::isfinite(epsilon)))
    refuse("epsilon must be finite and at least 0, got " + std::to_string(epsilon));
  const std::int64_t turns = (x.rows + rows - 1) / rows;
  const auto& table = kernels::table<T>();
  std::atomic<std::int64_t> next{0};
  parallel(
      static_cast<int>(std::clamp<std::int64_t>(turns, 1, threads_of(num_threads))),
      [&](int) {
        for (std::int64_t t = next++; t < turns; t = next++)
          table.layer_norm({.rows = x.row(t * rows),
                            .stride = x.stride,
                            .gain = gain.empty() ? nullptr : gain.data(),
                            .bias = bias.empty() ? nullptr : bias.data(),
                            .out = out.row(t * rows),
                            .out_stride = out.stride,
                            .columns = static_cast<int>(x.columns),
                            .epsilon = static_cast<T>(epsilon)},
                           static_cast<int>(std::min(rows, x.rows - t * rows)));
      },
      [] {});
}

}  // namespace

void linear(View<const float> x, const PackedLinear<float>& map, View<float> out,
            const LinearOptions<float>& options) {
  multiply(x, map, out, options);
}
void linear(View<const double> x, const PackedLinear<double>& map, View<double> out,
            const LinearOptions<double>& options) {
  multiply(x, map, out, options);
}
void layer_norm(View<const float> x, std::span<const float> gain, std::span<const float> bias,
                double epsilon, View<float> out, int num_threads) {
  normalize(x, gain, bias, epsilon, out, num_threads);
}
void layer_norm(View<const double> x, std::span<const double> gain, std::span<const double> bias,
                double epsilon, View<double> out, int num_threads) {
  normalize(x, gain, bias, epsilon, out, num_threads);
}

}  // namespace vicinal
