// Attention as AVX-512F widens keys and values, and what Java calls.
#include "attention_tile.h"

namespace altiplano {
namespace {

struct AsBf16 {
  using Number = uint16_t;
  using Pair = const uint16_t*;
  static constexpr bool SCALED = false;

  INLINE __m512 load(const uint16_t* at) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
  INLINE Pair pair(const uint16_t* at) { return at; }
  template <int H> INLINE __m512 half(Pair p) { return load(p + 16 * H); }
};

}  // namespace

void attend_f32(const Head& head, const Tile& tile, int64_t from, int64_t to) { attend<AsF32>(head, tile, from, to); }
void attend_bf16(const Head& head, const Tile& tile, int64_t from, int64_t to) { attend<AsBf16>(head, tile, from, to); }
void attend_f8(const Head& head, const Tile& tile, int64_t from, int64_t to) { attend<AsF8>(head, tile, from, to); }

}  // namespace altiplano

using namespace altiplano;

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int64_t altiplano_attend_queries() { return QUERIES; }

// Floats of scratch memory that `altiplano_attend` needs, aligned to 64 bytes. It keeps what is known of the chunks before.
EXPORT int64_t altiplano_attend_scratch(int64_t count, int64_t width) { return Memory::floats(count, width); }

// The chunks [from, to) of one head, in ascending order from 0; types are 0 F32, 1 BF16, 2 E4M3 with scales, and with VBMI 3 and 4.
// table: blocks of the sequence; queries: [count][3], at most altiplano_attend_queries().
EXPORT void altiplano_attend(
    int32_t type, const void* keys, const float* key_scales, const void* values, const float* value_scales,
    const int32_t* table, int64_t heads, int64_t head, int64_t head_dim, const float* q, const int32_t* queries, int64_t count,
    int64_t from, int64_t to, float scale, float* scratch, float* out) {
  static Attend* const BY_TYPE[] = {attend_f32, attend_bf16, attend_f8, attend_bf16_vbmi, attend_f8_vbmi};
  const int64_t width = (head_dim + SLOTS - 1) / SLOTS * SLOTS;
  const Head of{keys, key_scales, values, value_scales, table, heads, head, head_dim, width};
  BY_TYPE[type](of, {(const Query*)queries, count, q, scale, scratch, out}, from, to);
}
