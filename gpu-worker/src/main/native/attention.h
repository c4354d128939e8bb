// Attention of a tile of queries that look at the same KV head: ReductionOrder's sequence of operations. Vectors run along a block's
// positions for scores and along the head for sums, and each chain stays in one register, so that neither the number of queries
// nor the tiling can change a bit.
//
// Few queries widen keys and values in registers and fetch meanwhile what they read next: blocks lie scattered, so the processor does
// not guess them. Many queries widen a step's blocks into memory, which stays in the first-level cache while they use it.
//
// All is in an unnamed namespace, as it is compiled for more than one instruction set.
#pragma once
#include "panels.h"

namespace altiplano {
namespace {

constexpr int64_t SLOTS = 16;
constexpr int64_t CHUNK = 256;
constexpr int64_t BLOCKS = CHUNK / SLOTS;
// Blocks of a step: their scores are computed together, their values are added together.
constexpr int STEP = 4;
// Queries of a call at most, and how many are many.
constexpr int64_t QUERIES = 64;
constexpr int64_t MANY_QUERIES = 12;
// Queries that share a load, where they are few and where they are many.
constexpr int FEW_SHARE = 4;
constexpr int MANY_SHARE = 6;

}  // namespace

// One query: where its numbers and its result are, and its absolute position; it sees the positions up to its own.
struct Query {
  int32_t from;
  int32_t to;
  int32_t position;
};

// Where one head's keys and values are, in KvSlab's layout.
struct Head {
  const void* keys;
  const float* key_scales;
  const void* values;
  const float* value_scales;
  const int32_t* table;
  int64_t heads;
  int64_t head;
  int64_t head_dim;
  int64_t width;
};

// A call's queries and memory.
struct Tile {
  const Query* query;
  int64_t count;
  const float* q;
  float scale;
  float* scratch;
  float* out;
};

// Attends to the chunks [from, to). What it must know of the chunks before is in the scratch memory.
using Attend = void(const Head&, const Tile&, int64_t from, int64_t to);

Attend attend_f32, attend_bf16, attend_f8;   // AVX-512F
Attend attend_bf16_vbmi, attend_f8_vbmi;     // and VBMI

namespace {

// The queries' largest scores, and the sums of exponentials under them.
struct Totals {
  alignas(64) float largest[QUERIES];
  alignas(64) float total[QUERIES];
};

// A call's scratch memory.
struct Memory {
  Totals* totals;  // of the chunks so far
  float* wide;     // a step's keys, or values
  float* weights;  // scores, then exponentials: [query][CHUNK]
  float* sums;     // the chunk's: [query][width]
  float* states;   // the chunks' so far: [query][width]
  float* x;        // the queries' numbers: [group of those that share loads][head_dim][query of the group]

  static constexpr int64_t floats(int64_t count, int64_t width) {
    return 2 * QUERIES + STEP * SLOTS * width + count * (CHUNK + 3 * width);
  }

  Memory(float* scratch, int64_t count, int64_t width)
      : totals((Totals*)scratch),
        wide(scratch + 2 * QUERIES),
        weights(wide + STEP * SLOTS * width),
        sums(weights + count * CHUNK),
        states(sums + count * width),
        x(states + count * width) {}
};

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
  // The product with the scale is exact but for its one rounding, and 2^8 can cause no overflow: a scale is at most 1/448 of a number.
  INLINE void widen(const uint8_t* from, int64_t numbers, __m512 scale, float* to) {
    for (int64_t i = 0; i < numbers; i += 16) {
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

// ReductionOrder.exp in every lane that is `there`, of arguments that are not above 0; 0 in the others. No result is subnormal, so
// the power of two can be added to the exponent.
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
      _mm512_storeu_ps(weights + r * CHUNK + b * SLOTS, _mm512_mul_ps(a[r][b], _mm512_set1_ps(scale)));
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
        __m512 w = _mm512_set1_ps(weights[r * CHUNK]);
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
      sum_values<L, 1, AHEAD>(values, next, weights + r * CHUNK, from == 0, counts[r], width, sums + r * width);
    }
  }
}

template <class L> class Attention {
  using Number = typename L::Number;

  const Head& head;
  const Tile& tile;
  const Memory memory;
  const bool many;
  const bool widens;
  const int64_t last_block;  // that any query sees, or that the call reads
  int64_t seen[QUERIES];     // of the chunk's positions
  // The step that is read: the chunk's first block, blocks that are seen of it, the step's first.
  int64_t first;
  int64_t blocks;
  int64_t b;

  int64_t token(int64_t block) const { return ((int64_t)head.table[block] * head.heads + head.head) * SLOTS; }
  const Number* keys(int64_t block) const { return (const Number*)head.keys + token(block) * head.head_dim; }
  const Number* values(int64_t block) const { return (const Number*)head.values + token(block) * head.width; }
  int64_t size() const { return blocks - b < STEP ? blocks - b : STEP; }

  // Where the blocks are that are read after this step's.
  void next(bool of_values, const char** at) const {
    int64_t block = first + b + STEP;
    int64_t stop = first + blocks;
    if (block >= stop) {
      of_values = !of_values;
      block = of_values ? first : stop;
      stop = of_values ? stop : stop + STEP;
    }
    for (int64_t i = 0; i < STEP; i++) {
      int64_t there = block + i < stop ? block + i : stop - 1;
      there = there < last_block ? there : last_block;
      at[i] = (const char*)(of_values ? values(there) : keys(there));
    }
  }

  // Calls f for each group of queries; before each, fetches a part of the blocks `at`, whose positions have that many numbers.
  template <int SHARE, class F> void groups(const char* const* at, int64_t numbers, const F& f) const {
    const int64_t bytes = numbers * vector_bytes<L>();
    const int64_t part = (bytes * SHARE / tile.count + 64) & ~(int64_t)63;
    int64_t fetched = 0;
    for (int64_t i = 0; i < tile.count; i += SHARE) {
      for (const int64_t stop = fetched + part < bytes ? fetched + part : bytes; fetched < stop; fetched += 64) {
#pragma GCC unroll 4
        for (int k = 0; k < STEP; k++) fetch<64>(at[k] + fetched);
      }
      sized<SHARE>(tile.count - i < SHARE ? tile.count - i : SHARE, [&](auto n) { f(n, i); });
    }
  }

  template <class F> void groups_on_widened(const char* const* at, int64_t numbers, const F& f) const {
    if (many) {
      groups<MANY_SHARE>(at, numbers, f);
    } else {
      groups<FEW_SHARE>(at, numbers, f);
    }
  }

  void widen_keys(int64_t block, float* to) const {
    const Number* from = keys(block);
    if constexpr (L::SCALED) {
      L::widen(from, SLOTS * head.head_dim, L::scale(_mm512_loadu_ps(head.key_scales + token(block))), to);
    } else {
      for (int64_t i = 0; i < SLOTS * head.head_dim; i += 16) _mm512_store_ps(to + i, L::load(from + i));
    }
  }

  void widen_values(int64_t block, int64_t slots, float* to) const {
    const Number* from = values(block);
    if constexpr (L::SCALED) {
      for (int64_t slot = 0; slot < slots; slot++) {
        const __m512 scale = L::scale(_mm512_set1_ps(head.value_scales[token(block) + slot]));
        L::widen(from + slot * head.width, head.width, scale, to + slot * head.width);
      }
    } else {
      for (int64_t i = 0; i < slots * head.width; i += 16) _mm512_store_ps(to + i, L::load(from + i));
    }
  }

  template <class T, int R, bool AHEAD>
  void scores_of(const typename T::Number* const* at, const char* const* ahead, int64_t i) const {
    const float* x = memory.x + i * head.head_dim;
    float* weights = memory.weights + i * CHUNK + b * SLOTS;
    step_scores<T, R, AHEAD>(at, ahead, size(), x, head.head_dim, tile.scale, weights);
  }

  template <class T, int R, bool AHEAD>
  void values_of(const typename T::Number* const* at, const char* const* ahead, int64_t i, int64_t from, int64_t to) const {
    const float* weights = memory.weights + i * CHUNK + from;
    group_values<T, R, AHEAD>(at, ahead, from, to, head.width, weights, seen + i, memory.sums + i * head.width);
  }

  // Scores of a step's blocks.
  void step_keys() const {
    const char* ahead[STEP];
    next(false, ahead);
    if (widens) {
      const float* at[STEP];
      for (int64_t i = 0; i < size(); i++) {
        at[i] = memory.wide + i * SLOTS * head.head_dim;
        widen_keys(first + b + i, (float*)at[i]);
      }
      groups_on_widened(ahead, head.head_dim, [&](auto n, int64_t i) {
        scores_of<AsF32, decltype(n)::value, false>(at, nullptr, i);
      });
    } else if constexpr (!L::SCALED) {
      const Number* at[STEP];
      for (int64_t i = 0; i < size(); i++) at[i] = keys(first + b + i);
      groups<FEW_SHARE>(ahead, 0, [&](auto n, int64_t i) { scores_of<L, decltype(n)::value, true>(at, ahead, i); });
    }
  }

  // Values of a step's blocks, of which the queries see at most the chunk's positions up to `most`.
  void step_values(int64_t most) const {
    const int64_t from = b * SLOTS;
    const int64_t to = most < from + STEP * SLOTS ? most : from + STEP * SLOTS;
    const char* ahead[STEP];
    next(true, ahead);
    if (widens) {
      const float* at[STEP];
      for (int64_t i = 0; i < size(); i++) {
        const int64_t slots = to - from - i * SLOTS;
        at[i] = memory.wide + i * SLOTS * head.width;
        widen_values(first + b + i, slots < SLOTS ? slots : SLOTS, (float*)at[i]);
      }
      groups_on_widened(ahead, head.width, [&](auto n, int64_t i) {
        values_of<AsF32, decltype(n)::value, false>(at, nullptr, i, from, to);
      });
    } else if constexpr (!L::SCALED) {
      const Number* at[STEP];
      for (int64_t i = 0; i < size(); i++) at[i] = values(first + b + i);
      groups<FEW_SHARE>(ahead, 0, [&](auto n, int64_t i) { values_of<L, decltype(n)::value, true>(at, ahead, i, from, to); });
    }
  }

  void open(const Totals& chunk) const {
    *memory.totals = chunk;
    for (int64_t i = 0; i < tile.count * head.width; i += 16) {
      _mm512_store_ps(memory.states + i, _mm512_load_ps(memory.sums + i));
    }
  }

  // Folds a chunk into the states. A query that saw nothing of it is not asked for again.
  void fold(const Totals& chunk) const {
    Totals& all = *memory.totals;
    alignas(64) float before[QUERIES];
    alignas(64) float now[QUERIES];
    for (int64_t i = 0; i < tile.count; i += 16) {
      const __m512 here = _mm512_load_ps(chunk.largest + i);
      const __m512 so_far = _mm512_load_ps(all.largest + i);
      const __m512 most = _mm512_max_ps(so_far, here);
      const __m512 x = exponential(0xffff, _mm512_sub_ps(so_far, most));
      const __m512 y = exponential(0xffff, _mm512_sub_ps(here, most));
      const __m512 add = _mm512_mul_ps(_mm512_load_ps(chunk.total + i), y);
      _mm512_store_ps(all.total + i, _mm512_fmadd_ps(_mm512_load_ps(all.total + i), x, add));
      _mm512_store_ps(all.largest + i, most);
      _mm512_store_ps(before + i, x);
      _mm512_store_ps(now + i, y);
    }
    for (int64_t i = 0; i < tile.count; i++) {
      if (seen[i] == 0) continue;
      for (int64_t d = i * head.width; d < (i + 1) * head.width; d += 16) {
        const __m512 add = _mm512_mul_ps(_mm512_load_ps(memory.sums + d), _mm512_set1_ps(now[i]));
        const __m512 state = _mm512_load_ps(memory.states + d);
        _mm512_store_ps(memory.states + d, _mm512_fmadd_ps(state, _mm512_set1_ps(before[i]), add));
      }
    }
  }

  void finish(int64_t i) const {
    const __m512 total = _mm512_set1_ps(memory.totals->total[i]);
    for (int64_t d = 0; d < head.head_dim; d += 16) {
      const __mmask16 there = head.head_dim - d >= 16 ? 0xffff : (__mmask16)((1 << (head.head_dim - d)) - 1);
      const __m512 result = _mm512_div_ps(_mm512_load_ps(memory.states + i * head.width + d), total);
      _mm512_mask_storeu_ps(tile.out + tile.query[i].to + d, there, result);
    }
  }

  static int64_t last_position(const Tile& tile) {
    int64_t last = 0;
    for (int64_t i = 0; i < tile.count; i++) last = tile.query[i].position > last ? tile.query[i].position : last;
    return last;
  }

 public:
  Attention(const Head& head, const Tile& tile, int64_t to)
      : head(head),
        tile(tile),
        memory(tile.scratch, tile.count, head.width),
        many(tile.count >= MANY_QUERIES),
        widens(many || L::SCALED),
        last_block(last_position(tile) / SLOTS < to * BLOCKS ? last_position(tile) / SLOTS : to * BLOCKS - 1) {}

  // Lays out the queries' numbers.
  void lay() const {
    const int64_t share = many ? MANY_SHARE : FEW_SHARE;
    for (int64_t i = 0; i < tile.count; i++) {
      const int64_t group = i / share * share;
      const int64_t size = tile.count - group < share ? tile.count - group : share;
      float* x = memory.x + group * head.head_dim + (i - group);
      for (int64_t d = 0; d < head.head_dim; d++) x[d * size] = tile.q[tile.query[i].from + d];
    }
  }

  void chunk(int64_t chunk) {
    int64_t most = 0;
    for (int64_t i = 0; i < tile.count; i++) {
      const int64_t sees = tile.query[i].position + 1 - chunk * CHUNK;
      seen[i] = sees < 0 ? 0 : sees > CHUNK ? CHUNK : sees;
      most = seen[i] > most ? seen[i] : most;
    }
    if (most == 0) return;
    first = chunk * BLOCKS;
    blocks = (most + SLOTS - 1) / SLOTS;
    for (b = 0; b < blocks; b += STEP) step_keys();
    Totals totals{};
    for (int64_t i = 0; i < tile.count; i++) {
      if (seen[i] > 0) totals.largest[i] = largest(memory.weights + i * CHUNK, seen[i]);
    }
    for (int64_t i = 0; i < tile.count; i++) {
      if (seen[i] > 0) totals.total[i] = soften(memory.weights + i * CHUNK, seen[i], totals.largest[i]);
    }
    for (b = 0; b < blocks; b += STEP) step_values(most);
    if (chunk == 0) {
      open(totals);
    } else {
      fold(totals);
    }
    for (int64_t i = 0; i < tile.count; i++) {
      if (seen[i] > 0 && tile.query[i].position < (chunk + 1) * CHUNK) finish(i);
    }
  }
};

template <class L> INLINE void attend(const Head& head, const Tile& tile, int64_t from, int64_t to) {
  Attention<L> attention(head, tile, to);
  attention.lay();
  for (int64_t chunk = from; chunk < to; chunk++) attention.chunk(chunk);
}

}  // namespace
}  // namespace altiplano
