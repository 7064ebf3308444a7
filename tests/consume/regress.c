/* Kernel regression at three points from five, whole and in two pieces; check.py knows the answers.
 */
#include <stdio.h>
#include <vicinal/vicinal.h>

static int failed(vicinal_status status) {
  if (status != VICINAL_OK)
    fprintf(stderr, "%s: %s\n", vicinal_status_message(status), vicinal_last_error());
  return status != VICINAL_OK;
}

int main(void) {
  const float queries[] = {0.0f, 1.5f, 4.0f};
  const float keys[] = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f};
  const float values[] = {0.0f, 1.0f, 4.0f, 9.0f, 16.0f};
  float means[3], log_mass[3];
  int i;

  vicinal_kernel kernel;
  vicinal_options options;
  vicinal_kernel_init(&kernel, sizeof kernel);
  vicinal_options_init(&options, sizeof options);
  kernel.bandwidth = 0.5;
  options.kernels = &kernel;
  options.kernels_count = 1;
  if (failed(vicinal_local_mean_f32(&options, queries, 3, keys, 5, 1, values, 1, means))) return 1;
  for (i = 0; i < 3; ++i) printf("gaussian %.7g\n", means[i]);

  vicinal_state* state;
  vicinal_statistics statistics;
  vicinal_statistics_init(&statistics, sizeof statistics);
  statistics.mean = means;
  statistics.log_mass = log_mass;
  kernel.profile = VICINAL_EPANECHNIKOV;
  kernel.bandwidth = 1.5;
  if (failed(vicinal_state_create_f32(&options, queries, 3, 1, 1, 0, 0, &state)) ||
      failed(vicinal_state_update_f32(state, &options, keys, 2, values)) ||
      failed(vicinal_state_update_f32(state, &options, keys + 2, 3, values + 2)) ||
      failed(vicinal_state_finish_f32(state, &options, &statistics, NULL)))
    return 1;
  vicinal_state_free(state);
  for (i = 0; i < 3; ++i) printf("epanechnikov %.7g %.7g\n", means[i], log_mass[i]);

  kernel.bandwidth = -1.0;
  if (vicinal_local_mean_f32(&options, queries, 3, keys, 5, 1, values, 1, means) !=
      VICINAL_ERROR_INVALID_ARGUMENT)
    return 1;
  printf("refused %s\n", vicinal_last_error());
  return 0;
}
