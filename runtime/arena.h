// Memory for intermediates, with stack discipline.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace hewn {

/// A stack of buffers. What is allocated inside a Scope is released, all at once, when the Scope
/// ends; nothing is released one by one. Memory comes from the system in chunks that the arena
/// keeps: once the outermost scope has ended, the chunks are merged into one that holds the peak,
/// so the same work done again asks the system for nothing.
///
/// Not thread-safe: one thread allocates; workers may use the memory.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Releases, when it ends, everything allocated since it began. Scopes nest.
  class Scope {
   public:
    /// The arena must outlive it.
    explicit Scope(Arena& arena);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    std::size_t chunk_;
    std::size_t used_;
  };

  /// `count` uninitialised objects, aligned to 64 bytes. Throws Error when count is negative or the
  /// size overflows, std::bad_alloc when there is no memory.
  template <typename T>
  requires std::is_trivially_copyable_v<T> std::span<T> allocate(std::int64_t count) {
    const std::int64_t bytes = checked_multiply(count, sizeof(T), "arena");
    return {static_cast<T*>(allocate_bytes(bytes)), static_cast<std::size_t>(count)};
  }

  /// A dense, uninitialised view of the given shape. Throws as allocate() does.
  View view(const Nhwc& shape) { return {allocate<float>(shape.count()).data(), shape}; }

  /// Has at least `bytes` in one piece for what follows, so that the first run of a network leaves
  /// no holes. A hint: it does nothing while something is allocated, or when there is no such
  /// memory. The system gives memory where it is touched, so that a generous guess costs nothing.
  void reserve(std::int64_t bytes);

  /// Bytes obtained from the system and held now.
  std::int64_t reserved_bytes() const;
  /// How often the system was asked for memory since the arena was made.
  std::int64_t system_allocations() const { return system_allocations_; }
  /// The most bytes that were in use at one moment since the arena was made, rounding to cache
  /// lines included.
  std::int64_t peak_bytes() const { return static_cast<std::int64_t>(peak_); }

 private:
  struct Free {
    void operator()(std::byte* data) const noexcept;
  };
  struct Chunk {
    std::unique_ptr<std::byte[], Free> data;
    std::size_t size = 0;
    std::size_t used = 0;
  };

  void* allocate_bytes(std::int64_t bytes);
  void next_chunk(std::size_t size);
  Chunk make_chunk(std::size_t size);
  void release_to(std::size_t chunk, std::size_t used);

  std::vector<Chunk> chunks_;
  std::size_t current_ = 0;  // the chunk that is being filled; those after it are empty
  std::size_t in_use_ = 0;
  std::size_t peak_ = 0;
  std::int64_t system_allocations_ = 0;
};

}  // namespace hewn
