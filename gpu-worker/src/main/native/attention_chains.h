// The chains of attention: ReductionOrder's sequence of operations. Vectors run along a block's positions for scores and along the
// head for sums, and each chain stays in one register, so that neither the number of queries nor the tiling can change a bit.
//
// All is in an unnamed namespace, as it is compiled for more than one instruction set.
#pragma once
#include "attention.h"
#include "rows.h"

namespace altiplano {
namespace {

// Each way in which numbers lie: load() gives a vector; a pair is 32 that follow each other, half<0> and half<1> are its vectors.
// Numbers that have scales are widened into memory even for few queries.
struct AsF32 {
  using Number = float;
  using Pair = const float*;
  static constexpr bool SCALED = false;

  INLINE __m512 load(const float* at) { return _mm512_loadu_ps(at); }
  INLINE Pair pair(const float* at) { return at; }
  template <int H> INLINE __m512 half(Pair p) { return _mm512_loadu_ps(p + 16 * H); }
};

// E4M3's bits, moved up, are those of an F16 that is too small by 2^8, subnormals too.
struct AsF8 {
  using Number = uint8_t;
  static constexpr bool SCALED = true;

  INLINE __m512 scale(__m512 scale) { return _mm512_mul_ps(scale, _mm512_set1_ps(256)); }
  // The product with the scale is rounded once, as code * scale is; no scale overflows by 2^8, as it is at most 1/448 of a number.
  // Fetches meanwhile as much of what is at `ahead`, if anything.
  INLINE void widen(const uint8_t* from, int64_t numbers, __m512 scale, const char* ahead, float* to) {
    for (int64_t i = 0; i < numbers; i += 16) {
      if (ahead && i % 64 == 0) _mm_prefetch(ahead + i + 63, _MM_HINT_T0);
      const __m256i extended = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i*)(from + i)));
      const __m256i f16 = _mm256_and_si256(_mm256_slli_epi16(extended, 7), _mm256_set1_epi16((short)0xbfff));
      _mm512_store_ps(to + i, _mm512_mul_ps(_mm512_cvtph_ps(f16), scale));
    }
  }
};

// The bytes of a vector of numbers.
template <class L> constexpr int64_t vector_bytes() { return SLOTS * (int64_t)sizeof(typename L::Number); }

// Fetches the lines in which a number of bytes end.
template <int BYTES> INLINE void fetch(const char* at) {
  _mm_prefetch(at + (BYTES < 64 ? BYTES : 64) - 1, _MM_HINT_T0);
  if constexpr (BYTES > 64) fetch<BYTES - 64>(at + 64);
}

template <int N> struct Size { static constexpr int value = N; };

// Calls f with a Size of what is known only now, 1 to MOST.
template <int MOST, class F> INLINE void sized(int64_t size, const F& f) {
  if (size == MOST) {
    f(Size<MOST>());
  } else if constexpr (MOST > 1) {
    sized<MOST - 1>(size, f);
  }
}

template <int R, int B> INLINE void multiply_add(const __m512* k, const float* x, __m512 (*a)[B]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    __m512 xr = _mm512_set1_ps(x[r]);
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) a[r][b] = _mm512_fmadd_ps(k[b], xr, a[r][b]);
  }
}

// Scores of B blocks for R queries, whose numbers are x[head_dim][R]; if AHEAD, fetches meanwhile as much of the blocks at `next`.
template <class L, int R, int B, bool AHEAD>
INLINE void scores(
    const typename L::Number* const* keys, const char* const* next, const float* x, int64_t head_dim, float scale,
    float* weights) {
  __m512 a[R][B];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) a[r][b] = _mm512_setzero_ps();
  }
  __m512 k[B];
  int64_t d = 0;
  for (; d + 2 <= head_dim; d += 2, x += 2 * R) {
    typename L::Pair p[B];
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) {
      p[b] = L::pair(keys[b] + d * SLOTS);
      if (AHEAD) fetch<2 * vector_bytes<L>()>(next[b] + d * vector_bytes<L>());
    }
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) k[b] = L::template half<0>(p[b]);
    multiply_add<R, B>(k, x, a);
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) k[b] = L::template half<1>(p[b]);
    multiply_add<R, B>(k, x + R, a);
  }
  if (d < head_dim) {
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) k[b] = L::load(keys[b] + d * SLOTS);
    multiply_add<R, B>(k, x, a);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) {
      _mm512_storeu_ps(weights + r * ROW + b * SLOTS, _mm512_mul_ps(a[r][b], _mm512_set1_ps(scale)));
    }
  }
}

template <class L, int R, bool AHEAD>
static void step_scores(
    const typename L::Number* const* keys, const char* const* next, int64_t blocks, const float* x, int64_t head_dim, float scale,
    float* weights) {
  if (blocks == STEP) {
    scores<L, R, STEP, AHEAD>(keys, next, x, head_dim, scale, weights);
  } else {
    for (int64_t b = 0; b < blocks; b++) {
      scores<L, R, 1, AHEAD>(keys + b, next + b, x, head_dim, scale, weights + b * SLOTS);
    }
  }
}

// The largest of a query's scores.
static inline float largest(const float* weights, int64_t seen) {
  const int64_t whole = seen / SLOTS;
  const __mmask16 end = (__mmask16)((1 << seen % SLOTS) - 1);
  __m512 most[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) most[i] = _mm512_set1_ps(-__builtin_inff());
  int64_t b = 0;
  for (; b + 4 <= whole; b += 4) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) most[i] = _mm512_max_ps(most[i], _mm512_loadu_ps(weights + (b + i) * SLOTS));
  }
  for (; b < whole; b++) most[0] = _mm512_max_ps(most[0], _mm512_loadu_ps(weights + b * SLOTS));
  if (end) most[1] = _mm512_mask_max_ps(most[1], end, most[1], _mm512_loadu_ps(weights + b * SLOTS));
  return _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3])));
}

// Turns a query's scores into exponentials; returns their sum.
static inline float soften(float* weights, int64_t seen, float largest) {
  const int64_t whole = seen / SLOTS;
  const __mmask16 end = (__mmask16)((1 << seen % SLOTS) - 1);
  const __m512 zero = _mm512_set1_ps(largest);
  __m512 sum = _mm512_setzero_ps();
  int64_t b = 0;
#pragma GCC unroll 2
  for (; b < whole; b++) {
    __m512 e = exponential(0xffff, _mm512_sub_ps(_mm512_loadu_ps(weights + b * SLOTS), zero));
    _mm512_storeu_ps(weights + b * SLOTS, e);
    sum = _mm512_add_ps(sum, e);
  }
  if (end) {
    __m512 e = exponential(end, _mm512_sub_ps(_mm512_loadu_ps(weights + b * SLOTS), zero));
    _mm512_storeu_ps(weights + b * SLOTS, e);
    sum = _mm512_add_ps(sum, e);
  }
  return tree(sum);
}

// Adds weights[j] * v[j] over the first `count` positions of blocks to V vectors of R queries' sums, j ascending; if AHEAD, fetches
// meanwhile as much of the blocks at `next`.
template <class L, int R, int V, bool AHEAD>
INLINE void weigh(
    const typename L::Number* const* values, const char* const* next, int64_t d, const float* weights, bool opens, int64_t count,
    int64_t width, float* sums) {
  __m512 a[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int i = 0; i < V; i++) a[r][i] = opens ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + r * width + d + i * 16);
  }
  for (int64_t j = 0; j < count; j += SLOTS) {
    const typename L::Number* row = *values++ + d;
    const char* fetched = AHEAD ? *next++ + d * sizeof(typename L::Number) : nullptr;
    const int64_t slots = count - j < SLOTS ? count - j : SLOTS;
    for (int64_t slot = 0; slot < slots; slot++, row += width, weights++) {
      __m512 v[V];
      if constexpr (V == 1) {
        v[0] = L::load(row);
      } else {
#pragma GCC unroll 4
        for (int i = 0; i < V; i += 2) {
          typename L::Pair p = L::pair(row + i * 16);
          v[i] = L::template half<0>(p);
          v[i + 1] = L::template half<1>(p);
        }
      }
      if (AHEAD) {
        fetch<V * vector_bytes<L>()>(fetched);
        fetched += width * sizeof(typename L::Number);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        __m512 w = _mm512_set1_ps(weights[r * ROW]);
#pragma GCC unroll 4
        for (int i = 0; i < V; i++) a[r][i] = _mm512_fmadd_ps(v[i], w, a[r][i]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int i = 0; i < V; i++) _mm512_storeu_ps(sums + r * width + d + i * 16, a[r][i]);
  }
}

template <class L, int R, bool AHEAD>
static void sum_values(
    const typename L::Number* const* values, const char* const* next, const float* weights, bool opens, int64_t count,
    int64_t width, float* sums) {
  int64_t d = 0;
  for (; d + 64 <= width; d += 64) weigh<L, R, 4, AHEAD>(values, next, d, weights, opens, count, width, sums);
  for (; d < width; d += 16) weigh<L, R, 1, AHEAD>(values, next, d, weights, opens, count, width, sums);
}

// Values of a step's positions, the chunk's [from, to). Queries that see fewer go alone: what lies behind may be anything, so it is
// not touched.
template <class L, int R, bool AHEAD>
INLINE void group_values(
    const typename L::Number* const* values, const char* const* next, int64_t from, int64_t to, int64_t width, const float* weights,
    const int64_t* seen, float* sums) {
  int64_t counts[R];
  bool equal = true;
  for (int r = 0; r < R; r++) {
    counts[r] = (seen[r] < to ? seen[r] : to) - from;
    equal &= counts[r] == counts[0];
  }
  if (equal) {
    if (counts[0] > 0) sum_values<L, R, AHEAD>(values, next, weights, from == 0, counts[0], width, sums);
    return;
  }
  for (int r = 0; r < R; r++) {
    if (counts[r] > 0) {
      sum_values<L, 1, AHEAD>(values, next, weights + r * ROW, from == 0, counts[r], width, sums + r * width);
    }
  }
}

}  // namespace
}  // namespace altiplano
