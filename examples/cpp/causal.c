/* A series of irregular measurements smoothed as they come, from C: each time sees the measurements
   of the last half unit, and a measurement reaches as far as its own resolution. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <vicinal/vicinal.h>

enum { measurements = 20000, queries = 10 };

static void check(vicinal_status status) {
  if (status == VICINAL_OK) return;
  fprintf(stderr, "%s: %s\n", vicinal_status_message(status), vicinal_last_error());
  exit(1);
}

static double uniform(void) {
  static unsigned long long state = 1;
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (double)(state >> 11) / 9007199254740992.0;
}

int main(void) {
  static double time[measurements], measured[measurements], resolution[measurements];
  double query[queries], mean[queries];
  int64_t count[queries];
  for (int k = 0; k < measurements; ++k) {
    time[k] = 10 * uniform(); /* in any order */
    resolution[k] = uniform() < 0.5 ? 0.02 : 0.1;
    measured[k] = sin(time[k]) + 5 * resolution[k] * (uniform() - 0.5);
  }
  for (int i = 0; i < queries; ++i) query[i] = 0.95 * (i + 1);

  /* Column 0 from half a unit back to now, and of these the nearest 200. The joined set keeps what
     it was made of. */
  vicinal_neighbors *recent, *nearest, *both;
  check(vicinal_neighbors_window_on(0, 0.5, 0, &recent));
  check(vicinal_neighbors_nearest(200, &nearest));
  check(vicinal_neighbors_and(recent, nearest, &both));
  check(vicinal_neighbors_free(recent));
  check(vicinal_neighbors_free(nearest));

  /* u = distance / (bandwidth of the kernel, 1, * bandwidth of the key) */
  vicinal_options options;
  vicinal_statistics statistics;
  check(vicinal_options_init(&options, sizeof options));
  check(vicinal_statistics_init(&statistics, sizeof statistics));
  options.neighbors = both;
  options.key_bandwidths = resolution;
  statistics.mean = mean;
  statistics.count = count;
  check(vicinal_local_stats_f64(&options, query, queries, time, measurements, 1, measured, 1,
                                &statistics, NULL));
  check(vicinal_neighbors_free(both));

  puts(" time     sine    mean  measurements");
  for (int i = 0; i < queries; ++i)
    printf("%5.2f  %7.4f %7.4f  %12d\n", query[i], sin(query[i]), mean[i], (int)count[i]);
  return 0;
}
