// Damage to files: what bad disks, bad networks and bad people do to them.
#pragma once

#include "hewn/runtime/random.h"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace hewn::test {

/// `file` after one to four random edits: bits flipped, numbers overwritten by extreme ones in
/// either byte order, bytes cut off, removed, doubled, moved, or replaced by a piece of
/// `dictionary` (text that the format gives a meaning). May come out empty.
std::vector<std::byte> mutate(std::vector<std::byte> file, Random& random,
                              std::span<const std::string_view> dictionary = {});

/// The words of a text between spaces, for a dictionary, and more that have spaces in them.
std::vector<std::string_view> words(std::string_view text,
                                    const std::vector<std::string_view>& more = {});

}  // namespace hewn::test
