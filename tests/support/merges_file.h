// Files for CLIP's tokenizer.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace hewn::test {

using Merges = std::vector<std::array<std::int64_t, 2>>;

/// Fourteen merges: th, the$, ca, cat$, at, oo, oooo, oo$, oooo$, 's$, é$, aa, aaa and xy, where $
/// is the end of a word. They make the tokens 512 to 525; 526 and 527 are start and end of text.
Merges few_merges();

/// Writes a file of these merges and nothing else.
void write_merges(const std::filesystem::path& path, const Merges& merges);

}  // namespace hewn::test
