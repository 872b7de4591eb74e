// What a weights file says of its model beside the tensors.
#pragma once

#include "hewn/runtime/files/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hewn {

/// The metadata `hewn.config` of a file written by weights_tools.convert, a JSON object. Immutable
/// and cheap to copy; threads may share one.
///
/// What reads a key throws Error, naming file and key, when its value is missing or another than
/// expected.
class ModelConfig {
 public:
  /// Parses it. Throws Error, naming the file, unless it is there and an object.
  explicit ModelConfig(const SafetensorsFile& file);

  /// A string.
  std::string text(const std::string& key) const;
  /// An integer from `least` to `most`, which is not written as 3.0.
  std::int64_t integer(const std::string& key, std::int64_t least, std::int64_t most) const;
  /// `count` numbers from `least` to `most`.
  std::vector<double> numbers(const std::string& key, std::size_t count, double least,
                              double most) const;
  /// A list of strings.
  std::vector<std::string> texts(const std::string& key) const;
  /// What `choices` pair with a string, which is one of theirs.
  template <typename Value>
  Value choice(const std::string& key,
               std::initializer_list<std::pair<std::string_view, Value>> choices) const {
    std::vector<std::string_view> names;
    for (const auto& choice : choices) names.push_back(choice.first);
    return choices.begin()[index(key, names)].second;
  }
  /// Whether there is a value, and it is not null.
  bool has(const std::string& key) const;
  /// Throws unless the value is this number.
  void expect(const std::string& key, std::int64_t value) const;

 private:
  class Entry;
  struct Contents;

  /// Which of `names` a string is.
  std::size_t index(const std::string& key, std::span<const std::string_view> names) const;

  std::shared_ptr<const Contents> contents_;
};

}  // namespace hewn
