// Kernels: profile, metric and bandwidth.
//
// u = distance / bandwidth; the weight stands beside each profile.
#ifndef VICINAL_C_KERNEL_H
#define VICINAL_C_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "vicinal/c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum vicinal_profile {
  VICINAL_GAUSSIAN = 0,            // exp(-u^2 / 2)
  VICINAL_LAPLACE = 1,             // exp(-u)
  VICINAL_LOGISTIC = 2,            // 1 / (e^u + 2 + e^-u)
  VICINAL_CAUCHY = 3,              // 1 / (1 + u^2)
  VICINAL_STUDENT_T = 4,           // (1 + u^2 / shape)^(-(shape + 1) / 2)
  VICINAL_RATIONAL_QUADRATIC = 5,  // (1 + u^2 / (2 shape))^-shape
  VICINAL_MATERN = 6,              // shape is the order: 0.5, 1.5 or 2.5
  VICINAL_EPANECHNIKOV = 7,        // 1 - u^2 for u <= 1, else 0, as the next seven
  VICINAL_BIWEIGHT = 8,            // (1 - u^2)^2
  VICINAL_TRIWEIGHT = 9,           // (1 - u^2)^3
  VICINAL_TRICUBE = 10,            // (1 - u^3)^3
  VICINAL_TRIANGULAR = 11,         // 1 - u
  VICINAL_COSINE_PROFILE = 12,     // cos(pi u / 2)
  VICINAL_UNIFORM = 13,            // 1
  VICINAL_WENDLAND_C2 = 14,        // (1 - u)^4 (4 u + 1)
  VICINAL_INVERSE_DISTANCE = 15,   // u^-shape; exact hits take the mean of the coincident keys
  VICINAL_CONSTANT = 16,           // 1 everywhere
  VICINAL_SOFTMAX = 17,            // exp(q.x / bandwidth); shape = softcap, 0 for none
  VICINAL_VON_MISES_FISHER = 18,   // exp(cos / bandwidth)
  VICINAL_POLYNOMIAL = 19,         // (q.x / bandwidth + offset)^shape
  VICINAL_SIGMOID = 20,            // tanh(q.x / bandwidth + offset)
  VICINAL_AITCHISON_AITKEN = 21,   // 1 - h if equal, h / (shape - 1) else; shape = levels
  VICINAL_WANG_VAN_RYZIN = 22,     // 1 - h if equal, (1 - h) h^|q - x| / 2 else
  VICINAL_FUNCTION = 24            // `function` of u
} vicinal_profile;

typedef enum vicinal_metric {
  VICINAL_AUTOMATIC =
      0,  // the profile's own: Euclidean, dot for softmax, cosine for von Mises-Fisher
  VICINAL_EUCLIDEAN = 1,
  VICINAL_MANHATTAN = 2,
  VICINAL_CHEBYSHEV = 3,
  VICINAL_HAVERSINE = 4,     // latitude, longitude and distance in radians
  VICINAL_GREAT_CIRCLE = 5,  // latitude and longitude in degrees; distance in units of `scale`
  VICINAL_MAHALANOBIS = 6,   // |components (q - x)|
  VICINAL_DOT = 7,
  VICINAL_COSINE = 8,  // 1 - cos
  VICINAL_CATEGORY = 9
} vicinal_metric;

// One factor. Defaults: Gaussian, bandwidth 1, every column.
typedef struct vicinal_kernel {
  size_t struct_size;
  int32_t profile;  // vicinal_profile
  int32_t metric;   // vicinal_metric
  double bandwidth;
  const double* bandwidths;  // one per column, in place of `bandwidth`; or NULL
  int64_t bandwidths_count;
  double shape, offset;    // see the profile
  double scale;            // great circle: radius of the sphere, default 1
  int32_t rectified;       // polynomial: negative bases count as 0
  int32_t term;            // factors of one term multiply, terms add; from 0, in rising order
  double coefficient;      // of the term: its factors' coefficients multiply. Default 1
  const int64_t* columns;  // the columns that this factor sees; NULL: all
  int64_t columns_count;
  const double* components;  // Mahalanobis: components_rows x number of columns
  int64_t components_rows;
  double (*function)(double u);  // called for every pair, from several threads at once
} vicinal_kernel;

VICINAL_EXPORT vicinal_status vicinal_kernel_init(vicinal_kernel* kernel, size_t struct_size);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_C_KERNEL_H
