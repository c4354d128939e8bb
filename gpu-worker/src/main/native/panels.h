// What the native kernels share: the panel layout of kernel.cpu.PanelMatrix, and ReductionOrder's tree of slices.
//
// Vectors run along a panel's 32 output rows, k is sequential in every lane, so batch, blocking and tails cannot change a bit.
// Nothing here may be compiled with -ffast-math or with contraction of a product and a sum.
#pragma once
#include <immintrin.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

namespace altiplano {

constexpr int64_t PANEL = 32;
// Rows of activations whose chains are held in registers at a time: at most GROUP from packed weights, TILE from widened ones.
constexpr int GROUP = 8;
constexpr int TILE = 12;
// Steps (see the weight types below) that are widened at a time; they and a tile's activations fit the first-level cache.
constexpr int64_t BLOCK = 128;
// Rows of activations of one call of the product of many rows.
constexpr int64_t MANY = 504;
constexpr int LEVELS = 4;

// One product's weights. `units` are the loads that a slice consists of; one unit gives one or two steps.
struct Weights {
  const uint8_t* panels;
  int64_t outputs;
  int64_t slices;
  int64_t units;
};

// Adds a slice's chains to the binary tree of slices: the level of a slice's subtree is the number of its trailing one bits.
template <int N> INLINE void merge(int64_t slice, __m512* chains, __m512* levels) {
  int level = 0;
  for (; (slice >> level) & 1; level++) {
    for (int i = 0; i < N; i++) chains[i] = _mm512_add_ps(levels[level * N + i], chains[i]);
  }
  for (int i = 0; i < N; i++) levels[level * N + i] = chains[i];
}

INLINE int top_level(int64_t slices) { return slices == 8 ? 3 : slices == 4 ? 2 : slices == 2 ? 1 : 0; }

// Stores the two vectors of a panel's sums, of as many rows as exist.
template <class W> INLINE void store(__m512 a, __m512 b, int64_t rows, float* out) {
  W::finish(a, b);
  if (rows >= PANEL) {
    _mm512_storeu_ps(out, a);
    _mm512_storeu_ps(out + 16, b);
  } else {
    uint32_t mask = (uint32_t)((1ULL << rows) - 1);
    _mm512_mask_storeu_ps(out, (__mmask16)mask, a);
    _mm512_mask_storeu_ps(out + 16, (__mmask16)(mask >> 16), b);
  }
}

// P panels times M rows, weights widened in registers. x: [slice][unit][step][M].
template <class W, int M, int P>
static __attribute__((noinline)) void panels(
    const Weights& w, const int64_t* panel, const uint32_t* x, float* out) {
  constexpr int N = 2 * P * M;
  const typename W::Tables tables;
  __m512 levels[LEVELS * N];
  const uint8_t* at[P];
  for (int p = 0; p < P; p++) at[p] = w.panels + panel[p] * w.slices * w.units * W::UNIT;
  for (int64_t s = 0; s < w.slices; s++) {
    __m512 a[P][2][M];
#pragma GCC unroll 4
    for (int p = 0; p < P; p++) {
#pragma GCC unroll 16
      for (int m = 0; m < M; m++) a[p][0][m] = a[p][1][m] = _mm512_setzero_ps();
    }
    for (int64_t u = 0; u < w.units; u++, x += W::STEPS * M) {
#pragma GCC unroll 4
      for (int p = 0; p < P; p++) {
        typename W::Vector v[W::STEPS][2];
        W::widen(tables, at[p], v);
        W::template prefetch<M>(at[p]);
        at[p] += W::UNIT;
#pragma GCC unroll 2
        for (int t = 0; t < W::STEPS; t++) {
#pragma GCC unroll 16
          for (int m = 0; m < M; m++) {
            typename W::Vector xs = W::broadcast(x + t * M + m);
            a[p][0][m] = W::multiplyAdd(v[t][0], xs, a[p][0][m]);
            a[p][1][m] = W::multiplyAdd(v[t][1], xs, a[p][1][m]);
          }
        }
      }
    }
    merge<N>(s, &a[0][0][0], levels);
  }
  const __m512* sums = levels + top_level(w.slices) * N;
  for (int p = 0; p < P; p++) {
    int64_t from = panel[p] * PANEL;
    for (int m = 0; m < M; m++) {
      store<W>(sums[p * 2 * M + m], sums[(p * 2 + 1) * M + m], w.outputs - from, out + m * w.outputs + from);
    }
  }
}

// A tile of M rows times one block of widened weights. x: [step][M]; chains: [M][2].
template <class W, int M>
INLINE void tile(const uint32_t* x, const typename W::Vector* widened, int64_t steps, bool first, __m512* chains) {
  __m512 a[M][2];
#pragma GCC unroll 16
  for (int m = 0; m < M; m++) {
    a[m][0] = first ? _mm512_setzero_ps() : chains[2 * m];
    a[m][1] = first ? _mm512_setzero_ps() : chains[2 * m + 1];
  }
  for (int64_t k = 0; k < steps; k++, x += M, widened += 2) {
    typename W::Vector low = widened[0];
    typename W::Vector high = widened[1];
#pragma GCC unroll 16
    for (int m = 0; m < M; m++) {
      typename W::Vector xs = W::broadcast(x + m);
      a[m][0] = W::multiplyAdd(low, xs, a[m][0]);
      a[m][1] = W::multiplyAdd(high, xs, a[m][1]);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < M; m++) {
    chains[2 * m] = a[m][0];
    chains[2 * m + 1] = a[m][1];
  }
}

// Bytes of scratch memory that `many` needs: a block of widened weights, and each tile's chains and tree.
constexpr int64_t SCRATCH = BLOCK * 2 * 64 + MANY / TILE * (LEVELS + 1) * TILE * 2 * 64;

// One panel times up to MANY rows. x: [slice][block][tile][step][TILE]; scratch: SCRATCH bytes, aligned to 64.
template <class W>
static __attribute__((noinline)) void many(
    const Weights& w, int64_t panel, const uint32_t* x, int64_t rows, float* out, uint8_t* scratch) {
  constexpr int N = 2 * TILE;
  constexpr int64_t UNITS = BLOCK / W::STEPS;
  const typename W::Tables tables;
  auto* widened = (typename W::Vector*)scratch;
  auto* chains = (__m512*)(scratch + BLOCK * 2 * 64);
  int64_t tiles = (rows + TILE - 1) / TILE;
  const uint8_t* at = w.panels + panel * w.slices * w.units * W::UNIT;
  for (int64_t s = 0; s < w.slices; s++) {
    for (int64_t u0 = 0; u0 < w.units; u0 += UNITS) {
      int64_t units = w.units - u0 < UNITS ? w.units - u0 : UNITS;
      for (int64_t u = 0; u < units; u++, at += W::UNIT) {
        _mm_prefetch((const char*)at + 2048, _MM_HINT_T0);
        W::widen(tables, at, (typename W::Vector(*)[2])(widened + u * W::STEPS * 2));
      }
      for (int64_t t = 0; t < tiles; t++, x += units * W::STEPS * TILE) {
        __m512* own = chains + t * (LEVELS + 1) * N;
        tile<W, TILE>(x, widened, units * W::STEPS, u0 == 0, own);
        if (u0 + units == w.units) merge<N>(s, own, own + N);
      }
    }
  }
  int64_t from = panel * PANEL;
  for (int64_t m = 0; m < rows; m++) {
    const __m512* sums = chains + m / TILE * (LEVELS + 1) * N + (1 + top_level(w.slices)) * N + m % TILE * 2;
    store<W>(sums[0], sums[1], w.outputs - from, out + m * w.outputs + from);
  }
}

// Panels that `few` multiplies at once: chains enough to hide the latency of a multiply-add.
INLINE int together(int64_t rows) { return rows == 1 ? 4 : rows <= 4 ? 2 : 1; }

template <class W, int M, int P>
INLINE void groups(const Weights& w, int64_t group, int64_t end, int64_t count, const uint32_t* x, float* out) {
  int64_t last = (w.outputs + PANEL - 1) / PANEL - 1;
  for (; group < end; group++) {
    int64_t panel[P];
    for (int p = 0; p < P; p++) {
      int64_t at = p * count + group;
      panel[p] = at < last ? at : last;
    }
    panels<W, M, P>(w, panel, x, out);
  }
}

template <class W> INLINE void one(const Weights& w, int64_t panel, int rows, const uint32_t* x, float* out) {
  switch (rows) {
    case 1: panels<W, 1, 1>(w, &panel, x, out); break;
    case 2: panels<W, 2, 1>(w, &panel, x, out); break;
    case 3: panels<W, 3, 1>(w, &panel, x, out); break;
    case 4: panels<W, 4, 1>(w, &panel, x, out); break;
    case 5: panels<W, 5, 1>(w, &panel, x, out); break;
    case 6: panels<W, 6, 1>(w, &panel, x, out); break;
    case 7: panels<W, 7, 1>(w, &panel, x, out); break;
    default: panels<W, 8, 1>(w, &panel, x, out);
  }
}

// Groups [group, end) of `count` groups of panels, `together(rows)` panels each, times a few rows. Rows lie in groups of at most
// GROUP, as even as they come: x is [group of rows][slice][unit][step][rows of the group].
template <class W>
static void few(
    const Weights& w, int64_t group, int64_t end, int64_t count, const uint32_t* x, int64_t rows, float* out) {
  if (rows == 1) return groups<W, 1, 4>(w, group, end, count, x, out);
  if (rows == 2) return groups<W, 2, 2>(w, group, end, count, x, out);
  if (rows == 3) return groups<W, 3, 2>(w, group, end, count, x, out);
  if (rows == 4) return groups<W, 4, 2>(w, group, end, count, x, out);
  int64_t parts = (rows + GROUP - 1) / GROUP;
  int64_t words = w.slices * w.units * W::STEPS;
  for (int64_t panel = group; panel < end; panel++) {
    int64_t m = 0;
    for (int64_t part = 0; part < parts; part++) {
      int size = (int)(rows / parts + (part < rows % parts ? 1 : 0));
      one<W>(w, panel, size, x + m * words, out + m * w.outputs);
      m += size;
    }
  }
}

// Lays out `size` rows of activations: to[step * size + m]. `columns` of the slice's columns exist, the rest are zeros.
template <class W>
INLINE void lay(const float* x, int64_t stride, int64_t exist, int64_t size, int64_t steps, int64_t columns, uint32_t* to) {
  for (int64_t m = 0; m < size; m++, to++) {
    const float* row = x + m * stride;
    int64_t there = m < exist ? columns : 0;
    int64_t whole = there / W::COLUMNS < steps ? there / W::COLUMNS : steps;
    for (int64_t k = 0; k < whole; k++) to[k * size] = W::word(row + k * W::COLUMNS, W::COLUMNS);
    for (int64_t k = whole; k < steps; k++) to[k * size] = W::word(row + k * W::COLUMNS, there - k * W::COLUMNS);
  }
}

// Columns of slice s that exist, of those from `from` on.
INLINE int64_t existing(int64_t s, int64_t from, int64_t width, int64_t length) {
  int64_t left = width - s * length < length ? width - s * length : length;
  return left > from ? left - from : 0;
}

// Lays rows [m, m + size) out as `few` reads them, into their group.
template <class W>
static void lay_few(const float* x, int64_t size, int64_t width, int64_t length, const Weights& w, uint32_t* to) {
  int64_t steps = w.units * W::STEPS;
  for (int64_t s = 0; s < w.slices; s++, to += steps * size) {
    lay<W>(x + s * length, width, size, size, steps, existing(s, 0, width, length), to);
  }
}

// Lays one tile out as `many` reads it.
template <class W>
static void lay_many(
    const float* x, int64_t t, int64_t rows, int64_t width, int64_t length, const Weights& w, uint32_t* to) {
  int64_t tiles = (rows + TILE - 1) / TILE;
  int64_t steps = w.units * W::STEPS;
  int64_t exist = rows - t * TILE < TILE ? rows - t * TILE : TILE;
  for (int64_t s = 0; s < w.slices; s++) {
    for (int64_t k0 = 0; k0 < steps; k0 += BLOCK) {
      int64_t count = steps - k0 < BLOCK ? steps - k0 : BLOCK;
      int64_t from = k0 * W::COLUMNS;
      lay<W>(x + t * TILE * width + s * length + from, width, exist, TILE, count, existing(s, from, width, length),
             to + ((s * steps + k0) * tiles + t * count) * TILE);
    }
  }
}

// The functions of one weight type, as a translation unit exports them.
struct Operations {
  void (*few)(const Weights&, int64_t, int64_t, int64_t, const uint32_t*, int64_t, float*);
  void (*many)(const Weights&, int64_t, const uint32_t*, int64_t, float*, uint8_t*);
  void (*lay_few)(const float*, int64_t, int64_t, int64_t, const Weights&, uint32_t*);
  void (*lay_many)(const float*, int64_t, int64_t, int64_t, int64_t, const Weights&, uint32_t*);
  int64_t columns;  // stored columns of a slice that a unit holds
  int64_t steps;    // words of a laid-out row that a unit takes
};

template <class W> constexpr Operations operations() {
  return {few<W>, many<W>, lay_few<W>, lay_many<W>, W::COLUMNS * W::STEPS, W::STEPS};
}

extern const Operations F32_OPERATIONS;
extern const Operations BF16_OPERATIONS;
extern const Operations F8_OPERATIONS;       // AVX-512F alone
extern const Operations F8_VBMI_OPERATIONS;  // and VBMI
extern const Operations F8_DP_OPERATIONS;    // VBMI and AVX512-BF16

}  // namespace altiplano
