// What operations along a row share: ReductionOrder's exp and its sum of 16 lanes.
//
// All is in an unnamed namespace, as it is compiled for more than one instruction set.
#pragma once
#include "panels.h"

namespace altiplano {
namespace {

// ReductionOrder.exp in every lane that is `there`, of arguments that are not above 88; 0 in the others. No result is subnormal or
// infinite, so the power of two can be added to the exponent.
INLINE __m512 exponential(__mmask16 there, __m512 x) {
  const __m512 rounder = _mm512_set1_ps(0x1.8p23f);
  __m512 shifted = _mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), rounder);
  __m512 n = _mm512_sub_ps(shifted, rounder);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
  p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.f));
  // The rounder's own bits are shifted out.
  __m512i power = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
  __mmask16 some = _mm512_mask_cmp_ps_mask(there, x, _mm512_set1_ps(-87.f), _CMP_NLT_UQ);
  return _mm512_castsi512_ps(_mm512_maskz_add_epi32(some, _mm512_castps_si512(p), power));
}

// ReductionOrder.tree.
INLINE float tree(__m512 v) {
  __m256 a = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  b = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

}  // namespace
}  // namespace altiplano
