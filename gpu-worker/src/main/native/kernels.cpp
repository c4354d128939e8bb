// What Java calls. Compiled for any x86-64: `altiplano_missing` must answer on every machine, and the rest runs only where it
// answered with nothing.
#include <stdint.h>

#include "panels.h"

using namespace altiplano;

namespace {

enum Type { TYPE_F32, TYPE_BF16, TYPE_F8, TYPE_F8_VBMI, TYPE_F8_DP };

const Operations& of(int32_t type) {
  switch (type) {
    case TYPE_F32: return F32_OPERATIONS;
    case TYPE_BF16: return BF16_OPERATIONS;
    case TYPE_F8: return F8_OPERATIONS;
    case TYPE_F8_VBMI: return F8_VBMI_OPERATIONS;
    default: return F8_DP_OPERATIONS;
  }
}

Weights weights(const Operations& o, const uint8_t* panels, int64_t outputs, int64_t slices, int64_t stored) {
  return {panels, outputs, slices, stored / o.columns};
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

// Changes with any signature below.
EXPORT int32_t altiplano_version() { return 3; }

// Bits: 1 AVX-512 F, BW, DQ or VL is missing; 2 VBMI is; 4 BF16 is.
EXPORT int32_t altiplano_missing() {
  __builtin_cpu_init();
  int32_t missing = 0;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq")
      || !__builtin_cpu_supports("avx512vl")) {
    missing |= 1;
  }
  if (!__builtin_cpu_supports("avx512vbmi")) missing |= 2;
  if (!__builtin_cpu_supports("avx512bf16")) missing |= 4;
  return missing;
}

EXPORT int64_t altiplano_many_rows() { return MANY; }
EXPORT int64_t altiplano_tile() { return TILE; }
EXPORT int64_t altiplano_group() { return GROUP; }
EXPORT int64_t altiplano_scratch_bytes() { return SCRATCH; }
EXPORT int64_t altiplano_panels_together(int64_t rows) { return together(rows); }

// x: [size][width]; to: [slice][step][size]
EXPORT void altiplano_lay_few(
    int32_t type, const float* x, int64_t from, int64_t size, int64_t width, int64_t length, int64_t slices,
    int64_t stored, uint32_t* to) {
  const Operations& o = of(type);
  o.lay_few(x + from, size, width, length, weights(o, 0, 0, slices, stored), to);
}

// x: [rows][width]; writes tile t of to: [slice][block][tile][step][TILE]
EXPORT void altiplano_lay_many(
    int32_t type, const float* x, int64_t from, int64_t t, int64_t rows, int64_t width, int64_t length, int64_t slices,
    int64_t stored, uint32_t* to) {
  const Operations& o = of(type);
  o.lay_many(x + from, t, rows, width, length, weights(o, 0, 0, slices, stored), to);
}

EXPORT void altiplano_few(
    int32_t type, const uint8_t* panels, int64_t outputs, int64_t slices, int64_t stored, int64_t group, int64_t end,
    int64_t count, const uint32_t* x, int64_t rows, float* out) {
  const Operations& o = of(type);
  o.few(weights(o, panels, outputs, slices, stored), group, end, count, x, rows, out);
}

EXPORT void altiplano_many(
    int32_t type, const uint8_t* panels, int64_t outputs, int64_t slices, int64_t stored, int64_t panel,
    const uint32_t* x, int64_t rows, float* out, int64_t from, uint8_t* scratch) {
  const Operations& o = of(type);
  o.many(weights(o, panels, outputs, slices, stored), panel, x, rows, out + from, scratch);
}
