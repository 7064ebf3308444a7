/* A density from keys that arrive in pieces, from C: no piece is kept. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <vicinal/vicinal.h>

enum { pieces = 100, piece = 2000, queries = 9 };

static const double pi = 3.14159265358979323846;

static void check(vicinal_status status) {
  if (status == VICINAL_OK) return;
  fprintf(stderr, "%s: %s\n", vicinal_status_message(status), vicinal_last_error());
  exit(1);
}

static double uniform(void) {
  static unsigned long long state = 1;
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

/* Box and Muller, 1958. */
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(2 * pi * uniform()); }

int main(void) {
  const double bandwidth = 0.1;
  double query[queries], log_mass[queries], key[piece];
  for (int i = 0; i < queries; ++i) query[i] = 0.5 * i;

  vicinal_kernel kernel;
  vicinal_options options;
  vicinal_statistics statistics;
  check(vicinal_kernel_init(&kernel, sizeof kernel));
  check(vicinal_options_init(&options, sizeof options));
  check(vicinal_statistics_init(&statistics, sizeof statistics));
  kernel.bandwidth = bandwidth; /* of the default profile, the Gaussian */
  options.kernels = &kernel;
  options.kernels_count = 1;
  statistics.log_mass = log_mass;

  vicinal_state* state;
  check(vicinal_state_create_f64(&options, query, queries, 1, 0, 0, 0, &state));
  for (int i = 0; i < pieces; ++i) {
    for (int k = 0; k < piece; ++k) key[k] = normal();
    check(vicinal_state_update_f64(state, &options, key, piece, NULL));
  }
  check(vicinal_state_finish_f64(state, &options, &statistics, NULL));
  check(vicinal_state_free(state));

  puts("  x     density   normal");
  for (int i = 0; i < queries; ++i)
    printf("%4.1f  %9.6f %9.6f\n", query[i],
           exp(log_mass[i]) / (pieces * piece * bandwidth * sqrt(2 * pi)),
           exp(-query[i] * query[i] / 2) / sqrt(2 * pi));
  return 0;
}
