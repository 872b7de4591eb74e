#include "hewn/runtime/arena.h"

#include <algorithm>
#include <new>

namespace hewn {

namespace {

// A chunk is at least this large, so that small scratch does not make many of them.
constexpr std::size_t kMinimumChunk = std::size_t{1} << 20;

std::size_t round_up(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Arena::Scope::Scope(Arena& arena)
    : arena_(arena),
      chunk_(arena.current_),
      used_(arena.chunks_.empty() ? 0 : arena.chunks_[arena.current_].used) {}

Arena::Scope::~Scope() { arena_.release_to(chunk_, used_); }

void Arena::Free::operator()(std::byte* data) const noexcept {
  ::operator delete[](data, std::align_val_t{kAlignment});
}

Arena::Chunk Arena::make_chunk(std::size_t size) {
  ++system_allocations_;
  auto* data = static_cast<std::byte*>(::operator new[](size, std::align_val_t{kAlignment}));
  return {std::unique_ptr<std::byte[], Free>(data), size, 0};
}

void* Arena::allocate_bytes(std::int64_t bytes) {
  // Half of the address space is refused before rounding could overflow.
  if (bytes > INT64_MAX / 2) throw std::bad_alloc();
  const std::size_t size = round_up(static_cast<std::size_t>(bytes));
  std::size_t at = current_;
  while (at < chunks_.size() && chunks_[at].size - chunks_[at].used < size) ++at;
  if (at == chunks_.size()) chunks_.push_back(make_chunk(std::max(size, kMinimumChunk)));
  current_ = at;
  Chunk& chunk = chunks_[at];
  std::byte* data = chunk.data.get() + chunk.used;
  chunk.used += size;
  in_use_ += size;
  peak_ = std::max(peak_, in_use_);
  return data;
}

void Arena::release_to(std::size_t chunk, std::size_t used) {
  for (std::size_t at = chunk; at < chunks_.size(); ++at) {
    const std::size_t keep = at == chunk ? used : 0;
    in_use_ -= chunks_[at].used - keep;
    chunks_[at].used = keep;
  }
  current_ = chunk;
  if (in_use_ > 0 || chunks_.size() < 2) return;
  // Everything is free: one chunk of the peak size makes the next run contiguous and free of
  // allocations.
  chunks_.clear();
  try {
    chunks_.push_back(make_chunk(peak_));
  } catch (const std::bad_alloc&) {
    // Scopes end in destructors, which must not throw. An empty arena asks again when it is next
    // used.
  }
}

std::int64_t Arena::reserved_bytes() const {
  std::size_t bytes = 0;
  for (const Chunk& chunk : chunks_) bytes += chunk.size;
  return static_cast<std::int64_t>(bytes);
}

}  // namespace hewn
