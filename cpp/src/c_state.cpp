// Partial states behind the C ABI.
#include "c_call.hpp"
#include "c_overlap.hpp"

using namespace vicinal;
using namespace vicinal::c;

namespace {

template <class T>
struct Typed {
  std::vector<T> queries;  // a copy, so that the caller's may go
  std::int64_t m, d, p;
  PartialState<T> state;
};

template <class T>
std::vector<T> copy_rows(const View<const T>& view) {
  matrix("queries", view.data, view.rows,
         view.columns);  // its size is that of a matrix that can be
  std::vector<T> rows;
  rows.reserve(static_cast<std::size_t>(view.rows * view.columns));
  for (std::int64_t i = 0; i < view.rows; ++i)
    rows.insert(rows.end(), view.row(i), view.row(i) + view.columns);
  return rows;
}

StateStatistics wanted_of(std::uint32_t wanted, std::int64_t k) {
  if (wanted >= 2 * VICINAL_WANT_COUNT)
    refuse("wanted must be a sum of vicinal_wanted, got " + std::to_string(wanted));
  if (k < 0 || k > std::numeric_limits<std::int32_t>::max())
    refuse("k must be 0 (no top_k) or a number of keys, got " + std::to_string(k));
  StateStatistics s;
  s.ess = (wanted & VICINAL_WANT_ESS) != 0;
  s.variance = (wanted & VICINAL_WANT_VARIANCE) != 0;
  s.covariance = (wanted & VICINAL_WANT_COVARIANCE) != 0;
  s.self_weight = (wanted & VICINAL_WANT_SELF_WEIGHT) != 0;
  s.count = (wanted & VICINAL_WANT_COUNT) != 0;
  s.top_k = static_cast<int>(k);
  return s;
}

template <class T>
Typed<T> make_state(const vicinal_options& o, const T* queries, std::int64_t m, std::int64_t d,
                    std::int64_t p, const StateStatistics& wanted) {
  if (d < 1) refuse("d must be at least 1, got " + std::to_string(d));
  if (p < 0) refuse("p must not be negative, got " + std::to_string(p));
  auto rows = copy_rows(matrix("queries", queries, m, d, o.query_stride));
  const T* own = rows.data();
  return {std::move(rows), m, d, p,
          PartialState<T>(read_kernels(o, d), {matrix("queries", own, m, d)}, p, wanted,
                          o.exclude_self != 0)};
}

}  // namespace

struct vicinal_state {
  std::variant<Typed<float>, Typed<double>> typed;
};

namespace {

template <class T, class State>
auto& typed(State* state) {
  return held<T, Typed<T>>("state", state);
}

// A state leaves nothing out and meets its keys once.
vicinal_options read_state_options(const vicinal_options* given) {
  vicinal_options o = read_options(given);
  o.tol = 0;
  o.index = nullptr;
  return o;
}

template <class T>
vicinal_status create_of(const vicinal_options* options, const T* queries, std::int64_t m,
                         std::int64_t d, std::int64_t p, std::uint32_t wanted, std::int64_t k,
                         vicinal_state** out) {
  return guarded([&] {
    *needed("state", out) = nullptr;
    const vicinal_options o = read_options(options);
    *out = new vicinal_state{make_state(o, queries, m, d, p, wanted_of(wanted, k))};
  });
}

template <class T>
vicinal_status update_of(vicinal_state* state, const vicinal_options* given, const T* keys,
                         std::int64_t n, const T* values) {
  return guarded([&] {
    Typed<T>& own = typed<T>(state);
    const vicinal_options o = read_state_options(given);
    BatchItem<T> item;
    set_keys(item, o, Points<T>{nullptr, own.m, keys, n, own.d, values, own.p});
    const Options<T> options = call_options<T>(o, own.m, n);
    set_call(item, options);
    check_interrupted(own.state.update({&item, 1}, options));
  });
}

template <class T>
vicinal_status finish_of(const vicinal_state* state, const vicinal_options* given,
                         const vicinal_statistics* statistics, vicinal_report* report) {
  return guarded([&] {
    const Typed<T>& own = typed<T>(state);
    const vicinal_options o = read_state_options(given);
    check_report(report);
    const Options<T> options = call_options<T>(o, own.m, 0);
    const auto s =
        read_struct("statistics", needed("statistics", statistics), default_statistics());
    if (s.weights != nullptr) refuse("a state has no weights to write: they went with their keys");
    BatchItem<T> item;
    item.statistics = read_statistics<T>(s, own.m, 0, own.p);
    check_overlap(item);
    tell(report, own.state.finish({&item.statistics, 1}, options.empty, options.empty_value));
  });
}

vicinal_status merge_of(vicinal_state* into, const vicinal_state* from) {
  return guarded([&] {
    needed("into", into);
    needed("from", from);
    if (into == from) refuse("into and from must be two states");
    if (into->typed.index() != from->typed.index())
      refuse("a _f32 and a _f64 state cannot be merged", VICINAL_ERROR_WRONG_TYPE);
    std::visit(
        [&](auto& own) {
          own.state.merge(std::get<std::remove_reference_t<decltype(own)>>(from->typed).state);
        },
        into->typed);
  });
}

}  // namespace

#define VICINAL_FUNCTIONS(T, suffix)                                                             \
  vicinal_status vicinal_state_create_##suffix(const vicinal_options* options, const T* queries, \
                                               int64_t m, int64_t d, int64_t p, uint32_t wanted, \
                                               int64_t k, vicinal_state** state) {               \
    return create_of<T>(options, queries, m, d, p, wanted, k, state);                            \
  }                                                                                              \
  vicinal_status vicinal_state_update_##suffix(vicinal_state* state,                             \
                                               const vicinal_options* options, const T* keys,    \
                                               int64_t n, const T* values) {                     \
    return update_of<T>(state, options, keys, n, values);                                        \
  }                                                                                              \
  vicinal_status vicinal_state_finish_##suffix(                                                  \
      const vicinal_state* state, const vicinal_options* options,                                \
      const vicinal_statistics* statistics, vicinal_report* report) {                            \
    return finish_of<T>(state, options, statistics, report);                                     \
  }
VICINAL_FUNCTIONS(float, f32)
VICINAL_FUNCTIONS(double, f64)

vicinal_status vicinal_state_merge(vicinal_state* into, const vicinal_state* from) {
  return merge_of(into, from);
}

vicinal_status vicinal_state_free(vicinal_state* state) {
  delete state;
  return VICINAL_OK;
}
