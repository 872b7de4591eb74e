#include "tests/support/mutate.h"

#include <algorithm>
#include <cstdint>

namespace hewn::test {

namespace {

using Bytes = std::vector<std::byte>;

/// A piece of a file.
struct Slice {
  std::size_t begin;
  std::size_t end;
};

std::size_t index_below(std::size_t size, Random& random) {
  return static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(size) - 1));
}

Slice random_slice(const Bytes& file, Random& random) {
  constexpr std::size_t kLongest = 64;
  const std::size_t begin = index_below(file.size(), random);
  const std::size_t length = 1 + index_below(kLongest, random);
  return {begin, std::min(begin + length, file.size())};
}

auto at(Bytes& file, std::size_t index) {
  return file.begin() + static_cast<std::ptrdiff_t>(index);
}

void flip_bits(Bytes& file, Random& random) {
  for (std::int64_t flips = random.integer(1, 8); flips > 0; --flips) {
    file[index_below(file.size(), random)] ^= static_cast<std::byte>(1U << random.integer(0, 7));
  }
}

void overwrite_number(Bytes& file, Random& random) {
  constexpr std::uint64_t kExtremes[] = {0,
                                         1,
                                         0x7f,
                                         0x80,
                                         0xff,
                                         0x7fff,
                                         0xffff,
                                         0x7fffffff,
                                         0x80000000,
                                         0xffffffff,
                                         0x100000000,
                                         0x7fffffffffffffff,
                                         ~std::uint64_t{0}};
  std::uint64_t value = kExtremes[index_below(std::size(kExtremes), random)];
  const std::size_t width = std::size_t{1} << random.integer(0, 3);
  const bool big_endian = random.integer(0, 1) == 1;
  const std::size_t begin = index_below(file.size(), random);
  for (std::size_t i = 0; i < width; ++i, value >>= 8U) {
    const std::size_t index = begin + (big_endian ? width - 1 - i : i);
    if (index < file.size()) file[index] = static_cast<std::byte>(value & 0xffU);
  }
}

void truncate(Bytes& file, Random& random) { file.resize(index_below(file.size() + 1, random)); }

void remove_slice(Bytes& file, Random& random) {
  const Slice slice = random_slice(file, random);
  file.erase(at(file, slice.begin), at(file, slice.end));
}

void insert_copy(Bytes& file, Random& random) {
  const Slice slice = random_slice(file, random);
  const Bytes copy(at(file, slice.begin), at(file, slice.end));
  file.insert(at(file, index_below(file.size() + 1, random)), copy.begin(), copy.end());
}

void overwrite_by_copy(Bytes& file, Random& random) {
  const Slice slice = random_slice(file, random);
  const Bytes copy(at(file, slice.begin), at(file, slice.end));
  const std::size_t to = index_below(file.size() - copy.size() + 1, random);
  std::copy(copy.begin(), copy.end(), at(file, to));
}

void replace_by_word(Bytes& file, Random& random, std::span<const std::string_view> dictionary) {
  const std::string_view word = dictionary[index_below(dictionary.size(), random)];
  const Slice slice = random_slice(file, random);
  const std::size_t removed = random.integer(0, 1) == 1 ? word.size() : 0;
  file.erase(at(file, slice.begin), at(file, std::min(slice.begin + removed, file.size())));
  const auto* letters = reinterpret_cast<const std::byte*>(word.data());
  file.insert(at(file, slice.begin), letters, letters + word.size());
}

}  // namespace

std::vector<std::byte> mutate(std::vector<std::byte> file, Random& random,
                              std::span<const std::string_view> dictionary) {
  constexpr void (*kEdits[])(Bytes&, Random&) = {flip_bits,        flip_bits,    overwrite_number,
                                                 truncate,         remove_slice, insert_copy,
                                                 overwrite_by_copy};
  for (std::int64_t edits = random.integer(1, 4); edits > 0 && !file.empty(); --edits) {
    if (!dictionary.empty() && random.integer(0, 2) == 0) {
      replace_by_word(file, random, dictionary);
    } else {
      kEdits[index_below(std::size(kEdits), random)](file, random);
    }
  }
  return file;
}

std::vector<std::string_view> words(std::string_view text,
                                    const std::vector<std::string_view>& more) {
  std::vector<std::string_view> all;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    all.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace hewn::test
