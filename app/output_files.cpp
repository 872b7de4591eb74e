#include "app/output_files.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <system_error>
#include <unistd.h>

namespace hewn::app {

namespace fs = std::filesystem;

namespace {

/// Short, so that any target name that the file system takes has a temporary one.
fs::path temporary_name(const fs::path& directory, std::size_t index) {
  return directory / concat(".hewn-", ::getpid(), "-", index, ".tmp");
}

/// The only reliable question: permissions alone do not tell of read-only file systems.
void require_creatable(const std::string& what, const fs::path& temporary) {
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  require(file >= 0, what, ": cannot be written: ", std::strerror(errno));
  ::close(file);
  ::unlink(temporary.c_str());
}

fs::path resolve(const fs::path& target) {
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(fs::absolute(target, error), error);
  return error ? target : resolved;
}

}  // namespace

OutputFiles::~OutputFiles() {
  for (const Output& output : outputs_) {
    std::error_code ignored;
    fs::remove(output.temporary, ignored);
  }
}

void OutputFiles::expect(const std::string& option, const fs::path& target) {
  const std::string what = option + " " + target.string();
  require(target.has_filename(), what, ": expected the name of a file");
  const fs::path resolved = resolve(target);
  const fs::path directory = resolved.parent_path();
  std::error_code error;
  require(fs::is_directory(directory, error), what, ": there is no directory ", directory.string());
  const fs::file_status status = fs::status(resolved, error);
  if (fs::exists(status)) {
    require(fs::is_regular_file(status), what, ": expected a regular file, got ",
            fs::is_directory(status) ? "a directory" : "a device or the like");
    require(::access(resolved.c_str(), W_OK) == 0, what,
            ": cannot be overwritten: ", std::strerror(errno));
  }
  for (const fs::path& input : inputs_) {
    require(!fs::equivalent(resolved, input, error), what, ": would overwrite the input ",
            input.string());
  }
  for (const Output& output : outputs_) {
    require(output.target != resolved, what, ": is the same file as another output");
  }
  const fs::path temporary = temporary_name(directory, outputs_.size());
  require_creatable(what, temporary);
  outputs_.push_back({target, resolved, temporary});
}

fs::path OutputFiles::staged(const fs::path& target) const {
  const auto output = std::ranges::find(outputs_, target, &Output::asked_for);
  require(output != outputs_.end(), target.string(), ": not announced as an output");
  return output->temporary;
}

void OutputFiles::write_text(const fs::path& target, const std::string& text) const {
  std::ofstream file(staged(target), std::ios::binary);
  file << text;
  file.close();
  require(file.good(), target.string(), ": cannot be written: ", std::strerror(errno));
}

void OutputFiles::commit() {
  for (const Output& output : outputs_) {
    std::error_code error;
    fs::rename(output.temporary, output.target, error);
    require(!error, output.asked_for.string(), ": cannot be written: ", error.message());
  }
  outputs_.clear();
}

}  // namespace hewn::app
