// Files that a command writes: all of them, or none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hewn::app {

/// The outputs of one command. Each is written under a temporary name in its own directory, and
/// commit() renames them all. Without commit() the temporary files are removed and nothing has been
/// overwritten.
class OutputFiles {
 public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles&) = delete;
  OutputFiles& operator=(const OutputFiles&) = delete;
  ~OutputFiles();

  /// Names files that are read, which may not become outputs; empty names are none. Call before
  /// expect().
  void protect(const std::vector<std::filesystem::path>& inputs);

  /// Announces an output, before any work is done for it. Throws Error, naming the option and the
  /// file, when it could not be written: no such directory, no permission, not a regular file, an
  /// input, or announced twice.
  void expect(const std::string& option, const std::filesystem::path& target);

  /// The same, if the option was given.
  void expect_any(const std::string& option, const std::filesystem::path& target) {
    if (!target.empty()) expect(option, target);
  }

  /// The name to write an announced output to.
  std::filesystem::path staged(const std::filesystem::path& target) const;

  /// Writes text to an announced output.
  void write_text(const std::filesystem::path& target, const std::string& text) const;

  /// Renames all outputs that were staged to their own names. Throws Error when one cannot be.
  void commit();

 private:
  struct Output {
    std::filesystem::path asked_for;
    std::filesystem::path target;  // with symbolic links resolved, so that a link stays a link
    std::filesystem::path temporary;
  };

  std::vector<std::filesystem::path> inputs_;
  std::vector<Output> outputs_;
};

}  // namespace hewn::app
