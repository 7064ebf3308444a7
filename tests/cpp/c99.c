// Compiled only: every function and structure of the header, seen by a strict C99 compiler.
#include <vicinal/vicinal.h>

vicinal_status c99(vicinal_state* state);

vicinal_status c99(vicinal_state* state) {
  const float x[] = {0.0f, 1.0f};
  float means[2];
  vicinal_kernel kernel;
  vicinal_options options;
  vicinal_statistics statistics;
  vicinal_report report;
  if (vicinal_kernel_init(&kernel, sizeof kernel) != VICINAL_OK ||
      vicinal_options_init(&options, sizeof options) != VICINAL_OK ||
      vicinal_statistics_init(&statistics, sizeof statistics) != VICINAL_OK ||
      vicinal_report_init(&report, sizeof report) != VICINAL_OK)
    return VICINAL_ERROR_INTERNAL;
  kernel.profile = VICINAL_EPANECHNIKOV;
  options.kernels = &kernel;
  options.kernels_count = 1;
  options.query_stride = VICINAL_CONTIGUOUS;
  statistics.mean = means;
  return vicinal_state_finish_f32(state, &options, &statistics, &report) == VICINAL_OK
             ? vicinal_local_mean_f32(&options, x, 2, x, 2, 1, x, 1, means)
             : VICINAL_ERROR_NULL_POINTER;
}

vicinal_status search(const vicinal_index* index, vicinal_report* report);

vicinal_status search(const vicinal_index* index, vicinal_report* report) {
  const double q[] = {0.0, 1.0};
  const double* distances;
  const int64_t *indptr, *indices;
  double near[2];
  int64_t m, rows[2];
  vicinal_search_options options;
  vicinal_neighbor_lists* lists;
  if (vicinal_search_options_init(&options, sizeof options) != VICINAL_OK ||
      vicinal_knn_f64(index, &options, q, 2, 1, near, rows, report) != VICINAL_OK ||
      vicinal_radius_neighbors_f64(index, &options, q, 2, 1.0, &lists, report) != VICINAL_OK ||
      vicinal_neighbor_lists_get_f64(lists, &m, &indptr, &indices, &distances) != VICINAL_OK)
    return VICINAL_ERROR_INTERNAL;
  return vicinal_neighbor_lists_free(lists);
}

vicinal_status sets(vicinal_options* options, const float* x);

vicinal_status sets(vicinal_options* options, const float* x) {
  const int64_t indptr[] = {0, 1, 2}, indices[] = {1, 0};
  float means[2];
  vicinal_neighbors *near, *listed, *both;
  if (vicinal_neighbors_within(1.0, &near) != VICINAL_OK ||
      vicinal_neighbors_graph_f32(indptr, 2, indices, 2, NULL, VICINAL_EDGE_PATTERN, 1, &listed) !=
          VICINAL_OK ||
      vicinal_neighbors_and(near, listed, &both) != VICINAL_OK ||
      vicinal_neighbors_free(near) != VICINAL_OK || vicinal_neighbors_free(listed) != VICINAL_OK)
    return VICINAL_ERROR_INTERNAL;
  options->neighbors = both;
  options->key_bandwidths = x;
  (void)vicinal_local_mean_f32(options, x, 2, x, 2, 1, x, 1, means);
  return vicinal_neighbors_free(both);
}

vicinal_status fits(const double* x, const int64_t* near);

vicinal_status fits(const double* x, const int64_t* near) {
  double weights[4];
  vicinal_lle_options options;
  if (vicinal_lle_options_init(&options, sizeof options) != VICINAL_OK)
    return VICINAL_ERROR_INTERNAL;
  options.ridge = VICINAL_RIDGE_DISTANCE;
  return vicinal_lle_weights_f64(&options, x, 2, x, 2, 1, near, 2, weights, NULL);
}

vicinal_status line(const double* x, const double* y, double* slopes);

vicinal_status line(const double* x, const double* y, double* slopes) {
  double fitted[2];
  int64_t regularized;
  vicinal_local_fit_options fit;
  vicinal_fits fits;
  if (vicinal_local_fit_options_init(&fit, sizeof fit) != VICINAL_OK ||
      vicinal_fits_init(&fits, sizeof fits) != VICINAL_OK)
    return VICINAL_ERROR_INTERNAL;
  fit.ridge = 0.1;
  fits.fitted = fitted;
  fits.slopes = slopes;
  fits.regularized = &regularized;
  return vicinal_local_fit_f64(NULL, &fit, x, 2, x, 2, 1, y, 1, &fits, NULL);
}

vicinal_status shift(const double* x, double* ends);

vicinal_status shift(const double* x, double* ends) {
  vicinal_mean_shift_options options;
  vicinal_ascents ascents;
  if (vicinal_mean_shift_options_init(&options, sizeof options) != VICINAL_OK ||
      vicinal_ascents_init(&ascents, sizeof ascents) != VICINAL_OK)
    return VICINAL_ERROR_INTERNAL;
  options.max_iter = 50;
  ascents.ends = ends;
  return vicinal_mean_shift_f64(NULL, &options, x, 2, x, 2, 1, &ascents, NULL);
}
