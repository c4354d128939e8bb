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

// As kernel.cpu.Tiles widens E4M3, by shifts alone: values carry 2^-120, activations 2^100, and the sums get 2^20 in return.
struct F8 : Fma {
  static constexpr int UNIT = 64;
  static constexpr int STEPS = 2;

  INLINE void widen(const Tables&, const uint8_t* at, __m512 (*v)[2]) {
    const __m512i bits = _mm512_set1_epi16((short)0x87f0);
    const __m512i high = _mm512_set1_epi32((int)0xffff0000);
    __m512i both = _mm512_loadu_si512(at);
    __m512i a = _mm512_and_si512(_mm512_srai_epi16(both, 4), bits);
    __m512i b = _mm512_and_si512(_mm512_srai_epi16(_mm512_slli_epi16(both, 8), 4), bits);
    v[0][0] = _mm512_castsi512_ps(_mm512_slli_epi32(a, 16));
    v[0][1] = _mm512_castsi512_ps(_mm512_and_si512(a, high));
    v[1][0] = _mm512_castsi512_ps(_mm512_slli_epi32(b, 16));
    v[1][1] = _mm512_castsi512_ps(_mm512_and_si512(b, high));
  }
  INLINE void finish(__m512& a, __m512& b) {
    a = _mm512_mul_ps(a, _mm512_set1_ps(0x1p20f));
    b = _mm512_mul_ps(b, _mm512_set1_ps(0x1p20f));
  }
  INLINE uint32_t word(const float* x, int64_t exist) {
    float scaled = exist > 0 ? *x * 0x1p100f : 0.0f;
    return *(const uint32_t*)&scaled;
  }
};

}  // namespace

const Operations F32_OPERATIONS = operations<F32>();
const Operations BF16_OPERATIONS = operations<Bf16>();
const Operations F8_OPERATIONS = operations<F8>();

}  // namespace altiplano
