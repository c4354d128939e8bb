// Operations along a row of activations. Sums keep ReductionOrder's 16 lanes, which are one vector here; nothing else is a sum, so
// the number of rows cannot change a bit. A tail is a masked vector: what is not there counts as 0 and is not written.
#include <math.h>

#include "rows.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace altiplano {
namespace {

constexpr int64_t LANES = 16;
// ReductionOrder.EXP_MAX.
constexpr float EXP_MAX = 88.f;

// Calls f with each vector's offset and the lanes that are there.
template <class F> INLINE void vectors(int64_t width, const F& f) {
  int64_t k = 0;
  for (; k + LANES <= width; k += LANES) f(k, (__mmask16)0xffff);
  if (k < width) f(k, (__mmask16)((1 << (width - k)) - 1));
}

// E4m3.round in every lane.
INLINE __m512 round_e4m3(__m512 x) {
  __mmask16 number = _mm512_cmp_ps_mask(x, x, _CMP_ORD_Q);
  __m512 magnitude = _mm512_min_ps(_mm512_abs_ps(x), _mm512_set1_ps(448.f));
  const __m512 rounder = _mm512_set1_ps(0x1.8p14f);
  __m512 subnormal = _mm512_sub_ps(_mm512_add_ps(magnitude, rounder), rounder);
  __m512i bits = _mm512_castps_si512(magnitude);
  __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 20), _mm512_set1_epi32(1));
  bits = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7ffff)), odd);
  __m512 normal = _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32((int)0xfff00000)));
  __mmask16 small = _mm512_cmp_ps_mask(magnitude, _mm512_set1_ps(0x1p-6f), _CMP_LT_OQ);
  __m512 rounded = _mm512_mask_blend_ps(small, normal, subnormal);
  return _mm512_maskz_or_ps(number, rounded, _mm512_and_ps(x, _mm512_set1_ps(-0.f)));
}

}  // namespace

// x: [rows][width]; max: [rows]
EXPORT void altiplano_abs_max(const float* x, int64_t rows, int64_t width, float* max) {
  for (int64_t m = 0; m < rows; m++, x += width) {
    __m512 most = _mm512_setzero_ps();
    __mmask16 nan = 0;
    vectors(width, [&](int64_t k, __mmask16 there) {
      __m512 v = _mm512_maskz_loadu_ps(there, x + k);
      nan |= _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
      most = _mm512_max_ps(most, _mm512_abs_ps(v));
    });
    max[m] = nan ? NAN : _mm512_reduce_max_ps(most);
  }
}

// x: [rows][width], in place; scales: [rows]
EXPORT void altiplano_quantize(float* x, int64_t rows, int64_t width, const float* scales) {
  for (int64_t m = 0; m < rows; m++, x += width) {
    const __m512 scale = _mm512_set1_ps(scales[m]);
    vectors(width, [&](int64_t k, __mmask16 there) {
      __m512 v = _mm512_maskz_loadu_ps(there, x + k);
      _mm512_mask_storeu_ps(x + k, there, round_e4m3(_mm512_div_ps(v, scale)));
    });
  }
}

// x, out: [rows][width]; weight: [width]
EXPORT void altiplano_rms_norm(
    const float* x, int64_t rows, int64_t width, const float* weight, float epsilon, float* out) {
  for (int64_t m = 0; m < rows; m++, x += width, out += width) {
    __m512 squares = _mm512_setzero_ps();
    vectors(width, [&](int64_t k, __mmask16 there) {
      __m512 v = _mm512_maskz_loadu_ps(there, x + k);
      squares = _mm512_fmadd_ps(v, v, squares);
    });
    const __m512 inverse = _mm512_set1_ps(1.f / sqrtf(tree(squares) / (float)width + epsilon));
    vectors(width, [&](int64_t k, __mmask16 there) {
      __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(there, x + k), inverse);
      _mm512_mask_storeu_ps(out + k, there, _mm512_mul_ps(v, _mm512_maskz_loadu_ps(there, weight + k)));
    });
  }
}

// gate_up: [rows][2][width]; out: [rows][width]
EXPORT void altiplano_swi_glu(const float* gate_up, int64_t rows, int64_t width, float* out) {
  for (int64_t m = 0; m < rows; m++, gate_up += 2 * width, out += width) {
    vectors(width, [&](int64_t k, __mmask16 there) {
      __m512 gate = _mm512_maskz_loadu_ps(there, gate_up + k);
      __m512 minus = _mm512_xor_ps(gate, _mm512_set1_ps(-0.f));
      // A minimum with NaN is its second argument.
      __m512 e = exponential(0xffff, _mm512_min_ps(_mm512_set1_ps(EXP_MAX), minus));
      __m512 silu = _mm512_div_ps(gate, _mm512_add_ps(e, _mm512_set1_ps(1.f)));
      _mm512_mask_storeu_ps(out + k, there, _mm512_mul_ps(silu, _mm512_maskz_loadu_ps(there, gate_up + width + k)));
    });
  }
}

}  // namespace altiplano
