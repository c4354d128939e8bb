// The weight types as AVX-512F multiplies them: widened to F32, one fused multiply-add a column.
#include "panels.h"

namespace altiplano {
namespace {

struct Fma {
  using Vector = __m512;
  struct Tables {};
  static constexpr int COLUMNS = 1;

  INLINE __m512 broadcast(const uint32_t* x) { return _mm512_set1_ps(*(const float*)x); }
  INLINE __m512 multiplyAdd(__m512 w, __m512 x, __m512 a) { return _mm512_fmadd_ps(w, x, a); }
  template <int M> INLINE void prefetch(const uint8_t* at) {
    _mm_prefetch((const char*)at + (M == 1 ? 4096 : 8192), M == 1 ? _MM_HINT_T0 : _MM_HINT_T1);
  }
  INLINE void finish(__m512&, __m512&) {}
  INLINE uint32_t word(const float* x, int64_t exist) { return exist > 0 ? *(const uint32_t*)x : 0; }
};

struct F32 : Fma {
  static constexpr int UNIT = 128;
  static constexpr int STEPS = 1;

  INLINE void widen(const Tables&, const uint8_t* at, __m512 (*v)[2]) {
    v[0][0] = _mm512_loadu_ps(at);
    v[0][1] = _mm512_loadu_ps(at + 64);
  }
  template <int M> INLINE void prefetch(const uint8_t* at) {
    Fma::prefetch<M>(at);
    Fma::prefetch<M>(at + 64);
  }
};

// A 32-bit lane holds rows i and 16 + i.
struct Bf16 : Fma {
  static constexpr int UNIT = 64;
  static constexpr int STEPS = 1;

  INLINE void widen(const Tables&, const uint8_t* at, __m512 (*v)[2]) {
    __m512i both = _mm512_loadu_si512(at);
    v[0][0] = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    v[0][1] = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)));
  }
};

// As kernel.cpu.Tiles widens E4M3: the exponent's bias is changed, and subnormals come from a table, since the shifted bits would
// be subnormal in F32 too, which costs a hundred cycles a multiplication.
struct F8 : Fma {
  static constexpr int UNIT = 64;
  static constexpr int STEPS = 2;

  struct Tables {
    // BF16 of 0 to 7 times 2^-9
    const __m512i subnormals = _mm512_castsi128_si512(
        _mm_setr_epi16(0, 118 << 7, 119 << 7, 119 << 7 | 64, 120 << 7, 120 << 7 | 32, 120 << 7 | 64, 120 << 7 | 96));
  };

  // shifted: sign in bit 15, exponent in 10 to 7, mantissa in 6 to 4
  INLINE __m512i bf16(const Tables& t, __m512i shifted) {
    __m512i normal = _mm512_add_epi16(shifted, _mm512_set1_epi16(120 << 7));
    __mmask32 subnormal = _mm512_testn_epi16_mask(shifted, _mm512_set1_epi16(0x0780));
    __m512i value = _mm512_permutexvar_epi16(_mm512_srli_epi16(shifted, 4), t.subnormals);
    __m512i sign = _mm512_and_si512(shifted, _mm512_set1_epi16((short)0x8000));
    return _mm512_mask_mov_epi16(normal, subnormal, _mm512_or_si512(value, sign));
  }
  INLINE void widen(const Tables& t, const uint8_t* at, __m512 (*v)[2]) {
    const __m512i bits = _mm512_set1_epi16((short)0x87f0);
    const __m512i high = _mm512_set1_epi32((int)0xffff0000);
    __m512i both = _mm512_loadu_si512(at);
    __m512i a = bf16(t, _mm512_and_si512(_mm512_srai_epi16(both, 4), bits));
    __m512i b = bf16(t, _mm512_and_si512(_mm512_srai_epi16(_mm512_slli_epi16(both, 8), 4), bits));
    v[0][0] = _mm512_castsi512_ps(_mm512_slli_epi32(a, 16));
    v[0][1] = _mm512_castsi512_ps(_mm512_and_si512(a, high));
    v[1][0] = _mm512_castsi512_ps(_mm512_slli_epi32(b, 16));
    v[1][1] = _mm512_castsi512_ps(_mm512_and_si512(b, high));
  }
};

}  // namespace

const Operations F32_OPERATIONS = operations<F32>();
const Operations BF16_OPERATIONS = operations<Bf16>();
const Operations F8_OPERATIONS = operations<F8>();

}  // namespace altiplano
