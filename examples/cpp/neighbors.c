/* A field measured at scattered stations, from C: one index serves the search for the nearest
   stations and the local means. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <vicinal/vicinal.h>

enum { stations = 50000, queries = 8, nearest = 3 };

static void check(vicinal_status status) {
  if (status == VICINAL_OK) return;
  fprintf(stderr, "%s: %s\n", vicinal_status_message(status), vicinal_last_error());
  exit(1);
}

static float uniform(void) {
  static unsigned long long state = 1;
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (float)(state >> 40) / 16777216.0f;
}

static float field(const float* place) { return sinf(3 * place[0]) * cosf(2 * place[1]); }

int main(void) {
  float* place = malloc(2 * stations * sizeof *place);
  float* measured = malloc(stations * sizeof *measured);
  float query[2 * queries], distance[queries * nearest], mean[queries];
  int64_t station[queries * nearest];
  if (place == NULL || measured == NULL) return 1;
  for (int k = 0; k < stations; ++k) {
    place[2 * k] = 2 * uniform();
    place[2 * k + 1] = 2 * uniform();
    measured[k] = field(place + 2 * k) + 0.4f * (uniform() - 0.5f);
  }
  for (int i = 0; i < queries; ++i) {
    query[2 * i] = 0.2f + 0.2f * (float)i;
    query[2 * i + 1] = 1.8f - 0.2f * (float)i;
  }

  /* The index borrows the places: keep them until it is freed. NULL: the Euclidean metric. */
  vicinal_index* index;
  check(vicinal_index_create_f32(NULL, place, stations, 2, &index));
  check(vicinal_knn_f32(index, NULL, query, queries, nearest, distance, station, NULL));

  /* A Gaussian of which at most one thousandth of each row's mass is left out. */
  vicinal_kernel kernel;
  vicinal_options options;
  check(vicinal_kernel_init(&kernel, sizeof kernel));
  check(vicinal_options_init(&options, sizeof options));
  kernel.bandwidth = 0.04;
  options.kernels = &kernel;
  options.kernels_count = 1;
  options.tol = 1e-3;
  options.index = index;
  check(vicinal_local_mean_f32(&options, query, queries, place, stations, 2, measured, 1, mean));
  check(vicinal_index_free(index));

  puts("  x    y     field    mean   to the nearest  its row");
  for (int i = 0; i < queries; ++i)
    printf("%4.1f %4.1f  %7.4f %7.4f  %14.5f  %7d\n", query[2 * i], query[2 * i + 1],
           field(query + 2 * i), mean[i], distance[i * nearest], (int)station[i * nearest]);
  free(measured);
  free(place);
  return 0;
}
