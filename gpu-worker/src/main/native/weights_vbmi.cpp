// E4M3 widened by VBMI's tables of 128 bytes, and multiplied by F32 multiply-adds or by AVX512-BF16.
//
// vdpbf16ps adds two products to each lane, the high halves' first, each rounded as a fused
// multiply-add rounds: two steps of the chain, with the even column in the high half. It flushes subnormals, and none can arise:
// products of E4M3 values are multiples of 2^-18.
#include "panels.h"

namespace altiplano {
namespace {

// A BF16 value for each of the 128 magnitudes of E4M3, its high and low bytes apart.
struct Magnitudes {
  alignas(64) uint8_t high[128];
  alignas(64) uint8_t low[128];

  constexpr Magnitudes() : high(), low() {
    for (int i = 0; i < 128; i++) {
      int exponent = i >> 3;
      int mantissa = i & 7;
      int bits = 0;
      if (exponent > 0) {
        bits = (exponent + 120) << 7 | mantissa << 4;
      } else if (mantissa > 0) {  // mantissa * 2^-9
        int top = mantissa >= 4 ? 2 : mantissa >= 2 ? 1 : 0;
        bits = (127 - 9 + top) << 7 | (mantissa << (7 - top) & 0x7f);
      }
      high[i] = (uint8_t)(bits >> 8);
      low[i] = (uint8_t)bits;
    }
  }
};
constexpr Magnitudes MAGNITUDES;

struct Tables128 {
  const __m512i high0 = _mm512_load_si512(MAGNITUDES.high);
  const __m512i high1 = _mm512_load_si512(MAGNITUDES.high + 64);
  const __m512i low0 = _mm512_load_si512(MAGNITUDES.low);
  const __m512i low1 = _mm512_load_si512(MAGNITUDES.low + 64);
  const __m512i sign = _mm512_set1_epi8((char)0x80);
};

// High and low bytes of the BF16 values of 64 weights.
INLINE void look_up(const Tables128& t, const uint8_t* at, __m512i& high, __m512i& low) {
  __m512i bytes = _mm512_loadu_si512(at);
  high = _mm512_permutex2var_epi8(t.high0, bytes, t.high1);
  high = _mm512_ternarylogic_epi32(high, bytes, t.sign, 0xf8);  // high | bytes & sign
  low = _mm512_permutex2var_epi8(t.low0, bytes, t.low1);
}

template <int M> INLINE void prefetch_ahead(const uint8_t* at) {
  _mm_prefetch((const char*)at + (M == 1 ? 4096 : 8192), M == 1 ? _MM_HINT_T0 : _MM_HINT_T1);
}

struct F8Vbmi {
  using Vector = __m512;
  using Tables = Tables128;
  static constexpr int COLUMNS = 1;
  static constexpr int UNIT = 64;
  static constexpr int STEPS = 2;

  INLINE void widen(const Tables& t, const uint8_t* at, __m512 (*v)[2]) {
    const __m512i upper = _mm512_set1_epi16((short)0xff00);
    const __m512i high_half = _mm512_set1_epi32((int)0xffff0000);
    __m512i high, low;
    look_up(t, at, high, low);
    // a of the odd bytes, b of the even ones: upper ? first : second
    __m512i a = _mm512_ternarylogic_epi32(upper, high, _mm512_srli_epi16(low, 8), 0xca);
    __m512i b = _mm512_ternarylogic_epi32(upper, _mm512_slli_epi16(high, 8), low, 0xca);
    v[0][0] = _mm512_castsi512_ps(_mm512_slli_epi32(a, 16));
    v[0][1] = _mm512_castsi512_ps(_mm512_and_si512(a, high_half));
    v[1][0] = _mm512_castsi512_ps(_mm512_slli_epi32(b, 16));
    v[1][1] = _mm512_castsi512_ps(_mm512_and_si512(b, high_half));
  }
  INLINE __m512 broadcast(const uint32_t* x) { return _mm512_set1_ps(*(const float*)x); }
  INLINE __m512 multiplyAdd(__m512 w, __m512 x, __m512 a) { return _mm512_fmadd_ps(w, x, a); }
  template <int M> INLINE void prefetch(const uint8_t* at) { prefetch_ahead<M>(at); }
  INLINE void finish(__m512&, __m512&) {}
  INLINE uint32_t word(const float* x, int64_t exist) { return exist > 0 ? *(const uint32_t*)x : 0; }
};

struct F8Dp {
  using Vector = __m512i;
  using Tables = Tables128;
  static constexpr int COLUMNS = 2;
  static constexpr int UNIT = 64;
  static constexpr int STEPS = 1;

  // Interleaving inside 128-bit lanes leaves rows 4g, 16+4g, 4g+1, 17+4g in the first vector's lanes 4g to 4g+3, and rows two
  // further in the second's; finish() puts them in order.
  INLINE void widen(const Tables& t, const uint8_t* at, __m512i (*v)[2]) {
    __m512i high, low;
    look_up(t, at, high, low);
    v[0][0] = _mm512_unpacklo_epi8(low, high);
    v[0][1] = _mm512_unpackhi_epi8(low, high);
  }
  INLINE __m512i broadcast(const uint32_t* x) { return _mm512_set1_epi32((int)*x); }
  INLINE __m512 multiplyAdd(__m512i w, __m512i x, __m512 a) {
    return _mm512_dpbf16_ps(a, (__m512bh)w, (__m512bh)x);
  }
  template <int M> INLINE void prefetch(const uint8_t* at) { prefetch_ahead<M>(at); }
  INLINE void finish(__m512& a, __m512& b) {
    const __m512i first = _mm512_setr_epi32(0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30);
    __m512 rows = _mm512_permutex2var_ps(a, first, b);
    b = _mm512_permutex2var_ps(a, _mm512_add_epi32(first, _mm512_set1_epi32(1)), b);
    a = rows;
  }
  // E4M3 values have no more bits than BF16 holds.
  INLINE uint32_t word(const float* x, int64_t exist) {
    const uint32_t* bits = (const uint32_t*)x;
    return exist >= 2 ? (bits[0] & 0xffff0000) | bits[1] >> 16 : exist == 1 ? bits[0] & 0xffff0000 : 0;
  }
};

}  // namespace

const Operations F8_VBMI_OPERATIONS = operations<F8Vbmi>();
const Operations F8_DP_OPERATIONS = operations<F8Dp>();

}  // namespace altiplano
