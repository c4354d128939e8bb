// Attention of a tile of queries that look at the same KV head: what its parts agree on.
#pragma once
#include "panels.h"

namespace altiplano {

constexpr int64_t SLOTS = 16;
constexpr int64_t CHUNK = 256;
// Between one query's scores and the next one's: a power of two would bring all of them to the same few sets of the cache.
constexpr int64_t ROW = CHUNK + SLOTS;
// Blocks of a step: their scores are computed together, their values are added together.
constexpr int STEP = 4;
// Queries of a call at most, and how many are many.
constexpr int64_t QUERIES = 64;
constexpr int64_t MANY_QUERIES = 12;
// Queries that share a load, where they are few and where they are many.
constexpr int FEW_SHARE = 4;
constexpr int MANY_SHARE = 6;

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

Attend attend_f32, attend_bf16, attend_f8;  // AVX-512F
Attend attend_bf16_vbmi, attend_f8_vbmi;    // and VBMI

}  // namespace altiplano
