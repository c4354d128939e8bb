// Attention as VBMI widens keys and values.
#include "attention_tile.h"

namespace altiplano {
namespace {

// For each byte of an F32, which byte of the 32 BF16 numbers of a pair it is; the two lower ones are zero.
struct Upper {
  alignas(64) uint8_t first[64];
  alignas(64) uint8_t second[64];

  constexpr Upper() : first(), second() {
    for (int i = 0; i < 16; i++) {
      for (int byte = 0; byte < 2; byte++) {
        first[4 * i + 2 + byte] = (uint8_t)(2 * i + byte);
        second[4 * i + 2 + byte] = (uint8_t)(32 + 2 * i + byte);
      }
    }
  }
};
constexpr Upper UPPER;

struct AsBf16 {
  using Number = uint16_t;
  using Pair = __m512i;
  static constexpr bool SCALED = false;

  INLINE __m512 load(const uint16_t* at) {
    return half<0>(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i*)at)));
  }
  INLINE Pair pair(const uint16_t* at) { return _mm512_loadu_si512(at); }
  template <int H> INLINE __m512 half(Pair p) {
    const __m512i bytes = _mm512_load_si512(H == 0 ? UPPER.first : UPPER.second);
    return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi8(0xccccccccccccccccULL, bytes, p));
  }
};

}  // namespace

void attend_bf16_vbmi(const Head& head, const Tile& tile, int64_t from, int64_t to) { attend<AsBf16>(head, tile, from, to); }
void attend_f8_vbmi(const Head& head, const Tile& tile, int64_t from, int64_t to) { attend<AsF8>(head, tile, from, to); }

}  // namespace altiplano
