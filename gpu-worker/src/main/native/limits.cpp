// What one thread can read and multiply at most: what kernels are judged by, not what they are made of.
#include "panels.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

// 24 chains hide the latency of any multiply-add.
#define EACH(OP)                                                                                                       \
  OP(0) OP(1) OP(2) OP(3) OP(4) OP(5) OP(6) OP(7) OP(8) OP(9) OP(10) OP(11) OP(12) OP(13) OP(14) OP(15) OP(16) OP(17)  \
  OP(18) OP(19) OP(20) OP(21) OP(22) OP(23)
#define FMA(i) asm volatile("vfmadd231ps %%zmm30, %%zmm31, %%zmm" #i ::: "xmm" #i);
#define DP(i) asm volatile("vdpbf16ps %%zmm30, %%zmm31, %%zmm" #i ::: "xmm" #i);
#define ZERO(i) asm volatile("vpxord %%zmm" #i ", %%zmm" #i ", %%zmm" #i ::: "xmm" #i);

// Reads everything, in four streams.
EXPORT int64_t altiplano_limit_read(const char* memory, int64_t bytes) {
  __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  int64_t quarter = bytes / 4;
  for (int64_t i = 0; i + 64 <= quarter; i += 64) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
      _mm_prefetch(memory + q * quarter + i + 4096, _MM_HINT_T0);
      sum[q] = _mm512_xor_si512(sum[q], _mm512_loadu_si512(memory + q * quarter + i));
    }
  }
  return _mm512_reduce_add_epi64(_mm512_xor_si512(_mm512_xor_si512(sum[0], sum[1]), _mm512_xor_si512(sum[2], sum[3])));
}

EXPORT void altiplano_limit_fma(int64_t steps) {
  EACH(ZERO) ZERO(30) ZERO(31)
  for (int64_t i = 0; i < steps; i++) {
    EACH(FMA)
  }
}

EXPORT void altiplano_limit_dp(int64_t steps) {
  EACH(ZERO) ZERO(30) ZERO(31)
  for (int64_t i = 0; i < steps; i++) {
    EACH(DP)
  }
}
