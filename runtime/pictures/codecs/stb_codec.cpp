#include "hewn/runtime/pictures/codecs/stb_codec.h"

#include "hewn/runtime/error.h"

#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

// stb is C: it takes its memory from macros, by malloc.
// NOLINTBEGIN(cppcoreguidelines-no-malloc, cppcoreguidelines-macro-usage)

namespace {

// What stb may still allocate on this thread. Memory that it frees is not given back: a decoder
// asks for each of its buffers once, and one that keeps growing a buffer is being fooled.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
thread_local std::size_t allowance = 0;

bool spend(std::size_t bytes) {
  if (bytes > allowance) return false;
  allowance -= bytes;
  return true;
}

void* counted_malloc(std::size_t size) { return spend(size) ? std::malloc(size) : nullptr; }

void* counted_realloc(void* data, std::size_t size) {
  return spend(size) ? std::realloc(data, size) : nullptr;
}

}  // namespace

#define STBI_MALLOC(size) counted_malloc(size)
#define STBI_REALLOC(data, size) counted_realloc(data, size)
#define STBI_FREE(data) std::free(data)
// Plain loops everywhere, so that a JPEG has the same pixels on every machine.
#define STBI_NO_SIMD
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
// Most of what static stb defines is not used here.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace hewn::detail {

namespace {

struct Free {
  void operator()(void* data) const { std::free(data); }
};
// NOLINTEND(cppcoreguidelines-no-malloc, cppcoreguidelines-macro-usage)

const stbi_uc* as_stb(std::span<const std::byte> bytes) {
  return reinterpret_cast<const stbi_uc*>(bytes.data());
}

[[noreturn]] void fail_with_reason() {
  const char* reason = stbi_failure_reason();
  fail("cannot be decoded: ", reason != nullptr ? reason : "unknown reason");
}

template <typename Value>
Image to_image(std::unique_ptr<Value, Free> pixels, int width, int height, int channels, int bits) {
  if (!pixels) fail_with_reason();
  Image image{.width = width, .height = height, .channels = channels, .bits = bits, .values = {}};
  const std::int64_t count = image.width * image.height * image.channels;
  image.values.assign(pixels.get(), pixels.get() + count);
  return image;
}

}  // namespace

PictureSize stb_jpeg_size(std::span<const std::byte> file) {
  constexpr std::size_t kDecoderState = std::size_t{1} << 20;
  allowance = kDecoderState;
  int width = 0;
  int height = 0;
  if (stbi_info_from_memory(as_stb(file), static_cast<int>(file.size()), &width, &height,
                            nullptr) == 0) {
    fail_with_reason();
  }
  return {.height = height, .width = width};
}

Image stb_decode(std::span<const std::byte> file, int bits, std::size_t memory_limit) {
  allowance = memory_limit;
  const auto size = static_cast<int>(file.size());
  int width = 0;
  int height = 0;
  int channels = 0;
  if (bits == 16) {
    std::unique_ptr<stbi_us, Free> pixels(
        stbi_load_16_from_memory(as_stb(file), size, &width, &height, &channels, 0));
    return to_image(std::move(pixels), width, height, channels, bits);
  }
  std::unique_ptr<stbi_uc, Free> pixels(
      stbi_load_from_memory(as_stb(file), size, &width, &height, &channels, 0));
  return to_image(std::move(pixels), width, height, channels, bits);
}

std::vector<std::byte> zlib_compress(std::span<const std::byte> data) {
  constexpr int kQuality = 8;  // stb's own default
  int size = 0;
  // stb takes a pointer to mutable data, and does not write through it.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  auto* from = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(data.data()));
  const std::unique_ptr<unsigned char, Free> compressed(
      stbi_zlib_compress(from, static_cast<int>(data.size()), &size, kQuality));
  if (!compressed) throw std::bad_alloc();
  const auto* bytes = reinterpret_cast<const std::byte*>(compressed.get());
  return {bytes, bytes + size};
}

}  // namespace hewn::detail
