#include "hewn/runtime/arena.h"

#include <algorithm>
#include <new>
#include <utility>

namespace hewn {

namespace {

// A chunk is at least this large, so that small scratch does not make many of them.
constexpr std::size_t kMinimumChunk = std::size_t{1} << 20;

std::size_t aligned(std::size_t bytes) {
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

void Arena::reserve(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 0));
  if (in_use_ > 0 || (!chunks_.empty() && chunks_.front().size >= size)) return;
  try {
    Chunk chunk = make_chunk(aligned(size));
    chunks_.clear();
    chunks_.push_back(std::move(chunk));
    current_ = 0;
  } catch (const std::bad_alloc&) {
    // What is there will do.
  }
}

/// Those behind the current chunk are empty. The ones that are too small are given back, or they
/// would lie idle until the outermost scope ends. A new chunk is as large as all together, so that
/// there are few; the system gives memory where it is touched, so that costs none.
void Arena::next_chunk(std::size_t size) {
  const auto all = static_cast<std::size_t>(reserved_bytes());
  const std::size_t next = std::min(current_ + 1, chunks_.size());
  while (next < chunks_.size() && chunks_[next].size < size) {
    chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(next));
  }
  if (next == chunks_.size()) chunks_.push_back(make_chunk(std::max({size, all, kMinimumChunk})));
  current_ = next;
}

void* Arena::allocate_bytes(std::int64_t bytes) {
  // Half of the address space is refused before rounding could overflow.
  if (bytes > INT64_MAX / 2) throw std::bad_alloc();
  const std::size_t size = aligned(static_cast<std::size_t>(bytes));
  if (current_ == chunks_.size() || chunks_[current_].size - chunks_[current_].used < size) {
    next_chunk(size);
  }
  Chunk& chunk = chunks_[current_];
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
