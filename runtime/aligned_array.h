// Owned memory for numbers that are not activations, as packed weights are.
#pragma once

#include "hewn/runtime/shape.h"
#include "hewn/runtime/tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace hewn {

/// `count` values of a plain type, on a cache line, not initialised. It moves but does not copy.
template <typename T>
requires std::is_trivially_copyable_v<T>
class AlignedArray {
 public:
  AlignedArray() = default;
  /// Throws Error when count is negative or the size overflows, std::bad_alloc when there is no
  /// memory.
  explicit AlignedArray(std::int64_t count) : count_(static_cast<std::size_t>(count)) {
    const std::int64_t bytes = checked_multiply(count, sizeof(T), "array");
    data_.reset(static_cast<T*>(
        ::operator new[](static_cast<std::size_t>(bytes), std::align_val_t{kAlignment})));
  }

  /// The first value; null for an array that was not given a count.
  T* data() { return data_.get(); }
  /// The same, to be read.
  const T* data() const { return data_.get(); }
  std::span<T> values() { return {data_.get(), count_}; }  ///< all of them
  /// The same, to be read.
  std::span<const T> values() const { return {data_.get(), count_}; }
  bool empty() const { return count_ == 0; }  ///< whether there is none

 private:
  struct Free {
    void operator()(T* data) const noexcept {
      ::operator delete[](data, std::align_val_t{kAlignment});
    }
  };
  std::unique_ptr<T[], Free> data_;
  std::size_t count_ = 0;
};

}  // namespace hewn
