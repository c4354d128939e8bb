// Leads a tile of queries through its chunks.
//
// Few queries widen keys and values in registers. Many queries widen a step's blocks into memory, which stays in the first-level
// cache while they use it. Meanwhile the next step's blocks are fetched: they lie scattered, so the processor does not guess them.
#pragma once
#include "attention_chains.h"

namespace altiplano {
namespace {

constexpr int64_t BLOCKS = CHUNK / SLOTS;

// The queries' largest scores, and the sums of exponentials under them.
struct Totals {
  alignas(64) float largest[QUERIES];
  alignas(64) float total[QUERIES];
};

// A call's scratch memory.
struct Memory {
  Totals* totals;  // of the chunks so far
  float* wide;     // a step's keys, or values
  float* weights;  // scores, then exponentials: [query][ROW]
  float* sums;     // the chunk's: [query][width]
  float* states;   // the chunks' so far: [query][width]
  float* x;        // the queries' numbers: [group of those that share loads][head_dim][query of the group]

  static constexpr int64_t floats(int64_t count, int64_t width) {
    return 2 * QUERIES + STEP * SLOTS * width + count * (ROW + 3 * width);
  }

  Memory(float* scratch, int64_t count, int64_t width)
      : totals((Totals*)scratch),
        wide(scratch + 2 * QUERIES),
        weights(wide + STEP * SLOTS * width),
        sums(weights + count * ROW),
        states(sums + count * width),
        x(states + count * width) {}
};

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

  // The same where few groups have fetched while they widened.
  template <class F> void groups_on_widened(const char* const* at, int64_t numbers, const F& f) const {
    if (many) {
      groups<MANY_SHARE>(at, numbers, f);
    } else {
      groups<FEW_SHARE>(at, 0, f);
    }
  }

  void widen_keys(int64_t block, const char* ahead, float* to) const {
    const Number* from = keys(block);
    if constexpr (L::SCALED) {
      const __m512 scale = L::scale(_mm512_loadu_ps(head.key_scales + token(block)));
      L::widen(from, SLOTS * head.head_dim, scale, many ? nullptr : ahead, to);
    } else {
      for (int64_t i = 0; i < SLOTS * head.head_dim; i += 16) _mm512_store_ps(to + i, L::load(from + i));
    }
  }

  void widen_values(int64_t block, int64_t slots, const char* ahead, float* to) const {
    const Number* from = values(block);
    if constexpr (L::SCALED) {
      for (int64_t i = 0; i < slots; i++) {
        const int64_t at = i * head.width;
        const __m512 scale = L::scale(_mm512_set1_ps(head.value_scales[token(block) + i]));
        L::widen(from + at, head.width, scale, many ? nullptr : ahead + at, to + at);
      }
    } else {
      for (int64_t i = 0; i < slots * head.width; i += 16) _mm512_store_ps(to + i, L::load(from + i));
    }
  }

  template <class T, int R, bool AHEAD>
  void scores_of(const typename T::Number* const* at, const char* const* ahead, int64_t i) const {
    const float* x = memory.x + i * head.head_dim;
    float* weights = memory.weights + i * ROW + b * SLOTS;
    step_scores<T, R, AHEAD>(at, ahead, size(), x, head.head_dim, tile.scale, weights);
  }

  template <class T, int R, bool AHEAD>
  void values_of(const typename T::Number* const* at, const char* const* ahead, int64_t i, int64_t from, int64_t to) const {
    const float* weights = memory.weights + i * ROW + from;
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
        widen_keys(first + b + i, ahead[i], (float*)at[i]);
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
        widen_values(first + b + i, slots < SLOTS ? slots : SLOTS, ahead[i], (float*)at[i]);
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
      if (seen[i] > 0) totals.largest[i] = largest(memory.weights + i * ROW, seen[i]);
    }
    for (int64_t i = 0; i < tile.count; i++) {
      if (seen[i] > 0) totals.total[i] = soften(memory.weights + i * ROW, seen[i], totals.largest[i]);
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
