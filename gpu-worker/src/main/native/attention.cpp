// Attention over one chunk of positions, for all queries that look at the same KV head: ReductionOrder's sequence of operations.
// A block of keys or values stays in the first-level cache while every query meets it.
#include "panels.h"

namespace {

constexpr int64_t BLOCK = 16;
constexpr int64_t CHUNK = 256;
// Blocks of keys whose scores are computed together, and positions whose values are added together.
constexpr int64_t KEYS = 4;
constexpr int64_t VALUES = 64;
// Queries of a call.
constexpr int64_t QUERIES = 32;
// Queries that share a load.
constexpr int SHARE = 4;

// One query: where its numbers and its result are, how many of the chunk's positions it sees, whether the chunk is its last.
struct Query {
  int32_t from;
  int32_t to;
  int32_t seen;
  int32_t last;
};

// How keys and values lie: as F32, or as BF16 that is widened where it is used.
struct AsF32 {
  using Number = float;
  INLINE __m512 load(const float* at) { return _mm512_loadu_ps(at); }
};

struct AsBf16 {
  using Number = uint16_t;
  INLINE __m512 load(const uint16_t* at) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
};

// ReductionOrder.exp in every lane.
INLINE __m512 exponential(__m512 argument) {
  const __m512 rounder = _mm512_set1_ps(0x1.8p23f);
  __m512 x = _mm512_min_ps(argument, _mm512_set1_ps(88.f));
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
  __m512i exponent = _mm512_sub_epi32(_mm512_castps_si512(shifted), _mm512_castps_si512(rounder));
  __m512i power = _mm512_slli_epi32(_mm512_add_epi32(exponent, _mm512_set1_epi32(127)), 23);
  __mmask16 tiny = _mm512_cmp_ps_mask(argument, _mm512_set1_ps(-87.f), _CMP_LT_OQ);
  return _mm512_mask_mov_ps(_mm512_mul_ps(p, _mm512_castsi512_ps(power)), tiny, _mm512_setzero_ps());
}

INLINE float exponential(float x) { return _mm512_cvtss_f32(exponential(_mm512_set1_ps(x))); }

// ReductionOrder.tree.
INLINE float tree(__m512 v) {
  __m256 a = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  b = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

// Scores of B blocks for R queries.
template <class L, int R, int B>
INLINE void scores(
    const typename L::Number* const* keys, const float* q, const Query* query, int64_t head_dim, float scale, float* weights) {
  __m512 a[R][B];
  const float* x[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) {
    x[r] = q + query[r].from;
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) a[r][b] = _mm512_setzero_ps();
  }
  for (int64_t d = 0; d < head_dim; d++) {
    __m512 k[B];
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) k[b] = L::load(keys[b] + d * BLOCK);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      __m512 xd = _mm512_set1_ps(x[r][d]);
#pragma GCC unroll 4
      for (int b = 0; b < B; b++) a[r][b] = _mm512_fmadd_ps(k[b], xd, a[r][b]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int b = 0; b < B; b++) {
      _mm512_storeu_ps(weights + r * CHUNK + b * BLOCK, _mm512_mul_ps(a[r][b], _mm512_set1_ps(scale)));
    }
  }
}

template <class L, int B>
static void all_scores(
    const typename L::Number* const* keys, const float* q, const Query* query, int64_t count, int64_t head_dim,
    float scale, float* weights) {
  int64_t i = 0;
  for (; i + SHARE <= count; i += SHARE) {
    scores<L, SHARE, B>(keys, q, query + i, head_dim, scale, weights + i * CHUNK);
  }
  for (; i < count; i++) scores<L, 1, B>(keys, q, query + i, head_dim, scale, weights + i * CHUNK);
}

// Turns a query's scores into exponentials; the largest score and the exponentials' sum.
static void soften(float* weights, int64_t seen, float* largest, float* total) {
  int64_t blocks = (seen + BLOCK - 1) / BLOCK;
  __mmask16 end = (__mmask16)(0xffff >> (blocks * BLOCK - seen));
  __m512 most = _mm512_set1_ps(-__builtin_inff());
  for (int64_t b = 0; b < blocks; b++) {
    __mmask16 there = b + 1 < blocks ? 0xffff : end;
    most = _mm512_mask_max_ps(most, there, most, _mm512_loadu_ps(weights + b * BLOCK));
  }
  *largest = _mm512_reduce_max_ps(most);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t b = 0; b < blocks; b++) {
    __mmask16 there = b + 1 < blocks ? 0xffff : end;
    __m512 difference = _mm512_sub_ps(_mm512_loadu_ps(weights + b * BLOCK), _mm512_set1_ps(*largest));
    __m512 e = _mm512_maskz_mov_ps(there, exponential(difference));
    _mm512_storeu_ps(weights + b * BLOCK, e);
    sum = _mm512_add_ps(sum, e);
  }
  *total = tree(sum);
}

// Adds weights[j] * v[j] over the positions [from, to) to V vectors of R queries' sums, j ascending.
template <class L, int R, int V>
INLINE void weigh(
    const typename L::Number* values, const int32_t* at, const float* weights, int64_t from, int64_t to, int64_t width,
    float* sums) {
  __m512 a[R][V];
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int i = 0; i < V; i++) a[r][i] = from == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + r * width + i * 16);
  }
  for (int64_t j = from; j < to; j++) {
    const typename L::Number* row = values + at[j / BLOCK] + j % BLOCK * width;
    __m512 v[V];
#pragma GCC unroll 4
    for (int i = 0; i < V; i++) v[i] = L::load(row + i * 16);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      __m512 w = _mm512_set1_ps(weights[r * CHUNK + j]);
#pragma GCC unroll 4
      for (int i = 0; i < V; i++) a[r][i] = _mm512_fmadd_ps(v[i], w, a[r][i]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int i = 0; i < V; i++) _mm512_storeu_ps(sums + r * width + i * 16, a[r][i]);
  }
}

template <class L, int R>
static void weigh_all(
    const typename L::Number* values, const int32_t* at, const float* weights, int64_t from, int64_t to, int64_t width,
    float* sums) {
  int64_t d = 0;
  for (; d + 64 <= width; d += 64) weigh<L, R, 4>(values + d, at, weights, from, to, width, sums + d);
  for (; d < width; d += 16) weigh<L, R, 1>(values + d, at, weights, from, to, width, sums + d);
}

// The positions [from, to) for all queries. Some may see fewer: what lies behind may be anything, so it is not touched.
template <class L>
static void add_values(
    const typename L::Number* values, const int32_t* at, const Query* query, int64_t count, const float* weights, int64_t from,
    int64_t to, int64_t width, float* sums) {
  for (int64_t i = 0; i < count;) {
    bool shared = i + SHARE <= count;
    for (int64_t r = i; shared && r < i + SHARE; r++) shared = query[r].seen >= to;
    if (shared) {
      weigh_all<L, SHARE>(values, at, weights + i * CHUNK, from, to, width, sums + i * width);
      i += SHARE;
    } else {
      int64_t end = query[i].seen < to ? query[i].seen : to;
      if (end > from) weigh_all<L, 1>(values, at, weights + i * CHUNK, from, end, width, sums + i * width);
      i++;
    }
  }
}

// Folds a chunk's sums into a query's state: [0] largest score, [1] total, [16..] sums.
static void fold(bool opens, float largest, float total, const float* sums, int64_t width, float* state) {
  if (opens) {
    state[0] = largest;
    state[1] = total;
    for (int64_t d = 0; d < width; d += 16) _mm512_storeu_ps(state + 16 + d, _mm512_loadu_ps(sums + d));
    return;
  }
  float most = state[0] > largest ? state[0] : largest;
  float before = exponential(state[0] - most);
  float now = exponential(largest - most);
  state[0] = most;
  state[1] = __builtin_fmaf(state[1], before, total * now);
  for (int64_t d = 0; d < width; d += 16) {
    __m512 add = _mm512_mul_ps(_mm512_loadu_ps(sums + d), _mm512_set1_ps(now));
    __m512 sum = _mm512_fmadd_ps(_mm512_loadu_ps(state + 16 + d), _mm512_set1_ps(before), add);
    _mm512_storeu_ps(state + 16 + d, sum);
  }
}

// See altiplano_attend.
template <class L>
static void attend(
    const typename L::Number* keys, const typename L::Number* values, const int32_t* at, int64_t head_dim,
    int64_t width, const float* q, const Query* query, int64_t count, int64_t seen, float scale, bool opens,
    float* scratch, float* out) {
  float* weights = scratch;
  float* sums = weights + count * CHUNK;
  float* states = sums + count * width;
  int64_t blocks = (seen + BLOCK - 1) / BLOCK;
  const typename L::Number* block[CHUNK / BLOCK];
  for (int64_t b = 0; b < blocks; b++) block[b] = keys + at[b];
  int64_t b = 0;
  for (; b + KEYS <= blocks; b += KEYS) {
    all_scores<L, KEYS>(block + b, q, query, count, head_dim, scale, weights + b * BLOCK);
  }
  for (; b < blocks; b++) all_scores<L, 1>(block + b, q, query, count, head_dim, scale, weights + b * BLOCK);
  float largest[QUERIES], total[QUERIES];
  for (int64_t i = 0; i < count; i++) {
    if (query[i].seen > 0) soften(weights + i * CHUNK, query[i].seen, &largest[i], &total[i]);
  }
  for (int64_t j = 0; j < seen; j += VALUES) {
    int64_t to = j + VALUES < seen ? j + VALUES : seen;
    add_values<L>(values, at + CHUNK / BLOCK, query, count, weights, j, to, width, sums);
  }
  for (int64_t i = 0; i < count; i++) {
    if (query[i].seen <= 0) continue;
    float* state = states + i * (16 + width);
    fold(opens, largest[i], total[i], sums + i * width, width, state);
    if (query[i].last) {
      for (int64_t d = 0; d < head_dim; d++) out[query[i].to + d] = state[16 + d] / state[1];
    }
  }
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int64_t altiplano_attend_queries() { return QUERIES; }

// Floats of scratch memory that `altiplano_attend` needs: weights, sums of the chunk, states. It keeps the states.
EXPORT int64_t altiplano_attend_scratch(int64_t count, int64_t width) { return count * (CHUNK + width + 16 + width); }

// at: [16] offsets of the blocks' keys, [16] of their values; queries: [count][4], at most QUERIES; `seen` is the most that one
// sees; keys and values are BF16 if bf16 is not 0, else F32.
EXPORT void altiplano_attend(
    int32_t bf16, const void* keys, const void* values, const int32_t* at, int64_t head_dim, int64_t width,
    const float* q, const int32_t* queries, int64_t count, int64_t seen, float scale, int32_t opens, float* scratch,
    float* out) {
  auto* query = (const Query*)queries;
  if (bf16) {
    attend<AsBf16>(
        (const uint16_t*)keys, (const uint16_t*)values, at, head_dim, width, q, query, count, seen, scale, opens, scratch,
        out);
  } else {
    attend<AsF32>(
        (const float*)keys, (const float*)values, at, head_dim, width, q, query, count, seen, scale, opens, scratch, out);
  }
}
